/**
 * The acceptor's side of an invite: a session for the inviter's bundle, and the request that carries it, by rendezvous or
 * by mailbox.
 * Never lets a request leave before session and request are stored together. Spec 10-messenger §5, 06-identity §5,
 * 03-mailbox §7.3.
 * @module
 */
import { attempt, hexEncode, utf8Encode } from '../base/index.ts'
import { openBundle } from '../identity/index.ts'
import { deriveBoxKeys, inviteBoxSeed, sealBox } from '../mailbox/index.ts'
import type { RendezvousResult } from '../wire/index.ts'
import {
  CONTENT_TYPE_TEXT,
  decodeHostEntry,
  ENVELOPE_BODY_BYTES,
  encodeBox,
  encodeBoxBody,
  encodeContentPart,
  onionAddress,
  padBody,
} from '../wire/index.ts'
import { type ContactEntry, type Context, isLive } from './context.ts'
import { moveContact, NOT_STORED, putContact, putSession } from './conversation.ts'
import { isUndelivered, putDelivery } from './deliveries.ts'
import type { Step } from './journal.ts'
import { contactKey } from './keys.ts'
import { RENDEZVOUS_GRACE_MS } from './options.ts'
import { getRecord, MESSAGE, OUTGOING_REQUEST, type OutgoingRequest, POSITION, TABLE } from './records.ts'
import type { RendezvousDialerOptions } from './rendezvous.ts'
import { unwatchBox, watchBox } from './watching.ts'

/** Looks for the bundle in its box, until the request is with the hosts. Its rendezvous is {@link requestRendezvous}. */
export async function startRequest(context: Context, entry: ContactEntry): Promise<void> {
  const { outgoing } = entry
  if (outgoing === undefined || outgoing.hosts.length === 0) return
  // A request that is made is written by the next slot that finds it.
  if (outgoing.request === undefined) watchBox(context, bundleBoxId(outgoing), { kind: 'bundle', entry }, true)
  const hosts = outgoing.hosts.flatMap((bytes) => decodeHostEntry(bytes) ?? [])
  // On a full disk the hosts that are known have to do until the next start.
  await attempt(context.deps.logger, 'hosts of an invite not kept', () => context.mailbox.addHosts(hosts))
}

function bundleBoxId(outgoing: OutgoingRequest): Uint8Array {
  return deriveBoxKeys(inviteBoxSeed(outgoing.voucher, 'bundle')).boxId
}

function requestBoxId(outgoing: OutgoingRequest): Uint8Array {
  return deriveBoxKeys(inviteBoxSeed(outgoing.voucher, 'request')).boxId
}

/** Whether a rendezvous is to be dialled for this contact now. */
export function awaitsRendezvous({ muted, outgoing, record }: ContactEntry): boolean {
  return outgoing?.rendezvousPublicKey !== undefined && !muted && record.state === 'requesting'
}

/** The rendezvous of the invite that this contact came from; undefined for none. */
export function requestRendezvous(
  context: Context,
  entry: ContactEntry,
): Omit<RendezvousDialerOptions, 'onFailure'> | undefined {
  const { outgoing } = entry
  if (outgoing?.rendezvousPublicKey === undefined) return undefined
  return {
    voucher: outgoing.voucher,
    address: onionAddress(outgoing.rendezvousPublicKey),
    isolation: entry.record.contactId,
    // A request that is made may have been taken: its answer is fetched for as long as the inviter gives one.
    isExpired: () =>
      context.deps.clock.nowMs() >=
      outgoing.inviteExpiresAtMs + (entry.outgoing?.request === undefined ? 0 : RENDEZVOUS_GRACE_MS),
    storedRequest: () => entry.outgoing?.request,
    onBundle: (sealed) => context.journal.transact((step) => makeRequest(context, step, entry, outgoing, sealed)),
    isWanted: () => entry.outgoing !== undefined && !entry.muted,
    onOutcome: (outcome) => context.journal.transact((step) => finishRequest(context, step, entry, outcome)),
  }
}

