/**
 * Which windows of a lane are open when: services come and go at times of their own around each edge.
 * Never at the same distance from two edges: whoever sees descriptors cannot tell that two belong together by their times.
 * Spec 10-messenger §7.
 * @module
 */
import { LANE_WINDOW_MS, laneWindow } from '../identity/index.ts'
import type { Random } from '../ports/index.ts'
import { LANE_WINDOW_LEAD_MS, LANE_WINDOW_OVERLAP_MS } from './options.ts'

interface WindowTimes {
  readonly opensAtMs: number
  readonly closesAtMs: number
}

export interface LaneWindows {
  /** Windows whose service is open at this time; always the current one, sometimes a neighbour. */
  openAt(nowMs: number): readonly number[]
  /** The next time at which {@link openAt} changes. */
  nextChangeMs(nowMs: number): number
}

export function windowEndMs(window: number): number {
  return (window + 1) * LANE_WINDOW_MS
}

/** Draws each window's times once; a clock that jumps back finds the times it left. */
export function createLaneWindows(random: Random): LaneWindows {
  const drawn = new Map<number, WindowTimes>()
  const draw = (): number => LANE_WINDOW_LEAD_MS + random.uniform() * (LANE_WINDOW_OVERLAP_MS - LANE_WINDOW_LEAD_MS)
  const timesOf = (window: number): WindowTimes => {
    const known = drawn.get(window)
    if (known !== undefined) return known
    const times = { opensAtMs: windowEndMs(window - 1) - draw(), closesAtMs: windowEndMs(window) + draw() }
    drawn.set(window, times)
    return times
  }
  const near = (nowMs: number): readonly number[] => {
    const window = laneWindow(nowMs)
    for (const old of drawn.keys()) if (Math.abs(old - window) > 2) drawn.delete(old)
    return [window - 1, window, window + 1]
  }
  return {
    openAt: (nowMs) =>
      near(nowMs).filter((window) => timesOf(window).opensAtMs <= nowMs && nowMs < timesOf(window).closesAtMs),
    nextChangeMs: (nowMs) =>
      Math.min(
        ...near(nowMs)
          .flatMap((window) => [timesOf(window).opensAtMs, timesOf(window).closesAtMs])
          .filter((atMs) => atMs > nowMs),
      ),
  }
}

/** The windows that a dialer may try: its own clock's and, near an edge, the neighbour, should the clocks disagree. */
export function windowsToDial(nowMs: number): readonly number[] {
  const now = laneWindow(nowMs)
  const neighbours = [laneWindow(nowMs - LANE_WINDOW_OVERLAP_MS), laneWindow(nowMs + LANE_WINDOW_OVERLAP_MS)]
  return [now, ...neighbours.filter((window) => window !== now)]
}
