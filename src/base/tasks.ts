/**
 * Ownership of long tasks and their deadlines, so that `stop` always means "stopped and joined".
 * Never loses an error: what is not an abort goes to the owner's `onFailure`. HOUSE §4.2 rule 6.
 * @module
 */
import { AppError, isAbortError } from './errors.ts'
import { onAbort } from './on-abort.ts'

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

export interface Stoppable {
  stop(): Promise<void>
}

/** Owns what is started and stopped over a longer life; after `stop` nothing can be started any more. */
export interface Owner {
  /** False when the owner is stopping: the child must not be started. */
  adopt(child: Stoppable): boolean
  /** The child has ended by itself. */
  release(child: Stoppable): void
  /** Stops the child; nobody has to wait for it, and `stop` still joins it. */
  dismiss(child: Stoppable): void
  stop(): Promise<void>
}

export function createOwner(onFailure: (error: unknown) => void): Owner {
  const children = new Set<Stoppable>()
  let isStopping = false
  return {
    adopt(child) {
      if (isStopping) return false
      children.add(child)
      return true
    },
    release: (child) => void children.delete(child),
    dismiss(child) {
      child.stop().then(() => children.delete(child), onFailure)
    },
    async stop() {
      isStopping = true
      await Promise.all([...children].map((child) => child.stop()))
      children.clear()
    },
  }
}

/** What waiting needs of a clock; the port `Clock` has it. */
export interface Sleeper {
  sleep(delayMs: number, signal?: AbortSignal): Promise<void>
}

/** Nobody sees it: one for all, because making one takes as long as the rest of a deadline. */
const OVER = new DOMException('in time', 'AbortError')

/** Runs `body` with a signal that aborts after `delayMs` or with `outer`; leaves no timer behind. */
export async function withDeadline<T>(
  clock: Sleeper,
  delayMs: number,
  outer: AbortSignal,
  body: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const inner = new AbortController()
  const abort = (): void => inner.abort()
  const takeBack = onAbort(outer, abort)
  const timer = new AbortController()
  const expired = clock.sleep(delayMs, timer.signal).then(abort, () => undefined)
  try {
    return await body(inner.signal)
  } finally {
    timer.abort(OVER)
    takeBack()
    await expired
  }
}

/** Resolves when the signal is aborted. */
export function whenAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    onAbort(signal, resolve)
  })
}

/** Everything that adapters and use-cases announce; anything else is a bug and must reach the daemon. */
export function isForeseen(error: unknown): boolean {
  return (error instanceof AppError && error.kind !== 'bug') || isAbortError(error)
}

/** What telling of a failure needs of a logger; the port `Logger` has it. */
export interface Warner {
  warn(event: string, fields?: Readonly<Record<string, never>>, cause?: unknown): void
}

/**
 * True when `body` succeeded, false when it failed in a foreseen way (tor away, disk full), which is logged and left to
 * the caller's own clock to try again. Bugs and aborts pass through.
 */
export async function attempt(logger: Warner, event: string, body: () => Promise<void>): Promise<boolean> {
  try {
    await body()
    return true
  } catch (error: unknown) {
    if (isAbortError(error) || !isForeseen(error)) throw error
    logger.warn(event, {}, error)
    return false
  }
}