/** What the box of the bundle holds; undefined when it holds something else, which only the invite's maker could put there. */
export function receiveBundleBox(
  context: Context,
  entry: ContactEntry,
  sealedBundle: Uint8Array | undefined,
): Promise<void> {
  return context.journal.transact(async (step) => {
    const { outgoing } = entry
    if (outgoing === undefined || entry.record.state !== 'requesting') return
    const request = sealedBundle && makeRequest(context, step, entry, outgoing, sealedBundle)
    if (request === undefined) await finishRequest(context, step, entry, 'bundle-invalid')
  })
}

/** What lies where our request should. Not told as an error before it was read: an intermediate may lie. */
export function receiveTakenBox(context: Context, entry: ContactEntry, outcome: 'used' | 'revoked'): Promise<void> {
  return context.journal.transact((step) => finishRequest(context, step, entry, outcome))
}

/** Enough hosts keep the request; the inviter will find it. */
export function noteRequestStored(
  context: Context,
  entry: ContactEntry,
  stored: { readonly replicas: number; readonly wanted: number; readonly untilMs: number },
): Promise<void> {
  const { replicas, wanted, untilMs } = stored
  return context.journal.transact((step) =>
    finishRequest(context, step, entry, 'pending', { replicas, wanted, untilMs }),
  )
}

/** The inviter has accepted: something that only they can seal has come. */
export function activate(context: Context, entry: ContactEntry): Promise<void> {
  return context.journal.transact(async (step) => {
    const { state, contactId, messageCount } = entry.record
    if (!isLive(context, entry) || !awaitsAcceptance(entry)) return
    step.delete(TABLE.outgoingRequest, contactId)
    // What came from somebody who is blocked shows when they are no longer.
    if (state === 'blocked') putContact(step, entry, { ...entry.record, stateBefore: 'active' })
    else moveContact(step, entry, { state: 'active' })
    const key = contactKey(contactId, 1)
    const first = messageCount === 0 ? undefined : await getRecord(context.deps.store, TABLE.message, key, MESSAGE)
    if (first?.direction === 'sent' && isUndelivered(first) && !hasEnvelope(entry, 1)) {
      putDelivery(context, step, entry, 1, first, { delivery: 'delivered', partsLeft: 0 })
    }
    step.after(() => endRequest(context, entry))
  })
}

/** True while the inviter has not accepted, whether or not the contact was blocked meanwhile. */
export function awaitsAcceptance({ record }: ContactEntry): boolean {
  const state = record.state === 'blocked' ? record.stateBefore : record.state
  return state === 'requested' || state === 'requesting'
}

/** The first message rides with the request; every other has envelopes until it is acknowledged. */
function hasEnvelope(entry: ContactEntry, position: number): boolean {
  return [...entry.envelopes.values()].some((envelope) => envelope.position === position)
}

/** Nothing looks for the bundle, or for what took the place of the request, any more. */
export function endRequest(context: Context, entry: ContactEntry): void {
  const { outgoing } = entry
  if (outgoing !== undefined && outgoing.hosts.length > 0) {
    unwatchBox(context, bundleBoxId(outgoing))
    unwatchBox(context, requestBoxId(outgoing))
  }
  entry.outgoing = undefined
}

