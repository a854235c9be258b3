import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  LANE_CATCH_UP_SLOTS,
  LANE_MEAN_SLOT_MS,
  nextReconnectDelayMs,
  nextSlotDelayMs,
  RECONNECT_FIRST_MS,
  RECONNECT_MAX_MS,
  type Rhythm,
  SLOT_LATE_MAX_MS,
  startSchedule,
  takeSlot,
} from '../../../src/padding/index.ts'
import type { Random } from '../../../src/ports/index.ts'
import { createSeededRandom } from '../../support/seeded-random.ts'

/** Gives the same number each time; at 0.5 every delay is its mean. */
function constantRandom(value: number): Random {
  return { bytes: (length) => new Uint8Array(length), uniform: () => value }
}

const JITTERED: Rhythm = { meanMs: 1000, law: 'jittered' }
const EXPONENTIAL: Rhythm = { meanMs: 1000, law: 'exponential' }

/** The delay below which the largest tenth of an exponential cut at four times its scale does not reach: the cut itself. */
const LONGEST = 4 / (1 - Math.exp(-4))

function draw(rhythm: Rhythm, count: number, seed: number): number[] {
  const random = createSeededRandom(seed)
  return Array.from({ length: count }, () => nextSlotDelayMs(random, rhythm) / rhythm.meanMs)
}

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}

describe('nextSlotDelayMs', () => {
  it('is that of an open lane unless a rhythm is given', () => {
    assert.equal(nextSlotDelayMs(constantRandom(0.5)), LANE_MEAN_SLOT_MS)
    assert.equal(nextSlotDelayMs(constantRandom(0.5), { meanMs: 600, law: 'jittered' }), 600)
  })

  it('jittered lies between half and one and a half times the mean, and fills that range', () => {
    assert.equal(nextSlotDelayMs(constantRandom(0), JITTERED), 500)
    assert.ok(nextSlotDelayMs(constantRandom(1 - 2 ** -53), JITTERED) <= 1500)
    const count = 100_000
    const bins = new Array<number>(10).fill(0)
    for (const delay of draw(JITTERED, count, 1)) {
      const bin = Math.floor((delay - 0.5) * 10)
      bins[bin] = (bins[bin] ?? 0) + 1
    }
    assert.equal(bins.length, 10)
    // Five standard deviations of a bin of 10,000.
    for (const bin of bins) assert.ok(Math.abs(bin - count / 10) < 475, `bin of ${bin}`)
  })

  it('exponential has its mean, forgets how long it has waited, and is cut', () => {
    assert.equal(nextSlotDelayMs(constantRandom(0), EXPONENTIAL), 0)
    assert.ok(Math.abs(nextSlotDelayMs(constantRandom(1 - 2 ** -53), EXPONENTIAL) / 1000 - LONGEST) < 1e-9)
    const delays = draw(EXPONENTIAL, 200_000, 2)
    // A hundredth is five standard errors here.
    assert.ok(Math.abs(meanOf(delays) - 1) < 0.01, `mean ${meanOf(delays)}`)
    assert.ok(delays.every((delay) => delay >= 0 && delay <= LONGEST + 1e-9))
    // The cut takes e^-4 of them; of those that waited for half a scale, as many wait for another half as waited for one.
    const half = LONGEST / 8
    const longerThan = (waited: number): number => delays.filter((delay) => delay > waited).length
    assert.ok(Math.abs(longerThan(LONGEST - 1e-6) / delays.length - Math.exp(-4)) < 0.002)
    for (const waited of [0, half, 2 * half, 4 * half]) {
      assert.ok(Math.abs(longerThan(waited + half) / longerThan(waited) - Math.exp(-0.5)) < 0.01, `after ${waited}`)
    }
  })

  it('control: the two laws and another mean are told apart by what is checked here', () => {
    const share = (rhythm: Rhythm): number => draw(rhythm, 10_000, 3).filter((delay) => delay < 0.5).length / 10_000
    assert.equal(share(JITTERED), 0)
    assert.ok(share(EXPONENTIAL) > 0.35)
    const uncut = draw(EXPONENTIAL, 200_000, 2).map((delay) => delay * (1 - Math.exp(-4)))
    assert.ok(Math.abs(meanOf(uncut) - 1) > 0.01)
  })

  it('takes one number whatever the law and the mean', () => {
    let draws = 0
    const counting: Random = { bytes: (length) => new Uint8Array(length), uniform: () => ((draws += 1), 0.3) }
    for (const rhythm of [JITTERED, EXPONENTIAL, { ...EXPONENTIAL, meanMs: 20_000 }]) nextSlotDelayMs(counting, rhythm)
    assert.equal(draws, 3)
  })
})

