/**
 * Keeps the erasure key: seals the outer layer of erasable values and replaces the key. Spec 09-store §6.
 * Never lets go of the old key before every live value is sealed under the new one.
 * @module
 */
import { hexEncode } from '../base/index.ts'
import { KEY_BYTES, randomBytes, wipe } from '../crypto/index.ts'
import type { Logger } from '../ports/index.ts'
import type { ErasureKey, PageFile } from './erasure-page.ts'
import { PAGE_BYTES, readPage, withKey, withoutKey } from './erasure-page.ts'
import { storeError } from './errors.ts'
import { deriveErasableKey } from './key-hierarchy.ts'
import type { Database, DatabaseOperation } from './level-database.ts'
import { ERASABLE_PREFIX, recordKeyOf } from './record-key.ts'
import { isUndecided } from './recovering-database.ts'
import { openErasable, sealErasable } from './sealed-value.ts'

/** Values read at once during a renewal; bounds memory and how long the event loop is held. Guessed. */
const CHUNK_COUNT = 64

export interface Erasure {
  seal(hashedKey: Uint8Array, sealedValue: Uint8Array): Uint8Array
  open(hashedKey: Uint8Array, sealed: Uint8Array): Uint8Array | undefined
  isLive(hashedKey: Uint8Array): boolean
  /** Told after a batch for each key in it: whether it holds an erasable value now. */
  note(hashedKey: Uint8Array, isErasable: boolean): void
  /** True when something readable with the present key was deleted or replaced. */
  hasGarbage(): boolean
  /** Must not run at the same time as a batch. @throws {AppError} `STORE_FULL`, `STORE_IO`; the old key stays then */
  renew(): Promise<void>
  wipe(): void
}

export interface ErasureDeps {
  readonly database: Database
  readonly pageFile: PageFile
  readonly pageKey: Uint8Array
  /** Nothing was ever stored. */
  readonly isNew: boolean
  readonly logger: Logger
}

/** The first page of a new store. */
export function createErasurePage(pageKey: Uint8Array): Uint8Array {
  const key = randomBytes(KEY_BYTES)
  const page = withKey(new Uint8Array(PAGE_BYTES), pageKey, { generation: 1, key })
  wipe(key)
  return page
}

interface Resealed {
  readonly operations: readonly DatabaseOperation[]
  readonly unreadableCount: number
}

/** Seals every live value that opens with one of `from` under `to`. Values that do not open stay as they are. */
async function reseal(
  database: Database,
  live: readonly Uint8Array[],
  from: readonly Uint8Array[],
  to: Uint8Array,
): Promise<Resealed> {
  const operations: DatabaseOperation[] = []
  let unreadableCount = 0
  for (let start = 0; start < live.length; start += CHUNK_COUNT) {
    const chunk = live.slice(start, start + CHUNK_COUNT)
    const values = await database.getMany(chunk.map((hashedKey) => recordKeyOf(hashedKey, true)))
    for (const [index, hashedKey] of chunk.entries()) {
      const value = values[index]
      const inner = from.reduce<Uint8Array | undefined>(
        (opened, key) => opened ?? (value === undefined ? undefined : openErasable(key, hashedKey, value)),
        undefined,
      )
      if (inner === undefined) unreadableCount += 1
      else {
        const key = recordKeyOf(hashedKey, true)
        operations.push({ type: 'put', key, value: sealErasable(to, hashedKey, inner) })
      }
    }
  }
  return { operations, unreadableCount }
}

/**
 * Reads the page and the list of live values; finishes or takes back a renewal that was cut short.
 * @throws {AppError} `STORE_CORRUPT` when the key that the values need is not in the page
 */
export async function openErasure(deps: ErasureDeps): Promise<Erasure> {
  const { database, pageFile, pageKey, logger } = deps
  let page = await pageFile.read()
  const contents = readPage(page, pageKey)
  const newest = contents?.keys.at(-1)
  if (contents === undefined || newest === undefined) throw storeError('STORE_CORRUPT')
  let current: ErasureKey = newest
  let erasableKey = deriveErasableKey(current.key)

  const live = new Map<string, Uint8Array>()
  for (const key of await database.keysUnder(ERASABLE_PREFIX)) {
    const hashedKey = key.slice(1)
    live.set(hexEncode(hashedKey), hashedKey)
  }

  if (contents.keys.length > 1 || !contents.isClean) {
    const from = contents.keys.map(({ key }) => deriveErasableKey(key))
    const { operations, unreadableCount } = await reseal(database, [...live.values()], from, erasableKey)
    // All values are under one key. When none opens, the key they need was in the slot that does not read.
    if (operations.length === 0 && unreadableCount > 0) throw storeError('STORE_CORRUPT')
    if (contents.keys.length > 1) await database.write(operations)
    page = withoutKey(page, current.generation + 1)
    await pageFile.write(page)
    wipe(...from)
    for (const { key } of contents.keys) if (key !== current.key) wipe(key)
    logger.info('erasure renewal recovered')
  }
  // What was deleted before the last stop may be readable still.
  let garbage = !deps.isNew

  const takeBack = async (error: unknown, generation: number): Promise<void> => {
    // The values may be under the new key already: leave both for the next start to sort out.
    if (isUndecided(error)) return
    page = withoutKey(page, generation)
    await pageFile.write(page)
  }

  return {
    seal: (hashedKey, sealedValue) => sealErasable(erasableKey, hashedKey, sealedValue),
    open: (hashedKey, sealed) => openErasable(erasableKey, hashedKey, sealed),
    isLive: (hashedKey) => live.has(hexEncode(hashedKey)),
    note(hashedKey, isErasable) {
      const name = hexEncode(hashedKey)
      if (live.delete(name)) garbage = true
      if (isErasable) live.set(name, hashedKey)
    },
    hasGarbage: () => garbage,
    async renew() {
      const next: ErasureKey = { generation: current.generation + 1, key: randomBytes(KEY_BYTES) }
      const nextErasableKey = deriveErasableKey(next.key)
      const both = withKey(page, pageKey, next)
      await pageFile.write(both)
      page = both
      try {
        const { operations, unreadableCount } = await reseal(
          database,
          [...live.values()],
          [erasableKey],
          nextErasableKey,
        )
        if (unreadableCount > 0) logger.warn('erasable values unreadable', { count: unreadableCount })
        await database.write(operations)
      } catch (error: unknown) {
        await takeBack(error, next.generation)
        throw error
      }
      wipe(erasableKey, current.key)
      const erased = current.generation
      current = next
      erasableKey = nextErasableKey
      page = withoutKey(page, erased)
      await pageFile.write(page)
      garbage = false
    },
    wipe: () => wipe(erasableKey, current.key),
  }
}
