/**
 * Messages from one contact: opened, and stored before they are acknowledged.
 * Never answers what is invalid, old or there already, except as every record does. Spec 10-messenger §4.
 * @module
 */
import { attempt, hexEncode, utf8Decode } from '../base/index.ts'
import { applyAck, noteReceived, removeAcknowledged } from '../padding/index.ts'
import {
  addContentPart,
  CONTENT_TYPE_ATTACHMENT,
  CONTENT_TYPE_LIVE,
  CONTENT_TYPE_READ,
  CONTENT_TYPE_TEXT,
  type Content,
  type ContentPart,
  decodeContentPart,
  decodeLaneRecord,
  MESSAGE_ID_BYTES,
  unpadBody,
} from '../wire/index.ts'
import type { AttachmentInfo } from './api.ts'
import { receiveAnnouncement } from './attachments/receiving.ts'
import { type ContactEntry, type Context, isLive } from './context.ts'
import { describeMessage, NOT_STORED, outstandingSequences, putContact, putOutbox, putSession } from './conversation.ts'
import { isUndelivered, putDelivery } from './deliveries.ts'
import type { Step } from './journal.ts'
import { contactKey } from './keys.ts'
import { receiveLive } from './live.ts'
import { PARTIAL_MESSAGES_MAX_COUNT } from './options.ts'
import { putBoxes } from './outbound-boxes.ts'
import {
  getRecord,
  IDS,
  INBOX,
  MESSAGE,
  type MessageRecord,
  POSITION,
  REASSEMBLY,
  readRecord,
  TABLE,
} from './records.ts'

/**
 * Handles an inbound record; false when it does not decode. What does not decode or open, or cannot be stored for want of
 * space, is dropped in silence, as if it had been lost: it comes again in one of its sender's slots.
 */
export async function receiveRecord(context: Context, entry: ContactEntry, bytes: Uint8Array): Promise<boolean> {
  const { journal, deps } = context
  const record = decodeLaneRecord(bytes)
  if (record === undefined) return false
  if (applyAck(entry.queue, record.ackBase, record.ackBits).acknowledged.length > 0) {
    await attempt(deps.logger, 'acknowledgement not stored', () =>
      journal.transact((step) => acknowledge(context, step, entry, record.ackBase, record.ackBits)),
    )
  }
  if (record.kind === 'envelope' && noteReceived(entry.queue, record.sequence).fresh) {
    await attempt(deps.logger, 'envelope not stored', () =>
      journal.transact(async (step) => {
        const isNews = await receiveEnvelope(context, step, entry, record.sequence, record.envelope)
        // Records of the lane acknowledge it, and a box once it has ended: also when that is after a restart.
        const isOwed = isNews && !entry.live.always && entry.record.receipts.delivery && !entry.mailbox.ackOwed
        if (isOwed) putBoxes(step, entry, [], undefined, { ackOwed: true })
      }),
    )
  }
  return true
}

/** Removes what the other side has stored, and the boxes that carried nothing else. */
export async function acknowledge(
  context: Context,
  step: Step,
  entry: ContactEntry,
  ackBase: number,
  ackBits: number,
): Promise<void> {
  if (!isLive(context, entry)) return
  const { contactId } = entry.record
  const { acknowledged } = applyAck(entry.queue, ackBase, ackBits)
  if (acknowledged.length === 0) return
  const gone = new Set(acknowledged)
  const partsByPosition = new Map<number, number>()
  for (const sequence of acknowledged) {
    step.delete(TABLE.envelope, contactKey(contactId, sequence))
    const position = entry.envelopes.get(sequence)?.position
    if (position !== undefined && position > 0) partsByPosition.set(position, (partsByPosition.get(position) ?? 0) + 1)
  }
  let delivered = 0
  for (const [position, parts] of partsByPosition) {
    const message = await getRecord(context.deps.store, TABLE.message, contactKey(contactId, position), MESSAGE)
    const partsLeft = message.partsLeft - parts
    const isDelivered = partsLeft === 0 && isUndelivered(message)
    const change = isDelivered ? ({ delivery: 'delivered', failure: undefined, retryAtMs: 0 } as const) : {}
    putDelivery(context, step, entry, position, message, { partsLeft, ...change })
    if (partsLeft === 0) delivered += 1
  }
  const left = outstandingSequences(entry).filter((sequence) => !gone.has(sequence))
  putOutbox(step, entry, left, entry.queue.lastSequence)
  putContact(step, entry, { ...entry.record, queuedMessages: entry.record.queuedMessages - delivered })
  dropBoxes(step, entry, gone)
  const nowMs = context.deps.clock.nowMs()
  step.after(() => {
    entry.acknowledgedAtMs = nowMs
    entry.queue = removeAcknowledged(entry.queue, acknowledged)
    for (const sequence of acknowledged) entry.envelopes.delete(sequence)
  })
}

