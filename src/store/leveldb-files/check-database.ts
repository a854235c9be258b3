/**
 * Looks at a LevelDB directory before LevelDB does: LevelDB starts to rewrite as soon as it opens, skips damaged
 * batches in its logs, and does not check tables.
 * Never writes. Spec 09-store §8.
 * @module
 */
import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { utf8Decode } from '../../base/index.ts'
import { readLog } from './log-file.ts'
import { readManifest } from './manifest.ts'
import { isSoundTable } from './table-file.ts'

/**
 * Tables beyond this are checked for presence and size only, the newest first, so that opening a large store stays
 * under a second. Guessed from about 0.5 GB/s of checksum.
 */
const CHECKED_TABLES_MAX_BYTES = 64 * 1024 * 1024

const LOG_NAME = /^(\d{6,})\.log$/
const TABLE_NAMES = ['ldb', 'sst'] as const

export function logNumbers(names: readonly string[]): readonly number[] {
  return names
    .flatMap((name) => LOG_NAME.exec(name)?.[1] ?? [])
    .map(Number)
    .sort((a, b) => a - b)
}

export function numberedFile(number: number, extension: string): string {
  return `${String(number).padStart(6, '0')}.${extension}`
}

/** The file's bytes, or undefined when it is not there or cannot be read. */
async function findFile(path: string): Promise<Uint8Array | undefined> {
  try {
    return await readFile(path)
  } catch {
    return undefined
  }
}

async function fileSize(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).size
  } catch {
    return undefined
  }
}

async function areTablesSound(directory: string, tables: ReadonlyMap<number, number>): Promise<boolean> {
  let budget = CHECKED_TABLES_MAX_BYTES
  for (const [number, size] of [...tables].sort(([a], [b]) => b - a)) {
    const paths = TABLE_NAMES.map((extension) => join(directory, numberedFile(number, extension)))
    const sizes = await Promise.all(paths.map(fileSize))
    const path = paths[sizes.indexOf(size)]
    if (path === undefined) return false
    if (size > budget) continue
    budget -= size
    const bytes = await findFile(path)
    if (bytes === undefined || !isSoundTable(bytes)) return false
  }
  return true
}

/**
 * Whether the database is complete and as it was written. An unfinished last record of a log is sound: a power cut
 * leaves it, and nobody was told that it was stored.
 */
export async function isSoundDatabase(directory: string): Promise<boolean> {
  const current = utf8Decode((await findFile(join(directory, 'CURRENT'))) ?? new Uint8Array(0))
  const manifestName = /^(MANIFEST-\d{6,})\n$/.exec(current ?? '')?.[1]
  if (manifestName === undefined) return false
  const manifest = readLog((await findFile(join(directory, manifestName))) ?? new Uint8Array(0))
  if (manifest.state === 'damaged' || manifest.records.length === 0) return false
  const files = readManifest(manifest.records.map((record) => record.payload))
  if (files === undefined) return false
  const logs = logNumbers(await readdir(directory)).filter((number) => number >= files.firstLog)
  if (files.firstLog !== 0 && !logs.includes(files.firstLog)) return false
  for (const number of logs) {
    const log = await findFile(join(directory, numberedFile(number, 'log')))
    if (log === undefined || readLog(log).state === 'damaged') return false
  }
  return areTablesSound(directory, files.tables)
}

/** Whether anything was ever written here; an empty or half-made database says no. */
export async function hasData(directory: string): Promise<boolean> {
  let names: readonly string[]
  try {
    names = await readdir(directory)
  } catch {
    return false
  }
  if (names.some((name) => TABLE_NAMES.some((extension) => name.endsWith(`.${extension}`)))) return true
  const sizes = await Promise.all(
    logNumbers(names).map((number) => fileSize(join(directory, numberedFile(number, 'log')))),
  )
  return sizes.some((size) => (size ?? 0) > 0)
}
