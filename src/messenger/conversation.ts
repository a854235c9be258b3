/**
 * Messages to one contact: sealed and queued when sent, on disk before anything leaves.
 * Never uses a ratchet key twice: the new state is on disk before its envelope may leave. Spec 10-messenger §3, §4.
 * @module
 */
import { concatBytes, hexDecode, utf8Encode } from '../base/index.ts'
import { type BoxSequences, encodeSequences, syncSequences } from '../mailbox/index.ts'
import { ackFields, chooseForSlot, enqueue } from '../padding/index.ts'
import { encodeSessionState, type SessionState } from '../session/index.ts'
import {
  CONTENT_TYPE_ATTACHMENT,
  CONTENT_TYPE_READ,
  CONTENT_TYPE_TEXT,
  type Content,
  ENVELOPE_BODY_BYTES,
  encodeLaneRecord,
  MAX_TEXT_BYTES,
  MESSAGE_ID_BYTES,
  padBody,
  splitContent,
} from '../wire/index.ts'
import type { AttachmentInfo, MessageInfo, SentMessage } from './api.ts'
import { type ContactEntry, type Context, createId, isLive } from './context.ts'
import { describeDelivery } from './deliveries.ts'
import { messengerError } from './errors.ts'
import type { Step } from './journal.ts'
import { contactKey } from './keys.ts'
import { OUTBOX_MAX_COUNT, READ_RECEIPT_MAX_COUNT } from './options.ts'
import {
  CONTACT,
  type ContactRecord,
  ENVELOPE,
  getRecord,
  MESSAGE,
  type MessageRecord,
  OUTBOX,
  POSITION,
  readRecord,
  TABLE,
} from './records.ts'
import { watchBoxes } from './watching.ts'

/** What a message that has just been queued has to say of its delivery. */
export const NOT_STORED = { stored: undefined, failure: undefined, retryAtMs: 0 } as const

export function describeMessage(
  context: Context,
  contactId: string,
  position: number,
  record: MessageRecord,
  attachment?: AttachmentInfo,
): MessageInfo {
  const { messageId, direction, text, type, timestampMs, storedAtMs } = record
  const isSent = direction === 'sent'
  const { delivery, stored, failure, retryAfterMs } = describeDelivery(context, record)
  return {
    messageId,
    contactId,
    direction,
    text,
    type,
    attachment,
    timestampMs,
    storedAtMs,
    delivery: isSent ? delivery : undefined,
    stored,
    failure,
    retryAfterMs,
    position,
  }
}

/**
 * Seals each part of a content with the next ratchet key and queues it; all of it becomes true with the step. `position`
 * is its message's, 0 for content that is no message.
 */
export function queueContent(
  context: Context,
  step: Step,
  entry: ContactEntry,
  session: SessionState,
  content: Content,
  position: number,
): number {
  const { contactId } = entry.record
  const parts = splitContent(content)
  if (entry.queue.outstanding.length + parts.length > OUTBOX_MAX_COUNT) {
    const retryAfterMs = Math.round(context.mailbox.pace().write.meanMs)
    throw messengerError('OUTBOX_FULL', { details: { retryAfterMs } })
  }
  const first = entry.queue.lastSequence + 1
  const consumed: Uint8Array[] = []
  let state = session
  for (const [index, part] of parts.entries()) {
    const sealed = context.deps.session.sealEnvelope(state, padBody(part, ENVELOPE_BODY_BYTES))
    state = sealed.state
    consumed.push(...sealed.consumed)
    const sequence = first + index
    const envelope = { position, envelope: sealed.envelope }
    step.put(TABLE.envelope, contactKey(contactId, sequence), ENVELOPE.encode(envelope))
    step.after(() => {
      entry.envelopes.set(sequence, envelope)
      entry.queue = enqueue(entry.queue, sequence)
    })
  }
  putSession(context, step, entry, state, consumed)
  const sequences = outstandingSequences(entry).concat(parts.map((_, index) => first + index))
  putOutbox(step, entry, sequences, first + parts.length - 1)
  return parts.length
}

