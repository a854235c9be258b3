/**
 * Streams the event log to one subscriber, from a given place on and then as it grows.
 * Never keeps events for a subscriber: they are read out of the durable log when there is room for them. Spec 08-rpc §4.
 *
 * A new event only wakes the stream up; what is sent always comes from the log. So there is no seam between old and
 * new events at which one could be lost or sent twice, and a slow subscriber costs no memory.
 * @module
 */
import type { Messenger } from '../messenger/index.ts'
import { toNotification } from './notifications.ts'

export interface Subscription {
  /** Resolves when the subscription has ended; rejects when the log cannot be read. Called once. */
  run(): Promise<void>
  /** Nothing is sent any more once this has returned. */
  close(): void
}

export interface SubscriptionDeps {
  readonly messenger: Pick<Messenger, 'onEvent' | 'readEvents'>
  /** Hands one line over; what is on its way is bounded by `writable`. */
  readonly write: (line: string) => void
  /** Resolves when there is room for another line, or when the connection has ended. */
  readonly writable: () => Promise<void>
}

export interface SubscriptionOptions {
  readonly subscription: number
  readonly after: number
  readonly eventsPerReadCount: number
}

export function createSubscription(deps: SubscriptionDeps, options: SubscriptionOptions): Subscription {
  const { messenger, write, writable } = deps
  let cursor = options.after
  let closed = false
  const isClosed = (): boolean => closed
  let news = false
  let wake: (() => void) | undefined
  const notify = (): void => {
    news = true
    wake?.()
  }

  /** True when something was sent. */
  async function sendNext(): Promise<boolean> {
    const events = await messenger.readEvents({ after: cursor, limit: options.eventsPerReadCount })
    let sent = false
    for (const event of events) {
      if (isClosed()) return false
      // Guards against a log that goes back: order and uniqueness are promised to the subscriber here.
      if (event.seq <= cursor) continue
      write(JSON.stringify({ jsonrpc: '2.0', ...toNotification(event, options.subscription) }))
      cursor = event.seq
      sent = true
      await writable()
    }
    return sent
  }

  return {
    async run() {
      const unsubscribe = messenger.onEvent(notify)
      try {
        while (!isClosed()) {
          news = false
          if (await sendNext()) continue
          if (isClosed()) return
          // Whatever was stored since the read began has set the flag; then the log is read again at once.
          if (news) continue
          await new Promise<void>((resolve) => {
            wake = resolve
          })
          wake = undefined
        }
      } finally {
        unsubscribe()
      }
    },
    close() {
      closed = true
      wake?.()
    },
  }
}
