import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  type Delay,
  estimateBulk,
  estimateLive,
  estimateText,
  LANE_MEAN_SLOT_MS,
  type Profile,
  profileOf,
  startSchedule,
  takeSlot,
} from '../../../src/padding/index.ts'
import { BOX_ENVELOPES_MAX_COUNT } from '../../../src/wire/index.ts'
import { oneWayMs, playFile, playText } from '../../support/delivery-model.ts'
import { createSeededRandom } from '../../support/seeded-random.ts'

/** How an estimate looks beside what happened. */
interface Fit {
  /** Of the mean, as a share of what happened. */
  readonly error: number
  readonly beforeEarly: number
  readonly afterLate: number
}

function fit(estimate: Delay | undefined, happened: readonly number[]): Fit {
  assert.ok(estimate !== undefined)
  const mean = happened.reduce((sum, value) => sum + value, 0) / happened.length
  return {
    error: Math.abs(estimate.expectedMs / mean - 1),
    beforeEarly: happened.filter((value) => value < estimate.earlyMs).length / happened.length,
    afterLate: happened.filter((value) => value > estimate.lateMs).length / happened.length,
  }
}

/** Five of a hundred may lie beyond either end; what 1,000 runs can tell is within another five. */
function holds({ afterLate, beforeEarly, error }: Fit, tolerance: number, late = 0.1): boolean {
  return error <= tolerance && beforeEarly <= 0.1 && afterLate <= late
}

const RUNS = 1_000
const LOADS = [
  { envelopes: 1, queuedEnvelopes: 0, queuedBoxes: 0, isHot: true },
  { envelopes: 1, queuedEnvelopes: 0, queuedBoxes: 0, isHot: false },
  { envelopes: 2, queuedEnvelopes: 3, queuedBoxes: 4, isHot: true },
  { envelopes: 20, queuedEnvelopes: 0, queuedBoxes: 0, isHot: true },
] as const
type Load = (typeof LOADS)[number]

function playTexts(profile: Profile, load: Load, runs: number): { stored: number[]; delivered: number[] } {
  const random = createSeededRandom(20 + load.envelopes)
  const boxes = Math.ceil((load.envelopes + load.queuedEnvelopes) / BOX_ENVELOPES_MAX_COUNT)
  const outcomes = Array.from({ length: runs }, () => playText(profile, { ...load, boxes }, random))
  return { stored: outcomes.map(({ storedMs }) => storedMs), delivered: outcomes.map(({ deliveredMs }) => deliveredMs) }
}

describe('the estimate of a message', () => {
  for (const name of ['low', 'balanced', 'fast', 'paranoid'] as const) {
    it(`${name}: is what happens when it is played`, () => {
      for (const load of LOADS) {
        const estimate = estimateText(profileOf(name), load)
        const played = playTexts(profileOf(name), load, RUNS)
        // With several boxes both sides wait for each other more than is computed, most where the reader is as slow as the writer.
        const several = name === 'paranoid' ? 0.15 : 0.1
        const tolerance = load.envelopes > 1 ? several : 0.07
        for (const [what, result] of [
          ['stored', fit(estimate.stored, played.stored)],
          ['delivered', fit(estimate.delivered, played.delivered)],
        ] as const) {
          // Of many boxes the last is the one whose answer was late; what that adds is in the mean alone.
          const late = load.envelopes > 10 ? 0.2 : 0.1
          assert.ok(holds(result, tolerance, late), `${what} ${JSON.stringify(load)} ${JSON.stringify(result)}`)
        }
      }
    })
  }

  it('control: another profile, another queue and a reader who has to find the box do not fit', () => {
    const [short, cold, queued] = LOADS
    const estimate = estimateText(profileOf('balanced'), short)
    for (const [profile, load] of [
      [profileOf('paranoid'), short],
      [profileOf('fast'), short],
      [profileOf('balanced'), cold],
      [profileOf('balanced'), queued],
    ] as const) {
      assert.equal(holds(fit(estimate.delivered, playTexts(profile, load, 100).delivered), 0.15), false)
    }
  })
})

describe('the estimate over a live lane', () => {
  it('is what happens when it is played', () => {
    const random = createSeededRandom(9)
    for (const count of [1, 12]) {
      const happened = Array.from({ length: 4 * RUNS }, () => {
        let schedule = startSchedule(0, random)
        const beginMs = 20 * LANE_MEAN_SLOT_MS * (1 + random.uniform())
        while (schedule.nextSlotMs < beginMs) schedule = takeSlot(schedule, schedule.nextSlotMs, random).schedule
        for (let sent = 1; sent < count; sent += 1) schedule = takeSlot(schedule, schedule.nextSlotMs, random).schedule
        return schedule.nextSlotMs - beginMs + oneWayMs(random)
      })
      const result = fit(estimateLive({ envelopes: count, queuedEnvelopes: 0 }), happened)
      assert.ok(holds(result, 0.05), `${count} ${JSON.stringify(result)}`)
    }
  })
})

describe('the estimate of a file', () => {
  const RUN_COUNT = 60

  function playFiles(profile: Profile, chunks: number, queuedBoxes: number, endMs: number): number[] {
    const random = createSeededRandom(chunks + queuedBoxes)
    return Array.from({ length: RUN_COUNT }, () => {
      // Messages take up to half of the ordinary slots, as the estimate allows for.
      const busy = 0.5 * random.uniform()
      return playFile(profile, { chunks, queuedBoxes, busy, endMs }, random).deliveredMs
    })
  }

  for (const name of ['low', 'balanced', 'fast', 'paranoid'] as const) {
    it(`${name}: is what happens when it is played, windows of two sides and all`, () => {
      for (const [chunks, queuedBoxes] of [
        [10, 0],
        [10, 40],
        [158, 0],
        [640, 5],
      ] as const) {
        const { delivered } = estimateBulk(profileOf(name), { chunks, queuedBoxes })
        assert.ok(delivered !== undefined)
        const happened = playFiles(profileOf(name), chunks, queuedBoxes, 2 * delivered.lateMs + 1e6)
        const result = fit(delivered, happened)
        assert.ok(holds(result, 0.25), `${chunks} ${queuedBoxes} ${JSON.stringify(result)}`)
      }
    })
  }

  it('control: another profile, another size and files without windows do not fit', () => {
    const { delivered } = estimateBulk(profileOf('balanced'), { chunks: 640, queuedBoxes: 0 })
    assert.ok(delivered !== undefined)
    for (const [profile, chunks] of [
      [profileOf('fast'), 640],
      [profileOf('balanced'), 64],
      [{ ...profileOf('balanced'), bulk: undefined }, 640],
    ] as const) {
      const other = estimateBulk(profile, { chunks, queuedBoxes: 0 }).delivered
      assert.ok(other !== undefined)
      const happened = playFiles(profile, chunks, 0, 2 * other.lateMs)
      assert.equal(holds(fit(delivered, happened), 0.25), false)
      assert.equal(holds(fit(other, happened), 0.25), true)
    }
  })
})
