/**
 * The content of a message, cut into parts that each fill one envelope at most.
 * Never makes two different cuts of one message: every part but the last is full. Spec 01-wire §6.
 * @module
 */
import { wireError } from './errors.ts'
import { CONTENT_CHUNK_BYTES, CONTENT_PARTS_MAX_COUNT, MAX_TEXT_BYTES, MESSAGE_ID_BYTES } from './geometry.ts'
import { createPacked, type ShapeValue, shape } from './pack.ts'

/** Content types of this version. Others are kept and shown as unsupported. */
export const CONTENT_TYPE_TEXT = 1
/** The body names messages that the sender of this content has read: their ids, one after the other. */
export const CONTENT_TYPE_READ = 2
/** The body announces a file: `encodeAnnouncement`. */
export const CONTENT_TYPE_ATTACHMENT = 3
/** The body tells until when the sender agrees to an open lane. 3 is an attachment's. */
export const CONTENT_TYPE_LIVE = 4
const CONTENT_TYPE_MAX = 255

/** Latest time that a JavaScript date can hold. */
const TIMESTAMP_MAX_MS = 8_640_000_000_000_000

const partShape = shape.record({
  messageId: shape.bytes(MESSAGE_ID_BYTES),
  partIndex: shape.integer(0, CONTENT_PARTS_MAX_COUNT - 1),
  partCount: shape.integer(1, CONTENT_PARTS_MAX_COUNT),
  timestampMs: shape.integer(0, TIMESTAMP_MAX_MS),
  type: shape.integer(1, CONTENT_TYPE_MAX),
  chunk: shape.bytesBetween(0, CONTENT_CHUNK_BYTES),
})
const packedPart = createPacked(partShape)

/** One envelope's share of a message. `timestampMs` is the sender's clock, not to be trusted for order. */
export type ContentPart = ShapeValue<typeof partShape>

/** A whole message. */
export interface Content {
  readonly messageId: Uint8Array
  readonly timestampMs: number
  readonly type: number
  readonly body: Uint8Array
}

/** Full except for the last part, which is empty only when there is no other. */
function isWellCut(part: ContentPart): boolean {
  if (part.partIndex >= part.partCount) return false
  if (part.partIndex < part.partCount - 1) return part.chunk.length === CONTENT_CHUNK_BYTES
  return part.partCount === 1 || part.chunk.length > 0
}

/** At most `ENVELOPE_CONTENT_BYTES` long. A part that is not well cut is a bug and throws `RangeError`. */
export function encodeContentPart(part: ContentPart): Uint8Array {
  if (!isWellCut(part)) throw new RangeError('content part is not well cut')
  return packedPart.encode(part)
}

/** Undefined for anything that {@link encodeContentPart} would not write. */
export function decodeContentPart(bytes: Uint8Array): ContentPart | undefined {
  const part = packedPart.decode(bytes)
  return part !== undefined && isWellCut(part) ? part : undefined
}

/**
 * The encoded parts of a message in order, each of a size that one padded body takes.
 * @throws {AppError} `WIRE_CONTENT_TOO_LONG` above `MAX_TEXT_BYTES`
 */
export function splitContent(content: Content): Uint8Array[] {
  const { messageId, timestampMs, type, body } = content
  if (body.length > MAX_TEXT_BYTES) {
    throw wireError('WIRE_CONTENT_TOO_LONG', { details: { bytes: body.length, room: MAX_TEXT_BYTES } })
  }
  const partCount = Math.max(1, Math.ceil(body.length / CONTENT_CHUNK_BYTES))
  return Array.from({ length: partCount }, (_, partIndex) => {
    const chunk = body.slice(partIndex * CONTENT_CHUNK_BYTES, (partIndex + 1) * CONTENT_CHUNK_BYTES)
    return encodeContentPart({ messageId, partIndex, partCount, timestampMs, type, chunk })
  })
}
