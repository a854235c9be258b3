import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  createSteadyTime,
  DAY_MS,
  HOUR_MS,
  MINUTE_MS,
  STEADY_JUMP_MS,
  STEADY_START_MS,
  type SteadyTime,
} from '../../../src/base/index.ts'

function create(): { readonly steady: SteadyTime; jump(ms: number): void; pass(ms: number): number; now(): number } {
  let wallMs = Date.UTC(2026, 0, 1)
  let monotonicMs = 1_234
  const steady = createSteadyTime({ nowMs: () => wallMs, monotonicMs: () => monotonicMs })
  return {
    steady,
    now: () => wallMs,
    jump: (ms) => {
      wallMs += ms
    },
    /** Asked each minute, as the sweeps do; gives how far it is behind the wall clock in the end. */
    pass(ms) {
      for (let passed = 0; passed < ms; passed += MINUTE_MS) {
        wallMs += MINUTE_MS
        monotonicMs += MINUTE_MS
        steady.nowMs()
      }
      return wallMs - steady.nowMs()
    },
  }
}

describe('steady time', () => {
  it('is sure of nothing at first, and then of what the wall clock says', () => {
    const { steady, pass, now } = create()
    assert.equal(steady.nowMs(), 0)
    assert.equal(pass(STEADY_START_MS - MINUTE_MS), now())
    assert.equal(pass(MINUTE_MS), 0)
    assert.equal(pass(2 * DAY_MS), 0)
  })

  it('takes a jump ahead for true when it has stood long enough, and one that is put right never', () => {
    const { jump, pass } = create()
    pass(DAY_MS)
    jump(14 * DAY_MS)
    assert.equal(pass(STEADY_JUMP_MS - HOUR_MS), 14 * DAY_MS)
    jump(-14 * DAY_MS)
    assert.equal(pass(MINUTE_MS), 0)
    assert.equal(pass(2 * DAY_MS), 0)
    jump(14 * DAY_MS)
    assert.equal(pass(2 * STEADY_JUMP_MS), 0)
  })

  it('goes back with the wall clock at once', () => {
    const { jump, pass } = create()
    pass(DAY_MS)
    jump(-3 * DAY_MS)
    assert.equal(pass(MINUTE_MS), 0)
  })
})
