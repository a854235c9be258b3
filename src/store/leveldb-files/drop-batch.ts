/**
 * Takes a batch whose write failed out of the log, so that it cannot come back after a restart.
 * Never called while the database is open. Spec 09-store §7.
 * @module
 */
import { open, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { logNumbers, numberedFile } from './check-database.ts'
import { readLog } from './log-file.ts'

/** Cuts the log before the batch that contains `marker`, if the batch reached it whole. Needs no room on the disk. */
export async function dropBatch(directory: string, marker: Uint8Array): Promise<void> {
  for (const number of logNumbers(await readdir(directory))) {
    const path = join(directory, numberedFile(number, 'log'))
    const { records } = readLog(await readFile(path))
    const found = records.find(({ payload }) => Buffer.from(payload).includes(Buffer.from(marker)))
    if (found === undefined) continue
    const handle = await open(path, 'r+')
    try {
      await handle.truncate(found.offset)
      await handle.sync()
    } finally {
      await handle.close()
    }
  }
}