/** Boxes that have nothing left to carry go. */
function dropBoxes(step: Step, entry: ContactEntry, acknowledged: ReadonlySet<number>): void {
  const dropped = [...entry.boxes].flatMap(([number, box]) => {
    const isLeft = box.sequences.some((sequence) => !acknowledged.has(sequence) && entry.envelopes.has(sequence))
    // A box that was made is written, whatever became of what is in it: the reader waits for each index.
    return !isLeft && box.state === 'stored' ? [number] : []
  })
  if (dropped.length > 0) putBoxes(step, entry, dropped, undefined)
}

/**
 * Opens an envelope and stores what it brings. What does not open is dropped in silence. True for what is worth an
 * acknowledgement of its own: it came for the first time, opened, and says something.
 */
export async function receiveEnvelope(
  context: Context,
  step: Step,
  entry: ContactEntry,
  sequence: number,
  envelope: Uint8Array,
): Promise<boolean> {
  const { deps } = context
  // Looked at again inside the journal: the same envelope may have come twice.
  if (!noteReceived(entry.queue, sequence).fresh) return false
  if (!isLive(context, entry)) {
    // A removed contact's lane runs on for a while. Acknowledging as before, it tells nothing of the removal.
    step.after(() => {
      entry.queue = noteReceived(entry.queue, sequence).state
    })
    return false
  }
  if (entry.session === undefined) return false
  const opened = deps.session.openEnvelope(entry.session, envelope, deps.clock.nowMs())
  if (!opened.ok) {
    deps.logger.debug('envelope dropped')
    return false
  }
  putSession(context, step, entry, opened.state, opened.consumed)
  const after = noteReceived(entry.queue, sequence).state
  const inbox = { contiguous: after.receivedBase, beyond: after.receivedAhead }
  step.put(TABLE.inbox, entry.record.contactId, INBOX.encode(inbox))
  step.after(() => {
    entry.queue = noteReceived(entry.queue, sequence).state
  })
  // Blocked: opened and acknowledged as ever, so that nothing shows the moment of the block, and then forgotten.
  if (entry.muted) return false
  // A body that the contact sealed but no version of noctule writes is acknowledged and forgotten: it would come for ever.
  const content = unpadBody(opened.body)
  const part = content === undefined ? undefined : decodeContentPart(content)
  if (part === undefined) return false
  await receivePart(context, step, entry, sequence, part)
  return true
}

