/**
 * A bound for work that tor may leave unanswered.
 * Never gives the work up: only nobody waits for it any longer.
 * @module
 */
import type { Clock } from '../ports/index.ts'

/** How long the end of something waits for tor to confirm it: a stop has 5 s, and a tor that hangs answers after 30 s or never. */
export const TAKE_BACK_MS = 1_000

/** Resolves when `work` has or after `delayMs`; rejects when `work` does before. Leaves no timer behind. */
export async function atMost(clock: Clock, delayMs: number, work: Promise<unknown>): Promise<void> {
  const timer = new AbortController()
  try {
    await Promise.race([work, clock.sleep(delayMs, timer.signal).catch(() => undefined)])
  } finally {
    timer.abort()
  }
}
