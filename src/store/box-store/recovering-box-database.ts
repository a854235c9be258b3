/**
 * A box database that goes on after a failed write.
 * Never goes on with a LevelDB that failed to write: what it appends after a torn record is lost at the next start.
 * Spec 03-mailbox §5.1.
 * @module
 */
import { isAppError } from '../../base/index.ts'
import { storeError } from '../errors.ts'
import { levelError } from '../level-database.ts'
import type { BoxDatabase, OpenBoxDatabase } from './box-database.ts'

/**
 * When `write` fails, LevelDB is closed and opened again with the next call. Whether the batch is on the disk is not known
 * then, and need not be: nobody was told that it is, it is whole or not there, and its accounting is part of it. While
 * the disk is too full to open, every call tries again and fails with `STORE_FULL`.
 */
export async function openRecoveringBoxDatabase(
  location: string,
  create: boolean,
  openDatabase: OpenBoxDatabase,
): Promise<BoxDatabase> {
  let open: BoxDatabase | undefined = await openDatabase(location, create)
  let opening: Promise<BoxDatabase> | undefined
  let settled: Promise<void> = Promise.resolve()
  const running = new Set<Promise<unknown>>()

  const openAgain = async (): Promise<BoxDatabase> => {
    try {
      await settled
      open = await openDatabase(location, false)
      return open
    } finally {
      opening = undefined
    }
  }

  const database = async (): Promise<BoxDatabase> => {
    if (open !== undefined) return open
    opening ??= openAgain()
    return opening
  }

  /** LevelDB ends its iterators when it closes: whoever reads is waited for. */
  const use = async <T>(operation: (target: BoxDatabase) => Promise<T>): Promise<T> => {
    const work = operation(await database())
    running.add(work)
    try {
      return await work
    } finally {
      running.delete(work)
    }
  }

  const closeFailed = async (failed: BoxDatabase): Promise<void> => {
    await Promise.allSettled(running)
    try {
      await failed.close()
    } catch (error: unknown) {
      throw storeError('STORE_IO', { cause: error, details: { undecided: true } })
    }
  }

  return {
    get: (key) => use((target) => target.get(key)),
    getMany: (keys) => use((target) => target.getMany(keys)),
    range: (from, below, limit) => use((target) => target.range(from, below, limit)),
    compact: (from, below) => use((target) => target.compact(from, below)),
    async write(operations) {
      const target = await database()
      try {
        await target.write(operations)
      } catch (error: unknown) {
        open = undefined
        settled = closeFailed(target)
        // Whoever calls next gets it.
        settled.catch(() => undefined)
        throw isAppError(error) ? error : levelError(error)
      }
    },
    async close() {
      await opening?.catch(() => undefined)
      await Promise.allSettled(running)
      const target = open
      open = undefined
      await settled
      await target?.close()
    },
  }
}
