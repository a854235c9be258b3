/**
 * Virtual time for long runs: sleepers in a heap, one turn of the event loop after each.
 * Never real time, and never a sleeper before all that the one before it caused has come to rest.
 * @module
 */
import { onAbort } from '../../../src/base/index.ts'
import type { Clock } from '../../../src/ports/index.ts'

export interface TwinClock extends Clock {
  /** Moves time to this moment, waking sleepers on the way. */
  advanceTo(monotonicMs: number): Promise<void>
}

interface Sleeper {
  readonly atMs: number
  readonly order: number
  /** Undefined once it was given up. */
  wake: (() => void) | undefined
}

/** Chains of promises end within one turn; nothing in a twin waits for a disk or a thread. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

export function createTwinClock(wallMs = Date.UTC(2026, 10, 21, 12)): TwinClock {
  const heap: Sleeper[] = []
  let nowMs = 0
  let order = 0

  const isBefore = (a: Sleeper, b: Sleeper): boolean => a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order)

  const push = (sleeper: Sleeper): void => {
    let at = heap.push(sleeper) - 1
    while (at > 0) {
      const parent = (at - 1) >> 1
      const above = heap[parent]
      if (above === undefined || isBefore(above, sleeper)) break
      heap[at] = above
      at = parent
    }
    heap[at] = sleeper
  }

  const pop = (): Sleeper | undefined => {
    const first = heap[0]
    const last = heap.pop()
    if (first === undefined || last === undefined || heap.length === 0) return first
    let at = 0
    for (;;) {
      let child = 2 * at + 1
      const [left, right] = [heap[child], heap[child + 1]]
      if (left === undefined) break
      if (right !== undefined && isBefore(right, left)) child += 1
      const smaller = heap[child]
      if (smaller === undefined || isBefore(last, smaller)) break
      heap[at] = smaller
      at = child
    }
    heap[at] = last
    return first
  }

  return {
    nowMs: () => Math.floor(wallMs + nowMs),
    monotonicMs: () => nowMs,
    sleep(delayMs, signal) {
      return new Promise((resolve, reject) => {
        if (signal?.aborted === true) {
          reject(new DOMException('aborted', 'AbortError'))
          return
        }
        const abort = (): void => {
          sleeper.wake = undefined
          reject(new DOMException('aborted', 'AbortError'))
        }
        const wantedMs = nowMs + Math.max(0, delayMs)
        order += 1
        const sleeper: Sleeper = {
          // What is shorter than the time can show takes a millisecond, as with a real timer.
          atMs: delayMs > 0 && wantedMs === nowMs ? nowMs + 1 : wantedMs,
          order,
          wake: () => {
            takeBack?.()
            resolve()
          },
        }
        const takeBack = signal && onAbort(signal, abort)
        push(sleeper)
      })
    },
    async advanceTo(monotonicMs) {
      await turn()
      for (let first = heap[0]; first !== undefined && first.atMs <= monotonicMs; first = heap[0]) {
        pop()
        if (first.wake === undefined) continue
        nowMs = Math.max(nowMs, first.atMs)
        first.wake()
        await turn()
      }
      nowMs = Math.max(nowMs, monotonicMs)
    },
  }
}
