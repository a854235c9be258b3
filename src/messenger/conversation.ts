/**
 * Messages of one contact: sealed and queued when sent, stored before they are acknowledged when received.
 * Never uses a ratchet key twice: the new state is on disk before its envelope may leave. Spec 10-messenger §3, §4.
 * @module
 */
import { hexDecode, hexEncode, utf8Decode, utf8Encode } from '../base/index.ts'
import { ackFields, applyAck, chooseForSlot, enqueue, noteReceived, removeAcknowledged } from '../padding/index.ts'
import { encodeSessionState, type SessionState } from '../session/index.ts'
import {
  addContentPart,
  CONTENT_TYPE_TEXT,
  type Content,
  type ContentPart,
  decodeContentPart,
  decodeLaneRecord,
  ENVELOPE_BODY_BYTES,
  encodeLaneRecord,
  MAX_TEXT_BYTES,
  padBody,
  splitContent,
  unpadBody,
} from '../wire/index.ts'
import type { MessageInfo, SentMessage } from './api.ts'
import { type ContactEntry, type Context, createId, isLive } from './context.ts'
import { messengerError } from './errors.ts'
import type { Step } from './journal.ts'
import { OUTBOX_MAX_COUNT, PARTIAL_MESSAGES_MAX_COUNT } from './options.ts'
import {
  CONTACT,
  type ContactRecord,
  ENVELOPE,
  getRecord,
  IDS,
  INBOX,
  MESSAGE,
  type MessageRecord,
  OUTBOX,
  POSITION,
  REASSEMBLY,
  readRecord,
  TABLE,
} from './records.ts'
import { attempt } from './tasks.ts'

/** What a message has to say of copies when it has none. */
export const NO_COPIES = { stored: undefined, failure: undefined, retryAfterMs: undefined } as const

/** The key of something that belongs to one contact. */
export function contactKey(contactId: string, part: string | number): string {
  return `${contactId}/${part}`
}

export function describeMessage(contactId: string, position: number, record: MessageRecord): MessageInfo {
  const { messageId, direction, text, type, timestampMs, storedAtMs, delivery, stored, failure, retryAfterMs } = record
  return {
    messageId,
    contactId,
    direction,
    text,
    type,
    timestampMs,
    storedAtMs,
    delivery,
    stored,
    failure,
    retryAfterMs,
    position,
  }
}

/** Seals each part with the next ratchet key and queues it; all of it becomes true with the step. */
function queueMessage(
  context: Context,
  step: Step,
  entry: ContactEntry,
  session: SessionState,
  message: {
    readonly messageId: string
    readonly text: string
    readonly timestampMs: number
    readonly idempotencyKey: string | undefined
  },
): SentMessage {
  const { contactId } = entry.record
  const body = utf8Encode(message.text)
  if (body.length === 0) throw messengerError('MESSAGE_EMPTY')
  if (body.length > MAX_TEXT_BYTES)
    throw messengerError('MESSAGE_TOO_LONG', { details: { bytes: body.length, limit: MAX_TEXT_BYTES } })
  const parts = splitContent({
    messageId: idBytes(message.messageId),
    timestampMs: message.timestampMs,
    type: CONTENT_TYPE_TEXT,
    body,
  })
  if (entry.queue.outstanding.length + parts.length > OUTBOX_MAX_COUNT) throw messengerError('OUTBOX_FULL')
  const position = entry.record.messageCount + 1
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
  const record: MessageRecord = {
    messageId: message.messageId,
    direction: 'sent',
    type: 'text',
    text: message.text,
    raw: undefined,
    timestampMs: message.timestampMs,
    storedAtMs: context.deps.clock.nowMs(),
    delivery: 'queued',
    ...NO_COPIES,
    partsLeft: parts.length,
    idempotencyKey: message.idempotencyKey,
  }
  step.put(TABLE.message, contactKey(contactId, position), MESSAGE.encode(record))
  if (message.idempotencyKey !== undefined) {
    step.put(TABLE.idempotency, contactKey(contactId, message.idempotencyKey), POSITION.encode(position))
  }
  putSession(step, entry, state, consumed)
  putOutbox(
    step,
    entry,
    outstandingSequences(entry).concat(parts.map((_, index) => first + index)),
    first + parts.length - 1,
  )
  putContact(step, entry, {
    ...entry.record,
    messageCount: position,
    queuedMessages: entry.record.queuedMessages + 1,
  })
  return {
    messageId: message.messageId,
    contactId,
    timestampMs: message.timestampMs,
    delivery: 'queued',
    ...NO_COPIES,
    repeated: false,
  }
}

