/**
 * The key-value port over sealed records: order, atomicity, erasure and closing. Spec 09-store §7.
 * Never runs two calls at once, so that a read sees what was written before it, sealed under the key of the moment.
 * @module
 */
import { statfs } from 'node:fs/promises'
import { createMutex, hexEncode, isAbortError } from '../base/index.ts'
import type { Clock, KeyValueStore, Logger, StoreOperation } from '../ports/index.ts'
import type { Erasure } from './erasure.ts'
import { storeError } from './errors.ts'
import type { KeyHierarchy } from './key-hierarchy.ts'
import type { Database, DatabaseOperation } from './level-database.ts'
import { assertTableName } from './limits.ts'
import { ERASURE_INTERVAL_MS } from './options.ts'
import { withFileErrors } from './private-files.ts'
import { recordKeyOf } from './record-key.ts'
import { openValue, sealValue } from './sealed-value.ts'

export interface LevelStoreDeps {
  readonly database: Database
  readonly keys: KeyHierarchy
  readonly erasure: Erasure
  readonly clock: Clock
  readonly logger: Logger
  /** Called once, after everything else was closed. */
  readonly release: () => Promise<void>
}

export interface LevelStoreOptions {
  readonly directory: string
  readonly reserveBytes: number
}

interface PreparedOperation {
  readonly hashedKey: Uint8Array
  readonly table: string
  readonly value: Uint8Array | undefined
  readonly erasable: boolean
}

export function createLevelStore(deps: LevelStoreDeps, options: LevelStoreOptions): KeyValueStore {
  const { database, keys, erasure, clock, logger } = deps
  const mutex = createMutex()
  const stopping = new AbortController()
  let closed: Promise<void> | undefined

  /** Runs alone and in the order of the calls; calls made before `close` still run. */
  const enter = <T>(section: () => Promise<T>): Promise<T> => {
    if (closed !== undefined) return Promise.reject(storeError('STORE_CLOSED'))
    return mutex.run(section)
  }

  /** The caller may change or wipe its arrays as soon as the call has returned. The last word on a key counts. */
  const prepare = (operations: readonly StoreOperation[]): readonly PreparedOperation[] => {
    const prepared = new Map<string, PreparedOperation>()
    for (const operation of operations) {
      const { table, key } = operation
      assertTableName(table)
      const hashedKey = keys.hashKey(table, key)
      const value = operation.type === 'put' ? operation.value : undefined
      const sealed = value === undefined ? undefined : sealValue(keys.tableKey(table), { table, hashedKey }, value)
      const erasable = operation.type === 'put' && operation.erasable === true
      prepared.set(hexEncode(hashedKey), { hashedKey, table, value: sealed, erasable })
    }
    return [...prepared.values()]
  }

  const assertRoom = async (prepared: readonly PreparedOperation[]): Promise<void> => {
    // Deletions alone may use the reserve: they are how one makes room.
    if (prepared.every(({ value }) => value === undefined)) return
    const needed = prepared.reduce((sum, { value }) => sum + (value?.length ?? 0), options.reserveBytes)
    const { bavail, bsize } = await withFileErrors(() => statfs(options.directory))
    if (bavail * bsize < needed) throw storeError('STORE_FULL')
  }

  const toDatabase = ({ hashedKey, value, erasable }: PreparedOperation): readonly DatabaseOperation[] => {
    const wasErasable = erasure.isLive(hashedKey)
    if (value === undefined) return [{ type: 'del', key: recordKeyOf(hashedKey, wasErasable) }]
    const stored = erasable ? erasure.seal(hashedKey, value) : value
    const put = { type: 'put', key: recordKeyOf(hashedKey, erasable), value: stored } as const
    if (wasErasable && !erasable) return [{ type: 'del', key: recordKeyOf(hashedKey, true) }, put]
    // Whether a plain record is there is not known without a read; deleting what is not there costs less.
    return erasable && !wasErasable ? [{ type: 'del', key: recordKeyOf(hashedKey, false) }, put] : [put]
  }

  const renewOnSchedule = async (): Promise<void> => {
    for (;;) {
      await clock.sleep(ERASURE_INTERVAL_MS, stopping.signal)
      await mutex.run(renewIfNeeded)
    }
  }

  const renewIfNeeded = async (): Promise<void> => {
    if (!erasure.hasGarbage()) return
    try {
      await erasure.renew()
    } catch (error: unknown) {
      // Tried again after the next interval, and again when the store closes.
      logger.warn('erasure key not renewed', {}, error)
    }
  }

  const schedule = renewOnSchedule().catch((error: unknown) => {
    if (!isAbortError(error)) logger.error('erasure schedule ended', {}, error)
  })

  const shutDown = async (): Promise<void> => {
    stopping.abort()
    await schedule
    await mutex.run(async () => {
      // A store at rest holds nothing readable of what was erased.
      await renewIfNeeded()
      try {
        await database.close()
      } finally {
        await deps.release()
        erasure.wipe()
        keys.wipe()
      }
    })
  }

  return {
    get: (table, key) =>
      enter(async () => {
        const hashedKey = keys.hashKey(table, key)
        const erasable = erasure.isLive(hashedKey)
        const stored = await database.get(recordKeyOf(hashedKey, erasable))
        if (stored === undefined && !erasable) return undefined
        const sealed = erasable && stored !== undefined ? erasure.open(hashedKey, stored) : stored
        const value = sealed && openValue(keys.tableKey(table), { table, hashedKey }, sealed)
        if (value === undefined) throw storeError('STORE_CORRUPT')
        return value
      }),
    async batch(operations) {
      if (closed !== undefined) throw storeError('STORE_CLOSED')
      const prepared = prepare(operations)
      if (prepared.length === 0) return
      await enter(async () => {
        await assertRoom(prepared)
        const changes = prepared.flatMap(toDatabase)
        await database.write(changes)
        for (const { hashedKey, value, erasable } of prepared) erasure.note(hashedKey, value !== undefined && erasable)
      })
    },
    renewErasureKey: () => enter(() => erasure.renew()),
    close() {
      closed ??= shutDown()
      return closed
    },
  }
}
