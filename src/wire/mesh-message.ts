/**
 * What hosts ask each other over the mesh, and the answers.
 * Never of a length that depends on the answer: a hit, a miss and a refusal are of one size. Spec 03-mailbox §6.1.
 * @module
 */
import { createByteReader, createByteWriter } from '../base/index.ts'
import { KEY_BYTES } from '../crypto/index.ts'
import { type Box, decodeBox, encodeBox } from './box.ts'
import { BOX_BYTES, HOST_DESCRIPTOR_BYTES, HOST_ID_BYTES, SIGNATURE_BYTES } from './geometry.ts'
import { isZero } from './pad.ts'

/** Number of each operation on the wire. */
export const MESH_OPERATION = {
  /** A request that a client sealed; answered with the sealed reply, or refused. */
  relay: 1,
  store: 2,
  has: 3,
  /** Answered in the layout that a client gets it in, `FETCH_REPLY_BYTES`. */
  fetch: 4,
  tombstone: 5,
  tableRoot: 6,
  tablePage: 7,
  announce: 8,
  /** Which of many boxes are there; for repair. */
  inventory: 9,
} as const

export interface MeshStore {
  readonly box: Box
  /** Whole seconds since the Unix epoch; 0 lets the host give the box its full life, as for every new one. */
  readonly expiresAtSeconds: number
}

export function encodeMeshStore({ box, expiresAtSeconds }: MeshStore): Uint8Array {
  return createByteWriter(BOX_BYTES + 4)
    .bytes(encodeBox(box))
    .u32(expiresAtSeconds)
    .finish()
}

/** Undefined for every other length. Says nothing of the signature. */
export function decodeMeshStore(bytes: Uint8Array): MeshStore | undefined {
  const reader = createByteReader(bytes)
  const box = decodeBox(reader.bytes(BOX_BYTES))
  const expiresAtSeconds = reader.u32()
  return reader.end() && box !== undefined ? { box, expiresAtSeconds } : undefined
}

const REFUSED = { conflict: 2, full: 3, invalid: 4, tombstoned: 5 } as const
const STORED = 1

export type MeshStoreRefusal = keyof typeof REFUSED

export type MeshStoreResult =
  /** A receipt, without the name of the host that was asked. */
  | { readonly status: 'stored'; readonly expiresAtSeconds: number; readonly signature: Uint8Array }
  | { readonly status: MeshStoreRefusal }

const STORE_RESULT_BYTES = 1 + 4 + SIGNATURE_BYTES

/** Always of one length. */
export function encodeMeshStoreResult(result: MeshStoreResult): Uint8Array {
  const writer = createByteWriter(STORE_RESULT_BYTES)
  if (result.status === 'stored') return writer.u8(STORED).u32(result.expiresAtSeconds).bytes(result.signature).finish()
  return writer
    .u8(REFUSED[result.status])
    .bytes(new Uint8Array(STORE_RESULT_BYTES - 1))
    .finish()
}

/** Undefined for every other form. */
export function decodeMeshStoreResult(bytes: Uint8Array): MeshStoreResult | undefined {
  const reader = createByteReader(bytes)
  const code = reader.u8()
  const expiresAtSeconds = reader.u32()
  const signature = reader.bytes(SIGNATURE_BYTES)
  if (!reader.end()) return undefined
  if (code === STORED) return { status: 'stored', expiresAtSeconds, signature }
  const status = (Object.keys(REFUSED) as MeshStoreRefusal[]).find((word) => REFUSED[word] === code)
  return status !== undefined && expiresAtSeconds === 0 && isZero(signature) ? { status } : undefined
}

/** A box id, or a cursor into the host table: 32 bytes and nothing else. */
export function decodeMeshId(bytes: Uint8Array): Uint8Array | undefined {
  return bytes.length === KEY_BYTES ? bytes : undefined
}

export interface MeshTombstone {
  readonly boxId: Uint8Array
  readonly signature: Uint8Array
}

export function encodeMeshTombstone({ boxId, signature }: MeshTombstone): Uint8Array {
  return createByteWriter(KEY_BYTES + SIGNATURE_BYTES)
    .bytes(boxId)
    .bytes(signature)
    .finish()
}

/** Undefined for every other length. */
export function decodeMeshTombstone(bytes: Uint8Array): MeshTombstone | undefined {
  const reader = createByteReader(bytes)
  const boxId = reader.bytes(KEY_BYTES)
  const signature = reader.bytes(SIGNATURE_BYTES)
  return reader.end() ? { boxId, signature } : undefined
}

/** One byte: the answer to `has`, and, always true, that `tombstone` and `announce` have come. */
export function encodeMeshFlag(flag: boolean): Uint8Array {
  return Uint8Array.of(flag ? 1 : 0)
}

/** Undefined for every other form. */
export function decodeMeshFlag(bytes: Uint8Array): boolean | undefined {
  if (bytes.length !== 1) return undefined
  if (bytes[0] === 1) return true
  return bytes[0] === 0 ? false : undefined
}

