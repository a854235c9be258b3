import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  type Delay,
  estimateBulk,
  estimateLive,
  estimateText,
  type FileLoad,
  fileSlotsPerDay,
  PROFILE_NAMES,
  profileOf,
  type TextLoad,
} from '../../../src/padding/index.ts'

const SHORT: TextLoad = { envelopes: 1, queuedEnvelopes: 0, queuedBoxes: 0, isHot: true }
const RUNNING = PROFILE_NAMES.filter((name) => name !== 'manual')
const BALANCED = profileOf('balanced')
const DAY_MS = 86_400_000

function deliveredOf(profile: (typeof RUNNING)[number], load: TextLoad): Delay {
  const { delivered } = estimateText(profileOf(profile), load)
  assert.ok(delivered !== undefined)
  return delivered
}

function fileOf(load: FileLoad): { readonly stored: Delay; readonly delivered: Delay } {
  const { delivered, stored } = estimateBulk(BALANCED, load)
  assert.ok(stored !== undefined && delivered !== undefined)
  return { stored, delivered }
}

function isInOrder({ earlyMs, expectedMs, lateMs }: Delay): boolean {
  return earlyMs >= 0 && earlyMs < expectedMs && expectedMs < lateMs && Number.isFinite(lateMs)
}

describe('the estimate of a message', () => {
  it('counts three envelopes to a box, with those for the same contact, and the boxes of others', () => {
    const slots = (load: Partial<TextLoad>): number => estimateText(BALANCED, { ...SHORT, ...load }).writeSlots
    assert.deepEqual(
      [1, 3, 4, 64].map((envelopes) => slots({ envelopes })),
      [1, 1, 2, 22],
    )
    assert.equal(slots({ queuedEnvelopes: 2 }), 1)
    assert.equal(slots({ queuedEnvelopes: 3 }), 2)
    assert.equal(slots({ queuedBoxes: 7 }), 8)
  })

  it('is in order, and longer for whatever takes longer', () => {
    for (const name of RUNNING) {
      const least = deliveredOf(name, SHORT)
      assert.ok(isInOrder(least), name)
      const loads = [{ isHot: false }, { queuedBoxes: 1 }, { envelopes: 4 }, { queuedEnvelopes: 3 }]
      for (const load of loads) {
        const more = deliveredOf(name, { ...SHORT, ...load })
        assert.ok(isInOrder(more), name)
        assert.ok(more.expectedMs > least.expectedMs && more.lateMs > least.lateMs, `${name} ${JSON.stringify(load)}`)
      }
    }
  })

  it('says nothing of what the network does to it but what is assumed, and is never longer for a faster network', () => {
    const slow = estimateText(BALANCED, SHORT).stored
    const fast = estimateText(profileOf('balanced', 50), SHORT).stored
    assert.ok(slow !== undefined && fast !== undefined)
    assert.ok(fast.expectedMs < slow.expectedMs / 10 && fast.expectedMs > 350)
  })

  it('tells how many syncs Manual needs, and no time', () => {
    const estimate = (load: Partial<TextLoad>) => estimateText(profileOf('manual'), { ...SHORT, ...load })
    assert.deepEqual(estimate({}), {
      writeSlots: 1,
      syncs: { ours: 1, theirs: 1 },
      stored: undefined,
      delivered: undefined,
    })
    // Twelve write slots in a sync; nine of its 24 read slots ask for the table.
    assert.deepEqual(estimate({ envelopes: 36 }).syncs, { ours: 1, theirs: 1 })
    assert.deepEqual(estimate({ envelopes: 37 }).syncs, { ours: 2, theirs: 1 })
    assert.deepEqual(estimate({ envelopes: 46 }).syncs, { ours: 2, theirs: 2 })
    assert.deepEqual(estimate({ queuedBoxes: 24 }).syncs, { ours: 3, theirs: 1 })
  })

  it('is asked for something', () => {
    for (const envelopes of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) {
      assert.throws(() => estimateText(BALANCED, { ...SHORT, envelopes }), RangeError)
      assert.throws(() => estimateLive({ envelopes, queuedEnvelopes: 0 }), RangeError)
      assert.throws(() => estimateBulk(BALANCED, { chunks: envelopes, queuedBoxes: 0 }), RangeError)
    }
    assert.throws(() => estimateText(BALANCED, { ...SHORT, queuedBoxes: -1 }), RangeError)
  })
})

