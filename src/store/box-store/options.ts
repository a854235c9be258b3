/**
 * What a box store is opened with, and its numbers.
 * Never changes with use: a number that is in the files changes together with the schema version. Spec 03-mailbox §5.1.
 * @module
 */
import type { Clock, Logger } from '../../ports/index.ts'

export interface MemoryBoxStoreOptions {
  /** What boxes and marks may take together, at `BOX_CHARGE_BYTES` and `MARK_CHARGE_BYTES` each. */
  readonly quotaBytes: number
  /** Says what has expired when room is needed. */
  readonly clock: Clock
}

export interface OpenBoxStoreOptions extends MemoryBoxStoreOptions {
  /** Of its own, 0700 and ours; made so when it does not exist. */
  readonly directory: string
  /** Nothing new is taken when less would stay free on the disk; for tests. */
  readonly reserveBytes?: number
  readonly logger: Logger
}

export const BOX_SCHEMA_VERSION = 1

export const BOX_HEADER_FILE = 'boxes.header'
export const BOX_DATABASE_DIRECTORY = 'db'

/**
 * What a box counts against the quota: its record and index entry with LevelDB's share (1,892 bytes measured at 10^6 boxes)
 * and a tenth for what was deleted and is not compacted away yet.
 */
export const BOX_CHARGE_BYTES = 2_048

/** The same for the mark of a tombstone: about 95 bytes in two records. */
export const MARK_CHARGE_BYTES = 128

/** Marks take at most this part of the quota: with boxes of fourteen days, a host full of marks would store nothing. Guessed. */
const MARKS_QUOTA_DIVISOR = 16

export function marksMaxCount(quotaBytes: number): number {
  return Math.floor(quotaBytes / MARKS_QUOTA_DIVISOR / MARK_CHARGE_BYTES)
}

/** Changes that share one sync at most: half a megabyte, well below LevelDB's write buffer. Guessed. */
export const GROUP_MAX_COUNT = 256

/** Puts that wait for their group at most, about 7 MB; one more is refused as `full`. Guessed. */
export const PENDING_PUTS_MAX_COUNT = 4_096

/** What one call of `expire` drops at most, boxes and marks each: some ten milliseconds. Guessed. */
export const EXPIRE_SLICE_COUNT = 1_024

/** Longest answer of `list`. */
export const LIST_MAX_COUNT = 4_096

/**
 * Kept free on the disk for LevelDB itself: recovery after a failed write, and a compaction that writes its tables before
 * it drops the old ones. Guessed from 26 tables of 2 MiB.
 */
export const BOX_RESERVE_BYTES = 64 * 1024 * 1024

/**
 * Dropped records leave marks in LevelDB that every seek steps over until a compaction: one is asked for when there are
 * this many, and as many as a quarter of the boxes.
 */
export const COMPACT_AFTER_MIN_COUNT = 16_384
export const COMPACT_AFTER_BOXES_DIVISOR = 4

/** A compaction goes range by range, so that closing waits for one of these only. */
export const COMPACT_RANGES_COUNT = 64
