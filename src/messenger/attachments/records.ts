/**
 * The shape of what is stored of files, and the tables it lies in.
 * Never holds the path of a file, and the key of one only in a table that is erasable. Spec 10-messenger §2, §8.
 * @module
 */
import {
  createPacked,
  FILE_CHUNKS_MAX_COUNT,
  FILE_HASH_BYTES,
  FILE_MAX_BYTES,
  FILE_NAME_MAX_BYTES,
  MIME_TYPE_MAX_BYTES,
  type ShapeValue,
  shape,
} from '../../wire/index.ts'
import { createBitmap } from './bitmap.ts'

const ID_BYTES = 32
const CODE_MAX_BYTES = 64
const LIST_MAX_COUNT = 10_000

const counter = shape.integer(0, Number.MAX_SAFE_INTEGER)
const id = shape.text(ID_BYTES, ID_BYTES)
const chunkCount = shape.integer(0, FILE_CHUNKS_MAX_COUNT)

export const TRANSFER_STATES = [
  'queued',
  'sending',
  'stored',
  'offered',
  'waiting',
  'downloading',
  'complete',
  'failed',
  'cancelled',
] as const

const transferRecord = shape.record({
  /** Names its rows in the table of chunks; random. */
  transferId: id,
  messageId: id,
  direction: shape.oneOf('sent', 'received'),
  name: shape.text(FILE_NAME_MAX_BYTES, 1),
  mimeType: shape.optional(shape.text(MIME_TYPE_MAX_BYTES, 1)),
  bytes: shape.integer(0, FILE_MAX_BYTES),
  hash: shape.bytes(FILE_HASH_BYTES),
  state: shape.oneOf(...TRANSFER_STATES),
  failure: shape.optional(shape.text(CODE_MAX_BYTES, 1)),
  createdAtMs: counter,
  /** When the first of the copies at hosts ends; 0 before there are any. */
  untilMs: counter,
  /** Whether the user asked for it. */
  wanted: shape.boolean(),
  chunksDone: chunkCount,
  /** Which chunks are done; empty once nothing is to be done any more. */
  done: shape.bytesBetween(0, createBitmap(FILE_CHUNKS_MAX_COUNT).length),
})
export type TransferRecord = ShapeValue<typeof transferRecord>
export const TRANSFER = createPacked(transferRecord)

const transferIndex = shape.record({
  /** Positions of the messages whose transfers are under way. */
  live: shape.list(counter, LIST_MAX_COUNT),
  /** What files take that came without being asked for and are kept. */
  keptBytes: counter,
})
export type TransferIndex = ShapeValue<typeof transferIndex>
export const TRANSFER_INDEX = createPacked(transferIndex)

/** Rows that are to be deleted: of files that are being cut up, until they are sent, and of those that have ended. */
const trash = shape.list(shape.record({ transferId: id, rows: chunkCount }), LIST_MAX_COUNT)
export type Trash = ShapeValue<typeof trash>
export const TRASH = createPacked(trash)

export const ATTACHMENT_TABLE = {
  /** By contact and position of the message. */
  transfer: 'attachment',
  /** Erasable: the key of a file that comes, until it is there. */
  key: 'attachment-key',
  /** By contact. */
  index: 'attachment-index',
  /** Position by contact and id of the message. */
  position: 'attachment-position',
  /** By transfer and index: the sealed box of a file that leaves, the bytes of one that came. */
  chunk: 'attachment-chunk',
  trash: 'attachment-trash',
} as const

export function chunkKey(transferId: string, index: number): string {
  return `${transferId}/${index}`
}
