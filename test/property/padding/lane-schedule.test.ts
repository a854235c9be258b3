import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import {
  LANE_CATCH_UP_SLOTS,
  type Rhythm,
  SLOT_LATE_MAX_MS,
  type SlotDecision,
  startSchedule,
  takeSlot,
} from '../../../src/padding/index.ts'
import type { Clock, Random } from '../../../src/ports/index.ts'
import { createSeededRandom } from '../../support/seeded-random.ts'
import { createVirtualClock } from '../../support/virtual-clock.ts'

const rhythms = fc.record<Rhythm>({
  meanMs: fc.constantFrom(25, 1000, 15_000, 600_000),
  law: fc.constantFrom('jittered', 'exponential'),
})
const seeds = fc.integer({ min: 1, max: 2 ** 31 - 1 })
/** How long after the moment it asked for a caller comes: on time, busy, or asleep for hours. */
const delays = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: fc.integer({ min: -50, max: 20 }) },
    { weight: 3, arbitrary: fc.integer({ min: 20, max: 5000 }) },
    { weight: 1, arbitrary: fc.integer({ min: 5000, max: 20 * 3_600_000 }) },
  ),
  { minLength: 1, maxLength: 60 },
)

function counted(random: Random): Random & { draws: number } {
  const counting = {
    draws: 0,
    bytes: random.bytes,
    uniform: () => {
      counting.draws += 1
      return random.uniform()
    },
  }
  return counting
}

/** The times of the slots themselves, whoever looks. */
function gridOf(rhythm: Rhythm, seed: number, count: number): number[] {
  const random = createSeededRandom(seed)
  const grid: number[] = []
  for (let schedule = startSchedule(0, random, rhythm); grid.length < count; ) {
    grid.push(schedule.nextSlotMs)
    schedule = takeSlot(schedule, schedule.nextSlotMs, random).schedule
  }
  return grid
}

/** Follows a lane whose caller is late, and throws where it breaks a rule. */
function follow(take: typeof takeSlot, rhythm: Rhythm, seed: number, lateness: readonly number[]): void {
  const random = counted(createSeededRandom(seed))
  const served: number[] = []
  let [nowMs, missed, hasRestarted] = [0, 0, false]
  let schedule = startSchedule(0, random, rhythm)
  const grid = gridOf(rhythm, seed, lateness.length * (LANE_CATCH_UP_SLOTS + 2))
  for (const delayMs of lateness) {
    nowMs = Math.max(nowMs, schedule.nextSlotMs + delayMs)
    const before = random.draws
    const decision: SlotDecision = take(schedule, nowMs, random)
    const passed = decision.schedule.slotIndex - schedule.slotIndex
    assert.ok(decision.schedule.nextSlotMs > nowMs)
    assert.ok(random.draws - before <= LANE_CATCH_UP_SLOTS + 2)
    assert.equal(decision.missed + Number(decision.due), passed)
    hasRestarted ||= passed > LANE_CATCH_UP_SLOTS
    if (decision.due) {
      assert.ok(served.every((index) => index < decision.slotIndex))
      served.push(decision.slotIndex)
      const slotMs = grid[decision.slotIndex] ?? Number.NaN
      if (!hasRestarted) assert.ok(nowMs >= slotMs && nowMs <= slotMs + SLOT_LATE_MAX_MS)
    }
    // Asked again at once: nothing.
    assert.equal(take(decision.schedule, nowMs, random).due, false)
    if (!hasRestarted) assert.equal(decision.schedule.nextSlotMs, grid[decision.schedule.slotIndex])
    schedule = decision.schedule
    missed += decision.missed
  }
  assert.equal(served.length + missed, schedule.slotIndex)
}

const runs = (take: typeof takeSlot): void =>
  fc.assert(
    fc.property(rhythms, seeds, delays, (rhythm, seed, lateness) => follow(take, rhythm, seed, lateness)),
    { numRuns: 300, seed: 4 },
  )

describe('takeSlot, however late its caller is', () => {
  it('serves each slot of its grid once or never, in order and not too late, and accounts for all of them', () => {
    runs(takeSlot)
  })

  it('control: serving what was slept through, one record for each missed slot, and a grid that moves are noticed', () => {
    const faults: readonly (typeof takeSlot)[] = [
      (schedule, nowMs, random) => {
        const decision = takeSlot(schedule, nowMs, random)
        const isLate = !decision.due && decision.missed > 0
        return isLate ? { ...decision, due: true, missed: decision.missed - 1 } : decision
      },
      (schedule, nowMs, random) => {
        if (nowMs < schedule.nextSlotMs) return { schedule, due: false, slotIndex: schedule.slotIndex, missed: 0 }
        return takeSlot(schedule, schedule.nextSlotMs, random)
      },
      (schedule, nowMs, random) => {
        const decision = takeSlot(schedule, nowMs, random)
        const nextSlotMs = decision.schedule.nextSlotMs + (decision.due ? 1 : 0)
        return { ...decision, schedule: { ...decision.schedule, nextSlotMs } }
      },
    ]
    for (const fault of faults) assert.throws(() => runs(fault))
  })
})

/** When the slots of a lane are served by this clock. */
async function serve(clock: Clock, slots: number): Promise<number[]> {
  const random = createSeededRandom(3)
  const times: number[] = []
  const rhythm: Rhythm = { meanMs: 15_000, law: 'jittered' }
  for (let schedule = startSchedule(clock.monotonicMs(), random, rhythm); times.length < slots; ) {
    await clock.sleep(schedule.nextSlotMs - clock.monotonicMs())
    const decision = takeSlot(schedule, clock.monotonicMs(), random)
    if (decision.due) times.push(clock.monotonicMs())
    schedule = decision.schedule
  }
  return times
}

describe('a lane on a clock that is put right', () => {
  it('does not move with summer time, time servers or users', async () => {
    const [steady, jumping] = [createVirtualClock(), createVirtualClock()]
    const [expected, times] = [serve(steady, 200), serve(jumping, 200)]
    await steady.advance(4_000_000)
    for (const byMs of [3_600_000, -3_600_000, 86_400_000, -10 * 365 * 86_400_000, 17]) {
      await jumping.advance(123_457)
      jumping.jumpWallClock(byMs)
    }
    await jumping.advance(4_000_000)
    assert.deepEqual(await times, await expected)
    // Control: wall time has moved.
    assert.ok(Math.abs(jumping.nowMs() - steady.nowMs()) > 86_400_000)
  })
})
