/**
 * Holds what is shown of tor and tells whoever listens.
 * Never says anything that is not from a closed set, a number or a version. Spec 07-tor §5.
 * @module
 */
import type { TorStatus } from '../ports/index.ts'
import { torError } from './errors.ts'
import type { TorWarning } from './warnings.ts'

export interface StatusBoard {
  get(): TorStatus
  /** Changes fields; listeners hear it only when something differs. */
  set(patch: Partial<TorStatus>): void
  warn(warning: TorWarning): void
  onStatus(listener: (status: TorStatus) => void): () => void
  /** Resolves at stage `ready`; rejects with the abort reason, or `TOR_STOPPED` once {@link StatusBoard.stop} was called. */
  whenReady(signal: AbortSignal): Promise<void>
  stop(): void
}

const INITIAL: TorStatus = {
  stage: 'stopped',
  bootstrapPercent: 0,
  bootstrapTag: 'unknown',
  mode: 'none',
  version: undefined,
  lastError: undefined,
  warnings: [],
}

export function createStatusBoard(): StatusBoard {
  let status = INITIAL
  let stopped = false
  const listeners = new Set<(status: TorStatus) => void>()

  const set = (patch: Partial<TorStatus>): void => {
    const next = { ...status, ...patch }
    const keys = Object.keys(next) as (keyof TorStatus)[]
    if (keys.every((key) => next[key] === status[key])) return
    status = next
    for (const listener of [...listeners]) listener(status)
  }
  const onStatus = (listener: (status: TorStatus) => void): (() => void) => {
    const own = (next: TorStatus): void => listener(next)
    listeners.add(own)
    return () => void listeners.delete(own)
  }

  return {
    get: () => status,
    set,
    warn(warning) {
      if (!status.warnings.includes(warning)) set({ warnings: [...status.warnings, warning].sort() })
    },
    onStatus,
    whenReady(signal) {
      if (signal.aborted) return Promise.reject(signal.reason)
      if (stopped) return Promise.reject(torError('TOR_STOPPED'))
      if (status.stage === 'ready') return Promise.resolve()
      return new Promise((resolve, reject) => {
        const settle = (act: () => void): void => {
          off()
          signal.removeEventListener('abort', onAbort)
          act()
        }
        const onAbort = (): void => settle(() => reject(signal.reason))
        const off = onStatus((next) => {
          if (stopped) settle(() => reject(torError('TOR_STOPPED')))
          else if (next.stage === 'ready') settle(resolve)
        })
        signal.addEventListener('abort', onAbort, { once: true })
      })
    },
    stop() {
      stopped = true
      // A change even when it was stopped before it ever started, so that everybody who waits is told.
      status = { ...INITIAL, lastError: status.lastError }
      for (const listener of [...listeners]) listener(status)
    },
  }
}