/** Keeps a part until its message is whole, and then does what the message says. */
export async function receivePart(
  context: Context,
  step: Step,
  entry: ContactEntry,
  sequence: number,
  part: ContentPart,
): Promise<void> {
  const { store } = context.deps
  const { contactId } = entry.record
  const messageId = hexEncode(part.messageId)
  const partialKey = contactKey(contactId, messageId)
  const before = await readRecord(store, TABLE.partial, partialKey, REASSEMBLY)
  const next = addContentPart(before, part)
  if (next.state === 'conflict') return
  const ids = (await readRecord(store, TABLE.partialIds, contactId, IDS)) ?? []
  if (next.state === 'pending') {
    // A long name cuts an announcement in two, and its first part has the key of the file.
    const erasable = part.type === CONTENT_TYPE_ATTACHMENT
    step.put(TABLE.partial, partialKey, REASSEMBLY.encode(next.reassembly), { erasable })
    if (before !== undefined) return
    const kept = [...ids, messageId]
    while (kept.length > PARTIAL_MESSAGES_MAX_COUNT)
      step.delete(TABLE.partial, contactKey(contactId, kept.shift() ?? ''))
    step.put(TABLE.partialIds, contactId, IDS.encode(kept))
    return
  }
  if (before !== undefined) {
    step.delete(TABLE.partial, partialKey)
    step.put(TABLE.partialIds, contactId, IDS.encode(ids.filter((id) => id !== messageId)))
  }
  if (next.content.type === CONTENT_TYPE_READ) await receiveRead(context, step, entry, next.content.body)
  else if (next.content.type === CONTENT_TYPE_LIVE) receiveLive(context, step, entry, sequence, next.content.body)
  else if (next.content.type === CONTENT_TYPE_ATTACHMENT) await receiveAttachment(context, step, entry, next.content)
  else storeReceived(context, step, entry, next.content)
}

/** What the other side says that it has read; ids that are not ours or not sent say nothing. */
async function receiveRead(context: Context, step: Step, entry: ContactEntry, body: Uint8Array): Promise<void> {
  const { store } = context.deps
  const { contactId } = entry.record
  const seen = new Set<number>()
  for (let at = 0; at + MESSAGE_ID_BYTES <= body.length; at += MESSAGE_ID_BYTES) {
    const messageId = hexEncode(body.subarray(at, at + MESSAGE_ID_BYTES))
    const position = await readRecord(store, TABLE.sentIndex, contactKey(contactId, messageId), POSITION)
    if (position === undefined || seen.has(position)) continue
    seen.add(position)
    const message = await getRecord(store, TABLE.message, contactKey(contactId, position), MESSAGE)
    if (message.direction !== 'sent' || message.delivery === 'read' || message.delivery === 'failed') continue
    putDelivery(context, step, entry, position, message, { delivery: 'read', failure: undefined, retryAtMs: 0 })
  }
}

async function receiveAttachment(context: Context, step: Step, entry: ContactEntry, content: Content): Promise<void> {
  const attachment = await receiveAnnouncement(context, step, entry, content, entry.record.messageCount + 1)
  storeReceived(context, step, entry, content, attachment)
}

/** Puts a complete message at the end of the conversation. */
export function storeReceived(
  context: Context,
  step: Step,
  entry: ContactEntry,
  content: Content,
  attachment?: AttachmentInfo,
): void {
  const { contactId } = entry.record
  const text = content.type === CONTENT_TYPE_TEXT ? utf8Decode(content.body) : undefined
  const position = entry.record.messageCount + 1
  // An announcement that is none to us holds a key all the same, and messages are not erased.
  const isKept = text === undefined && content.type !== CONTENT_TYPE_ATTACHMENT
  const record: MessageRecord = {
    messageId: hexEncode(content.messageId),
    direction: 'received',
    type: text !== undefined ? 'text' : attachment === undefined ? 'unsupported' : 'attachment',
    text: text ?? '',
    raw: isKept ? { type: content.type, body: content.body } : undefined,
    timestampMs: content.timestampMs,
    storedAtMs: context.deps.clock.nowMs(),
    delivery: undefined,
    ...NOT_STORED,
    partsLeft: 0,
    idempotencyKey: undefined,
  }
  step.put(TABLE.message, contactKey(contactId, position), MESSAGE.encode(record))
  putContact(step, entry, { ...entry.record, messageCount: position })
  step.event({ type: 'message', message: describeMessage(context, contactId, position, record, attachment) })
}
