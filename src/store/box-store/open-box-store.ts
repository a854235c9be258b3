/**
 * Opens or makes the box store on disk.
 * Never changes a file of a store that it refuses. Spec 03-mailbox §5.1.
 * @module
 */
import { join } from 'node:path'
import type { BoxStore } from '../../ports/index.ts'
import { storeError } from '../errors.ts'
import { hasData, isSoundDatabase } from '../leveldb-files/index.ts'
import { assertUnlocked } from '../open-store.ts'
import { openPrivateDirectory, readBounded, writePrivateFile } from '../private-files.ts'
import type { BoxDatabase, OpenBoxDatabase } from './box-database.ts'
import { openBoxDatabase } from './box-database.ts'
import { BOX_HEADER_MAX_BYTES, checkBoxHeader, encodeBoxHeader } from './header.ts'
import { ACCOUNTING_KEY, DECOY_KEY, DECOY_VALUE, encodeAccounting } from './layout.ts'
import { createLevelBoxStore } from './level-box-store.ts'
import type { OpenBoxStoreOptions } from './options.ts'
import { BOX_DATABASE_DIRECTORY, BOX_HEADER_FILE, BOX_RESERVE_BYTES } from './options.ts'
import { openRecoveringBoxDatabase } from './recovering-box-database.ts'

interface BoxStorePaths {
  readonly header: string
  readonly database: string
}

/** Everything that can be refused is refused before LevelDB opens, because LevelDB writes when it opens. */
async function assertUsable(paths: BoxStorePaths, header: Uint8Array | undefined): Promise<void> {
  if (header === undefined) {
    await assertUnlocked(paths)
    // The header of a store with data is gone: a new one might misread the data.
    if (await hasData(paths.database)) throw storeError('STORE_CORRUPT')
    return
  }
  const verdict = checkBoxHeader(header)
  if (verdict !== 'ok') throw storeError(verdict === 'too-new' ? 'STORE_TOO_NEW' : 'STORE_CORRUPT')
  await assertUnlocked(paths)
  if (await isSoundDatabase(paths.database)) return
  // Files that somebody has begun to write to look damaged.
  await assertUnlocked(paths)
  throw storeError('STORE_CORRUPT')
}

/** The first records, unless they are there. A kill may have come between the header and them, and only there. */
async function ensureFirstRecords(database: BoxDatabase): Promise<void> {
  const [accounting, decoy] = await database.getMany([ACCOUNTING_KEY, DECOY_KEY])
  if (accounting !== undefined && decoy !== undefined) return
  const anything = await database.range(Uint8Array.of(0), Uint8Array.of(0xff), 1)
  if (anything.length > 0) throw storeError('STORE_CORRUPT')
  await database.write([
    { type: 'put', key: DECOY_KEY, value: DECOY_VALUE },
    { type: 'put', key: ACCOUNTING_KEY, value: encodeAccounting({ boxes: 0, marks: 0 }) },
  ])
}

/** As {@link openBoxStore}, with the database that tests replace. */
export async function openBoxStoreWith(options: OpenBoxStoreOptions, openDatabase: OpenBoxDatabase): Promise<BoxStore> {
  const directory = await openPrivateDirectory(options.directory, true)
  if (directory === undefined) throw storeError('STORE_MISSING')
  const paths = { header: join(directory, BOX_HEADER_FILE), database: join(directory, BOX_DATABASE_DIRECTORY) }
  const readHeader = (): Promise<Uint8Array | undefined> => readBounded(paths.header, BOX_HEADER_MAX_BYTES + 1)
  const header = await readHeader()
  await assertUsable(paths, header)
  const database = await openRecoveringBoxDatabase(paths.database, header === undefined, openDatabase)
  try {
    if (header === undefined) {
      // Another process may have made it between our look and our lock.
      if ((await readHeader()) !== undefined) throw storeError('STORE_LOCKED')
      await writePrivateFile(paths.header, encodeBoxHeader())
    }
    await ensureFirstRecords(database)
    return await createLevelBoxStore(
      { database, clock: options.clock, logger: options.logger.child('box-store') },
      { directory, quotaBytes: options.quotaBytes, reserveBytes: options.reserveBytes ?? BOX_RESERVE_BYTES },
    )
  } catch (error: unknown) {
    await database.close()
    throw error
  }
}

/**
 * The box store in `options.directory`, made when there is none. One process has it at a time; the lock goes with the
 * process, however it ends. A quota below what is there drops nothing: it only takes no more. Boxes lie there as the
 * network brought them: ciphertext under one-time keys, which a key of ours would not hide from whoever has the host.
 * @throws {AppError} `STORE_PERMISSIONS`, `STORE_LOCKED`, `STORE_TOO_NEW`, `STORE_CORRUPT`, `STORE_FULL`, `STORE_IO`;
 *   nothing was changed then
 */
export function openBoxStore(options: OpenBoxStoreOptions): Promise<BoxStore> {
  return openBoxStoreWith(options, openBoxDatabase)
}
