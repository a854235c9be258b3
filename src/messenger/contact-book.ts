/**
 * Contacts from the first request to their removal.
 * Never tells a contact that it was blocked or removed: a lane that is open runs out with its window. Spec 10-messenger §5.
 * @module
 */
import { hexDecode, utf8Encode } from '../base/index.ts'
import { inviteId as nameInvite, parseInvite } from '../identity/index.ts'
import { createSequences } from '../mailbox/index.ts'
import { createLaneQueue } from '../padding/index.ts'
import { decodeSessionState, dropExpiredKeys } from '../session/index.ts'
import { CONTENT_CHUNK_BYTES, CONTENT_TYPE_TEXT, encodeHostEntry } from '../wire/index.ts'
import type { ContactInfo, InvitePreview } from './api.ts'
import { forgetAttachments } from './attachments/book.ts'
import { type ContactEntry, type Context, createId, describeIdentity, forgetIdentity, isLive } from './context.ts'
import { moveContact, putContact, putSession } from './conversation.ts'
import { messengerError } from './errors.ts'
import { storeReceived } from './incoming.ts'
import { checkName, forgetRequest } from './invitations.ts'
import type { Step } from './journal.ts'
import { contactKey } from './keys.ts'
import { describeLive } from './live.ts'
import { RENDEZVOUS_GRACE_MS, REQUEST_LIFETIME_MS } from './options.ts'
import { putBoxes } from './outbound-boxes.ts'
import { endRequest, finishRequest, startRequest } from './outgoing-request.ts'
import {
  type ContactRecord,
  getRecord,
  IDS,
  LIVE,
  MESSAGE,
  NEW_CONTACT_MAILBOX,
  NO_LIVE,
  OUTGOING_REQUEST,
  type OutgoingRequest,
  PENDING_SESSION,
  readRecord,
  SELF,
  TABLE,
} from './records.ts'
import { watchBoxes } from './watching.ts'

export function describeContact(context: Context, entry: ContactEntry): ContactInfo {
  const { contactId, state, alias, remote, createdAtMs, queuedMessages, readUpTo, receipts, failure } = entry.record
  const known = remote === undefined ? undefined : describeIdentity(context, remote)
  return {
    contactId,
    state,
    alias,
    identity: known?.identity,
    safetyNumber: known?.safetyNumber,
    createdAtMs,
    laneOpen: !entry.muted && entry.lane?.isOpen() === true,
    live: describeLive(context, entry),
    queuedMessages,
    readUpTo,
    receipts,
    failure,
  }
}

export function previewInvite(context: Context, uri: string): InvitePreview {
  const invite = readInvite(uri)
  const id = nameInvite(invite.voucher)
  return {
    version: invite.version,
    expiresAtMs: invite.expiresAtMs,
    expired: context.deps.clock.nowMs() >= invite.expiresAtMs,
    own: context.invites.has(id),
    accepted: [...context.contacts.values()].some(({ record }) => record.inviteId === id),
  }
}

function readInvite(uri: string) {
  const parsed = parseInvite(uri)
  if (parsed.ok) return parsed.invite
  switch (parsed.reason) {
    case 'malformed':
      throw messengerError('INVITE_MALFORMED')
    case 'foreign':
      throw messengerError('INVITE_FOREIGN')
    case 'unsupported-version':
      throw messengerError('INVITE_VERSION_UNSUPPORTED')
  }
}

export function acceptInvite(
  context: Context,
  options: { readonly uri: string; readonly alias?: string; readonly message?: string },
): Promise<ContactInfo> {
  const invite = readInvite(options.uri)
  const alias = checkName(options.alias)
  const message = options.message?.toWellFormed()
  if (message !== undefined && message.length === 0) throw messengerError('MESSAGE_EMPTY')
  if (message !== undefined && utf8Encode(message).length > CONTENT_CHUNK_BYTES) {
    throw messengerError('MESSAGE_TOO_LONG', { details: { limit: CONTENT_CHUNK_BYTES } })
  }
  return context.journal.transact((step) => {
    const preview = previewInvite(context, options.uri)
    if (preview.own) throw messengerError('INVITE_OWN')
    if (preview.accepted) throw messengerError('INVITE_ALREADY_ACCEPTED')
    if (preview.expired) throw messengerError('INVITE_EXPIRED')
    const createdAtMs = context.deps.clock.nowMs()
    const outgoing: OutgoingRequest = {
      voucher: invite.voucher,
      rendezvousPublicKey: invite.rendezvousPublicKey,
      hosts: invite.hosts.map(encodeHostEntry),
      inviteExpiresAtMs: invite.expiresAtMs,
      message,
      request: undefined,
      requestBox: undefined,
    }
    const entry = addContact(context, step, invite.hosts.length === 0, {
      state: 'requesting',
      role: 'dialer',
      alias,
      remote: undefined,
      createdAtMs,
      inviteId: nameInvite(invite.voucher),
    })
    step.put(TABLE.outgoingRequest, entry.record.contactId, OUTGOING_REQUEST.encode(outgoing), { erasable: true })
    step.after(() => {
      entry.outgoing = outgoing
      resumeContact(context, entry)
    })
    return describeContact(context, entry)
  })
}

