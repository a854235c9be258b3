/**
 * The inviter's side: invites, their rendezvous, and the contact requests that come through them.
 * Never gives the same bundle to two handshakes, and never answers whoever lacks the invite. Spec 06-identity §5.
 * @module
 */
import { equalBytes, hexEncode, utf8Decode } from '../base/index.ts'
import {
  createInviteOffer,
  decodePrekeys,
  encodePrekeys,
  INVITE_HOSTS_MAX_COUNT,
  inviteId as nameInvite,
  rendezvousOnionKey,
} from '../identity/index.ts'
import {
  BOX_LIFETIME_MS,
  type BoxKeys,
  deriveBoxKeys,
  inviteBoxSeed,
  sealBox,
  type WriteResult,
} from '../mailbox/index.ts'
import { encodeSessionState } from '../session/index.ts'
import type { RendezvousResult } from '../wire/index.ts'
import { CONTENT_TYPE_TEXT, decodeContentPart, encodeBox, encodeBoxBody, unpadBody } from '../wire/index.ts'
import type { CreatedInvite, InviteInfo, RequestInfo } from './api.ts'
import { type Context, createId, describeIdentity, forgetIdentity, type InviteEntry } from './context.ts'
import { messengerError } from './errors.ts'
import type { Step } from './journal.ts'
import {
  ENDED_INVITE_KEPT_MS,
  INVITE_LIFETIME_MAX_MS,
  INVITE_LIFETIME_MIN_MS,
  INVITE_LIFETIME_MS,
  INVITES_MAX_COUNT,
  NAME_MAX_LENGTH,
  OPEN_INVITES_MAX_COUNT,
  RENDEZVOUS_GRACE_MS,
  RENEW_AFTER_MS,
  REQUESTS_MAX_COUNT,
} from './options.ts'
import {
  IDS,
  INVITE,
  INVITE_SECRETS,
  type InviteRecord,
  type InviteSecrets,
  PENDING_SESSION,
  REQUEST,
  type RequestRecord,
  SELF,
  TABLE,
} from './records.ts'
import type { RendezvousListenerOptions } from './rendezvous.ts'
import { unwatchBox, watchBox } from './watching.ts'

/** What the inviter puts where a request would go, to say that none will be taken. */
const REVOKED_PAYLOAD = Uint8Array.of(1)

export function describeInvite(entry: InviteEntry): InviteInfo {
  const { inviteId, state, createdAtMs, expiresAtMs, label } = entry.record
  return {
    inviteId,
    state,
    createdAtMs,
    expiresAtMs,
    label,
    published: state === 'active' && (entry.published || (entry.secrets?.bundleUntilMs ?? 0) > 0),
    rendezvous: entry.secrets?.onionSeed !== undefined,
  }
}

export function describeRequest(context: Context, record: RequestRecord): RequestInfo {
  const { requestId, inviteId, inviteLabel, receivedAtMs, remote, message } = record
  return {
    requestId,
    inviteId,
    inviteLabel,
    receivedAtMs,
    message: message?.text,
    ...describeIdentity(context, remote),
  }
}

/** A name that people give: trimmed, short, printable. @throws {AppError} `ALIAS_INVALID` */
export function checkName(name: string | undefined): string | undefined {
  if (name === undefined) return undefined
  const trimmed = name.trim().toWellFormed()
  const characters = [...trimmed]
  const isPrintable = characters.every((character) => !/[\p{C}\p{Zl}\p{Zp}]/u.test(character))
  if (characters.length === 0 || characters.length > NAME_MAX_LENGTH || !isPrintable)
    throw messengerError('ALIAS_INVALID')
  return trimmed
}

