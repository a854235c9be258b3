/**
 * Boxes for a contact: packed from what waits, on disk before they may leave, kept until what they carry is acknowledged.
 * Never makes two boxes with one key: a box that was made is written again, byte for byte the same. Spec 03-mailbox §5.3.
 * @module
 */
import { sealBox, takeSendBox, type WriteResult } from '../mailbox/index.ts'
import { ackFields, noteLeft } from '../padding/index.ts'
import { BOX_ENVELOPES_MAX_COUNT, encodeBox, encodeBoxBody } from '../wire/index.ts'
import { type ContactEntry, type Context, isLive } from './context.ts'
import { outstandingSequences, putSequences } from './conversation.ts'
import { isUndelivered, recountMessages } from './deliveries.ts'
import type { Step } from './journal.ts'
import { contactKey } from './keys.ts'
import { EXPIRY_WARNING_MS, REBOX_AFTER_INTERVALS, RENEW_AFTER_MS } from './options.ts'
import {
  CONTACT_MAILBOX,
  type ContactMailbox,
  getRecord,
  MESSAGE,
  OUTBOUND_BOX,
  type OutboundBox,
  TABLE,
} from './records.ts'

/** Takes boxes away and adds one, with their index; at most one of these a step and contact. */
export function putBoxes(
  step: Step,
  entry: ContactEntry,
  dropped: readonly number[],
  added: OutboundBox | undefined,
  change: Partial<Pick<ContactMailbox, 'ackOwed'>> = {},
): void {
  const { contactId } = entry.record
  const number = entry.mailbox.nextBox
  const kept = entry.mailbox.boxes.filter((each) => !dropped.includes(each))
  const mailbox: ContactMailbox = {
    ...entry.mailbox,
    ...change,
    boxes: added === undefined ? kept : [...kept, number],
    nextBox: added === undefined ? number : number + 1,
  }
  for (const each of dropped) step.delete(TABLE.box, contactKey(contactId, each))
  if (added !== undefined) step.put(TABLE.box, contactKey(contactId, number), OUTBOUND_BOX.encode(added))
  step.put(TABLE.contactMailbox, contactId, CONTACT_MAILBOX.encode(mailbox))
  step.after(() => {
    entry.mailbox = mailbox
    for (const each of dropped) entry.boxes.delete(each)
    if (added !== undefined) entry.boxes.set(number, added)
  })
}

function putBox(step: Step, entry: ContactEntry, number: number, box: OutboundBox): void {
  step.put(TABLE.box, contactKey(entry.record.contactId, number), OUTBOUND_BOX.encode(box))
  step.after(() => entry.boxes.set(number, box))
}

/** Envelopes that no box carries and that no open lane is about to take. */
function waitingFor(entry: ContactEntry): readonly number[] {
  const carried = new Set([...entry.boxes.values()].flatMap(({ sequences }) => sequences))
  const waiting: number[] = []
  for (const sequence of outstandingSequences(entry)) {
    if (!carried.has(sequence)) waiting.push(sequence)
    if (waiting.length === BOX_ENVELOPES_MAX_COUNT) break
  }
  return waiting
}

/** True when the next write slot could serve this contact with something new. */
export function hasFreshBox(context: Context, entry: ContactEntry): boolean {
  const { state, receipts } = entry.record
  if (entry.muted || entry.session === undefined || (state !== 'active' && state !== 'requested')) return false
  if (entry.lane?.isOpen() === true) return false
  if (entry.sequences.send === undefined) return false
  // Receipts may have been switched off meanwhile; but the first box of all is the acceptance of a request.
  const isAckWanted = receipts.delivery || entry.mailbox.nextBox === 1
  const isAckDue = isAckWanted && entry.ackDueMs !== undefined && context.deps.clock.monotonicMs() >= entry.ackDueMs
  return isAckDue || waitingFor(entry).length > 0
}

/** A box that waits for its first or another write. */
export function findPendingBox(
  context: Context,
  entry: ContactEntry,
  isInFlight: (box: Uint8Array) => boolean,
): { readonly number: number; readonly box: OutboundBox } | undefined {
  if (entry.muted || !isLive(context, entry)) return undefined
  const nowMs = context.deps.clock.nowMs()
  for (const [number, box] of entry.boxes) {
    if (box.state !== 'stored' && box.retryAtMs <= nowMs && !isInFlight(box.box)) return { number, box }
  }
  return undefined
}

