/**
 * The shape of everything the messenger keeps in the store, and the tables it lies in.
 * Never holds an onion address or a key outside the tables marked as erasable. Spec 10-messenger §2.
 * @module
 */
import { INVITE_HOSTS_MAX_COUNT } from '../identity/index.ts'
import type { KeyValueStore } from '../ports/index.ts'
import {
  BOX_BYTES,
  BOX_ENVELOPES_MAX_COUNT,
  createPacked,
  HOST_ENTRY_BYTES,
  LANE_SEQUENCE_MAX,
  MESSAGE_ID_BYTES,
  type Packed,
  type ShapeValue,
  shape,
} from '../wire/index.ts'
import { TRANSFER_STATES } from './attachments/records.ts'
import { messengerError } from './errors.ts'
import { NAME_MAX_LENGTH, OUTBOX_MAX_COUNT } from './options.ts'

/** Four bytes of UTF-8 a character at most. */
const NAME_MAX_BYTES = NAME_MAX_LENGTH * 4
const TEXT_MAX_BYTES = 1 << 16
const CODE_MAX_BYTES = 64
const ID_BYTES = 32
const LIST_MAX_COUNT = 10_000
const KEY_BYTES = 32
/** Room for encoded keys, states and requests, whose own codecs check them. */
const BLOB_MAX_BYTES = 1 << 19

const time = shape.integer(0, Number.MAX_SAFE_INTEGER)
const counter = shape.integer(0, Number.MAX_SAFE_INTEGER)
const sequence = shape.integer(0, LANE_SEQUENCE_MAX)
const id = shape.text(ID_BYTES, ID_BYTES)
const name = shape.optional(shape.text(NAME_MAX_BYTES, 1))
const code = shape.optional(shape.text(CODE_MAX_BYTES, 1))
const key = shape.bytes(KEY_BYTES)
const blob = shape.bytesBetween(1, BLOB_MAX_BYTES)
const contactState = shape.oneOf('requesting', 'requested', 'active', 'failed', 'blocked')
const delivery = shape.oneOf('queued', 'sent', 'stored', 'delivered', 'read', 'failed')
const liveState = shape.oneOf('off', 'offered', 'invited', 'agreed', 'open')
const replicaCount = shape.integer(0, 255)
const copies = shape.optional(shape.record({ replicas: replicaCount, wanted: replicaCount, untilMs: time }))
const duration = shape.optional(counter)
const box = shape.bytes(BOX_BYTES)

export const PROFILE = createPacked(shape.record({ createdAtMs: time, keys: blob }))

export const IDS = createPacked(shape.list(id, LIST_MAX_COUNT))

const publicIdentity = shape.record({ ed25519: key, x25519: key })

const contactRecord = shape.record({
  contactId: id,
  state: contactState,
  /** What `state` was before the contact was blocked. */
  stateBefore: shape.optional(contactState),
  role: shape.oneOf('listener', 'dialer'),
  alias: name,
  remote: shape.optional(publicIdentity),
  createdAtMs: time,
  /** For a contact that is not active yet: when the request has failed. */
  requestExpiresAtMs: time,
  failure: code,
  messageCount: counter,
  queuedMessages: counter,
  /** Highest position marked as read. */
  readUpTo: counter,
  receipts: shape.record({ delivery: shape.boolean(), read: shape.boolean() }),
  /** The invite that this contact came from, ours or theirs: one that was accepted before is recognised by it. */
  inviteId: id,
})
export type ContactRecord = ShapeValue<typeof contactRecord>
export const CONTACT = createPacked(contactRecord)

/** Whether and from when to when a lane runs for a contact. */
const liveRecord = shape.record({
  /** Made through an invite without hosts: both sides know that there is no other way, and the lane has no end. */
  always: shape.boolean(),
  /** From when a lane runs, once both have agreed. */
  fromMs: time,
  /** Until when we have agreed, and the other side; 0 for never. Whole edges. */
  ownUntilMs: time,
  theirUntilMs: time,
  /** Of the newest envelope that told of theirs. */
  theirSequence: sequence,
  /** What the last event said. */
  told: liveState,
})
export type LiveRecord = ShapeValue<typeof liveRecord>
export const LIVE = createPacked(liveRecord)

/** What nobody has agreed to. */
export const NO_LIVE: LiveRecord = {
  always: false,
  fromMs: 0,
  ownUntilMs: 0,
  theirUntilMs: 0,
  theirSequence: 0,
  told: 'off',
}

