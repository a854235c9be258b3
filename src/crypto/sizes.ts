/**
 * Sizes of keys and results of the one suite noctule speaks: X25519, Ed25519, ML-KEM-768, SHA-256, ChaCha20-Poly1305.
 * Never negotiated: another suite is another protocol version. Spec 04-session §2.
 * @module
 */

export const KEY_BYTES = 32
export const HASH_BYTES = 32
export const SIGNATURE_BYTES = 64
export const AEAD_KEY_BYTES = 32
/** `d ‖ z` of FIPS 203 §7.1; the whole key pair is derived from it. */
export const KEM_SEED_BYTES = 64
export const KEM_ENCAPSULATION_KEY_BYTES = 1184
export const KEM_CIPHERTEXT_BYTES = 1088

/** Throws for a length that only a bug of ours can cause; foreign bytes are answered with undefined instead. */
export function assertLength(name: string, bytes: Uint8Array, length: number): void {
  if (bytes.length !== length) throw new RangeError(`${name} must have ${length} bytes`)
}
