import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  LANE_CATCH_UP_SLOTS,
  LANE_MEAN_SLOT_MS,
  nextReconnectDelayMs,
  nextSlotDelayMs,
  RECONNECT_FIRST_MS,
  RECONNECT_MAX_MS,
  startSchedule,
  takeSlot,
} from '../../../src/padding/index.ts'
import type { Random } from '../../../src/ports/index.ts'
import { createSeededRandom } from '../../support/seeded-random.ts'

/** Gives the same number each time; at 0.5 every delay is its mean. */
function constantRandom(value: number): Random {
  return { bytes: (length) => new Uint8Array(length), uniform: () => value }
}

describe('nextSlotDelayMs', () => {
  it('lies between half and one and a half times the mean, and fills that range', () => {
    assert.equal(nextSlotDelayMs(constantRandom(0)), 0.5 * LANE_MEAN_SLOT_MS)
    assert.ok(nextSlotDelayMs(constantRandom(1 - 2 ** -53)) <= 1.5 * LANE_MEAN_SLOT_MS)
    const random = createSeededRandom(1)
    const count = 100_000
    const bins = new Array<number>(10).fill(0)
    for (let index = 0; index < count; index++) {
      const bin = Math.floor((nextSlotDelayMs(random) / LANE_MEAN_SLOT_MS - 0.5) * 10)
      bins[bin] = (bins[bin] ?? 0) + 1
    }
    assert.equal(bins.length, 10)
    // Five standard deviations of a bin of 10,000.
    for (const bin of bins) assert.ok(Math.abs(bin - count / 10) < 475, `bin of ${bin}`)
  })
})

describe('takeSlot', () => {
  const random = constantRandom(0.5)
  const schedule = startSchedule(1000, random)

  it('leaves the line silent until the first delay is over', () => {
    assert.deepEqual(schedule, { meanMs: LANE_MEAN_SLOT_MS, nextSlotMs: 2000, slotIndex: 0 })
    assert.deepEqual(takeSlot(schedule, 1999.9, random), { schedule, due: false, slotIndex: 0, missed: 0 })
  })

  it('serves a slot once, and keeps to its grid when the caller is late', () => {
    const onTime = takeSlot(schedule, 2000, random)
    assert.deepEqual(onTime, {
      schedule: { meanMs: 1000, nextSlotMs: 3000, slotIndex: 1 },
      due: true,
      slotIndex: 0,
      missed: 0,
    })
    assert.equal(takeSlot(onTime.schedule, 2000, random).due, false)
    assert.deepEqual(takeSlot(schedule, 2900, random).schedule, onTime.schedule)
  })

  it('drops missed slots: one record leaves, never two', () => {
    const late = takeSlot(schedule, 5500, random)
    assert.deepEqual(late, {
      schedule: { meanMs: 1000, nextSlotMs: 6000, slotIndex: 4 },
      due: true,
      slotIndex: 3,
      missed: 3,
    })
    assert.equal(takeSlot(late.schedule, 5500, random).due, false)
  })

  it('starts afresh after a long pause, with bounded work', () => {
    let draws = 0
    const counting: Random = { ...random, uniform: () => ((draws += 1), 0.5) }
    const nowMs = 10 * 24 * 3_600_000
    const decision = takeSlot(schedule, nowMs, counting)
    assert.equal(decision.due, true)
    assert.equal(decision.schedule.nextSlotMs, nowMs + LANE_MEAN_SLOT_MS)
    assert.ok(draws <= LANE_CATCH_UP_SLOTS + 2)
    assert.equal(takeSlot(decision.schedule, nowMs, counting).due, false)
  })

  it('keeps to the mean that it was started with', () => {
    const slow = startSchedule(1000, random, 30_000)
    assert.equal(slow.nextSlotMs, 31_000)
    const served = takeSlot(slow, 31_000, random)
    assert.deepEqual(served.schedule, { meanMs: 30_000, nextSlotMs: 61_000, slotIndex: 1 })
    assert.equal(takeSlot(slow, 10 * 24 * 3_600_000, random).schedule.nextSlotMs, 10 * 24 * 3_600_000 + 30_000)
    assert.equal(nextSlotDelayMs(constantRandom(0), 600), 300)
  })

  it('has the mean rate', () => {
    const seeded = createSeededRandom(2)
    let current = startSchedule(0, seeded)
    for (let slot = 0; slot < 100_000; slot++) current = takeSlot(current, current.nextSlotMs, seeded).schedule
    const meanMs = current.nextSlotMs / 100_001
    // Five standard errors: 289 ms / sqrt(100,000) each.
    assert.ok(Math.abs(meanMs - LANE_MEAN_SLOT_MS) < 4.6, `mean of ${meanMs}`)
  })
})

describe('nextReconnectDelayMs', () => {
  it('doubles in the mean up to its bound and never leaves it', () => {
    const means = Array.from({ length: 9 }, (_, failures) => nextReconnectDelayMs(failures, constantRandom(0.5)))
    assert.deepEqual(means, [2000, 4000, 8000, 16_000, 32_000, 64_000, 120_000, 120_000, 120_000])
    for (const failures of [0, 3, 50, 2000, Number.MAX_SAFE_INTEGER]) {
      for (const value of [0, 0.999_999]) {
        const delayMs = nextReconnectDelayMs(failures, constantRandom(value))
        assert.ok(delayMs >= RECONNECT_FIRST_MS / 2 && delayMs <= RECONNECT_MAX_MS * 1.5)
      }
    }
  })
})
