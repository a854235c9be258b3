/**
 * The wall clock as far as it can be relied on for what cannot be undone: a jump ahead counts when it has stood for hours.
 * Never ahead of the wall clock, and never sure of anything at the start of a run. Spec 00-conventions §9.
 * @module
 */
import { HOUR_MS, MINUTE_MS } from './units.ts'

/** A clock that was wrong when the machine started is often set in the first minutes. Guessed. */
export const STEADY_START_MS = 30 * MINUTE_MS
/** A jump ahead counts after once to twice this time of running. Guessed: a person notices a wrong date within a morning. */
export const STEADY_JUMP_MS = 6 * HOUR_MS

/** What it needs of a clock; the port `Clock` has it. */
export interface WatchedClock {
  nowMs(): number
  monotonicMs(): number
}

export interface SteadyTime {
  /**
   * The earliest time that the wall clock has spoken for over the last hours, and 0 in the first minutes, when nothing has
   * run out yet. To be asked again and again: it knows of jumps what it was there to see.
   */
  nowMs(): number
}

export function createSteadyTime(clock: WatchedClock): SteadyTime {
  const offsetMs = (): number => clock.nowMs() - clock.monotonicMs()
  const startMs = clock.monotonicMs()
  let sinceMs = startMs
  /** The lowest offsets of the stretch that runs and of the one before it. */
  let lowest = offsetMs()
  let lowestBefore = lowest
  return {
    nowMs() {
      const monotonicMs = clock.monotonicMs()
      const offset = offsetMs()
      if (monotonicMs - sinceMs >= STEADY_JUMP_MS) {
        lowestBefore = lowest
        lowest = offset
        sinceMs = monotonicMs
      }
      lowest = Math.min(lowest, offset)
      return monotonicMs - startMs < STEADY_START_MS ? 0 : monotonicMs + Math.min(lowest, lowestBefore)
    },
  }
}
