/**
 * Looks at the clock for front ends: the profile, the traffic, and how long something would take.
 * Never touches a queue or a slot: asking changes nothing. Spec 10-messenger §9, 02-padding §8.5.
 * @module
 */
import { HOT_SLOT_COUNT } from '../mailbox/index.ts'
import {
  estimateBulk,
  estimateLive,
  estimateText,
  LANE_BYTES_PER_DAY,
  PROFILE_NAMES,
  type Profile,
  profileFigures,
  profileOf,
} from '../padding/index.ts'
import { BOX_ENVELOPES_MAX_COUNT, CONTENT_CHUNK_BYTES, FILE_MAX_BYTES, fileChunkCount } from '../wire/index.ts'
import { inTurn } from './attachments/book.ts'
import type { ProfileOffer, ProfileReport, SendEstimate, SendingInfo, TrafficInfo } from './clock-api.ts'
import type { ContactEntry, Context } from './context.ts'
import { assertSendable, checkTextBody, outstandingSequences, wellFormedText } from './conversation.ts'
import { messengerError } from './errors.ts'
import { findInviteBox } from './invitations.ts'

function offer(rhythms: Profile): ProfileOffer {
  return { rhythms, figures: profileFigures(rhythms) }
}

export function describeProfile({ deps, mailbox }: Context): ProfileReport {
  return {
    ...mailbox.profile(),
    inForce: offer(mailbox.pace()),
    laneBytesPerDay: LANE_BYTES_PER_DAY,
    available: PROFILE_NAMES.map((name) => offer(profileOf(name, deps.mailbox.speed))),
  }
}

export function describeTraffic({ deps, mailbox }: Context): TrafficInfo {
  const atMs = deps.clock.nowMs()
  const { nextReadAtMs, nextWriteAtMs } = mailbox.status()
  return { ...deps.traffic.report(atMs, mailbox.pace()), atMs, nextWriteAtMs, nextReadAtMs, bulk: mailbox.bulk() }
}

export function describeSending(context: Context): SendingInfo {
  const { mailbox } = context
  const waiting = [...context.contacts.values()].map((entry) => waitingFor(entry))
  const { hosts } = mailbox.status()
  const queuedBoxes = boxesBefore(context, undefined, Number.POSITIVE_INFINITY)
  const next = { envelopes: 1, queuedEnvelopes: 0, queuedBoxes, isHot: false }
  const { stored } = estimateText(mailbox.pace(), next)
  return {
    profile: mailbox.profile(),
    queuedEnvelopes: waiting.reduce((sum, { boxed, unboxed }) => sum + boxed + unboxed, 0),
    queuedParts: fileChunksBefore(context, Number.POSITIVE_INFINITY),
    expectedDelayMs: hosts === 0 ? undefined : stored?.expectedMs,
    sync: mailbox.syncState(),
    bulk: mailbox.bulk(),
  }
}

/** What waits for one contact: envelopes that no courier has had, in boxes or not yet, and boxes that have to leave. */
function waitingFor(entry: ContactEntry): {
  readonly boxed: number
  readonly unboxed: number
  readonly boxes: number
} {
  if (entry.muted) return { boxed: 0, unboxed: 0, boxes: 0 }
  const carried = new Set<number>()
  let boxed = 0
  let boxes = entry.record.state === 'requesting' && entry.outgoing?.requestBox !== undefined ? 1 : 0
  for (const { sequences, state } of entry.boxes.values()) {
    for (const sequence of sequences) carried.add(sequence)
    if (state !== 'pending') continue
    boxes += 1
    boxed += sequences.filter((sequence) => entry.envelopes.has(sequence)).length
  }
  const unboxed = outstandingSequences(entry).filter((sequence) => !carried.has(sequence)).length
  return { boxed, unboxed, boxes }
}

/** Boxes of others that go before the last of `own` boxes for this contact: slots are shared in turn. */
function boxesBefore(context: Context, own: ContactEntry | undefined, ownBoxes: number): number {
  let boxes = 0
  for (const invite of context.invites.values()) {
    if (findInviteBox(context, invite, () => false) !== undefined) boxes += 1
  }
  for (const entry of context.contacts.values()) {
    if (entry === own) continue
    const waiting = waitingFor(entry)
    // What an open lane takes needs no box.
    const unboxed = entry.lane?.isOpen() === true ? 0 : waiting.unboxed
    boxes += Math.min(ownBoxes, waiting.boxes + Math.ceil(unboxed / BOX_ENVELOPES_MAX_COUNT))
  }
  return boxes
}

