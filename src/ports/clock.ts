/**
 * The only source of time for every layer below `daemon`.
 * Never reads the wall clock in a scheduler: intervals use `monotonicMs`, expiry uses `nowMs`.
 * @module
 */

export interface Clock {
  /** Wall-clock time in milliseconds since the Unix epoch; may jump. */
  nowMs(): number
  /** Time since an arbitrary start in milliseconds; never goes back. */
  monotonicMs(): number
  /** Resolves after `delayMs` of monotonic time; rejects with the signal's `AbortError` when aborted. */
  sleep(delayMs: number, signal?: AbortSignal): Promise<void>
}
