/**
 * The plaintext of an envelope's header, which travels encrypted under the ratchet's header key.
 * Never travels in the clear: it would link envelopes of one chain. Spec 04-session §5.2.
 * @module
 */
import { createByteReader, createByteWriter } from '../base/index.ts'
import { KEY_BYTES } from '../crypto/index.ts'
import { RATCHET_HEADER_BYTES } from './geometry.ts'

// All bits are reserved; a later version with post-quantum chunks will use them.
const FLAGS_NONE = 0

export interface RatchetHeader {
  /** The sender's current ratchet public key, 32 bytes. */
  readonly ratchetKey: Uint8Array
  /** How many envelopes the sender's previous chain had. */
  readonly previousCount: number
  /** Place of this envelope in its chain, from 0. */
  readonly number: number
}

/** Always `RATCHET_HEADER_BYTES` long. A field out of range is a bug and throws `RangeError`. */
export function encodeRatchetHeader(header: RatchetHeader): Uint8Array {
  return createByteWriter(RATCHET_HEADER_BYTES)
    .u8(FLAGS_NONE)
    .bytes(header.ratchetKey)
    .u32(header.previousCount)
    .u32(header.number)
    .finish()
}

/** Undefined for every other length and for flags this version does not know. */
export function decodeRatchetHeader(bytes: Uint8Array): RatchetHeader | undefined {
  const reader = createByteReader(bytes)
  const flags = reader.u8()
  const ratchetKey = reader.bytes(KEY_BYTES)
  const previousCount = reader.u32()
  const number = reader.u32()
  return reader.end() && flags === FLAGS_NONE ? { ratchetKey, previousCount, number } : undefined
}
