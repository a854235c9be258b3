/**
 * The rhythms that a user can choose from, and what each costs.
 * Never of one's own making: everybody with a profile has the same numbers, and nothing adapts to what is done.
 * METADATA §3.3-§3.5, DESIGN §6, spec 02-padding §7.
 * @module
 */
import { DAY_MS, SECOND_MS } from '../base/index.ts'
import { RECORD_STREAM_BYTES } from '../wire/index.ts'

export const PROFILE_NAMES = ['low', 'balanced', 'fast', 'paranoid', 'manual'] as const
export type ProfileName = (typeof PROFILE_NAMES)[number]

export const DEFAULT_PROFILE: ProfileName = 'balanced'

/**
 * `jittered`: uniform in half to one and a half of the mean; half the latency of the other for the same bandwidth.
 * `exponential`: memoryless, cut at `EXPONENTIAL_CUT` times its scale, which is such that the mean stays the mean.
 */
export type IntervalLaw = 'jittered' | 'exponential'

/** When the slots of one lane are. */
export interface Rhythm {
  readonly meanMs: number
  readonly law: IntervalLaw
}

/** Bulk windows: each has the same number of slots, needed or not. METADATA §3.1. */
export interface BulkPlan {
  /** From the start of one window to that of the next. */
  readonly window: Rhythm
  /** Inside a window. */
  readonly slot: Rhythm
  /** Slots of each window. */
  readonly recordsPerWindow: number
}

export interface Profile {
  readonly name: ProfileName
  /** 1, or how many times as fast a private test network is. */
  readonly speed: number
  readonly write: Rhythm
  readonly read: Rhythm
  /** Mean of the exponential delay after which a courier passes a request of this profile on. METADATA §3.5. */
  readonly courierDelayMs: number
  /** From a record up to the record down that answers its slot. DESIGN §6. */
  readonly courierHoldMs: number
  readonly bulk: BulkPlan | undefined
  /** Slots of one sync where nothing runs by itself; undefined for all but Manual. */
  readonly sync: { readonly writeSlots: number; readonly readSlots: number } | undefined
}

/** Mean time between the slots of a bulk window: half of what a courier takes at most. Guessed. */
const BULK_SLOT_MS = SECOND_MS

const MIB = 2 ** 20

function bulk(windowsPerDay: number, mebibytes: number, law: IntervalLaw): BulkPlan {
  return {
    window: { meanMs: DAY_MS / windowsPerDay, law: 'jittered' },
    slot: { meanMs: BULK_SLOT_MS, law },
    recordsPerWindow: Math.ceil((mebibytes * MIB) / RECORD_STREAM_BYTES),
  }
}

function rhythm(seconds: number, law: IntervalLaw): Rhythm {
  return { meanMs: seconds * SECOND_MS, law }
}

/**
 * Slots, laws and courier delays from METADATA §3.5 (but Paranoid's slots: with one read slot for each write slot, and some of them
 * for the table, a part of its loops was never fetched, which hosts see), windows from §3.1. The holds weigh what is added to
 * every answer against those that miss it and come with a later record: one in eleven with Balanced, one in six with Fast, one in
 * a hundred with Low, whose records are far apart (simulations/profile-latency.ts).
 */
const PROFILES: Readonly<Record<ProfileName, Profile>> = {
  low: {
    name: 'low',
    speed: 1,
    write: rhythm(600, 'jittered'),
    read: rhythm(300, 'jittered'),
    courierDelayMs: 5 * SECOND_MS,
    courierHoldMs: 24 * SECOND_MS,
    bulk: undefined,
    sync: undefined,
  },
  balanced: {
    name: 'balanced',
    speed: 1,
    write: rhythm(30, 'jittered'),
    read: rhythm(15, 'jittered'),
    courierDelayMs: 2 * SECOND_MS,
    courierHoldMs: 7 * SECOND_MS,
    bulk: bulk(4, 2, 'jittered'),
    sync: undefined,
  },
  fast: {
    name: 'fast',
    speed: 1,
    write: rhythm(10, 'jittered'),
    read: rhythm(5, 'jittered'),
    courierDelayMs: SECOND_MS,
    courierHoldMs: 4 * SECOND_MS,
    bulk: bulk(8, 8, 'jittered'),
    sync: undefined,
  },
  paranoid: {
    name: 'paranoid',
    speed: 1,
    write: rhythm(24, 'exponential'),
    read: rhythm(17, 'exponential'),
    courierDelayMs: 5 * SECOND_MS,
    courierHoldMs: 12 * SECOND_MS,
    bulk: bulk(4, 2, 'exponential'),
    sync: undefined,
  },
  manual: {
    name: 'manual',
    speed: 1,
    write: rhythm(10, 'jittered'),
    read: rhythm(5, 'jittered'),
    courierDelayMs: SECOND_MS,
    courierHoldMs: 4 * SECOND_MS,
    bulk: undefined,
    sync: { writeSlots: 12, readSlots: 24 },
  },
}

/** A profile as it is, or its rhythms `speed` times as fast for a private test network. */
export function profileOf(name: ProfileName, speed = 1): Profile {
  const profile = PROFILES[name]
  if (speed === 1) return profile
  const faster = ({ meanMs, law }: Rhythm): Rhythm => ({ meanMs: meanMs / speed, law })
  const { bulk: plan } = profile
  return {
    ...profile,
    speed,
    write: faster(profile.write),
    read: faster(profile.read),
    courierDelayMs: profile.courierDelayMs / speed,
    courierHoldMs: profile.courierHoldMs / speed,
    bulk: plan && { ...plan, window: faster(plan.window), slot: faster(plan.slot) },
  }
}

/** Names a profile on the wire, where a client says hello to its courier; from 1. */
export function profileNumber(name: ProfileName): number {
  return PROFILE_NAMES.indexOf(name) + 1
}

/** Undefined for a number that names none. */
export function profileByNumber(number: number): ProfileName | undefined {
  return PROFILE_NAMES[number - 1]
}

/** What a slot of the read lane is for. */
export type ReadSlotKind = 'read' | 'table'

/** The first read slots of an epoch, of which every other one fetches a page of the host table. Guessed: 64 hosts soon. */
const TABLE_EARLY_SLOTS = 16
/** One read slot of so many fetches a page after that. Guessed: 50 hosts in a quarter of an hour of Balanced. */
const TABLE_EVERY_SLOTS = 8

/**
 * Lane M: some slots of lane R, by their number since the epoch began and nothing else. So maintenance is in the budget of
 * METADATA §3.5, and no record is there because the table lacks something.
 */
export function readSlotKind(slotInEpoch: number): ReadSlotKind {
  const every = slotInEpoch < TABLE_EARLY_SLOTS ? 2 : TABLE_EVERY_SLOTS
  return slotInEpoch % every === every - 1 ? 'table' : 'read'
}

/** In a bulk window, writes and reads alternate: as many bytes can go up as come down. */
export function bulkSlotKind(slotIndex: number): 'write' | 'read' {
  return slotIndex % 2 === 0 ? 'write' : 'read'
}
