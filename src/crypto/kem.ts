/**
 * ML-KEM-768 (FIPS 203) with the key pair kept as its 64-byte seed.
 * Never used without X25519 next to it. CRYPTO §2d, spec 04-session §2.
 * @module
 */
import { decapsulate, encapsulate, type KeyObject } from 'node:crypto'
import { plainBytes, randomBytes } from './bytes.ts'
import { exportPublicKey, importPrivateKey, importPublicKey } from './key-object.ts'
import { assertLength, KEM_CIPHERTEXT_BYTES, KEM_ENCAPSULATION_KEY_BYTES, KEM_SEED_BYTES } from './sizes.ts'

export interface KemKeyPair {
  /** `d ‖ z`, 64 bytes; the secret. */
  readonly seed: Uint8Array
  readonly encapsulationKey: Uint8Array
}

export interface KemEncapsulation {
  readonly ciphertext: Uint8Array
  readonly sharedSecret: Uint8Array
}

function importSeed(seed: Uint8Array): KeyObject {
  assertLength('seed', seed, KEM_SEED_BYTES)
  return importPrivateKey('ml-kem-768', seed)
}

/** A fresh key pair. */
export function createKemKeyPair(): KemKeyPair {
  const seed = randomBytes(KEM_SEED_BYTES)
  return { seed, encapsulationKey: kemEncapsulationKey(seed) }
}

/** The 1,184-byte public key of a seed. @throws {RangeError} for a seed of another length than 64 */
export function kemEncapsulationKey(seed: Uint8Array): Uint8Array {
  return exportPublicKey(importSeed(seed))
}

/** A fresh secret and its ciphertext, or undefined when the foreign key fails the checks of FIPS 203 §7.2. */
export function kemEncapsulate(encapsulationKey: Uint8Array): KemEncapsulation | undefined {
  if (encapsulationKey.length !== KEM_ENCAPSULATION_KEY_BYTES) return undefined
  const key = importEncapsulationKey(encapsulationKey)
  if (key === undefined) return undefined
  const { ciphertext, sharedKey } = encapsulate(key)
  return { ciphertext: plainBytes(ciphertext), sharedSecret: plainBytes(sharedKey) }
}

function importEncapsulationKey(key: Uint8Array): KeyObject | undefined {
  try {
    return importPublicKey('ml-kem-768', key)
  } catch (error: unknown) {
    // A coefficient that is not reduced modulo q. Other errors are bugs and pass.
    if (error instanceof Error && 'code' in error && error.code === 'ERR_INVALID_ARG_VALUE') return undefined
    throw error
  }
}

/**
 * The secret inside a ciphertext, or undefined for a ciphertext of another length than 1,088 bytes. A forged one
 * of the right length gives an unrelated secret (implicit rejection), so that only a later AEAD tells.
 * @throws {RangeError} for a seed of another length than 64
 */
export function kemDecapsulate(seed: Uint8Array, ciphertext: Uint8Array): Uint8Array | undefined {
  const key = importSeed(seed)
  return ciphertext.length === KEM_CIPHERTEXT_BYTES ? plainBytes(decapsulate(key, ciphertext)) : undefined
}
