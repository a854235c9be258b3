/**
 * How often something may happen, with a burst.
 * Never asks a clock itself: the caller gives monotonic time. Spec 03-mailbox §4.5.
 * @module
 */

export interface TokenBucket {
  /** True when it may happen now, and counts it. */
  take(nowMs: number): boolean
}

/** Full at the beginning: `burstCount` at once, then one every `intervalMs` in the mean. */
export function createTokenBucket(burstCount: number, intervalMs: number, startMs: number): TokenBucket {
  let tokens = burstCount
  let filledAtMs = startMs
  return {
    take(nowMs) {
      tokens = Math.min(burstCount, tokens + Math.max(0, nowMs - filledAtMs) / intervalMs)
      filledAtMs = nowMs
      if (tokens < 1) return false
      tokens -= 1
      return true
    },
  }
}
