/**
 * Opens or makes the store on disk. Spec 09-store §1, §8.
 * Never changes a file of a store that it refuses.
 * @module
 */
import { join } from 'node:path'
import { KEY_BYTES, randomBytes, wipe } from '../crypto/index.ts'
import type { KeyValueStore } from '../ports/index.ts'
import { createErasurePage, openErasure } from './erasure.ts'
import type { PageFile } from './erasure-page.ts'
import { openPageFile, PAGE_BYTES, readPage } from './erasure-page.ts'
import { storeError } from './errors.ts'
import type { Header } from './header.ts'
import { decodeHeader, HEADER_MAX_BYTES } from './header.ts'
import type { KeyHierarchy } from './key-hierarchy.ts'
import { createKeyHierarchy } from './key-hierarchy.ts'
import type { Database, OpenDatabase } from './level-database.ts'
import { isLockedByOther, openLevelDatabase } from './level-database.ts'
import { createLevelStore } from './level-store.ts'
import { hasData, isSoundDatabase } from './leveldb-files/index.ts'
import { unwrapMasterKey, wrapMasterKey } from './master-key.ts'
import type { OpenStoreOptions } from './options.ts'
import { DATABASE_DIRECTORY, ERASURE_PAGE_FILE, HEADER_FILE, RESERVE_BYTES } from './options.ts'
import { isLockedByUs } from './own-lock.ts'
import { findStats, openPrivateDirectory, readBounded, writePrivateFile } from './private-files.ts'
import { openRecoveringDatabase } from './recovering-database.ts'

export interface StorePaths {
  readonly directory: string
  readonly header: string
  readonly page: string
  readonly database: string
}

/** What tests replace to fail or stop in between. */
export interface OpenStoreDeps {
  readonly openDatabase: OpenDatabase
  readonly openPageFile: (path: string) => Promise<PageFile>
}

const REAL_DEPS: OpenStoreDeps = { openDatabase: openLevelDatabase, openPageFile }

export function storePaths(directory: string): StorePaths {
  return {
    directory,
    header: join(directory, HEADER_FILE),
    page: join(directory, ERASURE_PAGE_FILE),
    database: join(directory, DATABASE_DIRECTORY),
  }
}

async function isLocked(paths: Pick<StorePaths, 'database'>): Promise<boolean> {
  const lock = await findStats(join(paths.database, 'LOCK'))
  if (lock === undefined) return false
  return (await isLockedByUs(Number(lock.ino))) || isLockedByOther(paths.database)
}

/** @throws {AppError} `STORE_LOCKED` */
export async function assertUnlocked(paths: Pick<StorePaths, 'database'>): Promise<void> {
  if (await isLocked(paths)) throw storeError('STORE_LOCKED')
}

/** @throws {AppError} `STORE_CORRUPT`, `STORE_TOO_NEW` */
export function requireHeader(bytes: Uint8Array): Header {
  const result = decodeHeader(bytes)
  if (result.ok) return result.header
  throw storeError(result.reason === 'too-new' ? 'STORE_TOO_NEW' : 'STORE_CORRUPT')
}

/** One byte more than allowed, so that too long does not look like long enough. */
export function readHeader(paths: StorePaths): Promise<Uint8Array | undefined> {
  return readBounded(paths.header, HEADER_MAX_BYTES + 1)
}

/**
 * To be asked before LevelDB opens: it would drop damaged batches, and nobody could find the damage any more.
 * @throws {AppError} `STORE_CORRUPT`, `STORE_LOCKED`
 */
export async function assertSound(paths: StorePaths, keys: KeyHierarchy): Promise<void> {
  const page = await readBounded(paths.page, PAGE_BYTES + 1)
  const contents = page === undefined ? undefined : readPage(page, keys.pageKey)
  for (const { key } of contents?.keys ?? []) wipe(key)
  if (contents !== undefined && (await isSoundDatabase(paths.database))) return
  // Files that somebody is writing to look damaged.
  await assertUnlocked(paths)
  throw storeError('STORE_CORRUPT')
}

