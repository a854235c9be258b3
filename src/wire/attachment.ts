/**
 * How a file goes through boxes: the bucket it is padded to, the chunks it is cut into, and the message that announces it.
 * Never lets a name through that could be a path or act on a terminal's line. Spec 01-wire §6.1, METADATA §3.1.
 * @module
 */
import { utf8Encode } from '../base/index.ts'
import { HASH_BYTES, KEY_BYTES } from '../crypto/index.ts'
import { FILE_CHUNK_BYTES } from './geometry.ts'
import { createPacked, type ShapeValue, shape } from './pack.ts'

const FILE_BUCKET_MIN_BYTES = 16 * 1024
const FILE_BUCKET_FACTOR = 4
const FILE_BUCKET_COUNT = 6

/** Longest file: the largest bucket, 16 MiB. */
export const FILE_MAX_BYTES = FILE_BUCKET_MIN_BYTES * FILE_BUCKET_FACTOR ** (FILE_BUCKET_COUNT - 1)

export const FILE_NAME_MAX_BYTES = 255
export const MIME_TYPE_MAX_BYTES = 128

/** What a file of so many bytes is padded to: 16 KiB, 64 KiB, 256 KiB, 1 MiB, 4 MiB or 16 MiB. Longer throws `RangeError`. */
export function fileBucketBytes(bytes: number): number {
  if (!Number.isSafeInteger(bytes) || bytes < 0 || bytes > FILE_MAX_BYTES) throw new RangeError('no bucket is so large')
  let bucket = FILE_BUCKET_MIN_BYTES
  while (bucket < bytes) bucket *= FILE_BUCKET_FACTOR
  return bucket
}

/** Boxes that a file of so many bytes takes; the same for all files of a bucket. */
export function fileChunkCount(bytes: number): number {
  return Math.ceil(fileBucketBytes(bytes) / FILE_CHUNK_BYTES)
}

/** Chunks of the longest file; an index fits two bytes. */
export const FILE_CHUNKS_MAX_COUNT = fileChunkCount(FILE_MAX_BYTES)

export const FILE_KEY_BYTES = KEY_BYTES
export const FILE_HASH_BYTES = HASH_BYTES

const announcementShape = shape.record({
  /** The keys of the boxes come from it: 03-mailbox §7.4. */
  fileKey: shape.bytes(FILE_KEY_BYTES),
  /** SHA-256 of the file without its padding. */
  hash: shape.bytes(FILE_HASH_BYTES),
  bytes: shape.integer(0, FILE_MAX_BYTES),
  name: shape.text(FILE_NAME_MAX_BYTES, 1),
  mimeType: shape.optional(shape.text(MIME_TYPE_MAX_BYTES, 1)),
})
const packedAnnouncement = createPacked(announcementShape)

/** The body of a content of type `CONTENT_TYPE_ATTACHMENT`. */
export type Announcement = ShapeValue<typeof announcementShape>

/** What no name may hold on the wire: separators of paths on any system, and control characters. */
const FORBIDDEN_IN_NAME = /[/\\\p{Cc}]/u
const PRINTABLE_ASCII = /^[\x20-\x7e]+$/

/** True for a name that may be on the wire: 1 to 255 bytes, no separator of paths, no control character, not `.` or `..`. */
function isFileName(name: string): boolean {
  return !FORBIDDEN_IN_NAME.test(name) && name !== '.' && name !== '..'
}

/** True for 1 to 128 characters of printable ASCII; says nothing of what the type means. */
export function isMimeType(text: string): boolean {
  return text.length <= MIME_TYPE_MAX_BYTES && PRINTABLE_ASCII.test(text)
}

function isWellFormed(announcement: Announcement): boolean {
  const { name, mimeType } = announcement
  return isFileName(name) && (mimeType === undefined || isMimeType(mimeType))
}

/** A name or type of another form is a bug and throws `RangeError`. */
export function encodeAnnouncement(announcement: Announcement): Uint8Array {
  if (!isWellFormed(announcement)) throw new RangeError('name or type of a file has a wrong form')
  return packedAnnouncement.encode(announcement)
}

/** Undefined for anything that {@link encodeAnnouncement} would not write. */
export function decodeAnnouncement(bytes: Uint8Array): Announcement | undefined {
  const announcement = packedAnnouncement.decode(bytes)
  return announcement !== undefined && isWellFormed(announcement) ? announcement : undefined
}

/**
 * What is replaced before a name is sent or shown: beside what is forbidden, whatever is invisible or reorders text, and
 * what some file systems refuse. The two joiners and the variation selectors stay, because scripts and emoji need them.
 */
const UNSAFE_IN_NAME =
  /[/\\:*?"<>|\p{Cc}\p{Zl}\p{Zp}\p{Cs}]|(?!\u200c|\u200d|[\ufe00-\ufe0f])[\p{Cf}\p{Default_Ignorable_Code_Point}]/gu

/** A name that is safe to show and to send; what is left of nothing is `file`. Idempotent. */
export function sanitiseFileName(name: string): string {
  const clean = name.toWellFormed().replaceAll(UNSAFE_IN_NAME, '_').trim()
  let short = ''
  let bytes = 0
  for (const character of clean) {
    bytes += utf8Encode(character).length
    if (bytes > FILE_NAME_MAX_BYTES) break
    short += character
  }
  const trimmed = short.trim()
  return trimmed === '' || trimmed === '.' || trimmed === '..' ? 'file' : trimmed
}
