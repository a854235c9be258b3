/**
 * What every adapter of the box store's port must do. Spec 03-mailbox §5.1.
 * Never looks behind the port.
 * @module
 */
import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { describe, it } from 'node:test'
import type { BoxStore } from '../../src/ports/index.ts'
import { BOX_CIPHERTEXT_BYTES } from '../../src/wire/index.ts'
import { boxIdOf, boxOf, createSetClock, hoursFromStart, type SetClock } from '../support/box-store.ts'

export interface BoxStoreCase {
  readonly quotaBytes: number
  readonly clock: SetClock
}

export type CreateBoxStore = (context: TestContext, options: BoxStoreCase) => Promise<BoxStore>

const LARGE_QUOTA = 64 * 1024 * 1024
const LATER_MS = hoursFromStart(14 * 24)

async function expireAll(store: BoxStore, nowMs: number): Promise<number> {
  let sum = 0
  for (;;) {
    const { dropped, more } = await store.expire(nowMs)
    sum += dropped
    if (!more) return sum
  }
}

async function allIds(store: BoxStore, limit: number): Promise<readonly string[]> {
  const ids: string[] = []
  let after: Uint8Array | undefined
  for (;;) {
    const page = await store.list(after, limit)
    ids.push(...page.map(({ boxId }) => Buffer.from(boxId).toString('hex')))
    after = page.at(-1)?.boxId
    if (page.length < limit) return ids
  }
}

/** How many boxes a store takes before it is full, and the number it was full at. */
async function fill(store: BoxStore, expiresAtMs: number, from = 0): Promise<number> {
  for (let index = from; ; index += 1) {
    const { status } = await store.put(boxOf(index), expiresAtMs)
    if (status === 'full') return index
    assert.equal(status, 'stored')
  }
}

