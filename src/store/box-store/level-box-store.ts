/**
 * The box store on LevelDB: one writer that shares its syncs, readers beside it.
 * Never answers a write before it is synced, and never does less for a miss than for a hit. Spec 03-mailbox §5.1.
 * @module
 */
import { statfs } from 'node:fs/promises'
import { isAppError, SECOND_MS } from '../../base/index.ts'
import type { BoxPutOutcome, BoxStore, Clock, Logger, StoreBox } from '../../ports/index.ts'
import { storeError } from '../errors.ts'
import type { DatabaseOperation } from '../level-database.ts'
import { withFileErrors } from '../private-files.ts'
import type { BoxDatabase } from './box-database.ts'
import { createCompactor } from './compactor.ts'
import { createExpiryIndex } from './expiry-index.ts'
import { createGroupQueue } from './group-queue.ts'
import type { Accounting } from './layout.ts'
import {
  ACCOUNTING_KEY,
  assertBoxId,
  BOX_EXPIRY_PREFIX,
  boxKey,
  DECOY_KEY,
  decodeAccounting,
  decodeBoxValue,
  encodeAccounting,
  encodeBoxValue,
  expiryOf,
  expirySeconds,
  idOfKey,
  idText,
  MARK_EXPIRY_PREFIX,
  markKey,
} from './layout.ts'
import { EXPIRE_SLICE_COUNT, LIST_MAX_COUNT, marksMaxCount, PENDING_PUTS_MAX_COUNT } from './options.ts'
import type { GroupChange, GroupPlan, Held } from './plan-group.ts'
import { freeBoxes, planGroup, usedBytes } from './plan-group.ts'

export interface LevelBoxStoreDeps {
  readonly database: BoxDatabase
  readonly clock: Clock
  readonly logger: Logger
}

export interface LevelBoxStoreOptions {
  readonly directory: string
  readonly quotaBytes: number
  readonly reserveBytes: number
}

/** @throws {AppError} `STORE_CORRUPT` when there is no accounting */
async function readAccounting(database: BoxDatabase): Promise<Accounting> {
  const value = await database.get(ACCOUNTING_KEY)
  const accounting = value && decodeAccounting(value)
  if (accounting === undefined) throw storeError('STORE_CORRUPT')
  return accounting
}

