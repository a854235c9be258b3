/**
 * Reads a contact from the store into memory.
 * Never changes anything: what does not have the form this version writes is refused. Spec 10-messenger §2.
 * @module
 */
import { createSequences, decodeSequences } from '../mailbox/index.ts'
import { createLaneQueue } from '../padding/index.ts'
import { decodeSessionState } from '../session/index.ts'
import type { ContactEntry, Context } from './context.ts'
import { messengerError } from './errors.ts'
import { contactKey } from './keys.ts'
import {
  CONTACT,
  CONTACT_MAILBOX,
  ENVELOPE,
  getRecord,
  INBOX,
  LIVE,
  NEW_CONTACT_MAILBOX,
  NO_LIVE,
  OUTBOUND_BOX,
  OUTBOX,
  OUTGOING_REQUEST,
  readRecord,
  TABLE,
} from './records.ts'

/** Reads one contact from the store. */
export async function loadContact(context: Pick<Context, 'deps'>, contactId: string): Promise<ContactEntry> {
  const { store } = context.deps
  const record = await getRecord(store, TABLE.contact, contactId, CONTACT)
  const sessionBytes = await store.get(TABLE.session, contactId)
  const session = sessionBytes === undefined ? undefined : decodeSessionState(sessionBytes)
  if (sessionBytes !== undefined && session === undefined) throw messengerError('STATE_CORRUPT')
  const outbox = (await readRecord(store, TABLE.outbox, contactId, OUTBOX)) ?? {
    lowest: 1,
    next: 1,
    acknowledgedBeyond: [],
  }
  const inbox = (await readRecord(store, TABLE.inbox, contactId, INBOX)) ?? { contiguous: 0, beyond: [] }
  const envelopes: ContactEntry['envelopes'] = new Map()
  for (let sequence = outbox.lowest; sequence < outbox.next; sequence += 1) {
    if (outbox.acknowledgedBeyond.includes(sequence)) continue
    envelopes.set(sequence, await getRecord(store, TABLE.envelope, contactKey(contactId, sequence), ENVELOPE))
  }
  const sequenceBytes = await store.get(TABLE.sequences, contactId)
  const sequences = sequenceBytes === undefined ? createSequences() : decodeSequences(sequenceBytes)
  if (sequences === undefined) throw messengerError('STATE_CORRUPT')
  const mailbox = (await readRecord(store, TABLE.contactMailbox, contactId, CONTACT_MAILBOX)) ?? NEW_CONTACT_MAILBOX
  const boxes: ContactEntry['boxes'] = new Map()
  for (const number of mailbox.boxes) {
    boxes.set(number, await getRecord(store, TABLE.box, contactKey(contactId, number), OUTBOUND_BOX))
  }
  return {
    record,
    outgoing: await readRecord(store, TABLE.outgoingRequest, contactId, OUTGOING_REQUEST),
    session,
    laneSecret: await store.get(TABLE.laneSecret, contactId),
    live: (await readRecord(store, TABLE.live, contactId, LIVE)) ?? NO_LIVE,
    queue: createLaneQueue({
      unacknowledged: [...envelopes.keys()],
      lastSequence: outbox.next - 1,
      receivedBase: inbox.contiguous,
      receivedAhead: inbox.beyond,
    }),
    envelopes,
    sequences,
    mailbox,
    boxes,
    watched: new Set(),
    nexts: new Set(),
    ackDueMs: undefined,
    acknowledgedAtMs: 0,
    // As the step that blocked it, or that gave its request up, left it.
    muted: record.state === 'blocked' || record.state === 'failed',
    lane: undefined,
  }
}
