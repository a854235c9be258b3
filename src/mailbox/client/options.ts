/**
 * Every number of the client that no other node has to share, each with its reason.
 * Never set from configuration: a rhythm of one's own would be a fingerprint. Spec 03-mailbox §10.
 * @module
 */
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from '../../base/index.ts'

/** Onion descriptor, introduction and rendezvous; tor itself waits two minutes for one that is gone. TORNET §1.4. */
export const COURIER_DIAL_TIMEOUT_MS = 45 * SECOND_MS

/** How often the wall clock is looked at for a change of profile: 30 seconds, as a share of an epoch. */
export const PROFILE_CHECK_SHARE = 1 / 720

/** A sync of profile Manual begins with fewer couriers, or none, after so many request timeouts. Guessed. */
export const SYNC_PATIENCE_TIMEOUTS = 2

/** Looks of a sync at whether its couriers are there, and of the client at whether one was asked for. Guessed. */
export const SYNC_CHECK_MS = SECOND_MS

/** Holds of the courier for which a sync stays after its last slot, so that the last answers come. */
export const SYNC_LAST_HOLDS = 2

/** Looks within one request timeout at what has timed out. */
export const TIDY_PER_TIMEOUT = 8

/** Failed attempts in a row after which another courier is tried. Guessed. */
export const COURIER_TRY_COUNT = 3

/** Malformed records after which a link is given up. */
export const GARBAGE_MAX_COUNT = 3

/** Records that wait in one link's socket; more means that it is stalled. */
export const SEND_BACKLOG_MAX_COUNT = 4

/** A courier's age counts up to this, and then twice as much as none. METADATA §4.4. */
export const COURIER_AGE_FULL_MS = 7 * DAY_MS

/** Entries that are kept; the oldest stay. Guessed. */
export const ENTRY_MAX_COUNT = 256

/** With this share of the hosts that couriers speak of, the table is whole enough to call receipts wrong. Guessed. */
export const TABLE_WHOLE_SHARE = 0.9

/** How often a changed table goes to disk: 2 MB at 10,000 hosts. Guessed. */
export const TABLE_SAVE_INTERVAL_MS = 10 * MINUTE_MS

/** Table pages that wait for their check; one of eight descriptors takes less than a tenth of a second. */
export const PAGE_BACKLOG_MAX_COUNT = 64

/** Timeouts in a row after which an intermediate is passed over, and for how many request timeouts. Guessed. */
export const SILENT_AFTER_COUNT = 3
export const SILENT_REST_TIMEOUTS = 10

/**
 * Loops in memory, about a kilobyte each: what the residence mixture, 18 hours in the mean, keeps of the 26,000 that Fast writes
 * in a day. Those beyond it nobody fetches, and hosts could tell them by that.
 */
export const LOOP_MAX_COUNT = 24_576

/**
 * Loops that have rested and wait to be looked for; with so many a new one is left to its expiry. Only Paranoid, which writes
 * more than it can fetch, comes to it: six hours of its read slots. Guessed.
 */
export const LOOP_OVERDUE_MAX_COUNT = 1_024

/**
 * How long a loop rests before it is looked for: shares and bounds of a mixture of uniform times. Real boxes wait
 * seconds to days, so loops do. The longest stays a day below a box's life. METADATA §4.1; to be tuned by simulation.
 */
export const LOOP_RESIDENCE = [
  { share: 0.7, fromMs: 0, toMs: 5 * MINUTE_MS },
  { share: 0.2, fromMs: HOUR_MS, toMs: 12 * HOUR_MS },
  { share: 0.1, fromMs: DAY_MS, toMs: 13 * DAY_MS },
] as const

/** A loop that was looked for during so many mean read intervals is lost: half an hour of Balanced. Guessed. */
export const LOOP_PATIENCE_SLOTS = 120

/**
 * Share of the loops that are fetched without a check before, as the next box of a conversation is; the others are found by a
 * check first, as a box after a pause is. Guessed: how often people's boxes come in either way is not known.
 */
export const LOOP_UNSEEN_SHARE = 0.5

/** Loops that the share of returns is taken over. */
export const LOOP_HISTORY_COUNT = 100

/** Tombstones that wait for a read slot; beyond it the box is left to its expiry. */
export const TOMBSTONE_MAX_COUNT = 1_024

/** When no replica had room: another try. Guessed: boxes expire all the time. */
export const FULL_RETRY_MS = 15 * MINUTE_MS
