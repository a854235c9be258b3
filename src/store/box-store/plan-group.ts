/**
 * What a group of puts, tombstones and discards changes, one after the other, as if each had been alone.
 * Never touches the disk. Spec 03-mailbox §5.1.
 * @module
 */
import { SECOND_MS } from '../../base/index.ts'
import type { BoxPutOutcome } from '../../ports/index.ts'
import type { DatabaseOperation } from '../level-database.ts'
import type { Accounting } from './layout.ts'
import {
  BOX_EXPIRY_PREFIX,
  boxKey,
  encodeMarkValue,
  expiryHour,
  expiryKey,
  expiryOf,
  idText,
  isSameBox,
  MARK_EXPIRY_PREFIX,
  markKey,
} from './layout.ts'
import { BOX_CHARGE_BYTES, MARK_CHARGE_BYTES } from './options.ts'

export type GroupChange =
  | { readonly type: 'put'; readonly boxId: Uint8Array; readonly value: Uint8Array }
  | { readonly type: 'tombstone' | 'discard'; readonly boxId: Uint8Array }

/** What lies under one id: at most one of the two, as its value. */
export interface Held {
  readonly box: Uint8Array | undefined
  readonly mark: Uint8Array | undefined
}

export interface GroupState {
  /** By `idText`, of every id in the group. */
  readonly held: ReadonlyMap<string, Held>
  readonly accounting: Accounting
  readonly quotaBytes: number
  /** Whether the disk has room for more. */
  readonly hasRoom: boolean
}

export interface GroupPlan {
  /** In the order of the changes: for a put its outcome, for the others whether a box was there. */
  readonly outcomes: readonly (BoxPutOutcome | boolean)[]
  readonly operations: readonly DatabaseOperation[]
  readonly accounting: Accounting
  /** Index keys of what is new. */
  readonly newBoxes: readonly Uint8Array[]
  readonly newMarks: readonly Uint8Array[]
}

const NOTHING: Held = { box: undefined, mark: undefined }

export function usedBytes({ boxes, marks }: Accounting): number {
  return boxes * BOX_CHARGE_BYTES + marks * MARK_CHARGE_BYTES
}

/** How many boxes fit besides what is there. */
export function freeBoxes(accounting: Accounting, quotaBytes: number): number {
  return Math.max(0, Math.floor((quotaBytes - usedBytes(accounting)) / BOX_CHARGE_BYTES))
}

export function planGroup(changes: readonly GroupChange[], state: GroupState): GroupPlan {
  const held = new Map(state.held)
  const operations: DatabaseOperation[] = []
  const newBoxes: Uint8Array[] = []
  const newMarks: Uint8Array[] = []
  let { boxes, marks } = state.accounting

  const put = (boxId: Uint8Array, value: Uint8Array): BoxPutOutcome => {
    const { box, mark } = held.get(idText(boxId)) ?? NOTHING
    if (mark !== undefined) return { status: 'tombstoned' }
    if (box !== undefined) {
      return isSameBox(box, value)
        ? { status: 'present', expiresAtMs: expiryOf(box) * SECOND_MS }
        : { status: 'conflict' }
    }
    if (!state.hasRoom || freeBoxes({ boxes, marks }, state.quotaBytes) === 0) return { status: 'full' }
    const expiry = expiryOf(value)
    const index = expiryKey(BOX_EXPIRY_PREFIX, expiryHour(expiry), boxId)
    operations.push({ type: 'put', key: boxKey(boxId), value }, { type: 'put', key: index, value: new Uint8Array(0) })
    newBoxes.push(index)
    held.set(idText(boxId), { box: value, mark: undefined })
    boxes += 1
    return { status: 'stored', expiresAtMs: expiry * SECOND_MS }
  }

  const tombstone = (boxId: Uint8Array): boolean => {
    const { box } = held.get(idText(boxId)) ?? NOTHING
    if (box === undefined) return false
    const expiry = expiryOf(box)
    const hour = expiryHour(expiry)
    const mark = encodeMarkValue(expiry)
    const index = expiryKey(MARK_EXPIRY_PREFIX, hour, boxId)
    operations.push(
      { type: 'del', key: boxKey(boxId) },
      { type: 'del', key: expiryKey(BOX_EXPIRY_PREFIX, hour, boxId) },
      { type: 'put', key: markKey(boxId), value: mark },
      { type: 'put', key: index, value: new Uint8Array(0) },
    )
    newMarks.push(index)
    held.set(idText(boxId), { box: undefined, mark })
    boxes -= 1
    marks += 1
    return true
  }

  const discard = (boxId: Uint8Array): boolean => {
    const { box } = held.get(idText(boxId)) ?? NOTHING
    if (box === undefined) return false
    const index = expiryKey(BOX_EXPIRY_PREFIX, expiryHour(expiryOf(box)), boxId)
    operations.push({ type: 'del', key: boxKey(boxId) }, { type: 'del', key: index })
    held.set(idText(boxId), NOTHING)
    boxes -= 1
    return true
  }

  const outcomes = changes.map((change) => {
    if (change.type === 'put') return put(change.boxId, change.value)
    return change.type === 'tombstone' ? tombstone(change.boxId) : discard(change.boxId)
  })
  return { outcomes, operations, accounting: { boxes, marks }, newBoxes, newMarks }
}