/** Runs the suite; `create` makes an empty store that the suite closes. */
export function testBoxStore(name: string, create: CreateBoxStore): void {
  const withFresh =
    (body: (store: BoxStore, clock: SetClock) => Promise<void>, quotaBytes = LARGE_QUOTA) =>
    async (context: TestContext): Promise<void> => {
      const clock = createSetClock()
      const store = await create(context, { quotaBytes, clock })
      try {
        await body(store, clock)
      } finally {
        await store.close()
      }
    }

  describe(`${name}: box store`, () => {
    it(
      'gives back what was put, and nothing for what was not',
      withFresh(async (store) => {
        assert.equal(await store.get(boxIdOf(1)), undefined)
        assert.equal(await store.has(boxIdOf(1)), false)
        assert.deepEqual(await store.put(boxOf(1, 7, 9), LATER_MS), { status: 'stored', expiresAtMs: LATER_MS })
        assert.deepEqual(await store.get(boxIdOf(1)), boxOf(1, 7, 9))
        assert.equal(await store.has(boxIdOf(1)), true)
        assert.equal(await store.get(boxIdOf(2)), undefined)
        assert.equal(await store.has(boxIdOf(2)), false)
      }),
    )

    it(
      'holds the lowest id and the highest',
      withFresh(async (store) => {
        const low = { ...boxOf(1), boxId: new Uint8Array(32) }
        const high = { ...boxOf(2), boxId: new Uint8Array(32).fill(255) }
        assert.equal(await store.get(high.boxId), undefined)
        for (const box of [low, high]) {
          assert.equal((await store.put(box, LATER_MS)).status, 'stored')
          assert.deepEqual(await store.get(box.boxId), box)
        }
        assert.deepEqual(
          (await store.list(undefined, 10)).map(({ boxId }) => boxId),
          [low.boxId, high.boxId],
        )
        assert.deepEqual(await store.list(high.boxId, 10), [])
        assert.equal(await store.tombstone(high.boxId), true)
        assert.equal(await store.get(high.boxId), undefined)
      }),
    )

    it(
      'keeps the first write: the same bytes are present with their first expiry, others are a conflict',
      withFresh(async (store) => {
        await store.put(boxOf(1), LATER_MS)
        for (const expiresAtMs of [LATER_MS, LATER_MS + 3_600_000, LATER_MS - 3_600_000]) {
          assert.deepEqual(await store.put(boxOf(1), expiresAtMs), { status: 'present', expiresAtMs: LATER_MS })
        }
        assert.deepEqual(await store.put(boxOf(1, 1), LATER_MS), { status: 'conflict' })
        assert.deepEqual(await store.put(boxOf(1, 0, 1), LATER_MS), { status: 'conflict' })
        assert.deepEqual(await store.get(boxIdOf(1)), boxOf(1))
        assert.equal(store.stats().boxes, 1)
      }),
    )

    it(
      'keeps the expiry in whole seconds, rounded down',
      withFresh(async (store) => {
        assert.deepEqual(await store.put(boxOf(1), LATER_MS + 999), { status: 'stored', expiresAtMs: LATER_MS })
        assert.deepEqual(await store.put(boxOf(1), LATER_MS + 999), { status: 'present', expiresAtMs: LATER_MS })
        assert.deepEqual(await store.list(undefined, 1), [{ boxId: boxIdOf(1), expiresAtMs: LATER_MS }])
        const last = 0xffff_ffff * 1_000
        assert.deepEqual(await store.put(boxOf(2), last), { status: 'stored', expiresAtMs: last })
      }),
    )

    it(
      'copies on the way in and on the way out',
      withFresh(async (store) => {
        const box = boxOf(1, 3, 4)
        const pending = store.put(box, LATER_MS)
        for (const part of [box.boxId, box.signature, box.ciphertext]) part.fill(0)
        await pending
        const got = await store.get(boxIdOf(1))
        assert.deepEqual(got, boxOf(1, 3, 4))
        for (const part of [got?.boxId, got?.signature, got?.ciphertext]) part?.fill(0)
        assert.deepEqual(await store.get(boxIdOf(1)), boxOf(1, 3, 4))
      }),
    )

    it(
      'refuses wrong sizes, expiries and limits as a bug, and keeps nothing of them',
      withFresh(async (store) => {
        const box = boxOf(1)
        for (const wrong of [
          { ...box, boxId: new Uint8Array(31) },
          { ...box, boxId: new Uint8Array(33) },
          { ...box, signature: new Uint8Array(63) },
          { ...box, signature: new Uint8Array(65) },
          { ...box, ciphertext: new Uint8Array(BOX_CIPHERTEXT_BYTES - 1) },
          { ...box, ciphertext: new Uint8Array(BOX_CIPHERTEXT_BYTES + 1) },
        ])
          await assert.rejects(store.put(wrong, LATER_MS), RangeError)
        for (const wrong of [-1, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 32 * 1_000])
          await assert.rejects(store.put(box, wrong), RangeError)
        for (const wrong of [0, -1, Number.NaN, 4_097]) await assert.rejects(store.list(undefined, wrong), RangeError)
        const short = new Uint8Array(31)
        for (const call of [
          store.get(short),
          store.has(short),
          store.tombstone(short),
          store.discard(short),
          store.list(short, 1),
        ])
          await assert.rejects(call, RangeError)
        assert.equal(store.stats().boxes, 0)
        assert.equal((await store.put(box, LATER_MS)).status, 'stored')
      }),
    )

    it(
      'decides between puts that run side by side: one is stored, the same are present, others conflict',
      withFresh(async (store) => {
        const outcomes = await Promise.all(
          Array.from({ length: 60 }, (_, index) => store.put(boxOf(index % 20, index < 40 ? 0 : 1), LATER_MS)),
        )
        assert.deepEqual(
          outcomes.map(({ status }) => status),
          Array.from({ length: 60 }, (_, index) => (index < 20 ? 'stored' : index < 40 ? 'present' : 'conflict')),
        )
        assert.equal(store.stats().boxes, 20)
        for (let index = 0; index < 20; index += 1) assert.deepEqual(await store.get(boxIdOf(index)), boxOf(index))
      }),
    )

    it(
      'takes more puts at once than fit one group',
      withFresh(async (store) => {
        const outcomes = await Promise.all(Array.from({ length: 700 }, (_, index) => store.put(boxOf(index), LATER_MS)))
        assert.ok(outcomes.every(({ status }) => status === 'stored'))
        assert.equal(store.stats().boxes, 700)
        assert.equal((await allIds(store, 97)).length, 700)
      }),
    )

    it(
      'takes a box back at once and keeps its id closed until its expiry',
      withFresh(async (store) => {
        await store.put(boxOf(1), hoursFromStart(5))
        assert.equal(await store.tombstone(boxIdOf(1)), true)
        assert.equal(await store.get(boxIdOf(1)), undefined)
        assert.equal(await store.has(boxIdOf(1)), false)
        assert.deepEqual(await store.list(undefined, 10), [])
        for (const box of [boxOf(1), boxOf(1, 1)])
          assert.deepEqual(await store.put(box, LATER_MS), { status: 'tombstoned' })
        assert.equal(await store.tombstone(boxIdOf(1)), false, 'a second time nothing happens')
        assert.deepEqual(
          { ...store.stats(), usedBytes: 0 },
          {
            boxes: 0,
            tombstones: 1,
            usedBytes: 0,
            quotaBytes: LARGE_QUOTA,
          },
        )
        await expireAll(store, hoursFromStart(4))
        assert.deepEqual(await store.put(boxOf(1), LATER_MS), { status: 'tombstoned' })
        await expireAll(store, hoursFromStart(5))
        assert.equal((await store.put(boxOf(1), LATER_MS)).status, 'stored')
      }),
    )

    it(
      'discards a box without a mark, so that another copy takes its place',
      withFresh(async (store, clock) => {
        for (const index of [1, 2]) await store.put(boxOf(index), LATER_MS)
        await store.put(boxOf(3), hoursFromStart(2))
        await store.tombstone(boxIdOf(2))
        const wasThere: boolean[] = []
        for (const index of [1, 1, 2, 3, 4]) wasThere.push(await store.discard(boxIdOf(index)))
        assert.deepEqual(wasThere, [true, false, false, true, false])
        assert.equal(await store.get(boxIdOf(1)), undefined)
        const { boxes, tombstones } = store.stats()
        assert.deepEqual([boxes, tombstones], [0, 1])
        assert.deepEqual(await store.list(undefined, 10), [])
        // Nothing is left that expiry would drop in its place.
        clock.set(hoursFromStart(3))
        assert.equal(await expireAll(store, hoursFromStart(3)), 0)
        const other = { ...boxOf(1), ciphertext: boxOf(9).ciphertext }
        assert.equal((await store.put(other, LATER_MS)).status, 'stored')
        assert.deepEqual(await store.get(boxIdOf(1)), other)
      }),
    )

    it(
      'does nothing for a tombstone on an unknown id, which stays open',
      withFresh(async (store) => {
        assert.equal(await store.tombstone(boxIdOf(1)), false)
        assert.equal(store.stats().tombstones, 0)
        assert.equal((await store.put(boxOf(1), LATER_MS)).status, 'stored')
      }),
    )

    it(
      'keeps the order of puts and tombstones that run side by side',
      withFresh(async (store) => {
        const results = await Promise.all([
          store.tombstone(boxIdOf(1)),
          store.put(boxOf(1), LATER_MS),
          store.tombstone(boxIdOf(1)),
          store.put(boxOf(1), LATER_MS),
          store.tombstone(boxIdOf(1)),
        ])
        assert.deepEqual(results, [
          false,
          { status: 'stored', expiresAtMs: LATER_MS },
          true,
          { status: 'tombstoned' },
          false,
        ])
        assert.deepEqual([store.stats().boxes, store.stats().tombstones], [0, 1])
      }),
    )

    it(
      'drops what has expired, within the hour and never before',
      withFresh(async (store) => {
        await store.put(boxOf(1), hoursFromStart(1))
        await store.put(boxOf(2), hoursFromStart(1) + 1_000)
        await store.put(boxOf(3), hoursFromStart(2))
        await store.put(boxOf(4), hoursFromStart(3))
        assert.equal(await expireAll(store, hoursFromStart(1) - 1), 0)
        assert.equal(await expireAll(store, hoursFromStart(1)), 1)
        assert.equal(await store.get(boxIdOf(1)), undefined)
        assert.equal(await store.has(boxIdOf(2)), true)
        assert.equal(await expireAll(store, hoursFromStart(1) + 1_000 + 3_600_000), 2)
        assert.deepEqual(await Promise.all([1, 2, 3, 4].map((index) => store.has(boxIdOf(index)))), [
          false,
          false,
          false,
          true,
        ])
        assert.equal(store.stats().boxes, 1)
        assert.equal((await store.put(boxOf(1), LATER_MS)).status, 'stored', 'an id that was dropped is open again')
      }),
    )

    it(
      'loses nothing when the clock was ahead and goes back',
      withFresh(async (store) => {
        await store.put(boxOf(1), hoursFromStart(10))
        await store.put(boxOf(2), hoursFromStart(300))
        assert.equal(await expireAll(store, hoursFromStart(100)), 1)
        // Written by the right clock, below what was dropped by the wrong one.
        await store.put(boxOf(3), hoursFromStart(11))
        await store.put(boxOf(4), hoursFromStart(12))
        for (const nowMs of [hoursFromStart(0), hoursFromStart(-1_000_000), 0, -1]) {
          assert.equal(await expireAll(store, nowMs), 0)
        }
        assert.deepEqual(await Promise.all([2, 3, 4].map((index) => store.has(boxIdOf(index)))), [true, true, true])
        assert.equal(await expireAll(store, hoursFromStart(11)), 1)
        assert.equal(await expireAll(store, hoursFromStart(12)), 1)
        assert.equal(store.stats().boxes, 1)
        assert.equal(await store.has(boxIdOf(2)), true)
      }),
    )

    it(
      'drops in bounded slices and says whether there is more',
      withFresh(async (store) => {
        const count = 2_500
        for (let from = 0; from < count; from += 500)
          await Promise.all(Array.from({ length: 500 }, (_, at) => store.put(boxOf(from + at), hoursFromStart(1))))
        const kept = boxOf(count)
        await store.put(kept, LATER_MS)
        let calls = 0
        let sum = 0
        for (;;) {
          const { dropped, more } = await store.expire(hoursFromStart(1))
          assert.ok(dropped <= 1_100, 'one slice is bounded')
          calls += 1
          sum += dropped
          if (!more) break
        }
        assert.ok(calls >= 3)
        assert.equal(sum, count)
        assert.deepEqual(await store.list(undefined, 10), [{ boxId: kept.boxId, expiresAtMs: LATER_MS }])
      }),
    )

    it(
      'is full at its quota: first goes what has expired, never what has not',
      withFresh(async (store, clock) => {
        const count = await fill(store, hoursFromStart(10))
        assert.ok(count >= 20 && count <= 60)
        assert.ok(store.stats().usedBytes <= 100_000)
        assert.equal(store.stats().boxes, count)
        assert.deepEqual(await store.put(boxOf(count), LATER_MS), { status: 'full' })
        assert.equal((await store.put(boxOf(0), LATER_MS)).status, 'present', 'what is there needs no room')
        assert.equal((await store.put(boxOf(0, 1), LATER_MS)).status, 'conflict')
        clock.set(hoursFromStart(9))
        assert.deepEqual(await store.put(boxOf(count), LATER_MS), { status: 'full' })
        assert.equal(store.stats().boxes, count, 'nothing was dropped for it')
        clock.set(hoursFromStart(10))
        assert.equal((await store.put(boxOf(count), LATER_MS)).status, 'stored')
        assert.equal(await fill(store, LATER_MS, count + 1), 2 * count, 'and as many fit as before')
      }, 100_000),
    )

    it(
      'gives the room of a box back when it is taken back, but for its mark',
      withFresh(async (store) => {
        const count = await fill(store, LATER_MS)
        assert.equal(await store.tombstone(boxIdOf(0)), true)
        assert.equal(await store.tombstone(boxIdOf(1)), true)
        assert.equal((await store.put(boxOf(count), LATER_MS)).status, 'stored')
        assert.ok(store.stats().usedBytes <= 100_000)
      }, 100_000),
    )

    it(
      'stays within its quota whatever comes side by side',
      withFresh(async (store) => {
        const outcomes = await Promise.all(Array.from({ length: 300 }, (_, index) => store.put(boxOf(index), LATER_MS)))
        const stored = outcomes.filter(({ status }) => status === 'stored').length
        assert.equal(outcomes.filter(({ status }) => status === 'full').length, 300 - stored)
        assert.ok(stored > 0 && stored < 300)
        assert.equal(store.stats().boxes, stored)
        assert.ok(store.stats().usedBytes <= 100_000)
      }, 100_000),
    )

    it(
      'bounds its marks: those nearest to their expiry go first',
      withFresh(async (store) => {
        const count = 200
        for (let index = 0; index < count; index += 1) {
          const { status } = await store.put(boxOf(index), hoursFromStart(1_000 - index))
          assert.equal(status, 'stored')
          assert.equal(await store.tombstone(boxIdOf(index)), true)
        }
        const { tombstones, usedBytes } = store.stats()
        assert.ok(tombstones > 10 && tombstones < count / 2, `${tombstones} marks`)
        assert.ok(usedBytes <= 100_000)
        // The first ones expire last: their marks are the ones that stayed.
        assert.deepEqual(await store.put(boxOf(0), LATER_MS), { status: 'tombstoned' })
        assert.deepEqual(await store.put(boxOf(tombstones - 1), LATER_MS), { status: 'tombstoned' })
        assert.equal((await store.put(boxOf(tombstones), LATER_MS)).status, 'stored')
        assert.equal((await store.put(boxOf(count - 1), LATER_MS)).status, 'stored')
        assert.equal(await expireAll(store, hoursFromStart(1_000)), tombstones + 2)
        assert.deepEqual([store.stats().boxes, store.stats().tombstones], [0, 0])
      }, 100_000),
    )

    it(
      'lists ids in order, in pages, and nothing that is gone',
      withFresh(async (store) => {
        await Promise.all(Array.from({ length: 50 }, (_, index) => store.put(boxOf(index), LATER_MS)))
        await store.tombstone(boxIdOf(3))
        const expected = Array.from({ length: 50 }, (_, index) => Buffer.from(boxIdOf(index)).toString('hex'))
          .filter((_, index) => index !== 3)
          .sort()
        for (const limit of [1, 7, 49, 50, 4_096]) assert.deepEqual(await allIds(store, limit), expected)
        const between = await store.list(boxIdOf(3), 4_096)
        assert.equal(between.length, expected.filter((id) => id > Buffer.from(boxIdOf(3)).toString('hex')).length)
      }),
    )

    it('waits for pending puts when it closes, closes once, and refuses everything afterwards', async (context) => {
      const store = await create(context, { quotaBytes: LARGE_QUOTA, clock: createSetClock() })
      const pending = [store.put(boxOf(1), LATER_MS), store.put(boxOf(2), LATER_MS)]
      const read = store.get(boxIdOf(3))
      const [outcomes] = await Promise.all([Promise.all(pending), store.close(), store.close()])
      assert.ok(outcomes.every(({ status }) => status === 'stored'))
      assert.equal(await read, undefined)
      await store.close()
      const calls = [
        () => store.put(boxOf(1), LATER_MS),
        () => store.get(boxIdOf(1)),
        () => store.has(boxIdOf(1)),
        () => store.tombstone(boxIdOf(1)),
        () => store.expire(0),
        () => store.list(undefined, 1),
      ]
      for (const call of calls) await assert.rejects(call(), { code: 'STORE_CLOSED', kind: 'stopping' })
    })
  })
}
