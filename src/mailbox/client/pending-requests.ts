/**
 * Requests of one courier link that wait for their replies.
 * Never takes a reply twice, late, for another link's request, or one that its reply key did not seal. Spec 03-mailbox §4.3.
 * @module
 */
import type { RoutedRequest, TaggedReply } from '../../wire/index.ts'

/** Why a request came to nothing. `link`: nobody's loss, the courier was gone first. */
export type LossReason = 'timeout' | 'link'

/** One of `onReply` and `onLost` is called, once. */
export interface Expectation {
  /** False for a reply that somebody else made: the true one may still come. */
  onReply(reply: Uint8Array, courier: string): boolean
  /** The record that answers its slot came without it; it may come with a later one. Before one of the two, or never. */
  onLate?(): void
  onLost(reason: LossReason, courier: string): void
}

/** A sealed request; without an expectation nobody waits for its reply. */
export interface OutgoingRequest {
  readonly routed: RoutedRequest
  readonly expectation?: Expectation | undefined
}

export interface PendingRequests {
  /** Notes requests that leave in one record; gives the tag of the first. */
  add(requests: readonly OutgoingRequest[], nowMs: number): number
  /** Replies of one record down: it answers the oldest record up that none has answered yet. */
  take(replies: readonly TaggedReply[]): void
  /** Gives up what has waited for `timeoutMs`. */
  expire(nowMs: number, timeoutMs: number): void
  /** The link is gone. */
  close(): void
}

const TAG_COUNT = 2 ** 16

/** `courier` is told to expectations: the host key whose link this is. */
export function createPendingRequests(courier: string): PendingRequests {
  const pending = new Map<number, { readonly expectation: Expectation; readonly sinceMs: number }>()
  /** Tags of the records up that no record down has answered yet. */
  const records: number[][] = []
  let nextTag = 0
  return {
    add(requests, nowMs) {
      if (nextTag + requests.length > TAG_COUNT) nextTag = 0
      const firstTag = nextTag
      nextTag += requests.length
      records.push(requests.map((_, index) => firstTag + index))
      for (const [index, { expectation }] of requests.entries()) {
        // What a wrapped tag still names has long timed out.
        pending.delete(firstTag + index)
        if (expectation !== undefined) pending.set(firstTag + index, { expectation, sinceMs: nowMs })
      }
      return firstTag
    },
    take(replies) {
      for (const { tag, reply } of replies) {
        const found = pending.get(tag)
        if (found?.expectation.onReply(reply, courier) === true) pending.delete(tag)
      }
      for (const tag of records.shift() ?? []) pending.get(tag)?.expectation.onLate?.()
    },
    expire(nowMs, timeoutMs) {
      // In the order of their times.
      for (const [tag, { expectation, sinceMs }] of pending) {
        if (nowMs - sinceMs < timeoutMs) break
        pending.delete(tag)
        expectation.onLost('timeout', courier)
      }
    },
    close() {
      const lost = [...pending.values()]
      pending.clear()
      records.length = 0
      for (const { expectation } of lost) expectation.onLost('link', courier)
    },
  }
}
