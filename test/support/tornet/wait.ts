/**
 * Waits for a condition, with an end.
 * Never sleeps for a fixed time in place of looking.
 * @module
 */
import { setTimeout as sleep } from 'node:timers/promises'

export interface WaitOptions {
  /** Completes the sentence "timed out waiting for …". */
  readonly what: string
  /** On the clock of `performance.now()`. */
  readonly deadlineMs: number
  readonly pollMs?: number
  readonly signal?: AbortSignal | undefined
}

/** Resolves with the first value of `look` that is neither undefined nor false. */
export async function waitFor<T>(
  look: () => Promise<T | undefined | false> | T | undefined | false,
  options: WaitOptions,
): Promise<T> {
  for (;;) {
    options.signal?.throwIfAborted()
    const found = await look()
    if (found !== undefined && found !== false) return found
    if (performance.now() > options.deadlineMs) throw new Error(`timed out waiting for ${options.what}`)
    await sleep(options.pollMs ?? 20, undefined, options.signal === undefined ? {} : { signal: options.signal })
  }
}