export function acceptRequest(
  context: Context,
  options: { readonly requestId: string; readonly alias?: string },
): Promise<ContactInfo> {
  const alias = checkName(options.alias)
  return context.journal.transact(async (step) => {
    const request = context.requests.get(options.requestId)
    if (request === undefined) throw messengerError('REQUEST_UNKNOWN')
    const { store } = context.deps
    const pending = await getRecord(store, TABLE.pendingSession, request.requestId, PENDING_SESSION)
    const session = decodeSessionState(pending.session)
    if (session === undefined) throw messengerError('STATE_CORRUPT')
    forgetRequest(context, step, request.requestId)
    const entry = addContact(context, step, request.always, {
      state: 'active',
      role: 'listener',
      alias,
      remote: request.remote,
      createdAtMs: context.deps.clock.nowMs(),
      inviteId: request.inviteId,
    })
    const { contactId } = entry.record
    putSession(context, step, entry, session, [])
    step.put(TABLE.laneSecret, contactId, pending.laneSecret, { erasable: true })
    if (request.message !== undefined) {
      const { messageId, text, timestampMs } = request.message
      const body = utf8Encode(text)
      storeReceived(context, step, entry, {
        messageId: hexDecode(messageId) ?? new Uint8Array(),
        timestampMs,
        type: CONTENT_TYPE_TEXT,
        body,
      })
    }
    // The acceptance has to reach somebody who may be offline: the next write slot takes it.
    putBoxes(step, entry, [], undefined, { ackOwed: true })
    step.after(() => {
      entry.ackDueMs = context.deps.clock.monotonicMs()
      entry.laneSecret = pending.laneSecret
      resumeContact(context, entry)
    })
    return describeContact(context, entry)
  })
}

function addContact(
  context: Context,
  step: Step,
  always: boolean,
  facts: Pick<ContactRecord, 'state' | 'role' | 'alias' | 'remote' | 'createdAtMs' | 'inviteId'>,
): ContactEntry {
  const record: ContactRecord = {
    ...facts,
    contactId: createId(context.deps.random),
    stateBefore: undefined,
    requestExpiresAtMs: facts.createdAtMs + REQUEST_LIFETIME_MS,
    failure: undefined,
    messageCount: 0,
    queuedMessages: 0,
    readUpTo: 0,
    receipts: { delivery: true, read: false },
  }
  const entry: ContactEntry = {
    record,
    outgoing: undefined,
    session: undefined,
    laneSecret: undefined,
    live: { ...NO_LIVE, always },
    queue: createLaneQueue({ unacknowledged: [], lastSequence: 0, receivedBase: 0, receivedAhead: [] }),
    envelopes: new Map(),
    sequences: createSequences(),
    mailbox: NEW_CONTACT_MAILBOX,
    boxes: new Map(),
    watched: new Set(),
    nexts: new Set(),
    ackDueMs: undefined,
    acknowledgedAtMs: 0,
    muted: false,
    lane: undefined,
  }
  putContact(step, entry, record)
  step.put(TABLE.live, record.contactId, LIVE.encode(entry.live))
  step.put(TABLE.contactIds, SELF, IDS.encode([...context.contacts.keys(), record.contactId]))
  step.event({ type: 'contact', contactId: record.contactId, state: record.state, failure: undefined })
  step.after(() => context.contacts.set(record.contactId, entry))
  return entry
}

/** Looks for what a contact needs in its state: its boxes, and the bundle for a request. The live clock sees to the rest. */
export function resumeContact(context: Context, entry: ContactEntry): void {
  if (!isLive(context, entry)) return
  watchBoxes(context, entry)
  if (entry.record.state === 'requesting') context.background(startRequest(context, entry))
}

/** A request that nobody answered has failed, on either side. Looked at on a clock of its own. */
export async function sweepRequests(context: Context): Promise<void> {
  const nowMs = context.steady.nowMs()
  for (const { requestId, receivedAtMs } of context.requests.values()) {
    if (nowMs < receivedAtMs + REQUEST_LIFETIME_MS) continue
    await context.journal.transact((step) => {
      if (context.requests.has(requestId)) forgetRequest(context, step, requestId)
    })
  }
  for (const entry of context.contacts.values()) {
    const { outgoing } = entry
    // A rendezvous looks at the time itself, and asks for the answer to a request that may have been taken.
    const graceMs = outgoing?.request === undefined ? 0 : RENDEZVOUS_GRACE_MS
    const isOver =
      outgoing !== undefined &&
      outgoing.rendezvousPublicKey === undefined &&
      nowMs >= outgoing.inviteExpiresAtMs + graceMs
    if (entry.record.state === 'requesting' && isOver) {
      await context.journal.transact((step) => finishRequest(context, step, entry, 'expired'))
    }
    if (entry.record.state !== 'requested' || nowMs < entry.record.requestExpiresAtMs) continue
    await context.journal.transact((step) => {
      if (!isLive(context, entry) || entry.record.state !== 'requested') return
      moveContact(step, entry, { state: 'failed', failure: 'REQUEST_EXPIRED' })
      step.after(() => mute(entry))
    })
  }
}

