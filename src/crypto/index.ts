/** The primitives: hashes, key agreement, signatures, KEM, AEAD, password hash, secret bytes. @module */
export { aeadOpen, aeadSeal } from './aead.ts'
export type { Argon2Parameters } from './argon2id.ts'
export { argon2id } from './argon2id.ts'
export { constantTimeEqual, randomBytes, wipe } from './bytes.ts'
export { createEd25519Seed, deriveOnionKey, ed25519PublicKey, ed25519Sign, ed25519Verify } from './ed25519.ts'
export type { RunningHash } from './hash.ts'
export { createSha256, framed, hkdfSha256, hmacSha256, label, sha256, sha512, sha3256 } from './hash.ts'
export type { KemEncapsulation, KemKeyPair } from './kem.ts'
export { createKemKeyPair, kemDecapsulate, kemEncapsulate, kemEncapsulationKey } from './kem.ts'
export { onionPublicKey } from './onion-public-key.ts'
export type { ScryptParameters } from './scrypt.ts'
export { scrypt } from './scrypt.ts'
export {
  AEAD_KEY_BYTES,
  HASH_BYTES,
  KEM_CIPHERTEXT_BYTES,
  KEM_ENCAPSULATION_KEY_BYTES,
  KEM_SEED_BYTES,
  KEY_BYTES,
} from './sizes.ts'
export type { X25519Key, X25519KeyPair } from './x25519.ts'
export { createX25519Key, createX25519KeyPair, importX25519Key, x25519, x25519PublicKey } from './x25519.ts'
