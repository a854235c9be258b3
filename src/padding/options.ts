/**
 * Every number of the rhythms, each with its reason; those that a profile chooses are in `profile.ts`.
 * Never read from configuration: a rhythm of one's own would be a fingerprint. Spec 02-padding §6.
 * @module
 */
import { HOUR_MS, SECOND_MS } from '../base/index.ts'

/** Mean time between two lane records of one side. 01-wire §2: a lane costs 111 MB a day. */
export const LANE_MEAN_SLOT_MS = SECOND_MS

/** A delay is uniform in [1 − this, 1 + this] times the mean. METADATA §3.3: half the latency of exponential delays. */
export const LANE_SLOT_SPREAD = 0.5

/** An exponential delay is cut at so many times its scale, so that no slot is hours away. METADATA §3.3. */
export const EXPONENTIAL_CUT = 4

/**
 * Slots that may pass unserved (a stopped process, a laptop asleep) before the clock starts afresh instead of counting
 * them one by one. Guessed: a minute.
 */
export const LANE_CATCH_UP_SLOTS = 60

/**
 * A slot that its caller reaches later than this is dropped. Guessed: more than a busy machine takes; whoever is later has
 * slept, and a record at once on each lane would tell all couriers the moment of waking.
 */
export const SLOT_LATE_MAX_MS = 2 * SECOND_MS

/** How long one set of couriers is used, and how many are in it. METADATA §4.1. */
export const EPOCH_MS = 6 * HOUR_MS
export const COURIER_COUNT = 2

/**
 * What leaves in a slot is made so long before, as a share of the mean interval: below the least jittered delay, which is half.
 * An exponential delay may be shorter; what is not there by then waits for the next slot.
 */
export const PREPARE_SHARE = 0.1

/** And at most so long: sealing a read record takes about 10 ms, giving a message to its session and the disk 50. Guessed. */
export const PREPARE_MAX_MS = SECOND_MS

/**
 * While the next box of a contact is expected, one fetch of so many is for a loop, and the loops of that time are fetched
 * afterwards. Guessed: with one in two, as many as are written, an answer would wait a slot longer; with none, who talks all
 * day would leave loops that nobody fetches.
 */
export const LOOP_BESIDE_TALK_SLOTS = 6

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

/**
 * One way through an onion service: median, and deviation of the logarithm. Only estimates use it. Assumed by METADATA §3.5;
 * replace by what is measured.
 */
export const ONION_MEDIAN_MS = 350
export const ONION_SIGMA = 0.5

/** Of the normal distribution: one in twenty lies beyond it. */
export const ESTIMATE_Z = 1.645

/**
 * Share of the write slots, and of the read slots that fetch, which messages leave to a file: in the best case, as a rule, and
 * in the worst case that is still told. Guessed.
 */
export const FILE_SHARE = { best: 1, usual: 0.75, worst: 0.5 } as const
