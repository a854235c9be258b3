/**
 * Counts what left and entered by lane, so that its user can hold it against the budget.
 * Never told what a record carried, and never on disk: hours of a running daemon, no log of what anybody did.
 * METADATA §3.5, spec 02-padding §10.
 * @module
 */
import { DAY_MS, HOUR_MS } from '../base/index.ts'
import { LANE_RECORD_LINK_BYTES, RECORD_LINK_BYTES } from '../wire/index.ts'
import { COURIER_COUNT, EPOCH_MS } from './options.ts'
import { type Profile, type Rhythm, readSlotKind } from './profile.ts'

/** `table` is lane M, `setup` what opens a courier link, `live` the lanes between contacts. */
export const TRAFFIC_LANES = ['write', 'read', 'table', 'bulk', 'setup', 'live'] as const
export type TrafficLane = (typeof TRAFFIC_LANES)[number]

export interface LaneTraffic {
  readonly lane: TrafficLane
  readonly recordsUp: number
  readonly recordsDown: number
  /** On the link to the guard, both ways, by the geometry of records; tor's own traffic is not in it. */
  readonly bytes: number
  /**
   * What the profile spends in a day, on average; undefined for `live`, which depends on what was agreed, and for all lanes
   * of Manual, which spends what its syncs do.
   */
  readonly budgetBytesPerDay: number | undefined
}

export interface TrafficReport {
  /** Wall clock: counted from here, at most a day ago. Moves with the wall clock where that was put right. */
  readonly sinceMs: number
  readonly lanes: readonly LaneTraffic[]
}

export interface TrafficMeter {
  note(lane: TrafficLane, direction: 'up' | 'down', nowMs: number): void
  report(nowMs: number, profile: Profile): TrafficReport
}

interface Counts {
  readonly up: number[]
  readonly down: number[]
}

/** Hours that are counted apart: the one that runs and those before it. */
const HOUR_COUNT = DAY_MS / HOUR_MS

/**
 * Counts from its first call on. Time is what the wall clock has gained since: a clock that is put back neither forgets nor
 * counts twice, one that is put ahead forgets what would be a day old. Memory does not grow.
 */
export function createTrafficMeter(): TrafficMeter {
  const counts = new Map<TrafficLane, Counts>(
    TRAFFIC_LANES.map((lane) => [lane, { up: emptyHours(), down: emptyHours() }]),
  )
  let latestMs: number | undefined
  let elapsedMs = 0
  let hour = 0

  const tell = (nowMs: number): void => {
    elapsedMs += Math.max(0, nowMs - (latestMs ?? nowMs))
    latestMs = nowMs
    const hourNow = Math.floor(elapsedMs / HOUR_MS)
    const passed = Math.min(HOUR_COUNT, hourNow - hour)
    for (const { up, down } of counts.values()) {
      for (let behind = 0; behind < passed; behind += 1) {
        const at = (hourNow - behind) % HOUR_COUNT
        up[at] = 0
        down[at] = 0
      }
    }
    hour = hourNow
  }

  return {
    note(lane, direction, nowMs) {
      tell(nowMs)
      const hours = counts.get(lane)?.[direction]
      const at = hour % HOUR_COUNT
      if (hours !== undefined) hours[at] = (hours[at] ?? 0) + 1
    },
    report(nowMs, profile) {
      tell(nowMs)
      const budget = budgetBytesPerDay(profile)
      const lanes = TRAFFIC_LANES.map((lane) => {
        const recordsUp = sum(counts.get(lane)?.up ?? [])
        const recordsDown = sum(counts.get(lane)?.down ?? [])
        const bytes = ((recordsUp + recordsDown) * slotLinkBytes(lane)) / 2
        return { lane, recordsUp, recordsDown, bytes, budgetBytesPerDay: budget?.[lane] }
      })
      const oldestMs = Math.max(0, hour - HOUR_COUNT + 1) * HOUR_MS
      return { sinceMs: nowMs - (elapsedMs - oldestMs), lanes }
    },
  }
}

function emptyHours(): number[] {
  return new Array<number>(HOUR_COUNT).fill(0)
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}

/** Of a record each way: what one record costs is half of it. */
function slotLinkBytes(lane: TrafficLane): number {
  return lane === 'live' ? LANE_RECORD_LINK_BYTES : RECORD_LINK_BYTES
}

/** Slots that a rhythm has in a day, on average. */
export function slotsPerDay({ meanMs }: Rhythm): number {
  return DAY_MS / meanMs
}

/** Share of the read slots that fetch a page of the table, over a whole epoch. */
export function tableShare({ read, speed }: Profile): number {
  const count = Math.round(EPOCH_MS / speed / read.meanMs)
  let tables = 0
  for (let slot = 0; slot < count; slot += 1) if (readSlotKind(slot) === 'table') tables += 1
  return tables / count
}

/** Slots of bulk windows in a day, on average. */
function bulkSlotsPerDay({ bulk }: Profile): number {
  return bulk === undefined ? 0 : slotsPerDay(bulk.window) * bulk.recordsPerWindow
}

/** Those of them that write: one more than half of an odd number. */
export function bulkWritesPerDay({ bulk }: Profile): number {
  return bulk === undefined ? 0 : slotsPerDay(bulk.window) * Math.ceil(bulk.recordsPerWindow / 2)
}

/** What a profile spends in a day by lane, on average; undefined for Manual. METADATA §3.5. */
export function budgetBytesPerDay(profile: Profile): Readonly<Record<TrafficLane, number | undefined>> | undefined {
  if (profile.sync !== undefined) return undefined
  const { read, speed, write } = profile
  const table = slotsPerDay(read) * tableShare(profile)
  // Of each courier link one record each way, the hello and its welcome.
  const setup = (speed * DAY_MS * COURIER_COUNT) / EPOCH_MS
  return {
    write: slotsPerDay(write) * RECORD_LINK_BYTES,
    read: (slotsPerDay(read) - table) * RECORD_LINK_BYTES,
    table: table * RECORD_LINK_BYTES,
    bulk: bulkSlotsPerDay(profile) * RECORD_LINK_BYTES,
    setup: setup * RECORD_LINK_BYTES,
    live: undefined,
  }
}