/** Over a database that holds the decoy and the accounting already. */
export async function createLevelBoxStore(deps: LevelBoxStoreDeps, options: LevelBoxStoreOptions): Promise<BoxStore> {
  const { database, clock, logger } = deps
  const { quotaBytes } = options
  const boxIndex = createExpiryIndex(database, BOX_EXPIRY_PREFIX)
  const markIndex = createExpiryIndex(database, MARK_EXPIRY_PREFIX)
  const compactor = createCompactor(database, logger)
  const reading = new Set<Promise<unknown>>()
  let accounting = await readAccounting(database)
  /** After a failed write nobody knows whether it is on the disk: what is there counts. */
  let isCertain = true
  let pendingPuts = 0
  let closed: Promise<void> | undefined

  const write = async (operations: readonly DatabaseOperation[], next: Accounting): Promise<void> => {
    try {
      await database.write([...operations, { type: 'put', key: ACCOUNTING_KEY, value: encodeAccounting(next) }])
    } catch (error: unknown) {
      isCertain = false
      logger.warn('boxes not written', {}, error)
      throw error
    }
    accounting = next
  }

  const makeCertain = async (): Promise<void> => {
    if (isCertain) return
    accounting = await readAccounting(database)
    isCertain = true
  }

  const hasRoom = async (): Promise<boolean> => {
    const { bavail, bsize } = await withFileErrors(() => statfs(options.directory))
    return bavail * bsize >= options.reserveBytes
  }

  const find = async (changes: readonly GroupChange[]): Promise<ReadonlyMap<string, Held>> => {
    const ids = [...new Map(changes.map(({ boxId }) => [idText(boxId), boxId])).values()]
    const values = await database.getMany([...ids.map(boxKey), ...ids.map(markKey)])
    return new Map(ids.map((id, at) => [idText(id), { box: values[at], mark: values[ids.length + at] }]))
  }

  const drop = async (boxes: readonly Uint8Array[], marks: readonly Uint8Array[]): Promise<number> => {
    const dropped = boxes.length + marks.length
    if (dropped === 0) return 0
    // The index has more than was ever counted: not what we wrote.
    if (boxes.length > accounting.boxes || marks.length > accounting.marks) throw storeError('STORE_CORRUPT')
    const operations = [
      ...[...boxes, ...marks].map((key) => ({ type: 'del' as const, key })),
      ...boxes.map((key) => ({ type: 'del' as const, key: boxKey(idOfKey(key)) })),
      ...marks.map((key) => ({ type: 'del' as const, key: markKey(idOfKey(key)) })),
    ]
    await write(operations, { boxes: accounting.boxes - boxes.length, marks: accounting.marks - marks.length })
    boxIndex.noteDropped(boxes.at(-1))
    markIndex.noteDropped(marks.at(-1))
    compactor.noteDropped(dropped, accounting.boxes)
    return dropped
  }

  const dropExpired = async (nowMs: number): Promise<{ dropped: number; more: boolean }> => {
    await makeCertain()
    const boxes = await boxIndex.expired(nowMs, EXPIRE_SLICE_COUNT)
    const marks = await markIndex.expired(nowMs, EXPIRE_SLICE_COUNT)
    const dropped = await drop(boxes, marks)
    return { dropped, more: boxes.length === EXPIRE_SLICE_COUNT || marks.length === EXPIRE_SLICE_COUNT }
  }

  /** Drops what has expired until the group has room, and nothing that has not. */
  const makeRoom = async (changes: readonly GroupChange[]): Promise<void> => {
    const puts = changes.filter(({ type }) => type === 'put').length
    while (puts > freeBoxes(accounting, quotaBytes)) {
      const { dropped } = await dropExpired(clock.nowMs())
      if (dropped === 0) return
    }
  }

  /** Marks beyond their bound go with the group that brought one too many, nearest to their expiry first. */
  const surplusMarks = async (plan: GroupPlan): Promise<readonly Uint8Array[]> => {
    const surplus = plan.accounting.marks - marksMaxCount(quotaBytes)
    if (surplus <= 0) return []
    const all = [...(await markIndex.first(surplus)), ...plan.newMarks]
    return all.sort((a, b) => Buffer.compare(a, b)).slice(0, surplus)
  }

  const commit = async (changes: readonly GroupChange[]): Promise<readonly (BoxPutOutcome | boolean)[]> => {
    await makeCertain()
    await makeRoom(changes)
    const held = await find(changes)
    const plan = planGroup(changes, { held, accounting, quotaBytes, hasRoom: await hasRoom() })
    if (plan.operations.length === 0) return plan.outcomes
    const surplus = await surplusMarks(plan)
    const operations: readonly DatabaseOperation[] = [
      ...plan.operations,
      ...surplus.flatMap((key) => [
        { type: 'del' as const, key },
        { type: 'del' as const, key: markKey(idOfKey(key)) },
      ]),
    ]
    boxIndex.noteWritten(plan.newBoxes)
    markIndex.noteWritten(plan.newMarks)
    await write(operations, { boxes: plan.accounting.boxes, marks: plan.accounting.marks - surplus.length })
    markIndex.noteDropped(surplus.at(-1))
    compactor.noteDropped(plan.newMarks.length, accounting.boxes)
    return plan.outcomes
  }

  const queue = createGroupQueue<GroupChange, BoxPutOutcome | boolean>(commit)

  const assertOpen = (): void => {
    if (closed !== undefined) throw storeError('STORE_CLOSED')
  }

  const read = async <T>(operation: () => Promise<T>): Promise<T> => {
    assertOpen()
    const work = operation()
    reading.add(work)
    try {
      return await work
    } finally {
      reading.delete(work)
    }
  }

  const get = (boxId: Uint8Array): Promise<StoreBox | undefined> =>
    read(async () => {
      const from = boxKey(boxId)
      // The record at the id or the next one after it, in the end the decoy: one seek and one record, hit or miss.
      const [entry] = await database.range(from, AFTER_DECOY, 1)
      const value = entry && decodeBoxValue(entry.value)
      if (entry === undefined || value === undefined) throw storeError('STORE_CORRUPT')
      const box = { boxId: idOfKey(entry.key), signature: value.signature, ciphertext: value.ciphertext }
      return Buffer.compare(entry.key, from) === 0 ? box : undefined
    })

  const shutDown = async (): Promise<void> => {
    await queue.idle()
    await Promise.allSettled(reading)
    await compactor.stop()
    await database.close()
  }

  return {
    async put(box, expiresAtMs) {
      assertOpen()
      assertBoxId(box.boxId)
      const value = encodeBoxValue(box, expirySeconds(expiresAtMs))
      if (pendingPuts >= PENDING_PUTS_MAX_COUNT) return { status: 'full' }
      pendingPuts += 1
      try {
        return (await queue.change({ type: 'put', boxId: box.boxId.slice(), value })) as BoxPutOutcome
      } catch (error: unknown) {
        if (isAppError(error, 'STORE_FULL')) return { status: 'full' }
        throw error
      } finally {
        pendingPuts -= 1
      }
    },
    async get(boxId) {
      assertBoxId(boxId)
      return get(boxId)
    },
    async has(boxId) {
      assertBoxId(boxId)
      return (await get(boxId)) !== undefined
    },
    async tombstone(boxId) {
      assertOpen()
      assertBoxId(boxId)
      return (await queue.change({ type: 'tombstone', boxId: boxId.slice() })) as boolean
    },
    async discard(boxId) {
      assertOpen()
      assertBoxId(boxId)
      return (await queue.change({ type: 'discard', boxId: boxId.slice() })) as boolean
    },
    async expire(nowMs) {
      assertOpen()
      return queue.run(() => dropExpired(nowMs))
    },
    async list(after, limit) {
      if (after !== undefined) assertBoxId(after)
      if (!(limit >= 1 && limit <= LIST_MAX_COUNT)) throw new RangeError('limit of a list is out of range')
      const from = after === undefined ? FIRST_BOX : Uint8Array.of(...boxKey(after), 0)
      const entries = await read(() => database.range(from, DECOY_KEY, limit))
      return entries.map(({ key, value }) => ({ boxId: idOfKey(key), expiresAtMs: expiryOf(value) * SECOND_MS }))
    },
    stats: () => ({
      boxes: accounting.boxes,
      tombstones: accounting.marks,
      usedBytes: usedBytes(accounting),
      quotaBytes,
    }),
    close() {
      closed ??= shutDown()
      return closed
    },
  }
}

const AFTER_DECOY = Uint8Array.of(...DECOY_KEY, 0)
const FIRST_BOX = Uint8Array.of(DECOY_KEY[0] ?? 0)
