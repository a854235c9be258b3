/**
 * The durable, bounded, gapless list of what happened, for front ends that come and go.
 * Never loses an event silently: what the bound dropped is announced as an overflow. Spec 08-rpc §4.
 * @module
 */
import type { KeyValueStore, StoreOperation } from '../ports/index.ts'
import type { MessengerEvent, MessengerEventBody } from './api.ts'
import { EVENT_LOG_MAX_COUNT } from './options.ts'
import { EVENT, EVENT_BOUNDS, getRecord, readRecord, SELF, type StoredEvent, TABLE } from './records.ts'

export interface AppendedEvents {
  readonly events: readonly MessengerEvent[]
  readonly operations: readonly StoreOperation[]
  /** Called once the operations are on disk. */
  commit(): void
}

/** Finds again what a stored event refers to; undefined when it is gone. */
export type EventExpander = (stored: StoredEvent['body']) => Promise<MessengerEventBody | undefined>

export interface EventLog {
  /** Numbers the events; they count only after `commit`. */
  append(bodies: readonly MessengerEventBody[], atMs: number): AppendedEvents
  /** Oldest first. Starts with an overflow event when something after `after` was dropped. */
  read(after: number, limit: number, expand: EventExpander): Promise<readonly MessengerEvent[]>
  lastSeq(): number
}

export async function openEventLog(store: KeyValueStore): Promise<EventLog> {
  let bounds = (await readRecord(store, TABLE.eventBounds, SELF, EVENT_BOUNDS)) ?? { firstSeq: 1, nextSeq: 1 }
  return {
    append(bodies, atMs) {
      if (bodies.length === 0) return { events: [], operations: [], commit: () => undefined }
      const events = bodies.map((body, index) => ({ seq: bounds.nextSeq + index, atMs, body }))
      const nextSeq = bounds.nextSeq + bodies.length
      const next = { firstSeq: Math.max(bounds.firstSeq, nextSeq - EVENT_LOG_MAX_COUNT), nextSeq }
      const operations: StoreOperation[] = events.map(({ seq, body }) => ({
        type: 'put',
        table: TABLE.event,
        key: String(seq),
        value: EVENT.encode({ atMs, body: referTo(body) }),
      }))
      for (let seq = bounds.firstSeq; seq < next.firstSeq; seq += 1) {
        operations.push({ type: 'delete', table: TABLE.event, key: String(seq) })
      }
      operations.push({ type: 'put', table: TABLE.eventBounds, key: SELF, value: EVENT_BOUNDS.encode(next) })
      return {
        events,
        operations,
        commit() {
          bounds = next
        },
      }
    },
    async read(after, limit, expand) {
      const events: MessengerEvent[] = []
      const { firstSeq, nextSeq } = bounds
      if (after + 1 < firstSeq) {
        events.push({ seq: firstSeq - 1, atMs: 0, body: { type: 'overflow', firstSeq } })
      }
      for (let seq = Math.max(after + 1, firstSeq); seq < nextSeq && events.length < limit; seq += 1) {
        const stored = await getRecord(store, TABLE.event, String(seq), EVENT)
        events.push({ seq, atMs: stored.atMs, body: (await expand(stored.body)) ?? { type: 'gone' } })
      }
      return events
    },
    lastSeq: () => bounds.nextSeq - 1,
  }
}

function referTo(body: MessengerEventBody): StoredEvent['body'] {
  switch (body.type) {
    case 'message':
      return { type: 'message', contactId: body.message.contactId, position: body.message.position }
    case 'request':
      return { type: 'request', requestId: body.request.requestId }
    case 'delivery':
    case 'expiring':
    case 'contact':
    case 'invite':
    case 'live':
    case 'attachment':
      return body
    case 'gone':
    case 'overflow':
      throw new RangeError('event is made on reading only')
  }
}
