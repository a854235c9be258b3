/**
 * The real clock, the real randomness and the real log: the only place below which they may be named.
 * Never imported by anything but the composition root and the main programs. HOUSE §4.2 rule 5.
 * @module
 */
import { randomBytes } from 'node:crypto'
import { isAbortError, onAbort } from '../base/index.ts'
import type { Clock, LogFields, Logger, Random } from '../ports/index.ts'

/** setTimeout's largest delay; longer sleeps are done in pieces. */
const TIMER_MAX_MS = 0x7fff_ffff

export function createSystemClock(): Clock {
  const monotonicMs = (): number => performance.now()
  const sleepOnce = (delayMs: number, signal: AbortSignal | undefined): Promise<void> =>
    new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        takeBack?.()
        resolve()
      }, delayMs)
      const takeBack =
        signal &&
        onAbort(signal, () => {
          clearTimeout(timer)
          reject(abortError(signal))
        })
    })
  return {
    nowMs: () => Date.now(),
    monotonicMs,
    async sleep(delayMs, signal) {
      // Also where there is nothing to wait for: a loop of such sleeps must end when it is told to.
      if (signal?.aborted === true) throw abortError(signal)
      const endMs = monotonicMs() + delayMs
      for (let restMs = delayMs; restMs > 0; restMs = endMs - monotonicMs()) {
        await sleepOnce(Math.min(restMs, TIMER_MAX_MS), signal)
      }
    },
  }
}

/** Whatever the signal was aborted with, who sleeps sees an abort. */
function abortError({ reason }: AbortSignal): unknown {
  return isAbortError(reason) ? reason : new DOMException('The operation was aborted', 'AbortError')
}

const UNIFORM_BITS = 53

export function createSystemRandom(): Random {
  const bytes = (length: number): Uint8Array => new Uint8Array(randomBytes(length))
  return {
    bytes,
    uniform() {
      // The 53 high bits of 8 random bytes: every double in [0, 1) on the 2^-53 grid is equally likely.
      return Number(randomBytes(8).readBigUInt64BE() >> BigInt(64 - UNIFORM_BITS)) / 2 ** UNIFORM_BITS
    },
  }
}

export type LogLevel = 'debug' | 'info' | 'warn' | 'error'
const LEVELS: readonly LogLevel[] = ['debug', 'info', 'warn', 'error']

/**
 * Writes one line an event to `write`: level, event name, numbers and words. No time stamp below `debug`, because a log
 * of times is a log of activity; the service manager adds its own where the operator wants it.
 */
export function createSystemLogger(level: LogLevel, write: (line: string) => void): Logger {
  const threshold = LEVELS.indexOf(level)
  const create = (prefix: string): Logger => {
    const log = (at: LogLevel, event: string, fields: LogFields = {}, cause?: unknown): void => {
      if (LEVELS.indexOf(at) < threshold) return
      const parts = [at, `${prefix}${event}`]
      for (const [key, value] of Object.entries(fields)) parts.push(`${key}=${String(value)}`)
      // Foreign text may hold addresses and ids: it is shown where the operator asked for debugging, nowhere else.
      if (cause !== undefined) parts.push(threshold === 0 ? `cause=${describeCause(cause)}` : 'cause=hidden')
      write(`${parts.join(' ')}\n`)
    }
    return {
      debug: (event, fields, cause) => log('debug', event, fields, cause),
      info: (event, fields) => log('info', event, fields),
      warn: (event, fields, cause) => log('warn', event, fields, cause),
      error: (event, fields, cause) => log('error', event, fields, cause),
      child: (name) => create(`${prefix}${name}.`),
    }
  }
  return create('')
}

function describeCause(cause: unknown): string {
  if (!(cause instanceof Error)) return 'unknown'
  const code = 'code' in cause && typeof cause.code === 'string' ? ` ${cause.code}` : ''
  return JSON.stringify(`${cause.name}${code}`)
}
