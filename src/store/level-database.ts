/**
 * LevelDB behind the few calls that the store needs. The only home of `level`; the box store opens its own through here.
 * Never sees a table, a key or a value in the clear, and never returns from a write before it is on the disk.
 * @module
 */
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Level } from 'level'
import type { AppError } from '../base/index.ts'
import { storeError } from './errors.ts'

export type DatabaseOperation =
  | { readonly type: 'put'; readonly key: Uint8Array; readonly value: Uint8Array }
  | { readonly type: 'del'; readonly key: Uint8Array }

export interface Database {
  get(key: Uint8Array): Promise<Uint8Array | undefined>
  /** In the order asked for. */
  getMany(keys: readonly Uint8Array[]): Promise<readonly (Uint8Array | undefined)[]>
  /** All keys that begin with this byte. */
  keysUnder(prefix: number): Promise<readonly Uint8Array[]>
  /** All or nothing, synced. */
  write(operations: readonly DatabaseOperation[]): Promise<void>
  close(): Promise<void>
}

export type OpenDatabase = (location: string, create: boolean) => Promise<Database>

/** Sealed bytes do not compress. The cache is half of LevelDB's own: the working set is small. */
const LEVEL_OPTIONS = {
  keyEncoding: 'view',
  valueEncoding: 'view',
  compression: false,
  cacheSize: 4 * 1024 * 1024,
} as const

/** What bounds LevelDB's memory. */
export interface LevelTuning {
  readonly cacheSize?: number
  readonly writeBufferSize?: number
  readonly maxOpenFiles?: number
  readonly maxFileSize?: number
}

export type OpenLevel = Level<Uint8Array, Uint8Array>

function* causes(error: unknown): Generator<Error> {
  for (let at = error; at instanceof Error; at = at.cause) yield at
}

function levelCodes(error: unknown): string[] {
  return [...causes(error)].map((cause) => ('code' in cause ? String(cause.code) : ''))
}

function isFull(error: unknown): boolean {
  // LevelDB passes the number of the system error on as text only.
  return [...causes(error)].some((cause) => /No space left on device|Disk quota exceeded/.test(cause.message))
}

/** LevelDB's failure in our words; its own text has paths in it and goes to `cause`. */
export function levelError(error: unknown): AppError {
  const codes = levelCodes(error)
  if (codes.includes('LEVEL_LOCKED')) return storeError('STORE_LOCKED', { cause: error })
  if (isFull(error)) return storeError('STORE_FULL', { cause: error })
  if (codes.includes('LEVEL_IO_ERROR')) return storeError('STORE_IO', { cause: error })
  // What remains when opening or reading: a damaged file, or no database where one must be.
  return storeError('STORE_CORRUPT', { cause: error })
}

/** LevelDB's own log tells when the daemon was started and how much it wrote; nobody needs it. */
async function removeInfoLog(location: string): Promise<void> {
  await rm(join(location, 'LOG'), { force: true })
  await rm(join(location, 'LOG.old'), { force: true })
}

/** Passes the result through, and a failure in our words. */
export async function translated<T>(operation: Promise<T>): Promise<T> {
  try {
    return await operation
  } catch (error: unknown) {
    throw levelError(error)
  }
}

/** LevelDB gives `Buffer`, whose `slice` shares memory. */
export function plainBytes(value: Uint8Array): Uint8Array {
  return new Uint8Array(value.buffer, value.byteOffset, value.byteLength)
}

function findPlainBytes(value: Uint8Array | undefined): Uint8Array | undefined {
  return value === undefined ? undefined : plainBytes(value)
}

/** @throws {AppError} `STORE_LOCKED`, `STORE_CORRUPT`, `STORE_FULL`, `STORE_IO` */
export async function openLevel(location: string, create: boolean, tuning: LevelTuning = {}): Promise<OpenLevel> {
  const level = new Level<Uint8Array, Uint8Array>(location, { ...LEVEL_OPTIONS, ...tuning, createIfMissing: create })
  try {
    await translated(level.open())
  } finally {
    await removeInfoLog(location)
  }
  return level
}

/** @throws {AppError} as {@link openLevel} */
export async function openLevelDatabase(location: string, create: boolean): Promise<Database> {
  const level = await openLevel(location, create)
  return {
    get: async (key) => findPlainBytes(await translated(level.get(key))),
    getMany: async (keys) => (await translated(level.getMany([...keys]))).map(findPlainBytes),
    async keysUnder(prefix) {
      const range = { gte: Uint8Array.of(prefix), lt: Uint8Array.of(prefix + 1) }
      return (await translated(level.keys(range).all())).map(plainBytes)
    },
    write: (operations) => translated(level.batch([...operations], { sync: true })),
    close: () => level.close(),
  }
}

/**
 * Whether another process holds the database. It asks LevelDB to make a new database where one is: LevelDB takes the
 * lock first, then refuses, and has changed nothing.
 * The database must not be open in this process: closing the probe's descriptor would drop our own lock (POSIX).
 */
export async function isLockedByOther(location: string): Promise<boolean> {
  const level = new Level<Uint8Array, Uint8Array>(location, { createIfMissing: false, errorIfExists: true })
  try {
    await level.open()
    await level.close()
    return false
  } catch (error: unknown) {
    return levelCodes(error).includes('LEVEL_LOCKED')
  } finally {
    await removeInfoLog(location)
  }
}
