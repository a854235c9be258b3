/**
 * What goes into a slot of a lane, and what has come through it: one direction of sending, one of receiving.
 * Never says when: each slot takes an envelope that is due or none, and no event makes a slot. Pure. Spec 02-padding §3, §4.
 * @module
 */
import { LANE_SEQUENCE_MAX } from '../wire/index.ts'
import { LANE_WINDOW_COUNT, RESEND_AFTER_SLOTS } from './options.ts'

interface Outstanding {
  readonly sequence: number
  /** Slot of this link in which it left last; undefined when it has not left on this link. */
  readonly sentAtSlot: number | undefined
}

/** A value; every function below gives a new one. */
export interface LaneQueue {
  /** Not acknowledged, in order, without gaps between the first and the last except acknowledged ones. */
  readonly outstanding: readonly Outstanding[]
  /** Highest sequence ever queued; the next message gets the one after it. */
  readonly lastSequence: number
  /** Highest sequence that may have left; acknowledgements above it are not believed. */
  readonly highestSent: number
  /** Every sequence up to this one has been received. */
  readonly receivedBase: number
  /** Received above `receivedBase + 1`, in order; fewer than `LANE_WINDOW_COUNT`. */
  readonly receivedAhead: readonly number[]
}

/** What a lane must remember across restarts. */
export interface LaneQueueFacts {
  /** Queued and not acknowledged, in ascending order. */
  readonly unacknowledged: readonly number[]
  /** Highest sequence ever given to a message; 0 for none. */
  readonly lastSequence: number
  readonly receivedBase: number
  readonly receivedAhead: readonly number[]
}

/**
 * A queue from what was stored: empty facts for a new contact. Whatever was queued may have left before the restart and
 * is sent again, byte for byte the same; the other side recognises it by its sequence.
 */
export function createLaneQueue(facts: LaneQueueFacts): LaneQueue {
  const { lastSequence, receivedBase, receivedAhead } = facts
  const outstanding = facts.unacknowledged.map((sequence) => ({ sequence, sentAtSlot: undefined }))
  return { outstanding, lastSequence, highestSent: lastSequence, receivedBase, receivedAhead }
}

/** Forgets in which slots envelopes left: for a new link, whose slots count from 0 and where nothing is on its way. */
export function restartLink(queue: LaneQueue): LaneQueue {
  return { ...queue, outstanding: queue.outstanding.map(({ sequence }) => ({ sequence, sentAtSlot: undefined })) }
}

/** Notes that envelopes up to this queued sequence leave by another way than slots of the lane: they may be acknowledged. */
export function noteLeft(queue: LaneQueue, sequence: number): LaneQueue {
  if (sequence > queue.lastSequence) throw new RangeError('only what was queued can leave')
  return sequence <= queue.highestSent ? queue : { ...queue, highestSent: sequence }
}

/** Queues the envelope with the next sequence, which the caller has stored. Another sequence is a bug: `RangeError`. */
export function enqueue(queue: LaneQueue, sequence: number): LaneQueue {
  if (sequence !== queue.lastSequence + 1 || sequence > LANE_SEQUENCE_MAX)
    throw new RangeError('sequences have no gaps')
  const outstanding = [...queue.outstanding, { sequence, sentAtSlot: undefined }]
  return { ...queue, outstanding, lastSequence: sequence }
}

/**
 * The envelope for this slot: the oldest that has waited `RESEND_AFTER_SLOTS` for its acknowledgement, else the oldest
 * that has not left, else none and the record is cover. To be asked once for every slot, whatever is waiting.
 */
export function chooseForSlot(
  queue: LaneQueue,
  slotIndex: number,
): { readonly state: LaneQueue; readonly sequence: number | undefined } {
  const first = queue.outstanding[0]
  if (first === undefined) return { state: queue, sequence: undefined }
  const limit = first.sequence + LANE_WINDOW_COUNT
  const window = queue.outstanding.slice(0, LANE_WINDOW_COUNT).filter(({ sequence }) => sequence < limit)
  const overdue = window.find(
    ({ sentAtSlot }) => sentAtSlot !== undefined && slotIndex - sentAtSlot >= RESEND_AFTER_SLOTS,
  )
  const chosen = overdue ?? window.find(({ sentAtSlot }) => sentAtSlot === undefined)
  if (chosen === undefined) return { state: queue, sequence: undefined }
  const { sequence } = chosen
  const outstanding = queue.outstanding.with(queue.outstanding.indexOf(chosen), { sequence, sentAtSlot: slotIndex })
  return { state: { ...queue, outstanding, highestSent: Math.max(queue.highestSent, sequence) }, sequence }
}

/**
 * Takes the acknowledgement fields of a record that came in; `acknowledged` lists the sequences that are news.
 * An acknowledgement of what never left is not believed: its base makes all of it void, its bits are skipped one by one.
 */
export function applyAck(
  queue: LaneQueue,
  ackBase: number,
  ackBits: number,
): { readonly state: LaneQueue; readonly acknowledged: number[] } {
  if (ackBase > queue.highestSent) return { state: queue, acknowledged: [] }
  const isAcknowledged = ({ sequence }: Outstanding): boolean => {
    if (sequence > queue.highestSent) return false
    if (sequence <= ackBase) return true
    const bit = sequence - ackBase - 1
    return bit < LANE_WINDOW_COUNT && ((ackBits >>> bit) & 1) === 1
  }
  const acknowledged = queue.outstanding.filter(isAcknowledged).map(({ sequence }) => sequence)
  if (acknowledged.length === 0) return { state: queue, acknowledged }
  return { state: { ...queue, outstanding: queue.outstanding.filter((entry) => !isAcknowledged(entry)) }, acknowledged }
}

/** Forgets exactly these sequences, which the caller has stored as acknowledged. */
export function removeAcknowledged(queue: LaneQueue, acknowledged: readonly number[]): LaneQueue {
  return { ...queue, outstanding: queue.outstanding.filter(({ sequence }) => !acknowledged.includes(sequence)) }
}

/**
 * Notes that the envelope with this sequence has come. `fresh` is true once for each sequence; false for what came
 * before and for what lies outside the window, where an honest sender has not arrived yet.
 * The caller stores the message and the new state together, and uses the state only then: what is acknowledged is stored.
 */
export function noteReceived(
  queue: LaneQueue,
  sequence: number,
): { readonly state: LaneQueue; readonly fresh: boolean } {
  const isInWindow = sequence > queue.receivedBase && sequence <= queue.receivedBase + LANE_WINDOW_COUNT
  if (!isInWindow || queue.receivedAhead.includes(sequence)) return { state: queue, fresh: false }
  let receivedBase = queue.receivedBase
  const ahead = [...queue.receivedAhead, sequence].sort((a, b) => a - b)
  while (ahead[0] === receivedBase + 1) {
    receivedBase += 1
    ahead.shift()
  }
  return { state: { ...queue, receivedBase, receivedAhead: ahead }, fresh: true }
}

/** The acknowledgement fields for the next record, cover or not. Spec 01-wire §3. */
export function ackFields(queue: LaneQueue): { readonly ackBase: number; readonly ackBits: number } {
  let ackBits = 0
  for (const sequence of queue.receivedAhead) ackBits |= 1 << (sequence - queue.receivedBase - 1)
  return { ackBase: queue.receivedBase, ackBits: ackBits >>> 0 }
}
