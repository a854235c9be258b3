/**
 * The box store without a disk, for virtual time and for hosts of tests.
 * Never holds more than its quota. Spec 03-mailbox §5.1.
 * @module
 */
import { HOUR_MS, SECOND_MS } from '../../base/index.ts'
import type { BoxStore, StoreBox } from '../../ports/index.ts'
import { storeError } from '../errors.ts'
import { assertBoxId, decodeBoxValue, encodeBoxValue, expiryOf, expirySeconds, idText, isSameBox } from './layout.ts'
import type { MemoryBoxStoreOptions } from './options.ts'
import { BOX_CHARGE_BYTES, EXPIRE_SLICE_COUNT, LIST_MAX_COUNT, MARK_CHARGE_BYTES, marksMaxCount } from './options.ts'

/** Gone with the process. Every call ends within one turn, so that virtual time does not run past it. */
export function createMemoryBoxStore({ quotaBytes, clock }: MemoryBoxStoreOptions): BoxStore {
  const boxes = new Map<string, Uint8Array>()
  /** Seconds of expiry. */
  const marks = new Map<string, number>()
  let sorted: readonly string[] | undefined
  let closed = false

  const assertOpen = (): void => {
    if (closed) throw storeError('STORE_CLOSED')
  }

  const used = (): number => boxes.size * BOX_CHARGE_BYTES + marks.size * MARK_CHARGE_BYTES

  const hasExpired = (seconds: number, nowMs: number): boolean =>
    Math.ceil((seconds * SECOND_MS) / HOUR_MS) <= Math.floor(nowMs / HOUR_MS)

  const dropExpired = (nowMs: number, limit: number): number => {
    const gone = [...boxes].filter(([, value]) => hasExpired(expiryOf(value), nowMs)).slice(0, limit)
    const goneMarks = [...marks].filter(([, expiry]) => hasExpired(expiry, nowMs)).slice(0, limit)
    for (const [id] of gone) removeBox(id)
    for (const [id] of goneMarks) marks.delete(id)
    return gone.length + goneMarks.length
  }

  const removeBox = (id: string): void => {
    boxes.delete(id)
    sorted = undefined
  }

  const get = (boxId: Uint8Array): StoreBox | undefined => {
    assertOpen()
    assertBoxId(boxId)
    const value = boxes.get(idText(boxId))
    const decoded = value && decodeBoxValue(value)
    return decoded && { boxId: boxId.slice(), signature: decoded.signature, ciphertext: decoded.ciphertext }
  }

  const nearestMark = (): string | undefined => {
    const order = ([id, expiry]: readonly [string, number]): readonly [number, string] => [
      Math.ceil((expiry * SECOND_MS) / HOUR_MS),
      id,
    ]
    let nearest: readonly [number, string] | undefined
    for (const entry of marks) {
      const at = order(entry)
      if (nearest === undefined || at[0] < nearest[0] || (at[0] === nearest[0] && at[1] < nearest[1])) nearest = at
    }
    return nearest?.[1]
  }

  return {
    async put(box, expiresAtMs) {
      assertOpen()
      assertBoxId(box.boxId)
      const expiry = expirySeconds(expiresAtMs)
      const value = encodeBoxValue(box, expiry)
      const id = idText(box.boxId)
      if (used() + BOX_CHARGE_BYTES > quotaBytes) dropExpired(clock.nowMs(), Number.POSITIVE_INFINITY)
      if (marks.has(id)) return { status: 'tombstoned' }
      const there = boxes.get(id)
      if (there !== undefined) {
        if (!isSameBox(there, value)) return { status: 'conflict' }
        return { status: 'present', expiresAtMs: expiryOf(there) * SECOND_MS }
      }
      if (used() + BOX_CHARGE_BYTES > quotaBytes) return { status: 'full' }
      boxes.set(id, value)
      sorted = undefined
      return { status: 'stored', expiresAtMs: expiry * SECOND_MS }
    },
    get: async (boxId) => get(boxId),
    has: async (boxId) => get(boxId) !== undefined,
    async tombstone(boxId) {
      assertOpen()
      assertBoxId(boxId)
      const id = idText(boxId)
      const value = boxes.get(id)
      if (value === undefined) return false
      removeBox(id)
      marks.set(id, expiryOf(value))
      while (marks.size > marksMaxCount(quotaBytes)) marks.delete(nearestMark() ?? id)
      return true
    },
    async discard(boxId) {
      assertOpen()
      assertBoxId(boxId)
      const id = idText(boxId)
      if (!boxes.has(id)) return false
      removeBox(id)
      return true
    },
    async expire(nowMs) {
      assertOpen()
      const before = boxes.size + marks.size
      const dropped = dropExpired(nowMs, EXPIRE_SLICE_COUNT)
      return { dropped, more: dropped >= EXPIRE_SLICE_COUNT && before > dropped }
    },
    async list(after, limit) {
      assertOpen()
      if (after !== undefined) assertBoxId(after)
      if (!(limit >= 1 && limit <= LIST_MAX_COUNT)) throw new RangeError('limit of a list is out of range')
      sorted ??= [...boxes.keys()].sort()
      const afterText = after === undefined ? '' : idText(after)
      return sorted
        .filter((id) => id > afterText)
        .slice(0, limit)
        .map((id) => ({
          boxId: new Uint8Array(Buffer.from(id, 'hex')),
          expiresAtMs: expiryOf(boxes.get(id) ?? new Uint8Array(4)) * SECOND_MS,
        }))
    },
    stats: () => ({ boxes: boxes.size, tombstones: marks.size, usedBytes: used(), quotaBytes }),
    async close() {
      closed = true
      boxes.clear()
      marks.clear()
      sorted = undefined
    },
  }
}
