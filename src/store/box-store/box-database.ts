/**
 * LevelDB behind the few calls that the box store needs, tuned for a large store in little memory.
 * Never returns from a write before it is on the disk. Spec 03-mailbox §5.1.
 * @module
 */
import type { DatabaseOperation, LevelTuning } from '../level-database.ts'
import { openLevel, plainBytes, translated } from '../level-database.ts'

export interface DatabaseEntry {
  readonly key: Uint8Array
  readonly value: Uint8Array
}

export interface BoxDatabase {
  get(key: Uint8Array): Promise<Uint8Array | undefined>
  /** In the order asked for. */
  getMany(keys: readonly Uint8Array[]): Promise<readonly (Uint8Array | undefined)[]>
  /** The first records from `from` (inclusive) to `below` (exclusive). */
  range(from: Uint8Array, below: Uint8Array, limit: number): Promise<readonly DatabaseEntry[]>
  /** All or nothing, synced. */
  write(operations: readonly DatabaseOperation[]): Promise<void>
  /** Drops what was deleted between the keys from the files. */
  compact(from: Uint8Array, below: Uint8Array): Promise<void>
  close(): Promise<void>
}

export type OpenBoxDatabase = (location: string, create: boolean) => Promise<BoxDatabase>

/**
 * LevelDB maps the tables that it has open, and their pages count as ours: 64 (its least) of 1 MiB (its least) are 64 MiB.
 * With tables of 2 MiB the peak at 10^6 boxes was 342 MiB. Reads go through iterators, which do not use the cache; a put looks for its id by the filters of the tables.
 */
const TUNING: LevelTuning = {
  cacheSize: 1024 * 1024,
  writeBufferSize: 4 * 1024 * 1024,
  maxOpenFiles: 74,
  maxFileSize: 1024 * 1024,
}

/** What one step of an iterator brings up from LevelDB at most. */
const STEP_BYTES = 1024 * 1024

/** What Node's LevelDB can do and the type that `level` shares with browsers leaves out. */
interface Compacting {
  compactRange(from: Uint8Array, below: Uint8Array): Promise<void>
}

/** @throws {AppError} `STORE_LOCKED`, `STORE_CORRUPT`, `STORE_FULL`, `STORE_IO` */
export async function openBoxDatabase(location: string, create: boolean): Promise<BoxDatabase> {
  const level = await openLevel(location, create, TUNING)
  const compacting = level as unknown as Compacting
  const findPlain = (value: Uint8Array | undefined): Uint8Array | undefined => value && plainBytes(value)
  return {
    get: async (key) => findPlain(await translated(level.get(key))),
    getMany: async (keys) => (await translated(level.getMany([...keys]))).map(findPlain),
    async range(from, below, limit) {
      const iterator = level.iterator({ gte: from, lt: below, limit, highWaterMarkBytes: STEP_BYTES })
      const entries: DatabaseEntry[] = []
      try {
        while (entries.length < limit) {
          const step = await translated(iterator.nextv(limit - entries.length))
          for (const [key, value] of step) entries.push({ key: plainBytes(key), value: plainBytes(value) })
          if (step.length === 0) break
        }
      } finally {
        await iterator.close()
      }
      return entries
    },
    write: (operations) => translated(level.batch([...operations], { sync: true })),
    compact: (from, below) => translated(compacting.compactRange(from, below)),
    close: () => level.close(),
  }
}