describe('the estimate over a live lane', () => {
  it('is a slot for each envelope and one way through the onion', () => {
    const one = estimateLive({ envelopes: 1, queuedEnvelopes: 0 })
    assert.ok(isInOrder(one))
    // The rest of a slot, 542 ms, and 397 ms of the onion.
    assert.ok(Math.abs(one.expectedMs - 938) < 2, `${one.expectedMs}`)
    const more = estimateLive({ envelopes: 5, queuedEnvelopes: 15 })
    assert.ok(Math.abs(more.expectedMs - one.expectedMs - 19_000) < 1)
    assert.ok(more.lateMs - more.expectedMs < 2500)
  })
})

describe('the estimate of a file', () => {
  it('is in order, and longer for more', () => {
    for (const name of RUNNING) {
      let last = 0
      for (const chunks of [1, 2, 10, 40, 158, 631, 2525, 10_200]) {
        const { delivered, stored } = estimateBulk(profileOf(name), { chunks, queuedBoxes: 0 })
        assert.ok(stored !== undefined && delivered !== undefined)
        assert.ok(isInOrder(stored) && isInOrder(delivered), `${name} ${chunks}`)
        assert.ok(delivered.expectedMs > stored.expectedMs && delivered.expectedMs > last, `${name} ${chunks}`)
        last = delivered.expectedMs
      }
    }
  })

  it('never takes more than its share of the slots of the days that it tells of', () => {
    for (const name of RUNNING) {
      const perDay = fileSlotsPerDay(profileOf(name))
      for (const chunks of [631, 10_200]) {
        const { stored } = estimateBulk(profileOf(name), { chunks, queuedBoxes: 0 })
        assert.ok(stored !== undefined)
        const days = stored.expectedMs / DAY_MS
        const slots = days * perDay.write + Math.ceil(days * 8 + 1) * (perDay.bulk / 4)
        assert.ok(chunks <= slots, `${name} ${chunks} ${slots}`)
      }
    }
  })

  it('uses what is known of the own windows', () => {
    const load = { chunks: 400, queuedBoxes: 0 }
    const at = (nextInMs: number | undefined, slotsLeft: number): Delay =>
      fileOf({ ...load, windows: { nextInMs, slotsLeft } }).stored
    const [soon, later, now] = [at(60_000, 0), at(3_600_000, 0), at(4 * 3_600_000, 1000)]
    assert.ok(soon.expectedMs < later.expectedMs && now.expectedMs < soon.expectedMs)
    assert.ok(now.expectedMs < 1000 * 1000)
    assert.deepEqual(at(undefined, 0), fileOf(load).stored)
    // The whole window is over before an open one has taken what does not fit.
    assert.ok(at(4 * 3_600_000, 10).expectedMs > 3_600_000)
  })

  it('waits for what is queued before it', () => {
    const [alone, behind] = [fileOf({ chunks: 10, queuedBoxes: 0 }), fileOf({ chunks: 10, queuedBoxes: 40 })]
    assert.ok(behind.stored.earlyMs > alone.stored.earlyMs)
    assert.ok(behind.delivered.expectedMs > 3 * alone.delivered.expectedMs)
  })

  it('tells how many syncs Manual needs, and no time', () => {
    const { delivered, stored, syncs, writeSlots } = estimateBulk(profileOf('manual'), { chunks: 100, queuedBoxes: 20 })
    assert.deepEqual([delivered, stored, writeSlots, syncs], [undefined, undefined, 120, { ours: 10, theirs: 7 }])
    assert.deepEqual(fileSlotsPerDay(profileOf('manual')), { write: 0, bulk: 0 })
    assert.deepEqual(fileSlotsPerDay(profileOf('low')), { write: 144, bulk: 0 })
    assert.equal(fileSlotsPerDay(BALANCED).write, 2880)
    assert.ok(Math.abs(fileSlotsPerDay(BALANCED).bulk - 2 * (BALANCED.bulk?.recordsPerWindow ?? 0)) <= 4)
  })
})
