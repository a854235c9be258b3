/**
 * Hashes, MACs, key derivation, and the two forms in which data enters them: labels and framed fields.
 * Never joins variable fields without their lengths. CRYPTO §2d, spec 04-session §3.
 * @module
 */
import { createHash, createHmac, createSecretKey, hkdfSync } from 'node:crypto'
import { createByteWriter, utf8Encode } from '../base/index.ts'
import { plainBytes } from './bytes.ts'

const LABEL_PREFIX = 'noctule/v1/'

/** Domain separation: the UTF-8 bytes of `noctule/v1/<purpose>`. Each purpose is used in one place only. */
export function label(purpose: string): Uint8Array {
  return utf8Encode(LABEL_PREFIX + purpose)
}

/** Injective: two different lists of fields never give the same bytes. Each field follows its length as u32. */
export function framed(...fields: readonly Uint8Array[]): Uint8Array {
  let length = 0
  for (const field of fields) length += 4 + field.length
  const writer = createByteWriter(length)
  for (const field of fields) writer.u32(field.length).bytes(field)
  return writer.finish()
}

function digest(algorithm: string, parts: readonly Uint8Array[]): Uint8Array {
  const hash = createHash(algorithm)
  for (const part of parts) hash.update(part)
  return plainBytes(hash.digest())
}

/** SHA-256 of the parts one after the other; the caller frames them. */
export function sha256(...parts: readonly Uint8Array[]): Uint8Array {
  return digest('sha256', parts)
}

/** SHA-256 of something that does not fit into memory at once. */
export interface RunningHash {
  update(part: Uint8Array): void
  /** The hash of all parts one after the other; nothing can be added after it. */
  finish(): Uint8Array
}

export function createSha256(): RunningHash {
  const hash = createHash('sha256')
  return {
    update(part) {
      hash.update(part)
    },
    finish: () => plainBytes(hash.digest()),
  }
}

/** SHA-512 of the parts one after the other; the caller frames them. */
export function sha512(...parts: readonly Uint8Array[]): Uint8Array {
  return digest('sha512', parts)
}

/** SHA3-256 of the parts one after the other; tor's onion address checksum uses it. */
export function sha3256(...parts: readonly Uint8Array[]): Uint8Array {
  return digest('sha3-256', parts)
}

/** HMAC-SHA-256 (RFC 2104). The key goes in as a key object: raw keys cost several times more on Node 24, CRYPTO §0. */
export function hmacSha256(key: Uint8Array, ...parts: readonly Uint8Array[]): Uint8Array {
  const hmac = createHmac('sha256', createSecretKey(key))
  for (const part of parts) hmac.update(part)
  return plainBytes(hmac.digest())
}

/** HKDF-SHA-256 (RFC 5869), extract and expand. `info` holds at most 1,024 bytes: hash longer contexts first. */
export function hkdfSha256(ikm: Uint8Array, salt: Uint8Array, info: Uint8Array, lengthBytes: number): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', createSecretKey(ikm), salt, info, lengthBytes))
}
