/**
 * How long a message or a file will take, told before it is sent.
 * Never looks at anything but the profile and what waits; what it says changes no slot. Spec 02-padding §8.5.
 * @module
 */
import { BOX_ENVELOPES_MAX_COUNT } from '../wire/index.ts'
import {
  addDelays,
  type Cumulants,
  constantDelay,
  cumulantsOf,
  cutExponential,
  intervalMoments,
  logNormal,
  type Moments,
  negateDelay,
  quantileOf,
  repeatDelay,
  sometimes,
  thinned,
  throughTwoStages,
  untilNextSlot,
} from './delay-moments.ts'
import { fileTimes, type KnownWindows } from './file-flow.ts'
import { LANE_RHYTHM, prepareLeadMs } from './lane-schedule.ts'
import {
  COURIER_COUNT,
  ESTIMATE_Z,
  EXPONENTIAL_CUT,
  FILE_SHARE,
  LANE_SLOT_SPREAD,
  LOOP_BESIDE_TALK_SLOTS,
  ONION_MEDIAN_MS,
  ONION_SIGMA,
} from './options.ts'
import { type Profile, readSlotKind } from './profile.ts'
import { bulkWritesPerDay, slotsPerDay, tableShare } from './traffic.ts'

/** A time from now, as a spread: nobody knows a slot of somebody else. */
export interface Delay {
  /** One in twenty takes less. */
  readonly earlyMs: number
  /** The mean. */
  readonly expectedMs: number
  /** One in twenty takes longer, if nothing fails. */
  readonly lateMs: number
}

/** With Manual: syncs that each side needs. */
export interface SyncCounts {
  readonly ours: number
  /** If the reader has Manual as well. */
  readonly theirs: number
}

export interface Estimate {
  /** Write slots until the last part has left, with what waits before it. */
  readonly writeSlots: number
  /** Undefined for all but Manual. */
  readonly syncs: SyncCounts | undefined
  /** Until hosts have all of it; undefined with Manual, whose slots come when their user says so. */
  readonly stored: Delay | undefined
  /**
   * Until the reader has all of it, if the reader is there all the while and has the profile that we have: his own is not
   * known to us, and not to be.
   */
  readonly delivered: Delay | undefined
}

export interface TextLoad {
  /** Envelopes of the message. */
  readonly envelopes: number
  /** Envelopes for the same contact that wait before it; they share boxes with it. */
  readonly queuedEnvelopes: number
  /** Boxes for others that wait before it. */
  readonly queuedBoxes: number
  /** There was traffic with this contact just now: the reader fetches its next box on the chance that it is there. */
  readonly isHot: boolean
}

export interface FileLoad {
  /** Boxes of the file. */
  readonly chunks: number
  /** Boxes that wait before it, messages and other files. */
  readonly queuedBoxes: number
  /** What is known of our own bulk windows; nothing of it is needed. */
  readonly windows?: KnownWindows
}

/** Whole numbers that are not negative, and something to send; anything else is a bug. */
function assertLoad(counts: readonly number[], amount: number): void {
  if (amount < 1 || counts.some((count) => !Number.isSafeInteger(count) || count < 0)) {
    throw new RangeError('nothing to estimate')
  }
}

function spread(delay: Cumulants): Delay {
  const earlyMs = Math.max(0, quantileOf(delay, -ESTIMATE_Z))
  return { earlyMs, expectedMs: delay.mean, lateMs: quantileOf(delay, ESTIMATE_Z) }
}

/** Of a fetch, beside the courier's delay: to the intermediate, there and back to the slowest of three hosts, and back. */
const TRIPS_WITHIN_HOLD = 5

const oneWay = cumulantsOf(logNormal(ONION_MEDIAN_MS, ONION_SIGMA))

/** The parts of a delivery that the rhythms of a profile make. */
function legsOf(profile: Profile): {
  readonly firstWrite: Cumulants
  readonly nextWrite: Cumulants
  /** From the record that leaves to the replicas: courier, intermediate, host, and the courier's delay. */
  readonly toHosts: Cumulants
  readonly firstFetch: Cumulants
  readonly nextFetch: Cumulants
  /** Beside a conversation, where some fetches are for loops. */
  readonly firstHotFetch: Cumulants
  readonly nextHotFetch: Cumulants
  /** From the slot of a fetch to the box. */
  readonly answer: Cumulants
  /** From the slot whose check finds a box to the slot that fetches it. */
  readonly untilFetch: Cumulants
} {
  const { courierDelayMs, courierHoldMs, read, write } = profile
  const writes = intervalMoments(write)
  const share = tableShare(profile)
  const fetches = thinned(intervalMoments(read), share / (1 - share))
  const free = (1 - share) * (1 - 1 / LOOP_BESIDE_TALK_SLOTS)
  const hotFetches = thinned(intervalMoments(read), (1 - free) / free)
  const readyMs = courierHoldMs - TRIPS_WITHIN_HOLD * oneWay.mean
  const isLate = readyMs > EXPONENTIAL_CUT * courierDelayMs ? 0 : Math.exp(-Math.max(0, readyMs) / courierDelayMs)
  // Without the skew of what is rare and long: three moments make a worse shape of it than two.
  const answerWith = (late: Moments): Cumulants =>
    addDelays(repeatDelay(oneWay, 2), constantDelay(courierHoldMs), {
      ...cumulantsOf(sometimes(isLate, late)),
      third: 0,
    })
  const firstFetch = cumulantsOf(untilNextSlot(fetches))
  const nextFetch = cumulantsOf(fetches)
  // Of what misses the hold, the small answer to a check comes with the next record of its courier, of which down come as many
  // as go up, and a box is fetched once more.
  const checked = answerWith(cutExponential(COURIER_COUNT / (1 / write.meanMs + 1 / read.meanMs)))
  // An answer that is there before the next slot is made leads to a fetch in that slot, else in a later one.
  const known = addDelays(checked, constantDelay(prepareLeadMs(read)))
  const isInTime = read.law === 'jittered' && known.mean <= (1 - LANE_SLOT_SPREAD) * read.meanMs
  return {
    firstWrite: addDelays(constantDelay(prepareLeadMs(write)), cumulantsOf(untilNextSlot(writes))),
    nextWrite: cumulantsOf(writes),
    toHosts: addDelays(repeatDelay(oneWay, 3), cumulantsOf(cutExponential(courierDelayMs))),
    firstFetch,
    nextFetch,
    firstHotFetch: cumulantsOf(untilNextSlot(hotFetches)),
    nextHotFetch: cumulantsOf(hotFetches),
    answer: answerWith(fetches),
    untilFetch: isInTime ? nextFetch : addDelays(known, firstFetch),
  }
}