export function sendMessage(
  context: Context,
  entry: ContactEntry,
  options: { readonly text: string; readonly idempotencyKey?: string },
): Promise<SentMessage> {
  return context.journal.transact(async (step) => {
    if (!isLive(context, entry)) throw messengerError('CONTACT_UNKNOWN')
    const { contactId, state } = entry.record
    const text = options.text.toWellFormed()
    const { idempotencyKey } = options
    if (idempotencyKey !== undefined) {
      const store = context.deps.store
      const position = await readRecord(store, TABLE.idempotency, contactKey(contactId, idempotencyKey), POSITION)
      if (position !== undefined) {
        const earlier = await getRecord(store, TABLE.message, contactKey(contactId, position), MESSAGE)
        if (earlier.text !== text) throw messengerError('IDEMPOTENCY_CONFLICT')
        const { messageId, timestampMs, delivery = 'queued', stored, failure, retryAfterMs } = earlier
        return { messageId, contactId, timestampMs, delivery, stored, failure, retryAfterMs, repeated: true }
      }
    }
    if (state === 'blocked') throw messengerError('CONTACT_BLOCKED')
    if (state === 'failed') throw messengerError('CONTACT_FAILED')
    if (entry.session === undefined) throw messengerError('CONTACT_NOT_READY')
    return queueMessage(context, step, entry, entry.session, {
      messageId: createId(context.deps.random),
      text,
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
      journal.transact((step) => receiveEnvelope(context, step, entry, record.sequence, record.envelope)),
    )
  }
  return true
}

async function acknowledge(
  context: Context,
  step: Step,
  entry: ContactEntry,
  ackBase: number,
  ackBits: number,
): Promise<void> {
  if (!isLive(context, entry)) return
  const { contactId } = entry.record
  const { acknowledged } = applyAck(entry.queue, ackBase, ackBits)
  const partsByPosition = new Map<number, number>()
  for (const sequence of acknowledged) {
    step.delete(TABLE.envelope, contactKey(contactId, sequence))
    const position = entry.envelopes.get(sequence)?.position
    if (position !== undefined) partsByPosition.set(position, (partsByPosition.get(position) ?? 0) + 1)
  }
  let delivered = 0
  for (const [position, parts] of partsByPosition) {
    const message = await getRecord(context.deps.store, TABLE.message, contactKey(contactId, position), MESSAGE)
    const partsLeft = message.partsLeft - parts
    const delivery = partsLeft === 0 ? 'delivered' : 'queued'
    step.put(TABLE.message, contactKey(contactId, position), MESSAGE.encode({ ...message, partsLeft, delivery }))
    if (delivery !== 'delivered') continue
    delivered += 1
    step.event({ type: 'delivery', contactId, messageId: message.messageId, delivery, ...NO_COPIES })
  }
  const left = outstandingSequences(entry).filter((sequence) => !acknowledged.includes(sequence))
  putOutbox(step, entry, left, entry.queue.lastSequence)
  putContact(step, entry, { ...entry.record, queuedMessages: entry.record.queuedMessages - delivered })
  step.after(() => {
    entry.queue = removeAcknowledged(entry.queue, acknowledged)
    for (const sequence of acknowledged) entry.envelopes.delete(sequence)
  })
}

async function receiveEnvelope(
  context: Context,
  step: Step,
  entry: ContactEntry,
  sequence: number,
  envelope: Uint8Array,
): Promise<void> {
  const { deps } = context
  // Looked at again inside the journal: the same envelope may have come twice.
  if (!noteReceived(entry.queue, sequence).fresh) return
  if (!isLive(context, entry)) {
    // A removed contact's lane runs on for a while. Acknowledging as before, it tells nothing of the removal.
    step.after(() => {
      entry.queue = noteReceived(entry.queue, sequence).state
    })
    return
  }
  if (entry.session === undefined) return
  const opened = deps.session.openEnvelope(entry.session, envelope, deps.clock.nowMs())
  if (!opened.ok) {
    deps.logger.debug('envelope dropped')
    return
  }
  putSession(step, entry, opened.state, opened.consumed)
  const after = noteReceived(entry.queue, sequence).state
  const inbox = { contiguous: after.receivedBase, beyond: after.receivedAhead }
  step.put(TABLE.inbox, entry.record.contactId, INBOX.encode(inbox))
  step.after(() => {
    entry.queue = noteReceived(entry.queue, sequence).state
  })
  // Blocked: opened and acknowledged as ever, so that nothing shows the moment of the block, and then forgotten.
  if (entry.muted) return
  // A body that the contact sealed but no version of noctule writes is acknowledged and forgotten: it would come for ever.
  const content = unpadBody(opened.body)
  const part = content === undefined ? undefined : decodeContentPart(content)
  if (part !== undefined) await receivePart(context, step, entry, part)
}

async function receivePart(context: Context, step: Step, entry: ContactEntry, part: ContentPart): Promise<void> {
  const { store } = context.deps
  const { contactId } = entry.record
  const messageId = hexEncode(part.messageId)
  const partialKey = contactKey(contactId, messageId)
  const before = await readRecord(store, TABLE.partial, partialKey, REASSEMBLY)
  const next = addContentPart(before, part)
  if (next.state === 'conflict') return
  const ids = (await readRecord(store, TABLE.partialIds, contactId, IDS)) ?? []
  if (next.state === 'pending') {
    step.put(TABLE.partial, partialKey, REASSEMBLY.encode(next.reassembly))
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
  storeReceived(context, step, entry, next.content)
}

/** Puts a complete message at the end of the conversation. */
export function storeReceived(context: Context, step: Step, entry: ContactEntry, content: Content): void {
  const { contactId } = entry.record
  const text = content.type === CONTENT_TYPE_TEXT ? utf8Decode(content.body) : undefined
  const position = entry.record.messageCount + 1
  const record: MessageRecord = {
    messageId: hexEncode(content.messageId),
    direction: 'received',
    type: text === undefined ? 'unsupported' : 'text',
    text: text ?? '',
    raw: text === undefined ? { type: content.type, body: content.body } : undefined,
    timestampMs: content.timestampMs,
    storedAtMs: context.deps.clock.nowMs(),
    delivery: undefined,
    ...NO_COPIES,
    partsLeft: 0,
    idempotencyKey: undefined,
  }
  step.put(TABLE.message, contactKey(contactId, position), MESSAGE.encode(record))
  putContact(step, entry, { ...entry.record, messageCount: position })
  step.event({ type: 'message', message: describeMessage(contactId, position, record) })
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

export function putSession(
  step: Step,
  entry: ContactEntry,
  state: SessionState,
  consumed: readonly Uint8Array[],
): void {
  step.put(TABLE.session, entry.record.contactId, encodeSessionState(state), { erasable: true })
  step.after(() => {
    entry.session = state
    for (const secret of consumed) secret.fill(0)
  })
}

function outstandingSequences(entry: ContactEntry): readonly number[] {
  return entry.queue.outstanding.map(({ sequence }) => sequence)
}

function putOutbox(step: Step, entry: ContactEntry, outstanding: readonly number[], lastSequence: number): void {
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