/** Erasable. What the acceptor of an invite needs until the inviter, or the hosts, have the request. */
const outgoingRequest = shape.record({
  voucher: key,
  /** Undefined for an invite without a rendezvous. */
  rendezvousPublicKey: shape.optional(key),
  /** Hosts that the invite named, encoded; none for an invite without mailboxes. */
  hosts: shape.list(shape.bytes(HOST_ENTRY_BYTES), INVITE_HOSTS_MAX_COUNT),
  inviteExpiresAtMs: time,
  message: shape.optional(shape.text(TEXT_MAX_BYTES, 1)),
  /** The sealed request, once made: after a crash the same bytes go out again. */
  request: shape.optional(blob),
  /** The same request in its box. */
  requestBox: shape.optional(box),
})
export type OutgoingRequest = ShapeValue<typeof outgoingRequest>
export const OUTGOING_REQUEST = createPacked(outgoingRequest)

const outboxRecord = shape.record({
  /** All sequences below this one are acknowledged. */
  lowest: sequence,
  next: sequence,
  /** Acknowledged sequences from `lowest` upward, inside the window. */
  acknowledgedBeyond: shape.list(sequence, 64),
})

export const OUTBOX = createPacked(outboxRecord)

const inboxRecord = shape.record({
  /** All sequences up to this one have been received and stored. */
  contiguous: sequence,
  beyond: shape.list(sequence, 64),
})

export const INBOX = createPacked(inboxRecord)

const envelopeRecord = shape.record({
  /** Which message of the conversation this envelope is a part of. */
  position: counter,
  envelope: blob,
})
export type EnvelopeRecord = ShapeValue<typeof envelopeRecord>
export const ENVELOPE = createPacked(envelopeRecord)

const messageRecord = shape.record({
  messageId: id,
  direction: shape.oneOf('sent', 'received'),
  type: shape.oneOf('text', 'attachment', 'unsupported'),
  text: shape.text(TEXT_MAX_BYTES),
  /** The content of a type that this version does not know, kept for one that does. */
  raw: shape.optional(shape.record({ type: shape.integer(0, 255), body: shape.bytesBetween(0, TEXT_MAX_BYTES) })),
  timestampMs: time,
  storedAtMs: time,
  delivery: shape.optional(delivery),
  stored: copies,
  failure: code,
  /** Not tried again before; 0 for no obstacle. */
  retryAtMs: time,
  /** Envelopes of a sent message that are not acknowledged yet. */
  partsLeft: counter,
  idempotencyKey: shape.optional(shape.text(NAME_MAX_BYTES, 1)),
})
export type MessageRecord = ShapeValue<typeof messageRecord>
export const MESSAGE = createPacked(messageRecord)

export const POSITION = createPacked(counter)

/** One box that was made for a contact, kept until all it carries is acknowledged. */
const outboundBox = shape.record({
  box,
  sequences: shape.list(sequence, BOX_ENVELOPES_MAX_COUNT),
  state: shape.oneOf('pending', 'sent', 'stored'),
  copies,
  /** When a courier had it for the first time since hosts cannot have it from before; 0 until then. */
  firstLeftAtMs: time,
  /** When its state became `stored`; 0 before. */
  storedAtMs: time,
  /** Not written again before; 0 for at once. */
  retryAtMs: time,
  /** Whether the end of the copies was announced. */
  warned: shape.boolean(),
  /** Whether it was written again because the reader had passed over it. */
  rewritten: shape.boolean(),
})
export type OutboundBox = ShapeValue<typeof outboundBox>
export const OUTBOUND_BOX = createPacked(outboundBox)

const contactMailbox = shape.record({
  /** Numbers of the boxes that are kept, ascending. */
  boxes: shape.list(counter, OUTBOX_MAX_COUNT),
  nextBox: counter,
  /** Something was received that no box or record of ours has acknowledged since. */
  ackOwed: shape.boolean(),
})
export type ContactMailbox = ShapeValue<typeof contactMailbox>
export const CONTACT_MAILBOX = createPacked(contactMailbox)

/** What a contact without a record has. */
export const NEW_CONTACT_MAILBOX: ContactMailbox = {
  boxes: [],
  nextBox: 1,
  ackOwed: false,
}

const reassembly = shape.record({
  messageId: shape.bytes(MESSAGE_ID_BYTES),
  timestampMs: time,
  type: shape.integer(0, 255),
  chunks: shape.list(shape.optional(shape.bytesBetween(0, TEXT_MAX_BYTES)), 256),
})
export const REASSEMBLY = createPacked(reassembly)

const inviteRecord = shape.record({
  inviteId: id,
  state: shape.oneOf('active', 'used', 'revoked', 'expired'),
  createdAtMs: time,
  expiresAtMs: time,
  /** When it stopped being active; 0 before. */
  endedAtMs: time,
  label: name,
})
export type InviteRecord = ShapeValue<typeof inviteRecord>
export const INVITE = createPacked(inviteRecord)

