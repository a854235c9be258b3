/**
 * Every number of the mailboxes, each with its reason.
 * Never set one by one from configuration: a network shares them, and a rhythm of one's own would be a fingerprint.
 * Spec 03-mailbox §10.
 * @module
 */
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from '../base/index.ts'
import { EPOCH_MS } from '../padding/index.ts'

/** Times and work that all nodes of one network share; test networks run them faster and cheaper. */
export interface MailboxParameters {
  /** So many times as fast go the rhythms of all profiles; 1 but for test networks. */
  readonly speed: number
  /** Leading zero bits of a host's work, once a work period; about ten minutes of one core. METADATA §4.4. */
  readonly hostWorkBits: number
  /** Leading zero bits of a client's work, once a courier session; about half a minute of one core. METADATA §4.4. */
  readonly sessionWorkBits: number
  /** How long one pair of couriers is used, and how long the next one is there before. METADATA §4.1. */
  readonly epochMs: number
  readonly epochOverlapMs: number
  /** Least time between two records of one session, on average: half the mean of the slots in a bulk window. METADATA §4.4. */
  readonly courierRecordIntervalMs: number
  /** A host answers at the next multiple of this, so that a hit takes as long as a miss. METADATA §3.8. */
  readonly answerBucketMs: number
  /** Without an answer for so long, a request counts as lost. */
  readonly requestTimeoutMs: number
  /** A host tries another host for so long. TORNET §2.3. */
  readonly meshTimeoutMs: number
  /** How often a host signs a new descriptor, and the descriptor's life. */
  readonly descriptorRenewMs: number
  readonly descriptorLifetimeMs: number
  /** How often a host takes a new seal key; the two before stay readable. */
  readonly sealEpochMs: number
  /** How often a host compares its table with another's, and how often it crawls. */
  readonly gossipIntervalMs: number
  readonly crawlIntervalMs: number
  /** Between two looks of a host at whether its boxes have their replicas. METADATA §4.5. */
  readonly repairIntervalMs: number
  /** A host that has not answered for so long is passed over in repair. METADATA §4.5: twelve hours. */
  readonly deadAfterMs: number
  /** Delivery receipts that find no message to ride with wait between one and three of these. METADATA §3.7. */
  readonly receiptDelayMs: number
}

export const MAILBOX_PARAMETERS: MailboxParameters = {
  speed: 1,
  hostWorkBits: 16,
  sessionWorkBits: 12,
  epochMs: EPOCH_MS,
  epochOverlapMs: 10 * MINUTE_MS,
  courierRecordIntervalMs: 500,
  answerBucketMs: 250,
  requestTimeoutMs: 2 * MINUTE_MS,
  meshTimeoutMs: 30 * SECOND_MS,
  descriptorRenewMs: 6 * HOUR_MS,
  descriptorLifetimeMs: 48 * HOUR_MS,
  sealEpochMs: 24 * HOUR_MS,
  gossipIntervalMs: 5 * MINUTE_MS,
  crawlIntervalMs: HOUR_MS,
  repairIntervalMs: DAY_MS,
  deadAfterMs: 12 * HOUR_MS,
  receiptDelayMs: 10 * MINUTE_MS,
}

/**
 * The parameters of a test network: rhythms `speed` times as fast, and as little work as can be checked. Lives of boxes
 * and descriptors stay, and so does what a host is given to answer.
 */
export function testParameters(speed: number): MailboxParameters {
  const p = MAILBOX_PARAMETERS
  const fast = (ms: number): number => Math.max(1, Math.round(ms / speed))
  return {
    ...p,
    speed,
    hostWorkBits: 2,
    sessionWorkBits: 2,
    epochMs: fast(p.epochMs),
    epochOverlapMs: fast(p.epochOverlapMs),
    courierRecordIntervalMs: fast(p.courierRecordIntervalMs),
    answerBucketMs: fast(p.answerBucketMs),
    // Tor is no faster on a test network's clock: what waits for it keeps time for it.
    requestTimeoutMs: Math.max(20 * SECOND_MS, fast(p.requestTimeoutMs)),
    meshTimeoutMs: Math.max(10 * SECOND_MS, fast(p.meshTimeoutMs)),
    gossipIntervalMs: fast(p.gossipIntervalMs),
    crawlIntervalMs: fast(p.crawlIntervalMs),
    repairIntervalMs: fast(p.repairIntervalMs),
    deadAfterMs: Math.max(30 * SECOND_MS, fast(p.deadAfterMs)),
    receiptDelayMs: fast(p.receiptDelayMs),
  }
}

