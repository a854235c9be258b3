/**
 * Boxes whose writes failed: how long each of them rests, and when a conflict is believed.
 * Never on disk and never told to anybody: it changes what a slot carries, not when it comes. Spec 10-messenger §3.
 * @module
 */
import { HOUR_MS } from '../base/index.ts'
import type { MailboxClient, WriteResult } from '../mailbox/index.ts'
import type { Clock } from '../ports/index.ts'
import { CONFLICT_BELIEF_COUNT, WRITE_REST_MAX_SLOTS } from './options.ts'

export interface WriteTrouble {
  /** True while the box with this id, in hexadecimal, is not to be written. */
  rests(id: string): boolean
  /** Notes a result and gives the one to act upon: with `doubt`, a conflict is a loss until it came often enough. */
  judge(id: string, result: WriteResult, doubt: boolean): WriteResult
}

interface Trouble {
  readonly failures: number
  readonly conflicts: number
  /** Monotonic. */
  readonly untilMs: number
}

export function createWriteTrouble(
  getContext: () => { readonly deps: { readonly clock: Clock }; readonly mailbox: Pick<MailboxClient, 'pace'> },
): WriteTrouble {
  const troubles = new Map<string, Trouble>()
  /** What was not tried for so long was given up, or its contact is gone. */
  const forgetOld = (nowMs: number): void => {
    for (const [id, { untilMs }] of troubles) if (untilMs + HOUR_MS < nowMs) troubles.delete(id)
  }
  return {
    rests: (id) => getContext().deps.clock.monotonicMs() < (troubles.get(id)?.untilMs ?? 0),
    judge(id, result, doubt) {
      const { deps, mailbox } = getContext()
      const nowMs = deps.clock.monotonicMs()
      forgetOld(nowMs)
      const before = troubles.get(id)
      if (result.status === 'stored') {
        troubles.delete(id)
        return result
      }
      const failures = (before?.failures ?? 0) + 1
      const conflicts = (before?.conflicts ?? 0) + (result.status === 'conflict' ? 1 : 0)
      const slots = Math.min(2 ** (failures - 1), WRITE_REST_MAX_SLOTS)
      const restMs = Math.max(slots * mailbox.pace().write.meanMs, result.status === 'full' ? result.retryAfterMs : 0)
      troubles.set(id, { failures, conflicts, untilMs: nowMs + restMs })
      const isDoubtful = doubt && result.status === 'conflict' && conflicts < CONFLICT_BELIEF_COUNT
      return isDoubtful ? { status: 'lost' } : result
    },
  }
}
