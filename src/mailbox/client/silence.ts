/**
 * Intermediates that have not answered lately, so that the next requests go to others.
 * Never a verdict: that is the score's, which needs many losses; this only passes over a host for a while. Spec 03-mailbox §4.3.
 * @module
 */
import type { Clock } from '../../ports/index.ts'
import { SILENT_AFTER_COUNT, SILENT_REST_TIMEOUTS } from './options.ts'

export interface Silence {
  /** A request to this host was answered, or timed out. By hexadecimal host key. */
  note(hostKey: string, answered: boolean): void
  /** Hosts to pass over now. A new set whenever it has changed. */
  silent(): ReadonlySet<string>
}

export function createSilence(clock: Clock, requestTimeoutMs: number): Silence {
  /** Timeouts in a row, and until when the host is passed over. */
  const hosts = new Map<string, { losses: number; untilMs: number }>()
  let shown: ReadonlySet<string> = new Set()

  return {
    note(hostKey, answered) {
      if (answered) {
        hosts.delete(hostKey)
        return
      }
      const host = hosts.get(hostKey) ?? { losses: 0, untilMs: 0 }
      host.losses += 1
      if (host.losses >= SILENT_AFTER_COUNT) {
        host.untilMs = clock.monotonicMs() + SILENT_REST_TIMEOUTS * requestTimeoutMs
        // One more loss after the rest is enough.
        host.losses = SILENT_AFTER_COUNT - 1
      }
      hosts.set(hostKey, host)
    },
    silent() {
      const nowMs = clock.monotonicMs()
      const now = [...hosts].filter(([, { untilMs }]) => untilMs > nowMs).map(([hostKey]) => hostKey)
      if (now.length !== shown.size || now.some((hostKey) => !shown.has(hostKey))) shown = new Set(now)
      return shown
    },
  }
}