/** Erasable. What the rendezvous and the boxes of an invite need. */
const inviteSecrets = shape.record({
  voucher: key,
  /** Undefined for an invite without a rendezvous. */
  onionSeed: shape.optional(key),
  /** The box with the bundle; undefined for an invite without mailboxes. */
  bundleBox: shape.optional(box),
  /** Until when hosts keep it; 0 before they do. */
  bundleUntilMs: time,
  /** Takes the place of a request that never came, so that a late acceptor learns of the revocation. */
  closingBox: shape.optional(box),
  sealedBundle: blob,
  /** Undefined once the invite was used: each bundle serves one handshake. */
  prekeys: shape.optional(blob),
  /** The request that used the invite, to answer its repetition. */
  request: shape.optional(blob),
})
export type InviteSecrets = ShapeValue<typeof inviteSecrets>
export const INVITE_SECRETS = createPacked(inviteSecrets)

const requestRecord = shape.record({
  requestId: id,
  inviteId: id,
  inviteLabel: name,
  receivedAtMs: time,
  remote: publicIdentity,
  /** Whether the invite had no hosts, so that the contact has a lane all the time. */
  always: shape.boolean(),
  /** The message that came with the request; it becomes the first of the conversation. */
  message: shape.optional(shape.record({ messageId: id, text: shape.text(TEXT_MAX_BYTES, 1), timestampMs: time })),
})
export type RequestRecord = ShapeValue<typeof requestRecord>
export const REQUEST = createPacked(requestRecord)

/** Erasable. The session that waits for the user's decision. */
const pendingSession = shape.record({ session: blob, laneSecret: key })

export const PENDING_SESSION = createPacked(pendingSession)

export const EVENT_BOUNDS = createPacked(shape.record({ firstSeq: counter, nextSeq: counter }))

/** Events refer to what they tell of, so that removing a contact removes its messages from the log as well. */
export const EVENT = createPacked(
  shape.record({
    atMs: time,
    body: shape.variant('type', {
      message: { contactId: id, position: counter },
      delivery: { contactId: id, messageId: id, delivery, stored: copies, failure: code, retryAfterMs: duration },
      expiring: { contactId: id, messageId: id, untilMs: time },
      request: { requestId: id },
      contact: { contactId: id, state: contactState, failure: code },
      invite: { inviteId: id, state: shape.oneOf('active', 'used', 'revoked', 'expired') },
      attachment: {
        contactId: id,
        messageId: id,
        direction: shape.oneOf('sent', 'received'),
        state: shape.oneOf(...TRANSFER_STATES),
        chunksDone: counter,
        chunks: counter,
        untilMs: shape.optional(time),
        failure: code,
      },
      live: { contactId: id, state: liveState, untilMs: shape.optional(time) },
    }),
  }),
)
export type StoredEvent = NonNullable<ReturnType<typeof EVENT.decode>>

/** Tables of the store. Those of one contact are removed with it. */
export const TABLE = {
  profile: 'profile',
  contactIds: 'contact-ids',
  contact: 'contact',
  outgoingRequest: 'outgoing-request',
  session: 'session',
  laneSecret: 'lane-secret',
  live: 'live',
  outbox: 'outbox',
  envelope: 'envelope',
  inbox: 'inbox',
  message: 'message',
  /** Position of a sent message by its id. */
  sentIndex: 'sent-index',
  /** Erasable. Mailbox sequences of both directions. */
  sequences: 'sequences',
  contactMailbox: 'contact-mailbox',
  box: 'box',
  idempotency: 'idempotency',
  partialIds: 'partial-ids',
  partial: 'partial',
  inviteIds: 'invite-ids',
  invite: 'invite',
  inviteSecrets: 'invite-secrets',
  requestIds: 'request-ids',
  request: 'request',
  pendingSession: 'pending-session',
  event: 'event',
  eventBounds: 'event-bounds',
  eventClient: 'event-client',
} as const

/** The key of tables that hold one value. */
export const SELF = 'self'

/** @throws {AppError} `STATE_CORRUPT` when there is a value of another form. */
export async function readRecord<T>(
  store: KeyValueStore,
  table: string,
  recordKey: string,
  packed: Packed<T>,
): Promise<T | undefined> {
  const bytes = await store.get(table, recordKey)
  if (bytes === undefined) return undefined
  const value = packed.decode(bytes)
  if (value === undefined) throw messengerError('STATE_CORRUPT')
  return value
}

/** As {@link readRecord}, for what an index says is there. */
export async function getRecord<T>(
  store: KeyValueStore,
  table: string,
  recordKey: string,
  packed: Packed<T>,
): Promise<T> {
  const value = await readRecord(store, table, recordKey, packed)
  if (value === undefined) throw messengerError('STATE_CORRUPT')
  return value
}