/** Starts the session for a bundle and stores request and session together, before the request may leave. */
function makeRequest(
  context: Context,
  step: Step,
  entry: ContactEntry,
  outgoing: OutgoingRequest,
  sealedBundle: Uint8Array,
): Uint8Array | undefined {
  if (!isLive(context, entry) || entry.record.state !== 'requesting') return undefined
  // One handshake for one invite, whatever two exchanges at once may bring.
  if (entry.outgoing?.request !== undefined) return entry.outgoing.request
  const bundle = openBundle(outgoing.voucher, sealedBundle)
  if (bundle === undefined) return undefined
  const { contactId } = entry.record
  const { random, clock } = context.deps
  const messageId = random.bytes(16)
  const timestampMs = clock.nowMs()
  const text = outgoing.message
  const content =
    text === undefined
      ? new Uint8Array()
      : encodeContentPart({
          messageId,
          partIndex: 0,
          partCount: 1,
          timestampMs,
          type: CONTENT_TYPE_TEXT,
          chunk: utf8Encode(text),
        })
  const started = context.deps.session.initiateHandshake({
    own: context.own,
    bundle,
    firstBody: padBody(content, ENVELOPE_BODY_BYTES),
  })
  if (!started.ok) return undefined
  const { state, request, laneSecret, consumed } = started
  const requestBox = outgoing.hosts.length === 0 ? undefined : sealRequestBox(outgoing.voucher, request)
  const stored = { ...outgoing, request, requestBox }
  step.put(TABLE.outgoingRequest, contactId, OUTGOING_REQUEST.encode(stored), { erasable: true })
  putSession(context, step, entry, state, consumed)
  step.put(TABLE.laneSecret, contactId, laneSecret, { erasable: true })
  putContact(step, entry, { ...entry.record, remote: bundle.identity, messageCount: text === undefined ? 0 : 1 })
  if (text !== undefined) {
    step.put(
      TABLE.message,
      contactKey(contactId, 1),
      MESSAGE.encode({
        messageId: hexEncode(messageId),
        direction: 'sent',
        type: 'text',
        text,
        raw: undefined,
        timestampMs,
        storedAtMs: timestampMs,
        delivery: 'queued',
        ...NOT_STORED,
        partsLeft: 1,
        idempotencyKey: undefined,
      }),
    )
  }
  if (text !== undefined) step.put(TABLE.sentIndex, contactKey(contactId, hexEncode(messageId)), POSITION.encode(1))
  step.after(() => {
    entry.outgoing = stored
    entry.laneSecret = laneSecret
  })
  return request
}

function sealRequestBox(voucher: Uint8Array, request: Uint8Array): Uint8Array {
  const body = encodeBoxBody({ kind: 'payload', payload: request })
  return encodeBox(sealBox(deriveBoxKeys(inviteBoxSeed(voucher, 'request')), body))
}

/** `stored` when the request is with hosts; otherwise the inviter's daemon has answered. */
export async function finishRequest(
  context: Context,
  step: Step,
  entry: ContactEntry,
  outcome: RendezvousResult | 'bundle-invalid',
  stored?: { readonly replicas: number; readonly wanted: number; readonly untilMs: number },
): Promise<void> {
  if (!isLive(context, entry) || entry.record.state !== 'requesting') return
  const { contactId } = entry.record
  step.delete(TABLE.outgoingRequest, contactId)
  const isPending = outcome === 'pending'
  if (entry.outgoing?.message !== undefined && entry.record.messageCount > 0) {
    const message = await getRecord(context.deps.store, TABLE.message, contactKey(contactId, 1), MESSAGE)
    const change = !isPending
      ? ({ delivery: 'failed', failure: failureOf(outcome), partsLeft: 0 } as const)
      : stored === undefined
        ? ({ delivery: 'delivered', partsLeft: 0 } as const)
        : ({ delivery: 'stored', stored } as const)
    putDelivery(context, step, entry, 1, message, change)
  }
  moveContact(step, entry, isPending ? { state: 'requested' } : { state: 'failed', failure: failureOf(outcome) })
  step.after(() => {
    endRequest(context, entry)
    if (isPending) context.resume(entry)
  })
}

function failureOf(outcome: Exclude<RendezvousResult, 'pending'> | 'bundle-invalid'): string {
  switch (outcome) {
    case 'used':
      return 'INVITE_USED'
    case 'revoked':
      return 'INVITE_REVOKED'
    case 'expired':
      return 'INVITE_EXPIRED'
    case 'bundle-invalid':
      return 'INVITE_BUNDLE_INVALID'
  }
}
