/**
 * What a profile costs and what it gives, in figures that a user can choose by.
 * Never a figure of its own: all are computed from the rhythms and the sizes. METADATA §3.5, spec 02-padding §7.
 * @module
 */
import { LANE_RECORD_LINK_BYTES, RECORD_LINK_BYTES } from '../wire/index.ts'
import { type Delay, estimateText } from './estimate.ts'
import { LANE_RHYTHM } from './lane-schedule.ts'
import { COURIER_COUNT } from './options.ts'
import type { Profile } from './profile.ts'
import { budgetBytesPerDay, slotsPerDay, TRAFFIC_LANES, type TrafficLane } from './traffic.ts'

export interface ProfileFigures {
  /** On the link to the guard, both ways, on average; empty for Manual. Live lanes are not in it, nor is tor's own traffic. */
  readonly lanes: readonly { readonly lane: TrafficLane; readonly bytesPerDay: number }[]
  /** Sum of `lanes`; undefined for Manual, which spends what its syncs do. */
  readonly bytesPerDay: number | undefined
  /** What one sync spends; undefined for all but Manual. */
  readonly bytesPerSync: number | undefined
  /**
   * One short message while nothing else waits, to somebody with the same profile: `hot` when there was traffic just now,
   * `cold` after a pause. Undefined for Manual.
   */
  readonly hot: Delay | undefined
  readonly cold: Delay | undefined
}

/** What an open lane with one contact spends beside the profile, on average. */
export const LANE_BYTES_PER_DAY = slotsPerDay(LANE_RHYTHM) * LANE_RECORD_LINK_BYTES

export function profileFigures(profile: Profile): ProfileFigures {
  const budget = budgetBytesPerDay(profile)
  const lanes = TRAFFIC_LANES.flatMap((lane) => {
    const bytesPerDay = budget?.[lane]
    return bytesPerDay === undefined ? [] : [{ lane, bytesPerDay }]
  })
  const message = { envelopes: 1, queuedEnvelopes: 0, queuedBoxes: 0 }
  const { sync } = profile
  return {
    lanes,
    bytesPerDay: sync === undefined ? lanes.reduce((sum, { bytesPerDay }) => sum + bytesPerDay, 0) : undefined,
    // Beside the slots, of each courier link the hello and its welcome.
    bytesPerSync: sync && (sync.writeSlots + sync.readSlots + COURIER_COUNT) * RECORD_LINK_BYTES,
    hot: estimateText(profile, { ...message, isHot: true }).delivered,
    cold: estimateText(profile, { ...message, isHot: false }).delivered,
  }
}