/** How long a host keeps a box, and the longest an expiry may lie ahead. METADATA §4.5. */
export const BOX_LIFETIME_MS = 14 * DAY_MS

/**
 * A receipt for less does not count, unless it is as long as a copy from the first write would last: an intermediate can ask
 * hosts to keep a box for minutes, and the first write wins. Half a life leaves room for boxes of which nobody knows when
 * they left for the first time.
 */
export const RECEIPT_LEFT_MIN_MS = BOX_LIFETIME_MS / 2

/** Receipts without which a box does not count as stored, or all hosts where there are fewer. DESIGN §7. */
export const STORED_QUORUM_COUNT = 2

/** Clocks of two honest nodes may differ by so much. */
export const CLOCK_TOLERANCE_MS = 2 * HOUR_MS

/** Ids that a reader looks for beyond the highest it has read. CRYPTO §2d. */
export const BOX_WINDOW_COUNT = 3

/** One work period; each host moves to its next one at a time of its own. METADATA §4.4. */
export const WORK_PERIOD_MS = 30 * DAY_MS

/** Hosts in a table; above that it would have to be sharded (DESIGN §7). Bounds memory and a liar's page. */
export const HOST_TABLE_MAX_COUNT = 20_000

/** Names the protocol between client and courier. */
export const COURIER_PROTOCOL = '/noctule/courier/1'

/**
 * One try of a proof of work: 4 MiB and about nine milliseconds of one core, so that who checks it pays little and who
 * makes it cannot make it cheap with special machines. METADATA §4.4.
 */
export const WORK_COST = { cost: 2 ** 12, blockSize: 8, parallelism: 1 } as const

/** Boxes of one chain that the reader has passed over and still looks for; bounds state and checks. Guessed. */
export const MISSING_BOX_MAX_COUNT = 64

/** Chains that the other side has left and that may still have unread boxes, as many as the session keeps. CRYPTO §2d. */
export const PAST_BOX_CHAIN_MAX_COUNT = 5

/** Requests that an intermediate remembers in order to refuse their repetition: an hour of a busy host, 2 MB. Guessed. */
export const SEEN_REQUEST_MAX_COUNT = 65_536

/** Checks of a read record that go to hot ids first, the others to cold ones first. METADATA §3.4; the split is guessed. */
export const HOT_CHECK_COUNT = 8

/** Read slots during which an id stays hot: ten minutes of Balanced. Guessed. */
export const HOT_SLOT_COUNT = 40

/** Failed fetches of an id before it goes back to being checked: a host may have lied about having it. Guessed. */
export const FETCH_TRY_COUNT = 4

/** A host that loses more than this in one role is left out, once so many probes have depended on it. METADATA §4.4. */
export const EXCLUSION_LOSS = 0.05
export const EXCLUSION_MIN_PROBES = 50

/** Of the normal distribution: the bound holds in 97.5 % of cases. */
export const WILSON_Z = 1.96

/** Hosts that may be left out at most: beyond it the fault is our own or the network's. Guessed. */
export const EXCLUDED_SHARE_MAX = 0.5

/** Probes after which a host's record counts half: about two days of a courier under Balanced. Guessed. */
export const SCORE_AGE_COUNT = 500

/** A host of which nothing is learnt is forgiven at this rate; excluded ones come back within days. Guessed. */
export const SCORE_HALF_LIFE_MS = 2 * DAY_MS

/** What a host that nothing is known of is expected to lose, and how many probes that guess is worth. Guessed. */
export const LOSS_PRIOR = 0.02
export const LOSS_PRIOR_WEIGHT = 10
