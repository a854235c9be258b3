/**
 * When the records of a lane leave, be it a contact's or the mailboxes', and when a lost link is dialled again.
 * Never looks at a queue: what is waiting cannot change a time. METADATA §3.2-§3.3, spec 02-padding §2, §5.
 * @module
 */
import type { Random } from '../ports/index.ts'
import {
  EXPONENTIAL_CUT,
  LANE_CATCH_UP_SLOTS,
  LANE_MEAN_SLOT_MS,
  LANE_SLOT_SPREAD,
  PREPARE_MAX_MS,
  PREPARE_SHARE,
  RECONNECT_FIRST_MS,
  RECONNECT_MAX_MS,
  RECONNECT_SPREAD,
  SLOT_LATE_MAX_MS,
} from './options.ts'
import type { Rhythm } from './profile.ts'

/** The lane between two contacts. */
export const LANE_RHYTHM: Rhythm = { meanMs: LANE_MEAN_SLOT_MS, law: 'jittered' }

/** The next slot of one direction of a lane, in the caller's monotonic time. */
export interface LaneSchedule {
  readonly rhythm: Rhythm
  readonly nextSlotMs: number
  /** Counts the slots of this link, from 0, the dropped ones included. */
  readonly slotIndex: number
}

export interface SlotDecision {
  readonly schedule: LaneSchedule
  /** True when exactly one record leaves now; `slotIndex` is its slot. */
  readonly due: boolean
  readonly slotIndex: number
  /** Slots that passed unserved, also where nothing is due; they are dropped and never made up for. */
  readonly missed: number
}

function jittered(meanMs: number, spread: number, random: Random): number {
  return meanMs * (1 - spread + 2 * spread * random.uniform())
}

/** Of an exponential that is cut at `EXPONENTIAL_CUT` times its scale; with this scale its mean is 1. */
const EXPONENTIAL_SCALE = 1 / (1 - Math.exp(-EXPONENTIAL_CUT))

/** From one slot to the next by the rhythm's law. Takes one number from `random`, whatever the law. */
export function nextSlotDelayMs(random: Random, { law, meanMs }: Rhythm = LANE_RHYTHM): number {
  if (law === 'jittered') return jittered(meanMs, LANE_SLOT_SPREAD, random)
  return meanMs * EXPONENTIAL_SCALE * Math.min(EXPONENTIAL_CUT, -Math.log1p(-random.uniform()))
}

/**
 * How long before its slot a record is made, so that how long that takes does not show: a share of the mean, and never longer
 * than it takes a slow machine, since what comes meanwhile waits for the next slot.
 */
export function prepareLeadMs({ meanMs }: Rhythm): number {
  return Math.min(PREPARE_SHARE * meanMs, PREPARE_MAX_MS)
}

/** The schedule of a lane that has just opened: nothing leaves before a first full delay. */
export function startSchedule(nowMs: number, random: Random, rhythm: Rhythm = LANE_RHYTHM): LaneSchedule {
  return { rhythm, nextSlotMs: nowMs + nextSlotDelayMs(random, rhythm), slotIndex: 0 }
}

/**
 * Asks whether a record leaves now, and plans the next slot.
 *
 * Slots lie on a grid that is drawn ahead: a late caller does not shift it. Of the slots that have passed at most the last is
 * served, and only within `SLOT_LATE_MAX_MS` after it; the others are dropped. Eve sees the grid and how busy the machine
 * was, never the queue, and not the moment at which a machine that slept woke up.
 */
export function takeSlot(schedule: LaneSchedule, nowMs: number, random: Random): SlotDecision {
  const { rhythm } = schedule
  let { nextSlotMs, slotIndex } = schedule
  if (nowMs < nextSlotMs) return { schedule, due: false, slotIndex, missed: 0 }
  let lastSlotMs = nextSlotMs
  const endIndex = schedule.slotIndex + LANE_CATCH_UP_SLOTS
  while (nextSlotMs <= nowMs && slotIndex <= endIndex) {
    lastSlotMs = nextSlotMs
    nextSlotMs += nextSlotDelayMs(random, rhythm)
    slotIndex += 1
  }
  // Too far behind to count: the grid starts afresh from here.
  const isAfresh = nextSlotMs <= nowMs
  if (isAfresh) nextSlotMs = nowMs + nextSlotDelayMs(random, rhythm)
  const due = !isAfresh && nowMs - lastSlotMs <= SLOT_LATE_MAX_MS
  const passed = slotIndex - schedule.slotIndex
  return {
    schedule: { rhythm, nextSlotMs, slotIndex },
    due,
    slotIndex: slotIndex - 1,
    missed: due ? passed - 1 : passed,
  }
}

/**
 * How long to wait before dialling again after `failures` attempts in a row that failed, from 0 for a lane that was open.
 *
 * Doubles from `RECONNECT_FIRST_MS` to `RECONNECT_MAX_MS` in the mean, always within half of it. Depends on the network's
 * failures only: the same for an empty and a full outbox. Takes one number from `random`.
 */
export function nextReconnectDelayMs(failures: number, random: Random): number {
  return jittered(Math.min(RECONNECT_MAX_MS, RECONNECT_FIRST_MS * 2 ** failures), RECONNECT_SPREAD, random)
}
