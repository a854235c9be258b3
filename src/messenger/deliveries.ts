/**
 * How far each sent message has come, told from its envelopes and the boxes that carry them.
 * Never says stored without the receipts that a box has, nor goes back except when copies ended. Spec 03-mailbox §5.3.
 * @module
 */
import type { Delivery } from './api.ts'
import type { ContactEntry, Context } from './context.ts'
import type { Step } from './journal.ts'
import { contactKey } from './keys.ts'
import { getRecord, MESSAGE, type MessageRecord, type OutboundBox, TABLE } from './records.ts'

const RANK = { queued: 0, sent: 1, stored: 2, delivered: 3, read: 4, failed: 5 } as const

/** The delivery of a stored message, in the words of the face. */
export function describeDelivery(context: Context, record: MessageRecord): Delivery {
  const waitMs = record.retryAtMs - context.deps.clock.nowMs()
  return {
    delivery: record.delivery ?? 'queued',
    stored: record.stored,
    failure: record.failure,
    retryAfterMs: waitMs > 0 ? waitMs : undefined,
  }
}

/** Puts the message with what changed, and tells of it when that can be seen. */
export function putDelivery(
  context: Context,
  step: Step,
  entry: ContactEntry,
  position: number,
  before: MessageRecord,
  change: Partial<MessageRecord>,
): void {
  const { contactId } = entry.record
  const after = { ...before, ...change }
  step.put(TABLE.message, contactKey(contactId, position), MESSAGE.encode(after))
  const isSame =
    after.delivery === before.delivery &&
    after.failure === before.failure &&
    after.stored?.replicas === before.stored?.replicas &&
    after.stored?.untilMs === before.stored?.untilMs
  if (isSame) return
  step.event({ type: 'delivery', contactId, messageId: after.messageId, ...describeDelivery(context, after) })
}

/**
 * Recounts the messages whose parts are in this box, which is about to become `box`: stored when every part that is not
 * acknowledged is stored, sent when every one has left. Messages that are delivered stay so.
 */
export async function recountMessages(
  context: Context,
  step: Step,
  entry: ContactEntry,
  number: number,
  box: OutboundBox,
  obstacle: { readonly failure: string | undefined; readonly retryAtMs: number },
): Promise<void> {
  const positions = new Set<number>()
  for (const sequence of box.sequences) {
    const position = entry.envelopes.get(sequence)?.position
    if (position !== undefined && position > 0) positions.add(position)
  }
  if (positions.size === 0) return
  const carriers = new Map<number, OutboundBox>()
  for (const [other, carrier] of entry.boxes) {
    for (const sequence of other === number ? [] : carrier.sequences) carriers.set(sequence, carrier)
  }
  for (const sequence of box.sequences) carriers.set(sequence, box)
  for (const position of positions) {
    const parts = [...entry.envelopes].filter(([, envelope]) => envelope.position === position)
    const change = combine(parts.map(([sequence]) => carriers.get(sequence)))
    const before = await getRecord(
      context.deps.store,
      TABLE.message,
      contactKey(entry.record.contactId, position),
      MESSAGE,
    )
    if (RANK[before.delivery ?? 'queued'] >= RANK.delivered) continue
    putDelivery(context, step, entry, position, before, { ...change, ...obstacle })
  }
}

/** The least of what the parts have. */
function combine(carriers: readonly (OutboundBox | undefined)[]): Pick<MessageRecord, 'delivery' | 'stored'> {
  const copies = carriers.map((carrier) => (carrier?.state === 'stored' ? carrier.copies : undefined))
  const [first, ...others] = copies
  if (first !== undefined && others.every((other) => other !== undefined)) {
    let stored = first
    for (const other of others) {
      stored = {
        replicas: Math.min(stored.replicas, other?.replicas ?? 0),
        wanted: Math.max(stored.wanted, other?.wanted ?? 0),
        untilMs: Math.min(stored.untilMs, other?.untilMs ?? 0),
      }
    }
    return { delivery: 'stored', stored }
  }
  const hasLeft = carriers.every((carrier) => carrier !== undefined && carrier.state !== 'pending')
  return { delivery: hasLeft ? 'sent' : 'queued', stored: undefined }
}

/** True when a message may still become delivered. */
export function isUndelivered(record: MessageRecord): boolean {
  return RANK[record.delivery ?? 'queued'] < RANK.delivered
}