/** Everything that can be refused is refused before LevelDB opens, because LevelDB writes when it opens. */
async function unlockExisting(
  paths: StorePaths,
  headerBytes: Uint8Array,
  options: OpenStoreOptions,
): Promise<KeyHierarchy> {
  const header = requireHeader(headerBytes)
  await assertUnlocked(paths)
  const keys = createKeyHierarchy(await unwrapMasterKey(header, options.secret, options))
  try {
    await assertSound(paths, keys)
  } catch (error: unknown) {
    keys.wipe()
    throw error
  }
  return keys
}

/** LevelDB is open by now, for its lock. The header comes last: a store without one was never finished. */
async function createNew(paths: StorePaths, options: OpenStoreOptions): Promise<KeyHierarchy> {
  // Another process may have made it between our look and our lock.
  if ((await readHeader(paths)) !== undefined) throw storeError('STORE_LOCKED')
  const masterKey = randomBytes(KEY_BYTES)
  const header = await wrapMasterKey(masterKey, options.secret, options)
  const keys = createKeyHierarchy(masterKey)
  await writePrivateFile(paths.page, createErasurePage(keys.pageKey))
  await writePrivateFile(paths.header, header)
  return keys
}

async function assertNothingThere(paths: StorePaths, options: OpenStoreOptions): Promise<void> {
  await assertUnlocked(paths)
  // The header of a store with data is gone: a new one would bury the data.
  if (await hasData(paths.database)) throw storeError('STORE_CORRUPT')
  if (options.create === 'never') throw storeError('STORE_MISSING')
}

/** As {@link openStore}, with the collaborators that tests replace. */
export async function openStoreWith(options: OpenStoreOptions, deps: OpenStoreDeps): Promise<KeyValueStore> {
  const directory = await openPrivateDirectory(options.directory, options.create === 'if-missing')
  if (directory === undefined) throw storeError('STORE_MISSING')
  const paths = storePaths(directory)
  const headerBytes = await readHeader(paths)
  if (headerBytes === undefined) await assertNothingThere(paths, options)
  let keys = headerBytes && (await unlockExisting(paths, headerBytes, options))
  let database: Database | undefined
  let pageFile: PageFile | undefined
  try {
    const isNew = headerBytes === undefined
    database = await openRecoveringDatabase(paths.database, isNew, deps.openDatabase)
    keys ??= await createNew(paths, options)
    pageFile = await deps.openPageFile(paths.page)
    const logger = options.logger.child('store')
    const erasure = await openErasure({ database, pageFile, pageKey: keys.pageKey, isNew, logger })
    const opened = pageFile
    return createLevelStore(
      { database, keys, erasure, clock: options.clock, logger, release: () => opened.close() },
      { directory, reserveBytes: options.reserveBytes ?? RESERVE_BYTES },
    )
  } catch (error: unknown) {
    keys?.wipe()
    await pageFile?.close()
    await database?.close()
    throw error
  }
}

/**
 * The store in `options.directory`, made if allowed. One process has it at a time; the lock goes with the process,
 * however it ends. The passphrase is not kept. Takes as long as the key derivation, about a second.
 * @throws {AppError} `STORE_MISSING`, `STORE_PERMISSIONS`, `STORE_LOCKED`, `STORE_WRONG_PASSPHRASE`,
 *   `STORE_WRONG_KEY_FILE`, `STORE_KEY_FILE_MISSING`, `STORE_KEY_FILE_PERMISSIONS`, `STORE_KEY_FILE_INVALID`,
 *   `STORE_SECRET_MISMATCH`, `STORE_KDF_TOO_WEAK`, `STORE_KDF_FAILED`, `STORE_TOO_NEW`, `STORE_CORRUPT`,
 *   `STORE_FULL`, `STORE_IO`; nothing was changed then
 */
export function openStore(options: OpenStoreOptions): Promise<KeyValueStore> {
  return openStoreWith(options, REAL_DEPS)
}
