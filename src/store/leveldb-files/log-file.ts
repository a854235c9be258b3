/**
 * Reads LevelDB's log format, which its write-ahead logs and manifests share. LevelDB doc/log_format.
 * Never skips damage: LevelDB itself drops damaged batches without a word.
 * @module
 */
import { concatBytes } from '../../base/index.ts'
import { maskedCrc32c } from './crc32c.ts'

const BLOCK_BYTES = 32_768
const HEADER_BYTES = 7
const FULL = 1
const FIRST = 2
const LAST = 4

export interface LogRecord {
  /** Where its first fragment begins in the file. */
  readonly offset: number
  readonly payload: Uint8Array
}

/**
 * `torn`: the file ends in an unfinished record, as after a power cut; no sound record follows.
 * `damaged`: something in the middle is not what was written.
 */
export interface LogContents {
  readonly records: readonly LogRecord[]
  readonly state: 'whole' | 'torn' | 'damaged'
}

interface Fragment {
  readonly type: number
  readonly payload: Uint8Array
  readonly end: number
}

function fragmentOfLength(bytes: Uint8Array, at: number, length: number): Fragment | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const end = at + HEADER_BYTES + length
  const type = bytes[at + 6] ?? 0
  if (type < FULL || type > LAST) return undefined
  if (view.getUint32(at, true) !== maskedCrc32c(bytes.subarray(at + 6, end))) return undefined
  return { type, payload: bytes.subarray(at + HEADER_BYTES, end), end }
}

/** The sound fragment that begins here and ends within the limit. */
function findFragment(bytes: Uint8Array, at: number, limit: number): Fragment | undefined {
  if (at + HEADER_BYTES > limit) return undefined
  const length = (bytes[at + 4] ?? 0) | ((bytes[at + 5] ?? 0) << 8)
  return at + HEADER_BYTES + length > limit ? undefined : fragmentOfLength(bytes, at, length)
}

function blockEnd(bytes: Uint8Array, at: number): number {
  return Math.min(bytes.length, (Math.floor(at / BLOCK_BYTES) + 1) * BLOCK_BYTES)
}

/** True when what does not read at `at` cannot be the unfinished end of the file. */
function isDamage(bytes: Uint8Array, at: number): boolean {
  const limit = blockEnd(bytes, at)
  // Only its length was changed: with the length that is there the checksum is right.
  if (at + HEADER_BYTES <= limit && fragmentOfLength(bytes, at, limit - at - HEADER_BYTES) !== undefined) return true
  for (let next = at + 1; next < limit; next += 1) {
    const fragment = findFragment(bytes, next, limit)
    if (fragment !== undefined && fragment.payload.length > 0) return true
  }
  for (let next = limit; next < bytes.length; next += BLOCK_BYTES) {
    if (findFragment(bytes, next, blockEnd(bytes, next)) !== undefined) return true
  }
  return false
}

export function readLog(bytes: Uint8Array): LogContents {
  const records: LogRecord[] = []
  let parts: Uint8Array[] = []
  let start = 0
  let at = 0
  while (at < bytes.length) {
    const limit = blockEnd(bytes, at)
    if (limit - at < HEADER_BYTES) {
      // Shorter than a header: the filled-up end of a block, or a header cut off at the end of the file.
      if (limit % BLOCK_BYTES !== 0) return { records, state: 'torn' }
      if (bytes.subarray(at, limit).some((byte) => byte !== 0)) return { records, state: 'damaged' }
      at = limit
      continue
    }
    const fragment = findFragment(bytes, at, limit)
    if (fragment === undefined) return { records, state: isDamage(bytes, at) ? 'damaged' : 'torn' }
    const begins = fragment.type === FULL || fragment.type === FIRST
    if (begins !== (parts.length === 0)) return { records, state: 'damaged' }
    if (begins) start = at
    parts.push(fragment.payload)
    if (fragment.type === FULL || fragment.type === LAST) {
      records.push({ offset: start, payload: concatBytes(...parts) })
      parts = []
    }
    at = fragment.end
  }
  return { records, state: parts.length === 0 ? 'whole' : 'torn' }
}
