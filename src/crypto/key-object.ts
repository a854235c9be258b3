/**
 * Turns raw key bytes into key objects and back.
 * Never goes through DER (several times slower) or JWK (makes strings that cannot be erased). CRYPTO §1.1, §2f.
 * @module
 */
import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto'
import { plainBytes } from './bytes.ts'

export type KeyAlgorithm = 'x25519' | 'ed25519' | 'ml-kem-768'

// The same memory; node's types ask for a Buffer where any view does.
function bufferView(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

/** The key object of a private key (X25519), seed (Ed25519) or `d ‖ z` (ML-KEM) whose length the caller has checked. */
export function importPrivateKey(algorithm: KeyAlgorithm, raw: Uint8Array): KeyObject {
  const format = algorithm === 'ml-kem-768' ? 'raw-seed' : 'raw-private'
  return createPrivateKey({ key: bufferView(raw), format, asymmetricKeyType: algorithm })
}

/** The key object of a public key whose length the caller has checked. */
export function importPublicKey(algorithm: KeyAlgorithm, raw: Uint8Array): KeyObject {
  return createPublicKey({ key: bufferView(raw), format: 'raw-public', asymmetricKeyType: algorithm })
}

/** The raw public half of a private key. */
export function exportPublicKey(privateKey: KeyObject): Uint8Array {
  return plainBytes(createPublicKey(privateKey).export({ format: 'raw-public' }))
}