export function createInvite(
  context: Context,
  options: { readonly expiresInMs?: number; readonly label?: string; readonly rendezvous?: boolean },
): Promise<CreatedInvite> {
  const lifetimeMs = options.expiresInMs ?? INVITE_LIFETIME_MS
  if (lifetimeMs < INVITE_LIFETIME_MIN_MS || lifetimeMs > INVITE_LIFETIME_MAX_MS)
    throw messengerError('INVITE_EXPIRY_INVALID')
  const label = checkName(options.label)
  return context.journal.transact((step) => {
    const open = [...context.invites.values()].filter(({ record }) => record.state === 'active')
    if (open.length >= OPEN_INVITES_MAX_COUNT) throw messengerError('INVITE_LIMIT')
    // Ended invites make room, the oldest first; those whose rendezvous still answers are kept.
    const over = [...context.invites.values()].find(
      (entry) => entry.record.state !== 'active' && entry.secrets === undefined,
    )
    const isFull = context.invites.size >= INVITES_MAX_COUNT
    if (isFull) {
      if (over === undefined) throw messengerError('INVITE_LIMIT')
      step.delete(TABLE.invite, over.record.inviteId)
      step.after(() => context.invites.delete(over.record.inviteId))
    }
    const createdAtMs = context.deps.clock.nowMs()
    const expiresAtMs = createdAtMs + lifetimeMs
    const hosts = context.mailbox.entries(INVITE_HOSTS_MAX_COUNT)
    // Without hosts there is no other way.
    const rendezvous = hosts.length === 0 || options.rendezvous === true
    const offer = createInviteOffer(context.own, { expiresAtMs, rendezvous, hosts })
    const inviteId = nameInvite(offer.voucher)
    const record: InviteRecord = { inviteId, state: 'active', createdAtMs, expiresAtMs, endedAtMs: 0, label }
    const secrets: InviteSecrets = {
      voucher: offer.voucher,
      onionSeed: offer.onionSeed,
      bundleBox: hosts.length === 0 ? undefined : sealPayload(offer.voucher, 'bundle', offer.sealedBundle),
      bundleUntilMs: 0,
      closingBox: undefined,
      sealedBundle: offer.sealedBundle,
      prekeys: encodePrekeys(offer.prekeys),
      request: undefined,
    }
    const entry: InviteEntry = { record, secrets, published: false }
    step.put(TABLE.invite, inviteId, INVITE.encode(record))
    step.put(TABLE.inviteSecrets, inviteId, INVITE_SECRETS.encode(secrets), { erasable: true })
    const kept = [...context.invites.keys()].filter((id) => !isFull || id !== over?.record.inviteId)
    step.put(TABLE.inviteIds, SELF, IDS.encode([...kept, inviteId]))
    step.event({ type: 'invite', inviteId, state: 'active' })
    step.after(() => {
      context.invites.set(inviteId, entry)
      openInvite(context, entry)
    })
    return { ...describeInvite(entry), uri: offer.uri }
  })
}

function sealPayload(voucher: Uint8Array, which: 'bundle' | 'request', payload: Uint8Array): Uint8Array {
  return encodeBox(sealBox(inviteBoxKeys(voucher, which), encodeBoxBody({ kind: 'payload', payload })))
}

function inviteBoxKeys(voucher: Uint8Array, which: 'bundle' | 'request'): BoxKeys {
  return deriveBoxKeys(inviteBoxSeed(voucher, which))
}

/** A box of an invite that waits for a write: its bundle, or the word that it was revoked. */
export function findInviteBox(
  context: Context,
  entry: InviteEntry,
  isInFlight: (box: Uint8Array) => boolean,
): { readonly box: Uint8Array; readonly which: 'bundle' | 'closing' } | undefined {
  const { secrets } = entry
  if (secrets === undefined) return undefined
  const { bundleBox, bundleUntilMs, closingBox } = secrets
  if (closingBox !== undefined && !isInFlight(closingBox)) return { box: closingBox, which: 'closing' }
  const isStored = context.deps.clock.nowMs() < bundleUntilMs + RENEW_AFTER_MS
  const isWanted = bundleBox !== undefined && !isStored && stateNow(context, entry) === 'active'
  return isWanted && !isInFlight(bundleBox) ? { box: bundleBox, which: 'bundle' } : undefined
}

/** What became of a box of an invite. Whatever is not stored is written again in another slot. */
export function noteInviteBoxResult(
  context: Context,
  entry: InviteEntry,
  which: 'bundle' | 'closing',
  result: WriteResult,
): Promise<void> {
  return context.journal.transact((step) => {
    const { secrets } = entry
    if (secrets === undefined || (result.status !== 'stored' && result.status !== 'conflict')) return
    // A request in the place of the closing word came too late for us and too early for a second one: both are told.
    const isOver = which === 'closing' || result.status === 'conflict'
    const change = isOver ? { closingBox: undefined } : { bundleUntilMs: result.untilMs }
    if (which === 'bundle' && result.status === 'conflict') return
    const after = { ...secrets, ...change }
    step.put(TABLE.inviteSecrets, entry.record.inviteId, INVITE_SECRETS.encode(after), { erasable: true })
    step.after(() => {
      entry.secrets = after
    })
  })
}

/** A request that was found in the box of an invite. */
export async function receiveRequestBox(context: Context, entry: InviteEntry, request: Uint8Array): Promise<void> {
  await context.journal.transact((step) => receiveRequest(context, step, entry, request))
}

