/**
 * Lanes by agreement: what each side has said, and from when to when a lane runs for it.
 * Never opens or closes anything: it changes what is stored, and the live clock looks at that. Spec 10-messenger §7.
 * @module
 */
import { MINUTE_MS } from '../base/index.ts'
import { CONTENT_TYPE_LIVE, type Content, decodeLiveOffer, encodeLiveOffer, MESSAGE_ID_BYTES } from '../wire/index.ts'
import type { LiveInfo } from './api.ts'
import { type ContactEntry, type Context, isLive } from './context.ts'
import { queueContent } from './conversation.ts'
import { messengerError } from './errors.ts'
import type { Step } from './journal.ts'
import { LIVE_DEFAULT_MINUTES, LIVE_EDGE_MS, LIVE_MAX_MINUTES } from './options.ts'
import { LIVE, type LiveRecord, TABLE } from './records.ts'

/** The first edge after this time. */
function nextEdgeMs(nowMs: number): number {
  return (Math.floor(nowMs / LIVE_EDGE_MS) + 1) * LIVE_EDGE_MS
}

/** From when to when a lane runs; undefined while the two sides agree to none. An end that has passed is given as well. */
export function agreedTimes(live: LiveRecord): { readonly fromMs: number; readonly untilMs: number } | undefined {
  const untilMs = Math.min(live.ownUntilMs, live.theirUntilMs)
  return live.fromMs < untilMs ? { fromMs: live.fromMs, untilMs } : undefined
}

export function describeLive(context: Context, entry: ContactEntry): LiveInfo {
  return stateOf(context, entry, entry.live)
}

function stateOf(context: Context, entry: ContactEntry, live: LiveRecord): LiveInfo {
  const nowMs = context.deps.clock.nowMs()
  const isOpen = !entry.muted && entry.lane?.isOpen() === true
  if (live.always && hasAgreed(entry)) return { state: isOpen ? 'open' : 'agreed', untilMs: undefined }
  const agreed = agreedTimes(live)
  if (agreed !== undefined && nowMs < agreed.untilMs) {
    return { state: isOpen ? 'open' : 'agreed', untilMs: agreed.untilMs }
  }
  // What ends with the next edge opens nothing any more.
  const edgeMs = nextEdgeMs(nowMs)
  if (live.ownUntilMs > edgeMs) return { state: 'offered', untilMs: live.ownUntilMs }
  if (live.theirUntilMs > edgeMs) return { state: 'invited', untilMs: live.theirUntilMs }
  return { state: 'off', untilMs: undefined }
}

/** Whoever uses an invite without hosts, or makes one and accepts, agrees to a lane. */
export function hasAgreed({ record }: ContactEntry): boolean {
  return record.state === 'requested' || record.state === 'active'
}

/** Says it to the contact in a slot that leaves anyway; what it says already is not said again. */
export function setLive(
  context: Context,
  entry: ContactEntry,
  options: { readonly on: boolean; readonly minutes?: number },
): Promise<void> {
  const minutes = options.minutes ?? LIVE_DEFAULT_MINUTES
  if (!Number.isInteger(minutes) || minutes < 1 || minutes > LIVE_MAX_MINUTES) {
    throw messengerError('LIVE_DURATION_INVALID')
  }
  return context.journal.transact((step) => {
    if (!isLive(context, entry)) throw messengerError('CONTACT_UNKNOWN')
    const { live, record, session } = entry
    if (record.state === 'blocked') throw messengerError('CONTACT_BLOCKED')
    if (record.state === 'failed') throw messengerError('CONTACT_FAILED')
    if (record.state !== 'active' || session === undefined) throw messengerError('CONTACT_NOT_READY')
    if (live.always) {
      if (!options.on) throw messengerError('LIVE_ALWAYS')
      return
    }
    const edgeMs = nextEdgeMs(context.deps.clock.nowMs())
    const lengthMs = Math.ceil((minutes * MINUTE_MS) / LIVE_EDGE_MS) * LIVE_EDGE_MS
    const ownUntilMs = options.on ? edgeMs + lengthMs : Math.min(edgeMs, live.ownUntilMs)
    if (ownUntilMs === live.ownUntilMs) return
    queueContent(context, step, entry, session, offerContent(context, ownUntilMs), 0)
    changeLive(context, step, entry, { ownUntilMs })
  })
}

