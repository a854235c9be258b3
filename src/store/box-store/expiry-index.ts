/**
 * Reads what has expired, in the order of its hours.
 * Never starts at the beginning again: LevelDB steps over every entry that was deleted before. Spec 03-mailbox §5.1.
 * @module
 */
import type { BoxDatabase } from './box-database.ts'
import { currentHour, hourKey } from './layout.ts'

export interface ExpiryIndex {
  /** Index keys of what may be dropped at that time, at most `limit`. */
  expired(nowMs: number, limit: number): Promise<readonly Uint8Array[]>
  /** The entries nearest to their expiry, expired or not. */
  first(limit: number): Promise<readonly Uint8Array[]>
  /** To be told of entries that are written... */
  noteWritten(keys: readonly Uint8Array[]): void
  /** ...and that all up to this one, inclusive, are deleted. */
  noteDropped(last: Uint8Array | undefined): void
}

/** Over the entries under one prefix. */
export function createExpiryIndex(database: BoxDatabase, prefix: number): ExpiryIndex {
  /** No entry lies below it. Anything may: nothing is known before the first look. */
  let from = hourKey(prefix, 0)
  const end = Uint8Array.of(prefix + 1)

  const keys = async (below: Uint8Array, limit: number): Promise<readonly Uint8Array[]> =>
    (await database.range(from, below, limit)).map(({ key }) => key)

  return {
    expired: async (nowMs, limit) => keys(hourKey(prefix, currentHour(nowMs) + 1), limit),
    first: async (limit) => keys(end, limit),
    noteWritten(written) {
      // A clock that went back writes below what was dropped already.
      for (const key of written) if (Buffer.compare(key, from) < 0) from = key
    },
    noteDropped(last) {
      if (last !== undefined) from = last
    },
  }
}