export function revokeInvite(context: Context, inviteId: string): Promise<InviteInfo> {
  return context.journal.transact((step) => {
    const entry = context.invites.get(inviteId)
    if (entry === undefined) throw messengerError('INVITE_UNKNOWN')
    if (entry.record.state === 'used') throw messengerError('INVITE_USED')
    if (entry.record.state === 'expired') throw messengerError('INVITE_EXPIRED')
    if (entry.record.state === 'active') endInvite(context, step, entry, 'revoked', undefined)
    return { ...describeInvite(entry), state: 'revoked', published: false }
  })
}

/** The prekeys go at once; the rendezvous answers for a grace time, so that a second acceptor gets a clear word. */
function endInvite(
  context: Context,
  step: Step,
  entry: InviteEntry,
  state: 'used' | 'revoked' | 'expired',
  request: Uint8Array | undefined,
): void {
  const { inviteId } = entry.record
  const record = { ...entry.record, state, endedAtMs: context.deps.clock.nowMs() }
  step.put(TABLE.invite, inviteId, INVITE.encode(record))
  const before = entry.secrets
  const closingBox =
    state === 'revoked' && before?.bundleBox !== undefined
      ? sealPayload(before.voucher, 'request', REVOKED_PAYLOAD)
      : undefined
  const secrets = before === undefined ? undefined : { ...before, prekeys: undefined, request, closingBox }
  if (secrets !== undefined) {
    step.put(TABLE.inviteSecrets, inviteId, INVITE_SECRETS.encode(secrets), { erasable: true })
  }
  step.event({ type: 'invite', inviteId, state })
  step.after(() => {
    entry.secrets?.prekeys?.fill(0)
    entry.record = record
    entry.secrets = secrets
    if (secrets?.bundleBox !== undefined) unwatchBox(context, inviteBoxKeys(secrets.voucher, 'request').boxId)
  })
}

/** Looks for requests in the invite's box. Its rendezvous is {@link inviteRendezvous}. */
export function openInvite(context: Context, entry: InviteEntry): void {
  const { secrets, record } = entry
  if (secrets === undefined) return
  if (secrets.bundleBox !== undefined && record.state === 'active') {
    watchBox(context, inviteBoxKeys(secrets.voucher, 'request').boxId, { kind: 'request', entry }, true)
  }
}

/** Whether a rendezvous is to be there now: until {@link sweepInvites} ends it. */
export function hasRendezvous({ secrets }: InviteEntry): boolean {
  return secrets?.onionSeed !== undefined
}

/** The rendezvous that is to be there for this invite; undefined for none. */
export function inviteRendezvous(
  context: Context,
  entry: InviteEntry,
): Omit<RendezvousListenerOptions, 'onFailure'> | undefined {
  const { secrets } = entry
  if (secrets?.onionSeed === undefined) return undefined
  return {
    voucher: secrets.voucher,
    onionSecretKey: rendezvousOnionKey(secrets.onionSeed),
    offer: () => {
      const state = stateNow(context, entry)
      return state === 'active' ? { bundle: secrets.sealedBundle } : { outcome: state }
    },
    onRequest: (request) => context.journal.transact((step) => receiveRequest(context, step, entry, request)),
    onPublished: () => {
      entry.published = entry.secrets !== undefined
    },
  }
}

/** The state by the clock: an invite past its time is expired, whether the sweep has come by or not. */
function stateNow(context: Context, { record }: InviteEntry): InviteRecord['state'] {
  return record.state === 'active' && context.deps.clock.nowMs() >= record.expiresAtMs ? 'expired' : record.state
}

