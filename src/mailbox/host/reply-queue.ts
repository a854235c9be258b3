/**
 * Sealed replies that wait for a record down to the client, and which of them go into the next one.
 * Never more of them than a bound, and never a record that is too long. Spec 03-mailbox §4.5.
 * @module
 */
import { REPLIES_BYTES, REPLY_HEADER_BYTES, type TaggedReply } from '../../wire/index.ts'

interface Waiting extends TaggedReply {
  readonly arrivedAtMs: number
}

export interface ReplyQueueOptions {
  /** Replies at most; the oldest makes room. */
  readonly maxCount: number
  /** After so long the client has given the request up. */
  readonly lifetimeMs: number
}

export interface ReplyQueue {
  /** Takes the answer to a request; what no record could hold is dropped. */
  add(reply: TaggedReply, nowMs: number): void
  /**
   * What goes into one record: in the order of arrival whatever still fits. So the first always goes, small ones fill
   * what large ones leave, and two middling ones go together though a large one waits between them.
   */
  take(nowMs: number): readonly TaggedReply[]
  readonly size: number
}

export function createReplyQueue({ maxCount, lifetimeMs }: ReplyQueueOptions): ReplyQueue {
  let waiting: readonly Waiting[] = []
  return {
    add({ tag, reply }, nowMs) {
      if (reply.length === 0 || REPLY_HEADER_BYTES + reply.length > REPLIES_BYTES) return
      waiting = [...waiting.slice(-(maxCount - 1)), { tag, reply, arrivedAtMs: nowMs }]
    },
    take(nowMs) {
      let room = REPLIES_BYTES
      const taken: Waiting[] = []
      const left: Waiting[] = []
      for (const entry of waiting) {
        if (nowMs - entry.arrivedAtMs >= lifetimeMs) continue
        const bytes = REPLY_HEADER_BYTES + entry.reply.length
        if (bytes <= room) {
          room -= bytes
          taken.push(entry)
        } else left.push(entry)
      }
      waiting = left
      return taken.map(({ tag, reply }) => ({ tag, reply }))
    },
    get size() {
      return waiting.length
    },
  }
}