export interface MeshTableRoot {
  readonly root: Uint8Array
  readonly hostCount: number
}

export function encodeMeshTableRoot({ root, hostCount }: MeshTableRoot): Uint8Array {
  return createByteWriter(HOST_ID_BYTES + 4)
    .bytes(root)
    .u32(hostCount)
    .finish()
}

/** Undefined for every other length. */
export function decodeMeshTableRoot(bytes: Uint8Array): MeshTableRoot | undefined {
  const reader = createByteReader(bytes)
  const root = reader.bytes(HOST_ID_BYTES)
  const hostCount = reader.u32()
  return reader.end() ? { root, hostCount } : undefined
}

/** Descriptors in one page between hosts: about 14 KB, so that a table of 10,000 takes 157 pages. Guessed. */
export const MESH_TABLE_PAGE_COUNT = 64

const MESH_TABLE_PAGE_BYTES = 1 + MESH_TABLE_PAGE_COUNT * HOST_DESCRIPTOR_BYTES

/** Encoded descriptors ascending by host id. Always of one length. More than fit are a bug: `RangeError`. */
export function encodeMeshTablePage(descriptors: readonly Uint8Array[]): Uint8Array {
  if (descriptors.length > MESH_TABLE_PAGE_COUNT) throw new RangeError('too many descriptors for a page')
  const writer = createByteWriter(MESH_TABLE_PAGE_BYTES).u8(descriptors.length)
  for (const descriptor of descriptors) writer.bytes(descriptor)
  return writer.bytes(new Uint8Array((MESH_TABLE_PAGE_COUNT - descriptors.length) * HOST_DESCRIPTOR_BYTES)).finish()
}

/** Undefined for every other form. Says nothing of the descriptors and their order. */
export function decodeMeshTablePage(bytes: Uint8Array): readonly Uint8Array[] | undefined {
  if (bytes.length !== MESH_TABLE_PAGE_BYTES) return undefined
  const reader = createByteReader(bytes)
  const count = reader.u8()
  if (count > MESH_TABLE_PAGE_COUNT) return undefined
  const descriptors = Array.from({ length: count }, () => reader.bytes(HOST_DESCRIPTOR_BYTES))
  const padding = reader.bytes(reader.remaining())
  return reader.end() && isZero(padding) ? descriptors : undefined
}

/** Ids in one question about many boxes: about 4 KB. Guessed. */
export const MESH_INVENTORY_COUNT = 128

const INVENTORY_RESULT_BYTES = MESH_INVENTORY_COUNT / 8

/** One to `MESH_INVENTORY_COUNT` box ids. Always of one length. */
export function encodeMeshInventory(boxIds: readonly Uint8Array[]): Uint8Array {
  if (boxIds.length === 0 || boxIds.length > MESH_INVENTORY_COUNT) throw new RangeError('wrong count of box ids')
  const writer = createByteWriter(1 + MESH_INVENTORY_COUNT * KEY_BYTES).u8(boxIds.length)
  for (const boxId of boxIds) writer.bytes(boxId)
  return writer.bytes(new Uint8Array((MESH_INVENTORY_COUNT - boxIds.length) * KEY_BYTES)).finish()
}

/** Undefined for every other form. */
export function decodeMeshInventory(bytes: Uint8Array): readonly Uint8Array[] | undefined {
  if (bytes.length !== 1 + MESH_INVENTORY_COUNT * KEY_BYTES) return undefined
  const reader = createByteReader(bytes)
  const count = reader.u8()
  if (count === 0 || count > MESH_INVENTORY_COUNT) return undefined
  const boxIds = Array.from({ length: count }, () => reader.bytes(KEY_BYTES))
  const padding = reader.bytes(reader.remaining())
  return reader.end() && isZero(padding) ? boxIds : undefined
}

/** Bit i, counted from the lowest of the first byte, says that box i is there. Always of one length. */
export function encodeMeshInventoryResult(found: readonly boolean[]): Uint8Array {
  if (found.length > MESH_INVENTORY_COUNT) throw new RangeError('wrong count of answers')
  const bytes = new Uint8Array(INVENTORY_RESULT_BYTES)
  for (const [index, isThere] of found.entries()) {
    if (isThere) bytes[index >> 3] = (bytes[index >> 3] ?? 0) | (1 << (index & 7))
  }
  return bytes
}

/** The answers to `count` ids; undefined for every other form. */
export function decodeMeshInventoryResult(bytes: Uint8Array, count: number): readonly boolean[] | undefined {
  if (bytes.length !== INVENTORY_RESULT_BYTES) return undefined
  const bits = Array.from(
    { length: MESH_INVENTORY_COUNT },
    (_, index) => ((bytes[index >> 3] ?? 0) & (1 << (index & 7))) !== 0,
  )
  return bits.lastIndexOf(true) < count ? bits.slice(0, count) : undefined
}
