/**
 * Ed25519 (RFC 8032) from 32-byte seeds, and the expanded form in which tor keeps onion service keys.
 * Never signs message content: 1:1 conversations stay deniable. CRYPTO §2c, spec 04-session §8.
 * @module
 */
import { type KeyObject, sign, verify } from 'node:crypto'
import type { OnionSecretKey } from '../ports/index.ts'
import { plainBytes, randomBytes } from './bytes.ts'
import { sha512 } from './hash.ts'
import { exportPublicKey, importPrivateKey, importPublicKey } from './key-object.ts'
import { assertLength, KEY_BYTES, SIGNATURE_BYTES } from './sizes.ts'

function importSeed(seed: Uint8Array): KeyObject {
  assertLength('seed', seed, KEY_BYTES)
  return importPrivateKey('ed25519', seed)
}

/** A fresh 32-byte private key. */
export function createEd25519Seed(): Uint8Array {
  return randomBytes(KEY_BYTES)
}

/** The public key of a seed. @throws {RangeError} for a seed of another length than 32 */
export function ed25519PublicKey(seed: Uint8Array): Uint8Array {
  return exportPublicKey(importSeed(seed))
}

/** The deterministic 64-byte signature. @throws {RangeError} for a seed of another length than 32 */
export function ed25519Sign(seed: Uint8Array, message: Uint8Array): Uint8Array {
  return plainBytes(sign(null, message, importSeed(seed)))
}

/** True for a valid signature only; foreign keys and signatures of any length and content give false, never an error. */
export function ed25519Verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  if (publicKey.length !== KEY_BYTES || signature.length !== SIGNATURE_BYTES) return false
  return verify(null, message, importPublicKey('ed25519', publicKey), signature)
}

/**
 * The key of a v3 onion service from a seed, in the form ADD_ONION takes: clamped scalar, then the PRF half
 * (RFC 8032 §5.1.5). Wipe `secretKey` when the service is down.
 * @throws {RangeError} for a seed of another length than 32
 */
export function deriveOnionKey(seed: Uint8Array): { secretKey: OnionSecretKey; publicKey: Uint8Array } {
  const publicKey = ed25519PublicKey(seed)
  const expanded = sha512(seed)
  expanded[0] = (expanded[0] ?? 0) & 0xf8
  expanded[31] = ((expanded[31] ?? 0) & 0x7f) | 0x40
  return { secretKey: expanded as OnionSecretKey, publicKey }
}
