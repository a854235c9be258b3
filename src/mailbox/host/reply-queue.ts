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
   * What goes into one record. First what has waited for half of its life; then the newest of the large ones, of which none
   * leaves room for another: were it the oldest, one that came late would make all after it late. Then in the order of arrival
   * whatever still fits.
   */
  take(nowMs: number): readonly TaggedReply[]
  readonly size: number
}

function bytesOf({ reply }: TaggedReply): number {
  return REPLY_HEADER_BYTES + reply.length
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
      const alive = waiting.filter(({ arrivedAtMs }) => nowMs - arrivedAtMs < lifetimeMs)
      const large = alive.findLast((entry) => bytesOf(entry) > REPLIES_BYTES / 2)
      const isOld = ({ arrivedAtMs }: Waiting): boolean => nowMs - arrivedAtMs >= lifetimeMs / 2
      const first = [...alive.filter(isOld), ...(large === undefined ? [] : [large])]
      const taken: Waiting[] = []
      for (const entry of new Set([...first, ...alive])) {
        if (bytesOf(entry) > room) continue
        room -= bytesOf(entry)
        taken.push(entry)
      }
      waiting = alive.filter((entry) => !taken.includes(entry))
      return taken.map(({ tag, reply }) => ({ tag, reply }))
    },
    get size() {
      return waiting.length
    },
  }
}
