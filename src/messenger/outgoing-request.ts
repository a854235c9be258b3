/**
 * The acceptor's side of a rendezvous: a session for the inviter's bundle, and the request that carries it.
 * Never lets a request leave before session and request are stored together. Spec 10-messenger §5, 06-identity §5.
 * @module
 */
import { hexEncode, utf8Encode } from '../base/index.ts'
import { openBundle } from '../identity/index.ts'
import { encodeSessionState } from '../session/index.ts'
import type { RendezvousResult } from '../wire/index.ts'
import { CONTENT_TYPE_TEXT, ENVELOPE_BODY_BYTES, encodeContentPart, onionAddress, padBody } from '../wire/index.ts'
import { type ContactEntry, type Context, isLive } from './context.ts'
import { contactKey, moveContact, NO_COPIES, putContact } from './conversation.ts'
import type { Step } from './journal.ts'
import { RENDEZVOUS_GRACE_MS } from './options.ts'
import { getRecord, MESSAGE, OUTGOING_REQUEST, type OutgoingRequest, TABLE } from './records.ts'
import { createRendezvousDialer } from './rendezvous.ts'

/** Runs the rendezvous until it has an outcome; `onDelivered` is called once the inviter's daemon has the request. */
export function startRequest(context: Context, entry: ContactEntry, onDelivered: () => void): void {
  const { outgoing } = entry
  if (outgoing === undefined || entry.rendezvous !== undefined) return
  const dialer = createRendezvousDialer(context.deps, {
    voucher: outgoing.voucher,
    address: onionAddress(outgoing.rendezvousPublicKey),
    isolation: entry.record.contactId,
    // A request that is made may have been taken: its answer is fetched for as long as the inviter gives one.
    isExpired: () =>
      context.deps.clock.nowMs() >=
      outgoing.inviteExpiresAtMs + (entry.outgoing?.request === undefined ? 0 : RENDEZVOUS_GRACE_MS),
    storedRequest: () => entry.outgoing?.request,
    onBundle: (sealed) => context.journal.transact((step) => makeRequest(context, step, entry, outgoing, sealed)),
    onOutcome: (outcome) =>
      context.journal.transact((step) => finishRequest(context, step, entry, outcome, onDelivered)),
    onFailure: context.deps.onFailure,
  })
  if (!context.owner.adopt(dialer)) return
  entry.rendezvous = dialer
  dialer.start()
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
  const stored = { ...outgoing, request }
  step.put(TABLE.outgoingRequest, contactId, OUTGOING_REQUEST.encode(stored), { erasable: true })
  step.put(TABLE.session, contactId, encodeSessionState(state), { erasable: true })
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
        ...NO_COPIES,
        partsLeft: 1,
        idempotencyKey: undefined,
      }),
    )
  }
  step.after(() => {
    entry.outgoing = stored
    entry.session = state
    entry.laneSecret = laneSecret
    for (const secret of consumed) secret.fill(0)
  })
  return request
}

async function finishRequest(
  context: Context,
  step: Step,
  entry: ContactEntry,
  outcome: RendezvousResult | 'bundle-invalid',
  onDelivered: () => void,
): Promise<void> {
  if (!isLive(context, entry) || entry.record.state !== 'requesting') return
  const { contactId } = entry.record
  step.delete(TABLE.outgoingRequest, contactId)
  const isDelivered = outcome === 'pending'
  if (entry.outgoing?.message !== undefined && entry.record.messageCount > 0) {
    const message = await getRecord(context.deps.store, TABLE.message, contactKey(contactId, 1), MESSAGE)
    const delivery = isDelivered ? 'delivered' : 'failed'
    step.put(TABLE.message, contactKey(contactId, 1), MESSAGE.encode({ ...message, partsLeft: 0, delivery }))
    step.event({ type: 'delivery', contactId, messageId: message.messageId, delivery, ...NO_COPIES })
  }
  moveContact(step, entry, isDelivered ? { state: 'requested' } : { state: 'failed', failure: failureOf(outcome) })
  step.after(() => {
    entry.outgoing = undefined
    if (entry.rendezvous !== undefined) context.owner.release(entry.rendezvous)
    entry.rendezvous = undefined
    if (isDelivered) onDelivered()
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
