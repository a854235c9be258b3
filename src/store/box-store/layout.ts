/**
 * Keys and values of the box store's LevelDB. Spec 03-mailbox §5.1.
 * Never puts a box and anything else under one prefix: what follows a box in key order is a box or the decoy.
 * @module
 */
import { createByteReader, createByteWriter, hexEncode, SECOND_MS } from '../../base/index.ts'
import type { StoreBox } from '../../ports/index.ts'
import { BOX_CIPHERTEXT_BYTES, SIGNATURE_BYTES } from '../../wire/index.ts'

const BOX_ID_BYTES = 32

/** Box id → expiry, signature, ciphertext. */
export const BOX_PREFIX = 0x62
/** Box id → expiry: the marks of tombstones. */
const MARK_PREFIX = 0x74
/** Hour of expiry, box id → nothing. */
export const BOX_EXPIRY_PREFIX = 0x65
export const MARK_EXPIRY_PREFIX = 0x78
/** How many boxes and marks there are; written with every change. */
export const ACCOUNTING_KEY: Uint8Array = Uint8Array.of(0x6d)

const HOUR_SECONDS = 3_600
const SECONDS_MAX = 0xffff_ffff
const BOX_VALUE_BYTES = 4 + SIGNATURE_BYTES + BOX_CIPHERTEXT_BYTES
const ACCOUNTING_BYTES = 4 + 4

/** @throws {RangeError} unless it is 32 bytes */
export function assertBoxId(boxId: Uint8Array): void {
  if (boxId.length !== BOX_ID_BYTES) throw new RangeError('a box id has 32 bytes')
}

/** Whole seconds, rounded down. @throws {RangeError} for what a receipt cannot say */
export function expirySeconds(expiresAtMs: number): number {
  const seconds = Math.floor(expiresAtMs / SECOND_MS)
  if (!(seconds >= 0 && seconds <= SECONDS_MAX)) throw new RangeError('expiry is not a u32 of seconds')
  return seconds
}

/** The first hour in which everything that expires at that second has expired. */
export function expiryHour(seconds: number): number {
  return Math.ceil(seconds / HOUR_SECONDS)
}

/** The hour up to which what is filed under it may be dropped; -1 before 1970. */
export function currentHour(nowMs: number): number {
  return Math.max(-1, Math.min(SECONDS_MAX, Math.floor(nowMs / SECOND_MS / HOUR_SECONDS)))
}

function prefixed(prefix: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const writer = createByteWriter(parts.reduce((sum, part) => sum + part.length, 1)).u8(prefix)
  for (const part of parts) writer.bytes(part)
  return writer.finish()
}

export function boxKey(boxId: Uint8Array): Uint8Array {
  return prefixed(BOX_PREFIX, boxId)
}

export function markKey(boxId: Uint8Array): Uint8Array {
  return prefixed(MARK_PREFIX, boxId)
}

export function expiryKey(prefix: number, hour: number, boxId: Uint8Array): Uint8Array {
  return createByteWriter(1 + 4 + BOX_ID_BYTES)
    .u8(prefix)
    .u32(hour)
    .bytes(boxId)
    .finish()
}

/** The first key of that hour, whatever the id. */
export function hourKey(prefix: number, hour: number): Uint8Array {
  return createByteWriter(1 + 4)
    .u8(prefix)
    .u32(hour)
    .finish()
}

/** Just above every box: what a miss beyond the last box reads. */
export const DECOY_KEY: Uint8Array = prefixed(BOX_PREFIX, new Uint8Array(BOX_ID_BYTES + 1).fill(0xff))
export const DECOY_VALUE: Uint8Array = new Uint8Array(BOX_VALUE_BYTES)

/** The box id in a key of any kind but accounting. */
export function idOfKey(key: Uint8Array): Uint8Array {
  return key.slice(-BOX_ID_BYTES)
}

/** One map key for each id. */
export function idText(boxId: Uint8Array): string {
  return hexEncode(boxId)
}

/** A copy. @throws {RangeError} for parts of a wrong size */
export function encodeBoxValue(box: StoreBox, expiry: number): Uint8Array {
  if (box.signature.length !== SIGNATURE_BYTES) throw new RangeError('a signature has 64 bytes')
  return createByteWriter(BOX_VALUE_BYTES).u32(expiry).bytes(box.signature).bytes(box.ciphertext).finish()
}

export interface BoxValue {
  readonly expiry: number
  readonly signature: Uint8Array
  readonly ciphertext: Uint8Array
}

export function decodeBoxValue(value: Uint8Array): BoxValue | undefined {
  const reader = createByteReader(value)
  const decoded = {
    expiry: reader.u32(),
    signature: reader.bytes(SIGNATURE_BYTES),
    ciphertext: reader.bytes(BOX_CIPHERTEXT_BYTES),
  }
  return reader.end() ? decoded : undefined
}

/** Whether both carry the same signature and ciphertext, whatever their expiry. */
export function isSameBox(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a.subarray(4), b.subarray(4)) === 0
}

/** What both kinds of value begin with. */
export function expiryOf(value: Uint8Array): number {
  return createByteReader(value).u32()
}

export function encodeMarkValue(expiry: number): Uint8Array {
  return createByteWriter(4).u32(expiry).finish()
}

export interface Accounting {
  readonly boxes: number
  readonly marks: number
}

export function encodeAccounting({ boxes, marks }: Accounting): Uint8Array {
  return createByteWriter(ACCOUNTING_BYTES).u32(boxes).u32(marks).finish()
}

export function decodeAccounting(value: Uint8Array): Accounting | undefined {
  const reader = createByteReader(value)
  const accounting = { boxes: reader.u32(), marks: reader.u32() }
  return reader.end() ? accounting : undefined
}
