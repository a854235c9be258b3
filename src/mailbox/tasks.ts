/**
 * Ownership of long tasks and their deadlines, so that `stop` always means "stopped and joined".
 * Never loses an error: what is not an abort goes to the owner's `onFailure`. HOUSE §4.2 rule 6, spec 03-mailbox §12.
 * @module
 */
import { AppError, isAbortError } from '../base/index.ts'
import type { Clock, Logger } from '../ports/index.ts'

export interface TaskGroup {
  /** Aborted by `stop`. */
  readonly signal: AbortSignal
  own(task: Promise<void>): void
  /** Aborts the signal and resolves when every task has ended. Idempotent. */
  stop(): Promise<void>
}

export function createTaskGroup(onFailure: (error: unknown) => void): TaskGroup {
  const stopper = new AbortController()
  const tasks = new Set<Promise<void>>()
  return {
    signal: stopper.signal,
    own(task) {
      const owned: Promise<void> = task
        .catch((error: unknown) => {
          // Once stopped, whatever a torn-down socket says is a consequence, not a cause.
          if (!isAbortError(error) && !stopper.signal.aborted) onFailure(error)
        })
        .finally(() => tasks.delete(owned))
      tasks.add(owned)
    },
    async stop() {
      stopper.abort()
      while (tasks.size > 0) await Promise.all(tasks)
    },
  }
}

/** Runs `body` with a signal that aborts after `delayMs` or with `outer`; leaves no timer behind. */
export async function withDeadline<T>(
  clock: Clock,
  delayMs: number,
  outer: AbortSignal,
  body: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const inner = new AbortController()
  const abort = (): void => inner.abort()
  if (outer.aborted) abort()
  outer.addEventListener('abort', abort, { once: true })
  const timer = new AbortController()
  const expired = clock.sleep(delayMs, timer.signal).then(abort, () => undefined)
  try {
    return await body(inner.signal)
  } finally {
    timer.abort()
    outer.removeEventListener('abort', abort)
    await expired
  }
}

/** Everything that adapters announce; anything else is a bug and must reach the daemon. */
export function isForeseen(error: unknown): boolean {
  return (error instanceof AppError && error.kind !== 'bug') || isAbortError(error)
}

/**
 * What `body` gave, or undefined when it failed in a foreseen way (tor away, disk full), which is logged and left to the
 * caller's own clock to try again. Bugs pass through, and so does the end of `signal`.
 */
export async function attempt<T>(
  logger: Logger,
  event: string,
  signal: AbortSignal,
  body: () => Promise<T>,
): Promise<T | undefined> {
  try {
    return await body()
  } catch (error: unknown) {
    signal.throwIfAborted()
    if (!isForeseen(error)) throw error
    logger.debug(event, {}, error)
    return undefined
  }
}