/** Writes the message down and queues its parts. */
export function queueMessage(
  context: Context,
  step: Step,
  entry: ContactEntry,
  session: SessionState,
  message: {
    readonly messageId: string
    readonly type: 'text' | 'attachment'
    /** What is shown of it here. */
    readonly text: string
    /** What is sent of it. */
    readonly body: Uint8Array
    readonly timestampMs: number
    readonly idempotencyKey: string | undefined
  },
): SentMessage {
  const { contactId } = entry.record
  const { type, body } = message
  const position = entry.record.messageCount + 1
  const partsLeft = queueContent(
    context,
    step,
    entry,
    session,
    {
      messageId: idBytes(message.messageId),
      timestampMs: message.timestampMs,
      type: type === 'text' ? CONTENT_TYPE_TEXT : CONTENT_TYPE_ATTACHMENT,
      body,
    },
    position,
  )
  const record: MessageRecord = {
    messageId: message.messageId,
    direction: 'sent',
    type,
    text: message.text,
    raw: undefined,
    timestampMs: message.timestampMs,
    storedAtMs: context.deps.clock.nowMs(),
    delivery: 'queued',
    ...NOT_STORED,
    partsLeft,
    idempotencyKey: message.idempotencyKey,
  }
  step.put(TABLE.message, contactKey(contactId, position), MESSAGE.encode(record))
  if (message.idempotencyKey !== undefined) {
    step.put(TABLE.idempotency, contactKey(contactId, message.idempotencyKey), POSITION.encode(position))
  }
  step.put(TABLE.sentIndex, contactKey(contactId, message.messageId), POSITION.encode(position))
  putContact(step, entry, {
    ...entry.record,
    messageCount: position,
    queuedMessages: entry.record.queuedMessages + 1,
  })
  return {
    messageId: message.messageId,
    contactId,
    timestampMs: message.timestampMs,
    ...describeDelivery(context, record),
    repeated: false,
  }
}

/** What a call with this idempotency key sent before; undefined without a key, or when it is new. */
export async function findRepeated(
  context: Context,
  entry: ContactEntry,
  idempotencyKey: string | undefined,
): Promise<{ readonly message: MessageRecord; readonly position: number; readonly sent: SentMessage } | undefined> {
  const { store } = context.deps
  const { contactId } = entry.record
  if (idempotencyKey === undefined) return undefined
  const position = await readRecord(store, TABLE.idempotency, contactKey(contactId, idempotencyKey), POSITION)
  if (position === undefined) return undefined
  const message = await getRecord(store, TABLE.message, contactKey(contactId, position), MESSAGE)
  const { messageId, timestampMs } = message
  const sent = { messageId, contactId, timestampMs, ...describeDelivery(context, message), repeated: true }
  return { message, position, sent }
}

/** The session that seals for this contact. @throws {AppError} `CONTACT_*` when nothing can be sent to it */
export function assertSendable(context: Context, entry: ContactEntry): SessionState {
  const { state } = entry.record
  if (!isLive(context, entry)) throw messengerError('CONTACT_UNKNOWN')
  if (state === 'blocked') throw messengerError('CONTACT_BLOCKED')
  if (state === 'failed') throw messengerError('CONTACT_FAILED')
  if (entry.session === undefined) throw messengerError('CONTACT_NOT_READY')
  return entry.session
}

/** A text as it is sent. */
export function wellFormedText(typed: string): { readonly text: string; readonly body: Uint8Array } {
  const text = typed.toWellFormed()
  return { text, body: utf8Encode(text) }
}

/** @throws {AppError} `MESSAGE_EMPTY`, `MESSAGE_TOO_LONG` */
export function checkTextBody(body: Uint8Array): void {
  if (body.length === 0) throw messengerError('MESSAGE_EMPTY')
  if (body.length > MAX_TEXT_BYTES)
    throw messengerError('MESSAGE_TOO_LONG', { details: { bytes: body.length, limit: MAX_TEXT_BYTES } })
}

export function sendMessage(
  context: Context,
  entry: ContactEntry,
  options: { readonly text: string; readonly idempotencyKey?: string },
): Promise<SentMessage> {
  return context.journal.transact(async (step) => {
    if (!isLive(context, entry)) throw messengerError('CONTACT_UNKNOWN')
    const { text, body } = wellFormedText(options.text)
    const { idempotencyKey } = options
    const earlier = await findRepeated(context, entry, idempotencyKey)
    if (earlier !== undefined) {
      const { message, sent } = earlier
      if (message.type !== 'text' || message.text !== text) throw messengerError('IDEMPOTENCY_CONFLICT')
      return sent
    }
    const session = assertSendable(context, entry)
    checkTextBody(body)
    return queueMessage(context, step, entry, session, {
      messageId: createId(context.deps.random),
      type: 'text',
      text,
      body,
      timestampMs: context.deps.clock.nowMs(),
      idempotencyKey,
    })
  })
}

