/**
 * Every number of the lane's rhythm, each with its reason.
 * Never read from configuration: a rhythm of one's own would be a fingerprint. Spec 02-padding §6.
 * @module
 */
import { SECOND_MS } from '../base/index.ts'

/** Mean time between two lane records of one side. METADATA §3.5: one cell a second is about 102 MB a day. */
export const LANE_MEAN_SLOT_MS = SECOND_MS

/** A delay is uniform in [1 − this, 1 + this] times the mean. METADATA §3.3: half the latency of exponential delays. */
export const LANE_SLOT_SPREAD = 0.5

/**
 * Slots that may pass unserved (a stopped process, a laptop asleep) before the clock starts afresh instead of counting
 * them one by one. Guessed: a minute.
 */
export const LANE_CATCH_UP_SLOTS = 60

/** Envelopes on their way without an acknowledgement; the acknowledgement bits can speak of so many. Spec 01-wire §3. */
export const LANE_WINDOW_COUNT = 32

/**
 * Slots of our own before an envelope without acknowledgement leaves again on the same link. Guessed: well above two trips
 * through six relays and a slot of the other side (three to five seconds), because a Tor stream loses nothing while it
 * lives and each needless copy takes a slot from something new. A new link sends everything again at once.
 */
export const RESEND_AFTER_SLOTS = 20

/** Mean delay before the first new attempt to open a lane. Guessed: short enough that a restart is hardly noticed. */
export const RECONNECT_FIRST_MS = 2 * SECOND_MS

/** Mean delay that repeated failures grow to. Guessed: 30 descriptor fetches an hour while a contact is offline. */
export const RECONNECT_MAX_MS = 120 * SECOND_MS

/** A delay is uniform in [1 − this, 1 + this] times its mean, so that many lanes lost at once do not return at once. */
export const RECONNECT_SPREAD = 0.5