describe('takeSlot', () => {
  const random = constantRandom(0.5)
  const schedule = startSchedule(1000, random, JITTERED)

  it('leaves the line silent until the first delay is over', () => {
    assert.deepEqual(schedule, { rhythm: JITTERED, nextSlotMs: 2000, slotIndex: 0 })
    assert.deepEqual(takeSlot(schedule, 1999.9, random), { schedule, due: false, slotIndex: 0, missed: 0 })
    assert.deepEqual(startSchedule(1000, random).rhythm, { meanMs: LANE_MEAN_SLOT_MS, law: 'jittered' })
  })

  it('serves a slot once, and keeps to its grid when the caller is late', () => {
    const onTime = takeSlot(schedule, 2000, random)
    assert.deepEqual(onTime, {
      schedule: { rhythm: JITTERED, nextSlotMs: 3000, slotIndex: 1 },
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
      schedule: { rhythm: JITTERED, nextSlotMs: 6000, slotIndex: 4 },
      due: true,
      slotIndex: 3,
      missed: 3,
    })
    assert.equal(takeSlot(late.schedule, 5500, random).due, false)
  })

  it('drops a slot that was reached too late, and keeps the grid', () => {
    const slow = startSchedule(0, random, { meanMs: 30_000, law: 'jittered' })
    const inTime = takeSlot(slow, 30_000 + SLOT_LATE_MAX_MS, random)
    const tooLate = takeSlot(slow, 30_001 + SLOT_LATE_MAX_MS, random)
    assert.deepEqual([inTime.due, inTime.missed], [true, 0])
    assert.deepEqual([tooLate.due, tooLate.missed], [false, 1])
    assert.deepEqual(tooLate.schedule, inTime.schedule)
    assert.equal(takeSlot(tooLate.schedule, 59_999, random).due, false)
    assert.equal(takeSlot(tooLate.schedule, 60_000, random).due, true)
    // After several: the last one decides.
    assert.deepEqual(takeSlot(slow, 95_000, random).due, false)
    assert.deepEqual(takeSlot(slow, 91_000, random).due, true)
  })

  it('starts afresh after a long pause, with bounded work and nothing at once', () => {
    let draws = 0
    const counting: Random = { ...random, uniform: () => ((draws += 1), 0.5) }
    const nowMs = 10 * 24 * 3_600_000
    const decision = takeSlot(schedule, nowMs, counting)
    assert.equal(decision.due, false)
    assert.equal(decision.missed, LANE_CATCH_UP_SLOTS + 1)
    assert.equal(decision.schedule.nextSlotMs, nowMs + LANE_MEAN_SLOT_MS)
    assert.ok(draws <= LANE_CATCH_UP_SLOTS + 2)
    assert.equal(takeSlot(decision.schedule, nowMs, counting).due, false)
    assert.equal(takeSlot(decision.schedule, nowMs + LANE_MEAN_SLOT_MS, counting).due, true)
  })

  it('waits out a clock that stands still', () => {
    // A machine whose clock stops while it sleeps: the rest of the delay follows after it.
    for (let look = 0; look < 10; look += 1) assert.equal(takeSlot(schedule, 1500, random).due, false)
    assert.equal(takeSlot(schedule, 2000, random).due, true)
  })

  it('keeps to the rhythm that it was started with', () => {
    const rhythm: Rhythm = { meanMs: 30_000, law: 'exponential' }
    const slow = startSchedule(1000, random, rhythm)
    assert.equal(slow.nextSlotMs, 1000 + nextSlotDelayMs(random, rhythm))
    const served = takeSlot(slow, slow.nextSlotMs, random)
    assert.deepEqual(served.schedule, {
      rhythm,
      nextSlotMs: slow.nextSlotMs + nextSlotDelayMs(random, rhythm),
      slotIndex: 1,
    })
  })

  it('has the mean rate, of both laws', () => {
    for (const rhythm of [JITTERED, EXPONENTIAL]) {
      const seeded = createSeededRandom(2)
      let current = startSchedule(0, seeded, rhythm)
      for (let slot = 0; slot < 200_000; slot++) current = takeSlot(current, current.nextSlotMs, seeded).schedule
      const meanMs = current.nextSlotMs / 200_001
      // More than four standard errors of the wider law.
      assert.ok(Math.abs(meanMs - rhythm.meanMs) < 0.01 * rhythm.meanMs, `mean of ${meanMs}`)
    }
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