/** The contact's next box, on disk when it resolves; undefined when there is nothing to put into it any more. */
export function packBox(
  context: Context,
  entry: ContactEntry,
): Promise<{ readonly number: number; readonly box: OutboundBox } | undefined> {
  return context.journal.transact((step) => {
    if (!isLive(context, entry) || !hasFreshBox(context, entry)) return undefined
    const taken = takeSendBox(entry.sequences)
    if (taken === undefined) return undefined
    const sequences = waitingFor(entry)
    const envelopes = sequences.flatMap((sequence) => {
      const envelope = entry.envelopes.get(sequence)?.envelope
      return envelope === undefined ? [] : [{ sequence, envelope }]
    })
    const { previousBoxes } = taken
    const body = encodeBoxBody({ kind: 'conversation', ...ackFields(entry.queue), previousBoxes, envelopes })
    const box: OutboundBox = {
      box: encodeBox(sealBox(taken.keys, body)),
      sequences: [...sequences],
      state: 'pending',
      copies: undefined,
      firstLeftAtMs: 0,
      storedAtMs: 0,
      retryAtMs: 0,
      warned: false,
      rewritten: false,
    }
    const number = entry.mailbox.nextBox
    putSequences(context, step, entry, taken.sequences, [...taken.consumed, taken.keys.signingSeed, taken.keys.bodyKey])
    putBoxes(step, entry, [], box, { ackOwed: false })
    step.after(() => {
      entry.ackDueMs = undefined
      // Once the box is handed out, its acknowledgement may come back, by a box or by a lane.
      entry.queue = noteLeft(entry.queue, Math.max(0, ...sequences))
    })
    return { number, box }
  })
}

/** The courier has it. */
export function noteBoxSent(context: Context, entry: ContactEntry, number: number): Promise<void> {
  const nowMs = context.deps.clock.nowMs()
  return changeBox(context, entry, number, (box) =>
    box.state === 'pending' ? { ...box, state: 'sent', firstLeftAtMs: box.firstLeftAtMs || nowMs } : undefined,
  )
}

/** What became of a write; a box that is not stored waits for another slot. */
export function noteBoxResult(
  context: Context,
  entry: ContactEntry,
  number: number,
  result: WriteResult,
): Promise<void> {
  const nowMs = context.deps.clock.nowMs()
  switch (result.status) {
    case 'stored': {
      const { replicas, wanted, untilMs } = result
      return context.journal.transact(async (step) => {
        const before = entry.boxes.get(number)
        if (before === undefined || !isLive(context, entry)) return
        // Nothing in it waits for an acknowledgement (any more): it is where it belongs in the sequence, and that is all.
        if (!before.sequences.some((sequence) => entry.envelopes.has(sequence))) {
          return putBoxes(step, entry, [number], undefined)
        }
        const box: OutboundBox = {
          ...before,
          state: 'stored',
          copies: { replicas, wanted, untilMs },
          storedAtMs: nowMs,
          retryAtMs: 0,
          warned: false,
        }
        putBox(step, entry, number, box)
        await recountMessages(context, step, entry, number, box, { failure: undefined, retryAtMs: 0 })
      })
    }
    case 'conflict':
      // The id is taken: a store that was restored, or a contact that writes to its own harm. Another box takes it all.
      return context.journal.transact(async (step) => {
        const box = entry.boxes.get(number)
        if (box === undefined || !isLive(context, entry)) return
        const isAck = box.sequences.length === 0
        await giveUpBox(context, step, entry, number, box, isAck ? { ackOwed: true } : {})
        // It was due when it was packed.
        if (isAck) step.after(() => (entry.ackDueMs ??= context.deps.clock.monotonicMs()))
      })
    case 'full':
      return changeBox(
        context,
        entry,
        number,
        (box) => ({ ...box, state: 'pending', retryAtMs: nowMs + result.retryAfterMs }),
        { failure: 'HOSTS_FULL', retryAtMs: nowMs + result.retryAfterMs },
      )
    case 'lost':
      return changeBox(context, entry, number, (box) => ({ ...box, state: 'pending' }))
  }
}

/** Drops a box before its time; what it carries waits for another. */
async function giveUpBox(
  context: Context,
  step: Step,
  entry: ContactEntry,
  number: number,
  box: OutboundBox,
  change: Partial<Pick<ContactMailbox, 'ackOwed'>> = {},
): Promise<void> {
  putBoxes(step, entry, [number], undefined, change)
  const dropped = { ...box, state: 'pending', copies: undefined } as const
  await recountMessages(context, step, entry, number, dropped, { failure: undefined, retryAtMs: 0 })
}