/** Boxes of other files that go before the last of `own` boxes of one: files are served in turn too. */
function fileChunksBefore(context: Context, own: number): number {
  return inTurn(context, 'sent')
    .filter(({ entry }) => !entry.muted)
    .reduce((sum, { record }) => sum + Math.min(own, fileChunkCount(record.bytes) - record.chunksDone), 0)
}

/** True when there was traffic with the contact just now, so that its reader expects more. */
function isHot(context: Context, entry: ContactEntry): boolean {
  const silentMs = context.deps.clock.nowMs() - entry.acknowledgedAtMs
  return entry.acknowledgedAtMs > 0 && silentMs < HOT_SLOT_COUNT * context.mailbox.pace().read.meanMs
}

/** @throws {AppError} as `Messenger.estimateSend` */
export function estimateSend(
  context: Context,
  entry: ContactEntry,
  { text, bytes }: { readonly text?: string; readonly bytes?: number },
): SendEstimate {
  if (text !== undefined && bytes === undefined) return estimateMessage(context, entry, wellFormedText(text).body)
  if (bytes !== undefined && text === undefined) return estimateFile(context, entry, bytes)
  throw messengerError('ESTIMATE_INPUT_INVALID')
}

function estimateMessage(context: Context, entry: ContactEntry, body: Uint8Array): SendEstimate {
  assertSendable(context, entry)
  checkTextBody(body)
  const pace = context.mailbox.pace()
  const envelopes = Math.ceil(body.length / CONTENT_CHUNK_BYTES)
  if (entry.lane?.isOpen() === true) {
    const queuedEnvelopes = entry.queue.outstanding.length
    return { ...NOTHING, envelopes, queuedEnvelopes, delivered: estimateLive({ envelopes, queuedEnvelopes }) }
  }
  const waiting = waitingFor(entry)
  const queuedEnvelopes = waiting.unboxed
  if (context.mailbox.status().hosts === 0) return { ...NOTHING, envelopes, queuedEnvelopes }
  const boxes = Math.ceil(envelopes / BOX_ENVELOPES_MAX_COUNT)
  const all = waiting.boxes + Math.ceil((queuedEnvelopes + envelopes) / BOX_ENVELOPES_MAX_COUNT)
  const queuedBoxes = waiting.boxes + boxesBefore(context, entry, all)
  const load = { envelopes, queuedEnvelopes, queuedBoxes, isHot: isHot(context, entry) }
  const via = pace.sync === undefined ? 'slots' : 'manual'
  return { via, envelopes, boxes, queuedEnvelopes, queuedBoxes, ...estimateText(pace, load) }
}

/** A file goes through hosts whatever lanes there are, behind its announcement and all messages. */
function estimateFile(context: Context, entry: ContactEntry, bytes: number): SendEstimate {
  assertSendable(context, entry)
  if (bytes > FILE_MAX_BYTES) {
    throw messengerError('ATTACHMENT_TOO_LARGE', { details: { bytes, limit: FILE_MAX_BYTES } })
  }
  const { mailbox } = context
  const pace = mailbox.pace()
  const envelopes = ANNOUNCEMENT_ENVELOPES
  const { unboxed: queuedEnvelopes } = waitingFor(entry)
  if (mailbox.status().hosts === 0) return { ...NOTHING, envelopes, queuedEnvelopes }
  const chunks = fileChunkCount(bytes)
  const announcing = Math.ceil(envelopes / BOX_ENVELOPES_MAX_COUNT)
  const messages = boxesBefore(context, undefined, Number.POSITIVE_INFINITY)
  const queuedBoxes = announcing + messages + fileChunksBefore(context, chunks)
  const { nextWindowAtMs, slotsLeft } = mailbox.bulk()
  const nextInMs = nextWindowAtMs === undefined ? undefined : Math.max(0, nextWindowAtMs - context.deps.clock.nowMs())
  const estimate = estimateBulk(pace, { chunks, queuedBoxes, windows: { nextInMs, slotsLeft } })
  const via = pace.sync === undefined ? 'slots' : 'manual'
  return { via, envelopes, boxes: chunks, queuedEnvelopes, queuedBoxes, ...estimate }
}

/** Over a lane. */
const NOTHING = {
  via: 'live',
  boxes: 0,
  queuedBoxes: 0,
  writeSlots: undefined,
  syncs: undefined,
  stored: undefined,
  delivered: undefined,
} as const

/** Of the announcement of a file; with the longest of names two, in one box all the same. */
const ANNOUNCEMENT_ENVELOPES = 1
