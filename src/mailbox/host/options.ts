/**
 * The numbers of a host that its clients need not share, each with its reason.
 * Never seen on the wire as a rhythm: those are in the parameters that a network shares. Spec 03-mailbox §10.
 * @module
 */
import { HOUR_MS, MINUTE_MS, SECOND_MS } from '../../base/index.ts'

/** Table of the key-value store for the host's keys; everything in it is erasable. */
export const HOST_SECRETS_TABLE = 'host-secrets'
/** Table of the key-value store for the host table and the entries it began with. */
export const HOST_STATE_TABLE = 'host-state'

/** Seal keys that stay readable beside the newest: with epochs of a day, longer than any descriptor lives. */
export const FORMER_SEAL_KEY_COUNT = 2

export { COURIER_PROTOCOL } from '../options.ts'

/** Sessions at once. Each is a circuit of tor's and up to a hundred kilobytes of ours. Guessed. */
export const SESSIONS_MAX_COUNT = 1_024
/** Links at once that have not proved their work; beyond it the oldest goes, so that they keep nobody out. Guessed. */
export const NEWCOMERS_MAX_COUNT = 256
/** A link that has not said hello by then is closed. A client's work may not be done before it dials. Guessed. */
export const HELLO_TIMEOUT_MS = MINUTE_MS
/**
 * A session that brings no record for so long is over. Low has a record every 200 s in the mean, and each goes to one of two
 * couriers by chance: half an hour without one comes in three of ten epochs, two hours hardly ever.
 */
export const SESSION_IDLE_MS = 2 * HOUR_MS
/** Records that may come at once: the set-up, and what a stalled circuit lets go. As for lanes. */
export const SESSION_BURST_COUNT = 64
/** Sealed replies that wait for a record: a read record brings 13, so about a minute of a fast client. */
export const REPLIES_WAITING_MAX_COUNT = 256
/** Records that wait for their answer to leave; a client that does not read is not worth more. */
export const ANSWERS_WAITING_MAX_COUNT = 2 * SESSION_BURST_COUNT
/** Requests of one session that are under way; a fast client has about a hundred. */
export const REQUESTS_UNDER_WAY_MAX_COUNT = 512
/** Requests of all sessions that are under way; a thousand fast clients have so many. 2 KB each. Guessed. */
export const FORWARDING_MAX_COUNT = 32_768
/** Sessions' budgets that are remembered after a link was lost, so that dialling again does not fill them. Guessed. */
export const BUDGETS_MAX_COUNT = 4_096

/** Requests of others that are under way as their intermediate; beyond it they are refused. 8 KB each. Guessed. */
export const RELAYS_MAX_COUNT = 2_048
/** Shares of `meshTimeoutMs` after which an intermediate answers with what it has, so that its courier still waits. */
export const REPLICA_WAIT_SHARE = 0.4
/**
 * Replicas that a fetch asks beside the one of its rank. With two, a box that one replica has lost is still found at once; each
 * more would see an id that it need not see, and the slowest of all is waited for. Guessed.
 */
export const FETCH_WITNESS_COUNT = 2
/** A new box is worth a longer wait. */
export const STORE_WAIT_SHARE = 0.7
/** With the quorum of receipts in, the slower replicas are waited for this share of `meshTimeoutMs`. Guessed. */
export const STORE_GRACE_SHARE = 0.25
/** Hosts of whom this one remembers when it introduced itself. */
export const INTRODUCTIONS_MAX_COUNT = 4_096

/** To how many hosts a new descriptor is passed on. Reaches 94 % at once; gossip and renewal bring it to the others. */
export const FLOOD_COUNT = 3
/** To how many hosts a host itself tells its new descriptor. Guessed. */
export const OWN_ANNOUNCE_COUNT = 8
/** Descriptors that wait to be checked (one scrypt each); beyond it they are dropped, and gossip brings them again. */
export const CHECKS_WAITING_MAX_COUNT = 512
/** Whoever announces a forged descriptor is not listened to for so long: each costs a scrypt. Guessed. */
export const FORGER_IGNORED_MS = HOUR_MS
/** Forgers that are remembered; as many as keep connections for long. */
export const FORGERS_MAX_COUNT = 4_096
/** Unknown hosts that one step of the crawl looks up, each a walk through the DHT; a liar names as many as it likes. Guessed. */
export const CRAWL_LOOKS_MAX_COUNT = 20
/** A renewed descriptor is passed on only after this share of the renewal interval, so that nobody makes floods. */
export const FLOOD_RENEWAL_SHARE = 0.25
/** How often the table is written to disk when it has changed. */
export const TABLE_SAVE_INTERVAL_MS = 5 * MINUTE_MS
/** How often expired boxes and descriptors are dropped, and own keys and work are looked at. */
export const SWEEP_INTERVAL_MS = MINUTE_MS
/** First and longest wait between two attempts to join. */
export const JOIN_RETRY_FIRST_MS = 5 * SECOND_MS
export const JOIN_RETRY_MAX_MS = 10 * MINUTE_MS
/** Entries that are kept for joining. */
export const ENTRIES_MAX_COUNT = 64

/** Boxes of one slice of repair. As many as one question about many boxes holds. */
export const REPAIR_SLICE_COUNT = 128
/** Rest between two slices, so that repair never is a burst. Guessed: a million boxes take 13 minutes. */
export const REPAIR_PAUSE_MS = 100
/** Copies on their way at once. */
export const REPAIR_PUSHES_COUNT = 4
/**
 * Share of boxes that a replica looks after though one before it says that it has the box: a host that says so and does
 * nothing cannot keep a box from being repaired for long.
 */
export const REPAIR_ANYWAY_SHARE = 0.125
/** A replica that is gone starts repair after a random time up to this share of the repair interval. */
export const REPAIR_SOON_SHARE = 1 / 24