/** True when the other side has acknowledged something later than all that waits in this box, which hosts have had for long. */
function isPassedOver(context: Context, entry: ContactEntry, box: OutboundBox): boolean {
  if (box.state !== 'stored' || context.deps.clock.nowMs() < box.storedAtMs + patienceMs(context)) return false
  const left = box.sequences.filter((sequence) => entry.envelopes.has(sequence))
  const highest = highestAcknowledged(entry)
  return left.length > 0 && left.every((sequence) => sequence < highest)
}

function patienceMs(context: Context): number {
  return REBOX_AFTER_INTERVALS * context.mailbox.pace().read.meanMs
}

function highestAcknowledged(entry: ContactEntry): number {
  let highest = entry.queue.lastSequence
  for (const sequence of outstandingSequences(entry).toReversed()) {
    if (sequence !== highest) break
    highest -= 1
  }
  return highest
}

function changeBox(
  context: Context,
  entry: ContactEntry,
  number: number,
  change: (box: OutboundBox) => OutboundBox | undefined,
  obstacle: { readonly failure: string | undefined; readonly retryAtMs: number } = { failure: undefined, retryAtMs: 0 },
): Promise<void> {
  return context.journal.transact(async (step) => {
    const before = entry.boxes.get(number)
    const after = before === undefined || !isLive(context, entry) ? undefined : change(before)
    if (after === undefined || before === undefined) return
    putBox(step, entry, number, after)
    await recountMessages(context, step, entry, number, after, obstacle)
  })
}

/**
 * A box that was passed over is written again where the reader still looks for it; when that did not help either, though
 * the reader was there, its envelopes take another.
 */
async function retryPassedOver(context: Context, entry: ContactEntry, number: number, box: OutboundBox): Promise<void> {
  if (!box.rewritten) {
    const change = { state: 'pending', copies: undefined, storedAtMs: 0, rewritten: true } as const
    return changeBox(context, entry, number, (each) => ({ ...each, ...change }))
  }
  if (entry.acknowledgedAtMs < box.storedAtMs + patienceMs(context)) return
  await context.journal.transact(async (step) => {
    const there = entry.boxes.get(number)
    if (there === undefined || !isLive(context, entry) || !isPassedOver(context, entry, there)) return
    await giveUpBox(context, step, entry, number, there)
  })
}

/** Warns of copies that end soon, and has those that ended written again. Looked at on a clock of its own. */
export async function sweepBoxes(context: Context): Promise<void> {
  for (const entry of context.contacts.values()) {
    // For somebody who is blocked nothing is written, so there is nothing to tell either.
    for (const [number, box] of entry.muted ? [] : entry.boxes) {
      const untilMs = box.copies?.untilMs
      if (box.state !== 'stored' || untilMs === undefined) continue
      const leftMs = untilMs - context.deps.clock.nowMs()
      if (leftMs <= -RENEW_AFTER_MS) {
        await changeBox(context, entry, number, (each) => ({
          ...each,
          state: 'pending',
          copies: undefined,
          // Hosts have dropped it: what they take now is another copy.
          firstLeftAtMs: 0,
          storedAtMs: 0,
        }))
        continue
      }
      if (isPassedOver(context, entry, box)) await retryPassedOver(context, entry, number, box)
      else if (leftMs <= EXPIRY_WARNING_MS && !box.warned) await warn(context, entry, number, untilMs)
    }
  }
}

function warn(context: Context, entry: ContactEntry, number: number, untilMs: number): Promise<void> {
  return context.journal.transact(async (step) => {
    const box = entry.boxes.get(number)
    if (box === undefined || box.warned || !isLive(context, entry)) return
    putBox(step, entry, number, { ...box, warned: true })
    const { contactId } = entry.record
    const positions = new Set(box.sequences.map((sequence) => entry.envelopes.get(sequence)?.position ?? 0))
    // A message in several boxes is told of once: with the box of its first part.
    const told = new Set([...entry.boxes.values()].filter(({ warned }) => warned).flatMap(({ sequences }) => sequences))
    for (const position of positions) {
      if (position === 0) continue
      const isTold = [...entry.envelopes].some(([sequence, each]) => each.position === position && told.has(sequence))
      if (isTold) continue
      const message = await getRecord(context.deps.store, TABLE.message, contactKey(contactId, position), MESSAGE)
      if (isUndelivered(message)) step.event({ type: 'expiring', contactId, messageId: message.messageId, untilMs })
    }
  })
}
