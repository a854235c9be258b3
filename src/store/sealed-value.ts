/**
 * Seals values for the disk: padded to a bucket, bound to their place. Spec 09-store §4, §5.
 * Never shows more of a value than its bucket and whether it is erasable.
 * @module
 */
import { createByteReader, createByteWriter, utf8Encode } from '../base/index.ts'
import { aeadOpen, aeadSeal, framed, hmacSha256, label, randomBytes, wipe } from '../crypto/index.ts'
import { assertValueSize } from './limits.ts'
import { SCHEMA_VERSION } from './options.ts'

const VALUE_FORMAT = 1
const SALT_BYTES = 12
const NONCE_BYTES = 12
const TAG_BYTES = 16
const LENGTH_BYTES = 4
/** What one layer of sealing adds. */
export const SEALED_OVERHEAD_BYTES = 1 + SALT_BYTES + NONCE_BYTES + TAG_BYTES

const SMALL_BUCKETS_BYTES = [256, 1_024, 4_096, 16_384, 65_536] as const
const LARGE_BUCKET_BYTES = 65_536

const VALUE_LABEL = label('store/value')
const ERASABLE_LABEL = label('store/erasable-value')
const RECORD_KEY_LABEL = label('store/record-key')
const SCHEMA_FIELD = createByteWriter(2).u16(SCHEMA_VERSION).finish()

/** The padded length of a value, its own length field included. */
export function bucketBytes(valueBytes: number): number {
  const needed = valueBytes + LENGTH_BYTES
  const small = SMALL_BUCKETS_BYTES.find((bucket) => needed <= bucket)
  return small ?? Math.ceil(needed / LARGE_BUCKET_BYTES) * LARGE_BUCKET_BYTES
}

function pad(value: Uint8Array): Uint8Array {
  assertValueSize(value)
  const padded = new Uint8Array(bucketBytes(value.length))
  new DataView(padded.buffer).setUint32(0, value.length)
  padded.set(value, LENGTH_BYTES)
  return padded
}

/** Strict: the one bucket that `pad` chooses, and zeros only. */
function unpad(padded: Uint8Array): Uint8Array | undefined {
  const reader = createByteReader(padded)
  const length = reader.u32()
  if (length > reader.remaining() || bucketBytes(length) !== padded.length) return undefined
  if (padded.subarray(LENGTH_BYTES + length).some((byte) => byte !== 0)) return undefined
  return reader.bytes(length)
}

/**
 * A key for one record, so that salt and nonce together are 24 random bytes and no number of writes under one
 * table key comes near a repetition. A counter of writes, the alternative, would itself have to survive crashes.
 */
function recordKey(key: Uint8Array, salt: Uint8Array): Uint8Array {
  return hmacSha256(key, framed(RECORD_KEY_LABEL, salt))
}

function sealLayer(key: Uint8Array, associatedData: Uint8Array, plaintext: Uint8Array): Uint8Array {
  const salt = randomBytes(SALT_BYTES)
  const nonce = randomBytes(NONCE_BYTES)
  const ownKey = recordKey(key, salt)
  const ciphertext = aeadSeal(ownKey, nonce, associatedData, plaintext)
  wipe(ownKey)
  return createByteWriter(SEALED_OVERHEAD_BYTES + plaintext.length)
    .u8(VALUE_FORMAT)
    .bytes(salt)
    .bytes(nonce)
    .bytes(ciphertext)
    .finish()
}

function openLayer(key: Uint8Array, associatedData: Uint8Array, sealed: Uint8Array): Uint8Array | undefined {
  const reader = createByteReader(sealed)
  const format = reader.u8()
  const salt = reader.bytes(SALT_BYTES)
  const nonce = reader.bytes(NONCE_BYTES)
  const ciphertext = reader.bytes(reader.remaining())
  if (!reader.end() || format !== VALUE_FORMAT) return undefined
  const ownKey = recordKey(key, salt)
  const plaintext = aeadOpen(ownKey, nonce, associatedData, ciphertext)
  wipe(ownKey)
  return plaintext
}

/** Where a value belongs. A value moved to another place does not open. */
export interface ValuePlace {
  readonly table: string
  readonly hashedKey: Uint8Array
}

function valueData({ table, hashedKey }: ValuePlace): Uint8Array {
  return framed(VALUE_LABEL, utf8Encode(table), hashedKey, SCHEMA_FIELD)
}

export function sealValue(tableKey: Uint8Array, place: ValuePlace, value: Uint8Array): Uint8Array {
  const padded = pad(value)
  const sealed = sealLayer(tableKey, valueData(place), padded)
  wipe(padded)
  return sealed
}

/** The value, or undefined when any byte or its place changed. */
export function openValue(tableKey: Uint8Array, place: ValuePlace, sealed: Uint8Array): Uint8Array | undefined {
  const padded = openLayer(tableKey, valueData(place), sealed)
  if (padded === undefined) return undefined
  const value = unpad(padded)
  wipe(padded)
  return value
}

function erasableData(hashedKey: Uint8Array): Uint8Array {
  return framed(ERASABLE_LABEL, hashedKey, SCHEMA_FIELD)
}

/**
 * The outer layer of an erasable value. It takes no table, so that renewal, which knows hashed keys only, can change
 * it without ever opening the value.
 */
export function sealErasable(erasableKey: Uint8Array, hashedKey: Uint8Array, sealedValue: Uint8Array): Uint8Array {
  return sealLayer(erasableKey, erasableData(hashedKey), sealedValue)
}

export function openErasable(
  erasableKey: Uint8Array,
  hashedKey: Uint8Array,
  sealed: Uint8Array,
): Uint8Array | undefined {
  return openLayer(erasableKey, erasableData(hashedKey), sealed)
}