/** The record for this slot: an envelope that is due, else cover; of one size and from memory only. */
export function recordForSlot(entry: ContactEntry, slotIndex: number): Uint8Array {
  const acknowledgement = ackFields(entry.queue)
  if (!entry.muted) {
    const choice = chooseForSlot(entry.queue, slotIndex)
    entry.queue = choice.state
    const envelope = choice.sequence === undefined ? undefined : entry.envelopes.get(choice.sequence)?.envelope
    if (choice.sequence !== undefined && envelope !== undefined) {
      return encodeLaneRecord({ kind: 'envelope', ...acknowledgement, sequence: choice.sequence, envelope })
    }
  }
  return encodeLaneRecord({ kind: 'cover', ...acknowledgement, sequence: 0 })
}

/** At most one of these a step and contact: each is made from what memory holds. */
export function putContact(step: Step, entry: ContactEntry, record: ContactEntry['record']): void {
  step.put(TABLE.contact, record.contactId, CONTACT.encode(record))
  step.after(() => {
    entry.record = record
  })
}

/** Changes a contact's state and says so. */
export function moveContact(
  step: Step,
  entry: ContactEntry,
  change: Partial<ContactRecord> & Pick<ContactRecord, 'state'>,
): void {
  const record = { ...entry.record, ...change }
  putContact(step, entry, record)
  step.event({ type: 'contact', contactId: record.contactId, state: record.state, failure: record.failure })
}

/** Every step of a session goes through here: the box keys that it brings go to the sequences in the same batch. */
export function putSession(
  context: Context,
  step: Step,
  entry: ContactEntry,
  state: SessionState,
  consumed: readonly Uint8Array[],
): void {
  const synced = syncSequences(state, entry.sequences, context.deps.clock.nowMs())
  step.put(TABLE.session, entry.record.contactId, encodeSessionState(synced.session), { erasable: true })
  step.after(() => {
    entry.session = synced.session
    for (const secret of consumed) secret.fill(0)
  })
  if (synced.sequences !== entry.sequences) putSequences(context, step, entry, synced.sequences, synced.consumed)
}

export function putSequences(
  context: Context,
  step: Step,
  entry: ContactEntry,
  sequences: BoxSequences,
  consumed: readonly Uint8Array[],
): void {
  step.put(TABLE.sequences, entry.record.contactId, encodeSequences(sequences), { erasable: true })
  step.after(() => {
    entry.sequences = sequences
    for (const secret of consumed) secret.fill(0)
    watchBoxes(context, entry)
  })
}

/** Marks received messages as read; where the contact may know, a receipt is queued like any other content. */
export function markRead(context: Context, entry: ContactEntry, upTo: number): Promise<void> {
  return context.journal.transact(async (step) => {
    if (!isLive(context, entry)) throw messengerError('CONTACT_UNKNOWN')
    const { contactId, readUpTo, messageCount, receipts, state } = entry.record
    if (upTo > messageCount) throw messengerError('MESSAGE_POSITION_INVALID')
    if (upTo <= readUpTo) return
    putContact(step, entry, { ...entry.record, readUpTo: upTo })
    if (!receipts.read || state !== 'active' || entry.session === undefined) return
    const ids: Uint8Array[] = []
    for (let position = Math.max(readUpTo + 1, upTo - READ_RECEIPT_MAX_COUNT + 1); position <= upTo; position += 1) {
      const message = await getRecord(context.deps.store, TABLE.message, contactKey(contactId, position), MESSAGE)
      if (message.direction === 'received') ids.push(idBytes(message.messageId))
    }
    if (ids.length === 0) return
    const { random, clock } = context.deps
    const content = {
      messageId: random.bytes(MESSAGE_ID_BYTES),
      timestampMs: clock.nowMs(),
      type: CONTENT_TYPE_READ,
      body: concatBytes(...ids),
    }
    queueContent(context, step, entry, entry.session, content, 0)
  })
}

export function outstandingSequences(entry: ContactEntry): readonly number[] {
  return entry.queue.outstanding.map(({ sequence }) => sequence)
}

export function putOutbox(step: Step, entry: ContactEntry, outstanding: readonly number[], lastSequence: number): void {
  const lowest = outstanding[0] ?? lastSequence + 1
  const left = new Set(outstanding)
  const acknowledgedBeyond: number[] = []
  // Acknowledgements reach at most a window beyond the lowest, so this list stays short.
  for (let sequence = lowest; sequence <= lastSequence; sequence += 1) {
    if (!left.has(sequence)) acknowledgedBeyond.push(sequence)
  }
  step.put(TABLE.outbox, entry.record.contactId, OUTBOX.encode({ lowest, next: lastSequence + 1, acknowledgedBeyond }))
}

function idBytes(id: string): Uint8Array {
  const bytes = hexDecode(id)
  if (bytes === undefined) throw new RangeError('id is not hexadecimal')
  return bytes
}