/** Forgets keys of envelopes that never came, for contacts that are silent as well. Looked at on a clock of its own. */
export async function sweepSessions(context: Context): Promise<void> {
  const nowMs = context.deps.clock.nowMs()
  for (const entry of context.contacts.values()) {
    if (entry.session === undefined || dropExpiredKeys(entry.session, nowMs).consumed.length === 0) continue
    await context.journal.transact((step) => {
      if (entry.session === undefined || !isLive(context, entry)) return
      const { state, consumed } = dropExpiredKeys(entry.session, nowMs)
      putSession(context, step, entry, state, consumed)
    })
  }
}

/** Cover only from here on, until the lane has run out; a request that is under way goes no further. */
function mute(entry: ContactEntry): void {
  entry.muted = true
}

export function blockContact(context: Context, contactId: string): Promise<ContactInfo> {
  return changeContact(context, contactId, (step, entry) => {
    if (entry.record.state === 'blocked') return
    moveContact(step, entry, { state: 'blocked', stateBefore: entry.record.state })
    step.after(() => mute(entry))
  })
}

export function unblockContact(context: Context, contactId: string): Promise<ContactInfo> {
  return changeContact(context, contactId, (step, entry) => {
    if (entry.record.state !== 'blocked') return
    moveContact(step, entry, { state: entry.record.stateBefore ?? 'failed', stateBefore: undefined })
    step.after(() => {
      // What had failed before the block has no lane to come back to.
      if (entry.record.state === 'failed') return
      entry.muted = false
      resumeContact(context, entry)
    })
  })
}

async function changeContact(
  context: Context,
  contactId: string,
  change: (step: Step, entry: ContactEntry) => void,
): Promise<ContactInfo> {
  await context.journal.transact((step) => change(step, findContact(context, contactId)))
  return describeContact(context, findContact(context, contactId))
}

export async function setReceipts(
  context: Context,
  contactId: string,
  settings: { readonly delivery?: boolean; readonly read?: boolean },
): Promise<ContactInfo> {
  return changeContact(context, contactId, (step, entry) => {
    const { delivery, read } = entry.record.receipts
    const receipts = { delivery: settings.delivery ?? delivery, read: settings.read ?? read }
    putContact(step, entry, { ...entry.record, receipts })
  })
}

export function findContact(context: Context, contactId: string): ContactEntry {
  const entry = context.contacts.get(contactId)
  if (entry === undefined) throw messengerError('CONTACT_UNKNOWN')
  return entry
}

/** Forgets everything of a contact in one step. */
export function removeContact(context: Context, contactId: string): Promise<void> {
  return context.journal.transact(async (step) => {
    const entry = findContact(context, contactId)
    const { store } = context.deps
    const perContact = [
      TABLE.contact,
      TABLE.outgoingRequest,
      TABLE.session,
      TABLE.laneSecret,
      TABLE.live,
      TABLE.sequences,
      TABLE.contactMailbox,
      TABLE.outbox,
      TABLE.inbox,
      TABLE.partialIds,
    ]
    for (const table of perContact) step.delete(table, contactId)
    for (const sequence of entry.envelopes.keys()) step.delete(TABLE.envelope, contactKey(contactId, sequence))
    for (const number of entry.boxes.keys()) step.delete(TABLE.box, contactKey(contactId, number))
    for (const id of (await readRecord(store, TABLE.partialIds, contactId, IDS)) ?? []) {
      step.delete(TABLE.partial, contactKey(contactId, id))
    }
    const files: number[] = []
    for (let position = 1; position <= entry.record.messageCount; position += 1) {
      const message = await getRecord(store, TABLE.message, contactKey(contactId, position), MESSAGE)
      if (message.type === 'attachment') files.push(position)
      step.delete(TABLE.message, contactKey(contactId, position))
      step.delete(TABLE.sentIndex, contactKey(contactId, message.messageId))
      if (message.idempotencyKey !== undefined) {
        step.delete(TABLE.idempotency, contactKey(contactId, message.idempotencyKey))
      }
    }
    await forgetAttachments(context, step, entry, files)
    step.put(TABLE.contactIds, SELF, IDS.encode([...context.contacts.keys()].filter((id) => id !== contactId)))
    step.after(() => {
      context.contacts.delete(contactId)
      watchBoxes(context, entry)
      endRequest(context, entry)
      if (entry.record.remote !== undefined) forgetIdentity(context, entry.record.remote)
      mute(entry)
    })
  })
}