/** Fetches of one sync: what its read slots do that do not ask for the table. */
function fetchesPerSync(readSlots: number): number {
  let fetches = 0
  for (let slot = 0; slot < readSlots; slot += 1) if (readSlotKind(slot) === 'read') fetches += 1
  return fetches
}

function syncCounts({ sync }: Profile, writeSlots: number, boxes: number): SyncCounts | undefined {
  if (sync === undefined) return undefined
  return { ours: Math.ceil(writeSlots / sync.writeSlots), theirs: Math.ceil(boxes / fetchesPerSync(sync.readSlots)) }
}

/**
 * A message through the mailboxes. Nothing is lost on the way in it, and the reader has nothing else to look for.
 *
 * Each write slot takes a box of up to three envelopes. The reader's fetch may be under way while the box arrives: what it
 * needs to reach the host is taken off.
 */
export function estimateText(profile: Profile, load: TextLoad): Estimate {
  const { envelopes, isHot, queuedBoxes, queuedEnvelopes } = load
  assertLoad([envelopes, queuedEnvelopes, queuedBoxes], envelopes)
  const boxes = Math.ceil((queuedEnvelopes + envelopes) / BOX_ENVELOPES_MAX_COUNT)
  const writeSlots = queuedBoxes + boxes
  const syncs = syncCounts(profile, writeSlots, boxes)
  if (syncs !== undefined) return { writeSlots, syncs, stored: undefined, delivered: undefined }
  const legs = legsOf(profile)
  const storedAfter = (slots: number): Cumulants =>
    addDelays(legs.firstWrite, repeatDelay(legs.nextWrite, slots - 1), legs.toHosts)
  const stored = storedAfter(writeSlots)
  const others = throughTwoStages(legs.nextWrite, isHot ? legs.nextHotFetch : legs.nextFetch, boxes - 1)
  const untilRead = isHot
    ? addDelays(legs.firstHotFetch, negateDelay(legs.toHosts), legs.answer)
    : addDelays(legs.untilFetch, legs.firstFetch, negateDelay(legs.toHosts), legs.answer)
  const delivered = addDelays(storedAfter(queuedBoxes + 1), others, untilRead)
  return { writeSlots, syncs, stored: spread(stored), delivered: spread(delivered) }
}

/** A message over a live lane that is open: one envelope in each slot, straight to the other side. */
export function estimateLive(load: { readonly envelopes: number; readonly queuedEnvelopes: number }): Delay {
  const { envelopes, queuedEnvelopes } = load
  assertLoad([envelopes, queuedEnvelopes], envelopes)
  const slots = intervalMoments(LANE_RHYTHM)
  const others = repeatDelay(cumulantsOf(slots), queuedEnvelopes + envelopes - 1)
  return spread(addDelays(cumulantsOf(untilNextSlot(slots)), others, oneWay))
}

/** Slots of a day that a file can use, where messages leave them. */
export function fileSlotsPerDay(profile: Profile): { readonly write: number; readonly bulk: number } {
  if (profile.sync !== undefined) return { write: 0, bulk: 0 }
  return { write: slotsPerDay(profile.write), bulk: bulkWritesPerDay(profile) }
}

/**
 * A file through idle write slots and bulk windows, and out again through the same of a reader whose windows are at other
 * times. The early and the late end also stand for how much messages need of the slots.
 */
export function estimateBulk(profile: Profile, load: FileLoad): Estimate {
  const { chunks, queuedBoxes, windows } = load
  assertLoad([chunks, queuedBoxes], chunks)
  const writeSlots = queuedBoxes + chunks
  const syncs = syncCounts(profile, writeSlots, chunks)
  if (syncs !== undefined) return { writeSlots, syncs, stored: undefined, delivered: undefined }
  const legs = legsOf(profile)
  // The last part travels on, and waits for a read slot of its own.
  const lastRead = addDelays(legs.firstFetch, legs.answer)
  const times = (share: number, z: number): { readonly storedMs: number; readonly deliveredMs: number } => {
    const flow = fileTimes(profile, { chunks, queuedBoxes, windows, share, z })
    return {
      storedMs: flow.writtenMs + Math.max(0, quantileOf(legs.toHosts, z)),
      deliveredMs: flow.readMs + Math.max(0, quantileOf(lastRead, z)),
    }
  }
  const early = times(FILE_SHARE.best, -ESTIMATE_Z)
  const usual = times(FILE_SHARE.usual, 0)
  const late = times(FILE_SHARE.worst, ESTIMATE_Z)
  return {
    writeSlots,
    syncs,
    stored: { earlyMs: early.storedMs, expectedMs: usual.storedMs, lateMs: late.storedMs },
    delivered: { earlyMs: early.deliveredMs, expectedMs: usual.deliveredMs, lateMs: late.deliveredMs },
  }
}
