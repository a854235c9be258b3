/**
 * Makes the outcome of a failed write certain. Spec 09-store §7.
 * Never goes on with a LevelDB that failed to write: what it appends after a torn record is lost at the next start.
 * @module
 */
import type { AppError } from '../base/index.ts'
import { isAppError } from '../base/index.ts'
import { randomBytes } from '../crypto/index.ts'
import { storeError } from './errors.ts'
import type { Database, OpenDatabase } from './level-database.ts'
import { levelError } from './level-database.ts'
import { dropBatch } from './leveldb-files/index.ts'

/** Prefix of the one record that names the last batch. */
const MARKER_KEY = Uint8Array.of(0x02)
const MARKER_BYTES = 16

/** True when nobody can tell whether the batch is on the disk; the store has to be opened again. */
export function isUndecided(error: unknown): boolean {
  return isAppError(error) && error.details['undecided'] === true
}

/**
 * A database whose `write`, when it fails, has left nothing behind: LevelDB is closed, the batch is cut out of the
 * log if it got there, and LevelDB is opened again. While the disk is too full for that, every call tries again and
 * fails with `STORE_FULL`. When the log cannot be cut, every call fails with `STORE_IO` and `undecided`.
 */
export async function openRecoveringDatabase(
  location: string,
  create: boolean,
  openDatabase: OpenDatabase,
): Promise<Database> {
  let open: Database | undefined = await openDatabase(location, create)
  let undecided: AppError | undefined

  const database = async (): Promise<Database> => {
    if (undecided !== undefined) throw undecided
    open ??= await openDatabase(location, false)
    return open
  }

  const undo = async (failed: Database, marker: Uint8Array): Promise<void> => {
    open = undefined
    try {
      await failed.close()
      await dropBatch(location, marker)
    } catch (error: unknown) {
      undecided = storeError('STORE_IO', { cause: error, details: { undecided: true } })
      throw undecided
    }
  }

  return {
    get: async (key) => (await database()).get(key),
    getMany: async (keys) => (await database()).getMany(keys),
    keysUnder: async (prefix) => (await database()).keysUnder(prefix),
    async write(operations) {
      const target = await database()
      const marker = randomBytes(MARKER_BYTES)
      try {
        await target.write([...operations, { type: 'put', key: MARKER_KEY, value: marker }])
      } catch (error: unknown) {
        await undo(target, marker)
        throw isAppError(error) ? error : levelError(error)
      }
    },
    async close() {
      const target = open
      open = undefined
      await target?.close()
    },
  }
}