function receiveRequest(
  context: Context,
  step: Step,
  entry: InviteEntry,
  request: Uint8Array,
): RendezvousResult | undefined {
  const { record, secrets } = entry
  // The requester's daemon may have died before it read the answer: the same bytes get the same one.
  if (secrets?.request !== undefined && equalBytes(secrets.request, request)) return 'pending'
  const state = stateNow(context, entry)
  if (state !== 'active') return state
  if (context.requests.size >= REQUESTS_MAX_COUNT) return undefined
  const prekeys = secrets?.prekeys === undefined ? undefined : decodePrekeys(secrets.prekeys)
  if (prekeys === undefined) throw messengerError('STATE_CORRUPT')
  const receivedAtMs = context.deps.clock.nowMs()
  const answer = context.deps.session.respondHandshake({ own: context.own, prekeys, request, nowMs: receivedAtMs })
  if (!answer.ok) {
    context.deps.logger.debug('request dropped')
    return undefined
  }
  endInvite(context, step, entry, 'used', request)
  step.after(() => {
    for (const secret of answer.consumed) secret.fill(0)
    for (const pair of [prekeys.signedPrekey, prekeys.oneTimePrekey]) pair.privateKey.fill(0)
    prekeys.kemSeed.fill(0)
  })
  // Somebody we blocked learns nothing from a new invite: the request is answered like any other and forgotten.
  const isBlocked = [...context.contacts.values()].some(
    ({ record: contact }) =>
      contact.state === 'blocked' &&
      contact.remote !== undefined &&
      equalBytes(contact.remote.x25519, answer.remote.x25519),
  )
  if (isBlocked) return 'pending'
  const requestId = createId(context.deps.random)
  const pending: RequestRecord = {
    requestId,
    inviteId: record.inviteId,
    inviteLabel: record.label,
    receivedAtMs,
    remote: answer.remote,
    always: secrets?.bundleBox === undefined,
    message: readFirstMessage(answer.firstBody),
  }
  const session = { session: encodeSessionState(answer.state), laneSecret: answer.laneSecret }
  step.put(TABLE.request, requestId, REQUEST.encode(pending))
  step.put(TABLE.pendingSession, requestId, PENDING_SESSION.encode(session), { erasable: true })
  step.put(TABLE.requestIds, SELF, IDS.encode([...context.requests.keys(), requestId]))
  step.event({ type: 'request', request: describeRequest(context, pending) })
  step.after(() => context.requests.set(requestId, pending))
  return 'pending'
}

/** Undefined when the requester wrote nothing, or nothing that this version can show. */
function readFirstMessage(firstBody: Uint8Array): RequestRecord['message'] {
  const content = unpadBody(firstBody)
  const part = content === undefined ? undefined : decodeContentPart(content)
  if (part === undefined || part.partCount !== 1 || part.type !== CONTENT_TYPE_TEXT) return undefined
  const text = utf8Decode(part.chunk)
  if (text === undefined || text.length === 0) return undefined
  return { messageId: hexEncode(part.messageId), text, timestampMs: part.timestampMs }
}

export function rejectRequest(context: Context, requestId: string): Promise<void> {
  return context.journal.transact((step) => {
    if (!context.requests.has(requestId)) throw messengerError('REQUEST_UNKNOWN')
    forgetRequest(context, step, requestId)
  })
}

export function forgetRequest(context: Context, step: Step, requestId: string): void {
  step.delete(TABLE.request, requestId)
  step.delete(TABLE.pendingSession, requestId)
  step.put(TABLE.requestIds, SELF, IDS.encode([...context.requests.keys()].filter((id) => id !== requestId)))
  const remote = context.requests.get(requestId)?.remote
  step.after(() => {
    context.requests.delete(requestId)
    if (remote !== undefined) forgetIdentity(context, remote)
  })
}

/** Ends what has run out: invites past their time, rendezvous past their grace. Looked at on a clock of its own. */
export async function sweepInvites(context: Context): Promise<void> {
  const nowMs = context.deps.clock.nowMs()
  for (const entry of context.invites.values()) {
    if (entry.record.state === 'active' && nowMs >= entry.record.expiresAtMs) {
      await context.journal.transact((step) => {
        if (entry.record.state === 'active') endInvite(context, step, entry, 'expired', undefined)
      })
    }
    if (entry.record.state === 'active') continue
    const endedForMs = nowMs - entry.record.endedAtMs
    // The word of a revocation is worth as long as the boxes of the invite last.
    const isSaid = entry.secrets?.closingBox === undefined || endedForMs >= BOX_LIFETIME_MS
    const isOver = endedForMs >= RENDEZVOUS_GRACE_MS && isSaid
    if (isOver && entry.secrets !== undefined) await endRendezvous(context, entry)
    if (endedForMs >= ENDED_INVITE_KEPT_MS) await context.journal.transact((step) => forgetInvite(context, step, entry))
  }
}

function endRendezvous(context: Context, entry: InviteEntry): Promise<void> {
  return context.journal.transact((step) => {
    step.delete(TABLE.inviteSecrets, entry.record.inviteId)
    step.after(() => {
      entry.secrets = undefined
      entry.published = false
    })
  })
}

function forgetInvite(context: Context, step: Step, entry: InviteEntry): void {
  const { inviteId } = entry.record
  step.delete(TABLE.invite, inviteId)
  step.put(TABLE.inviteIds, SELF, IDS.encode([...context.invites.keys()].filter((id) => id !== inviteId)))
  step.after(() => context.invites.delete(inviteId))
}