/** Nothing of it tells when it was made more precisely than the grid. */
function offerContent(context: Context, untilMs: number): Content {
  const { clock, random } = context.deps
  return {
    messageId: random.bytes(MESSAGE_ID_BYTES),
    timestampMs: nextEdgeMs(clock.nowMs()) - LIVE_EDGE_MS,
    type: CONTENT_TYPE_LIVE,
    body: encodeLiveOffer({ untilEdge: untilMs / LIVE_EDGE_MS }),
  }
}

/** What the contact says; the newest counts. Nothing is answered. */
export function receiveLive(
  context: Context,
  step: Step,
  entry: ContactEntry,
  sequence: number,
  body: Uint8Array,
): void {
  const offer = decodeLiveOffer(body)
  const { live, record } = entry
  if (offer === undefined || record.state !== 'active' || live.always || sequence <= live.theirSequence) return
  // A contact's clock may be ahead of ours by an edge, and what is said for longer than anybody may is cut.
  const edgeMs = nextEdgeMs(context.deps.clock.nowMs())
  const limitMs = edgeMs + LIVE_EDGE_MS + LIVE_MAX_MINUTES * MINUTE_MS
  const saidMs = Math.min(offer.untilEdge * LIVE_EDGE_MS, limitMs)
  // What is taken back comes late, and ends a lane that runs at an edge all the same.
  const theirUntilMs = Math.max(saidMs, Math.min(live.theirUntilMs, edgeMs))
  changeLive(context, step, entry, { theirUntilMs, theirSequence: sequence })
}

/** A lane that was not agreed before begins at the next edge, whenever it was that somebody agreed. */
function changeLive(context: Context, step: Step, entry: ContactEntry, change: Partial<LiveRecord>): void {
  const nowMs = context.deps.clock.nowMs()
  const before = agreedTimes(entry.live)
  const isAgreed = before !== undefined && nowMs < before.untilMs
  putLive(context, step, entry, {
    ...entry.live,
    ...change,
    fromMs: isAgreed ? before.fromMs : nextEdgeMs(nowMs),
  })
}

/** Stores it, and tells of the state when it is another. At most one of these a step and contact. */
function putLive(context: Context, step: Step, entry: ContactEntry, live: LiveRecord): void {
  const info = stateOf(context, entry, live)
  const before = describeLive(context, entry)
  const { contactId } = entry.record
  // A link that is lost for a while is nothing to tell of.
  const isLinkLost = live.told === 'open' && info.state === 'agreed' && live.fromMs === entry.live.fromMs
  const isTold = info.untilMs !== before.untilMs || (info.state !== live.told && !isLinkLost)
  const stored = isTold ? { ...live, told: info.state } : live
  step.put(TABLE.live, contactId, LIVE.encode(stored))
  if (isTold) step.event({ type: 'live', contactId, ...info })
  step.after(() => {
    entry.live = stored
  })
}

/** True when time, or the other end's coming, has changed what was told last. */
export function hasLiveNews(context: Context, entry: ContactEntry): boolean {
  if (entry.live.always) return false
  const { state } = describeLive(context, entry)
  return state !== entry.live.told && !(state === 'agreed' && entry.live.told === 'open')
}

/** Tells of what time has changed. */
export function tellLive(context: Context, entry: ContactEntry): Promise<void> {
  return context.journal.transact((step) => {
    if (isLive(context, entry) && hasLiveNews(context, entry)) putLive(context, step, entry, entry.live)
  })
}
