/**
 * When the records of a lane leave, be it a contact's or the mailboxes', and when a lost link is dialled again.
 * Never looks at a queue: what is waiting cannot change a time. METADATA §3.2-§3.3, spec 02-padding §2, §5.
 * @module
 */
import type { Random } from '../ports/index.ts'
import {
  LANE_CATCH_UP_SLOTS,
  LANE_MEAN_SLOT_MS,
  LANE_SLOT_SPREAD,
  RECONNECT_FIRST_MS,
  RECONNECT_MAX_MS,
  RECONNECT_SPREAD,
} from './options.ts'

/** The next slot of one direction of a lane, in the caller's monotonic time. */
export interface LaneSchedule {
  /** Mean time between two slots. */
  readonly meanMs: number
  readonly nextSlotMs: number
  /** Counts the slots of this link, from 0, the dropped ones included. */
  readonly slotIndex: number
}

export interface SlotDecision {
  readonly schedule: LaneSchedule
  /** True when exactly one record leaves now; `slotIndex` is its slot. */
  readonly due: boolean
  readonly slotIndex: number
  /** Slots that passed unserved; they are dropped and never made up for. */
  readonly missed: number
}

function jittered(meanMs: number, spread: number, random: Random): number {
  return meanMs * (1 - spread + 2 * spread * random.uniform())
}

/** Uniform in [0.5, 1.5) times the mean slot. Takes one number from `random`. */
export function nextSlotDelayMs(random: Random, meanMs: number = LANE_MEAN_SLOT_MS): number {
  return jittered(meanMs, LANE_SLOT_SPREAD, random)
}

/** The schedule of a lane that has just opened: nothing leaves before a first full delay. */
export function startSchedule(nowMs: number, random: Random, meanMs: number = LANE_MEAN_SLOT_MS): LaneSchedule {
  return { meanMs, nextSlotMs: nowMs + nextSlotDelayMs(random, meanMs), slotIndex: 0 }
}

/**
 * Asks whether a record leaves now, and plans the next slot.
 *
 * Slots lie on a grid that is drawn ahead: a late caller does not shift it. Several slots that have passed are served by
 * one record, at once; the others are dropped. Eve sees the grid and how busy the machine was, never the queue.
 */
export function takeSlot(schedule: LaneSchedule, nowMs: number, random: Random): SlotDecision {
  const { meanMs } = schedule
  let { nextSlotMs, slotIndex } = schedule
  if (nowMs < nextSlotMs) return { schedule, due: false, slotIndex, missed: 0 }
  const lastIndex = schedule.slotIndex + LANE_CATCH_UP_SLOTS
  while (nextSlotMs <= nowMs && slotIndex <= lastIndex) {
    nextSlotMs += nextSlotDelayMs(random, meanMs)
    slotIndex += 1
  }
  // Too far behind to count: the grid starts afresh from here.
  if (nextSlotMs <= nowMs) nextSlotMs = nowMs + nextSlotDelayMs(random, meanMs)
  return {
    schedule: { meanMs, nextSlotMs, slotIndex },
    due: true,
    slotIndex: slotIndex - 1,
    missed: slotIndex - schedule.slotIndex - 1,
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
