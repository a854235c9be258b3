/**
 * The messenger's numbers, each with its reason.
 * Never tuned by what the user does. DESIGN §6, §8.
 * @module
 */
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../base/index.ts'
import { LANE_MEAN_SLOT_MS, LANE_SLOT_SPREAD } from '../padding/index.ts'

/** How long an invite works by default; the voucher form's lifetime (CRYPTO §2d). */
export const INVITE_LIFETIME_MS = 14 * DAY_MS
export const INVITE_LIFETIME_MIN_MS = 10 * MINUTE_MS
export const INVITE_LIFETIME_MAX_MS = 30 * DAY_MS
/** Each open invite is an onion service of its own; more would be seen by the guard and cost memory. Guessed. */
export const OPEN_INVITES_MAX_COUNT = 16

/**
 * How long the rendezvous of a used, revoked or expired invite still answers, so that a second acceptor gets a clear
 * word and the first one can repeat its request after a crash. Longer would show our presence to them. Guessed.
 */
export const RENDEZVOUS_GRACE_MS = HOUR_MS
/** How long an ended invite stays in the list; after that nothing tells that it ever was. */
export const ENDED_INVITE_KEPT_MS = 30 * DAY_MS
/** Invites and requests kept at a time; ended invites make room, requests beyond it are dropped. */
export const INVITES_MAX_COUNT = 1_000
export const REQUESTS_MAX_COUNT = 1_000
/** Each step of the rendezvous exchange; an onion round trip takes seconds on a bad day (TORNET §2.3). */
export const RENDEZVOUS_STEP_TIMEOUT_MS = MINUTE_MS
/** Exchanges at the same time on one invite; the rest are dropped. */
export const RENDEZVOUS_LINKS_MAX_COUNT = 4

/** A request that the inviter's user leaves unanswered this long has failed for the requester, and is forgotten here. */
export const REQUEST_LIFETIME_MS = 30 * DAY_MS

/** Dialling an onion service: found, intro and rendezvous circuits (TORNET §2.3; shorter than tor's own 120 s). */
export const DIAL_TIMEOUT_MS = 60_000
/**
 * A lane whose other end has sent nothing for so long is dead, though no socket said so: a record comes every second in
 * the mean. Longer than Tor needs to move a congested circuit. Guessed.
 */
export const LANE_SILENCE_MS = 60_000
/**
 * A window's service opens before its edge and closes after the next one by times between these two, drawn for each:
 * listener and dialer may disagree on the time by the shorter one, and no two edges look alike.
 */
export const LANE_WINDOW_LEAD_MS = 10 * MINUTE_MS
export const LANE_WINDOW_OVERLAP_MS = 30 * MINUTE_MS
/**
 * Agreed lanes begin and end at whole multiples of this, the same for everybody: the moment at which somebody agreed, or took
 * it back, is nothing that a line shows. Guessed: what two people wait for each other, and a descriptor takes a minute of it.
 */
export const LIVE_EDGE_MS = 15 * MINUTE_MS
/** How long a lane is agreed for unless something else is said; guessed: a conversation. */
export const LIVE_DEFAULT_MINUTES = 60
/** An agreement that is forgotten shows our presence for a day at most. */
export const LIVE_MAX_MINUTES = 24 * 60
/**
 * A lane opens and closes up to twice this after its edge, at a time drawn for each: the end that listens first is there in
 * the first half when it opens and stays into the second when it closes, so that nobody dials what is not there. Guessed.
 */
export const LIVE_EDGE_SPREAD_MS = MINUTE_MS
/** How often the wall clock is looked at, besides at planned times: bounds how long a jump goes unnoticed. */
export const CLOCK_CHECK_INTERVAL_MS = 30_000
/** The shortest time between two records of an honest sender: half the mean slot (02-padding §6). */
export const INBOUND_INTERVAL_MS = LANE_MEAN_SLOT_MS * (1 - LANE_SLOT_SPREAD)
/** Records that may come at once, after a circuit stalled. As many as fit the silence a lane survives, about. */
export const INBOUND_BURST_COUNT = 64

/** Envelopes waiting for one contact; about 1.7 MiB in memory. */
export const OUTBOX_MAX_COUNT = 4_096
/** Messages that one read receipt names at most, the newest first; what is older was read before. */
export const READ_RECEIPT_MAX_COUNT = 200
/**
 * Read slots after which a stored box that the other side has passed over, acknowledging what came later, is given up and
 * its envelopes take another. Guessed: twice what a reader needs to ask every replica of a few dozen ids.
 */
export const REBOX_AFTER_INTERVALS = 200
/** How long before the copies of an undelivered message end that is told. */
export const EXPIRY_WARNING_MS = 2 * DAY_MS
/**
 * How long after their end copies are written again: hosts drop them up to an hour late, clocks differ, and until it is gone
 * the old copy is what a write finds.
 */
export const RENEW_AFTER_MS = 3 * HOUR_MS
/**
 * A box whose write failed rests for one write slot, then for twice as many each time, up to this many: what hosts do not take
 * must not keep other boxes from them. Guessed.
 */
export const WRITE_REST_MAX_SLOTS = 16
/** So many writes of one box have to meet a conflict before it is believed: an intermediate may lie, and each write has another. */
export const CONFLICT_BELIEF_COUNT = 3
/** Events kept for clients that are away; older ones are dropped and announced as an overflow. */
export const EVENT_LOG_MAX_COUNT = 10_000
/** How many messages one contact may have half-received. */
export const PARTIAL_MESSAGES_MAX_COUNT = 64

/** How often lifetimes are looked at. Changes nothing on the wire by itself. */
export const MAINTENANCE_INTERVAL_MS = 30_000

export const NAME_MAX_LENGTH = 64
export const LIST_LIMIT_DEFAULT_COUNT = 50
export const LIST_LIMIT_MAX_COUNT = 500
