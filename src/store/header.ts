/**
 * The header file: how the master key is wrapped. Spec 09-store §2.
 * Never holds a secret in the clear.
 * @module
 */
import { createByteReader, createByteWriter, equalBytes, utf8Encode } from '../base/index.ts'
import type { Argon2Parameters } from '../crypto/index.ts'
import { sha256 } from '../crypto/index.ts'
import { KDF_CEILING, SCHEMA_VERSION } from './options.ts'

const MAGIC = utf8Encode('noctstor')
const FORMAT_VERSION = 1
const CHECKSUM_BYTES = 32
export const SALT_BYTES = 32
export const WRAP_NONCE_BYTES = 12
const WRAPPED_KEY_BYTES = 48
const PARAMETER_BYTES = 8 + 2 + 2 + 4 + 12 + SALT_BYTES
export const HEADER_BYTES = PARAMETER_BYTES + WRAP_NONCE_BYTES + WRAPPED_KEY_BYTES + CHECKSUM_BYTES
/** Every later version stays below this, so that it can be told from damage. */
export const HEADER_MAX_BYTES = 4_096

const SECRET_CODES = { passphrase: 1, 'key-file': 2 } as const
const NO_KDF: Argon2Parameters = { memoryKiB: 0, passes: 0, parallelism: 0 }

/** The part that says how to get the wrapping key; it is the associated data of the wrapped key. */
export interface HeaderParameters {
  readonly secretType: 'passphrase' | 'key-file'
  /** All zero for a key file. */
  readonly kdf: Argon2Parameters
  readonly salt: Uint8Array
}

export interface Header extends HeaderParameters {
  readonly nonce: Uint8Array
  readonly wrappedKey: Uint8Array
}

export type HeaderResult =
  | { readonly ok: true; readonly header: Header }
  | { readonly ok: false; readonly reason: 'corrupt' | 'too-new' }

export function encodeHeaderParameters(parameters: HeaderParameters): Uint8Array {
  const { memoryKiB, passes, parallelism } = parameters.kdf
  return createByteWriter(PARAMETER_BYTES)
    .bytes(MAGIC)
    .u16(FORMAT_VERSION)
    .u16(SCHEMA_VERSION)
    .u32(SECRET_CODES[parameters.secretType])
    .u32(memoryKiB)
    .u32(passes)
    .u32(parallelism)
    .bytes(parameters.salt)
    .finish()
}

export function encodeHeader(header: Header): Uint8Array {
  const parameters = encodeHeaderParameters(header)
  return createByteWriter(HEADER_BYTES)
    .bytes(parameters)
    .bytes(header.nonce)
    .bytes(header.wrappedKey)
    .bytes(sha256(parameters, header.nonce, header.wrappedKey))
    .finish()
}

function isPlausibleKdf(kdf: Argon2Parameters, secretType: 'passphrase' | 'key-file'): boolean {
  const { memoryKiB, passes, parallelism } = kdf
  if (secretType === 'key-file') return memoryKiB === 0 && passes === 0 && parallelism === 0
  if (passes < 1 || passes > KDF_CEILING.passes) return false
  if (parallelism < 1 || parallelism > KDF_CEILING.parallelism) return false
  return memoryKiB >= 8 * parallelism && memoryKiB <= KDF_CEILING.memoryKiB
}

/** The checksum comes first: it tells damage from a newer version, and damage from a wrong passphrase. */
export function decodeHeader(bytes: Uint8Array): HeaderResult {
  const corrupt: HeaderResult = { ok: false, reason: 'corrupt' }
  if (bytes.length < MAGIC.length + 4 + CHECKSUM_BYTES || bytes.length > HEADER_MAX_BYTES) return corrupt
  const covered = bytes.subarray(0, bytes.length - CHECKSUM_BYTES)
  if (!equalBytes(sha256(covered), bytes.subarray(covered.length))) return corrupt
  const reader = createByteReader(covered)
  if (!equalBytes(reader.bytes(MAGIC.length), MAGIC)) return corrupt
  const format = reader.u16()
  const schema = reader.u16()
  if (format > FORMAT_VERSION || schema > SCHEMA_VERSION) return { ok: false, reason: 'too-new' }
  if (format !== FORMAT_VERSION || schema !== SCHEMA_VERSION) return corrupt
  const secretCode = reader.u32()
  const kdf = { memoryKiB: reader.u32(), passes: reader.u32(), parallelism: reader.u32() }
  const salt = reader.bytes(SALT_BYTES)
  const nonce = reader.bytes(WRAP_NONCE_BYTES)
  const wrappedKey = reader.bytes(WRAPPED_KEY_BYTES)
  if (!reader.end()) return corrupt
  if (secretCode !== SECRET_CODES.passphrase && secretCode !== SECRET_CODES['key-file']) return corrupt
  const secretType = secretCode === SECRET_CODES.passphrase ? 'passphrase' : 'key-file'
  if (!isPlausibleKdf(kdf, secretType)) return corrupt
  return { ok: true, header: { secretType, kdf: secretType === 'passphrase' ? kdf : NO_KDF, salt, nonce, wrappedKey } }
}
