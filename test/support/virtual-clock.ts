/**
 * A clock that stands still until a test moves it.
 * Never lets real time pass: sleepers wake in order, and all work they cause is done before the next one.
 * @module
 */
import { onAbort } from '../../src/base/index.ts'
import type { Clock } from '../../src/ports/index.ts'

export interface VirtualClock extends Clock {
  /** Moves time by `durationMs`, waking sleepers on the way. */
  advance(durationMs: number): Promise<void>
  /** Moves time in small steps until `condition` holds; fails after `limitMs` of virtual time. */
  advanceUntil(condition: () => boolean | Promise<boolean>, limitMs: number): Promise<void>
  /** Moves the wall clock alone, as a user or a time server does. */
  jumpWallClock(byMs: number): void
  sleepers(): number
}

interface Sleeper {
  readonly atMs: number
  readonly wake: () => void
}

/** Macrotask turns in which promise chains and immediates of one wake-up come to rest. */
const SETTLE_TURNS = 6

export async function settle(): Promise<void> {
  for (let turn = 0; turn < SETTLE_TURNS; turn += 1) await new Promise((resolve) => setImmediate(resolve))
}

export function createVirtualClock(wallMs = Date.UTC(2026, 0, 1)): VirtualClock {
  let monotonicMs = 0
  let wallOffsetMs = wallMs
  const sleepers = new Set<Sleeper>()

  /** What is shorter than the time can show takes a millisecond, as with a real timer: time never stands still. */
  const wakeMs = (delayMs: number): number => {
    const atMs = monotonicMs + delayMs
    return delayMs > 0 && atMs === monotonicMs ? monotonicMs + 1 : atMs
  }

  /** They are kept in the order of their coming, so that of two at one time the first wins. */
  const earliest = (): Sleeper | undefined => {
    let found: Sleeper | undefined
    for (const sleeper of sleepers) if (found === undefined || sleeper.atMs < found.atMs) found = sleeper
    return found
  }

  const advance = async (durationMs: number): Promise<void> => {
    const targetMs = monotonicMs + durationMs
    await settle()
    for (;;) {
      const next = earliest()
      if (next === undefined || next.atMs > targetMs) break
      monotonicMs = Math.max(monotonicMs, next.atMs)
      sleepers.delete(next)
      next.wake()
      await settle()
    }
    monotonicMs = targetMs
  }

  return {
    nowMs: () => Math.floor(wallOffsetMs + monotonicMs),
    monotonicMs: () => monotonicMs,
    sleep(delayMs, signal) {
      return new Promise((resolve, reject) => {
        if (signal?.aborted === true) {
          reject(new DOMException('aborted', 'AbortError'))
          return
        }
        const abort = (): void => {
          sleepers.delete(sleeper)
          reject(new DOMException('aborted', 'AbortError'))
        }
        const sleeper: Sleeper = {
          atMs: wakeMs(Math.max(0, delayMs)),
          wake: () => {
            takeBack?.()
            resolve()
          },
        }
        const takeBack = signal && onAbort(signal, abort)
        sleepers.add(sleeper)
      })
    },
    advance,
    async advanceUntil(condition, limitMs) {
      const endMs = monotonicMs + limitMs
      while (!(await condition())) {
        if (monotonicMs >= endMs) throw new Error(`condition did not hold within ${limitMs} ms of virtual time`)
        await advance(250)
      }
    },
    jumpWallClock(byMs) {
      wallOffsetMs += byMs
    },
    sleepers: () => sleepers.size,
  }
}
