/**
 * Question: what does each profile spend in a day, by lane, against the table of METADATA §3.5?
 * The shipped client in virtual time over days: every record is counted at the network port and asked its kind, and
 * the client's own meter must have counted the same. Couriers are the shipped ones for what opens a link and for table pages;
 * writes and reads are answered in their place, without cryptography, which changes no count.
 * Never a figure of one lane alone: what the port saw and what the lanes add up to must be equal.
 * @module
 */
import { DAY_MS, HOUR_MS } from '../src/base/index.ts'
import { CLIENT_FUNCTIONS, type ClientFunctions, createMailboxClient, type MailboxOwner } from '../src/mailbox/index.ts'
import { type ProfileName, profileOf, TRAFFIC_LANES, type TrafficLane } from '../src/padding/index.ts'
import { ONION_MEDIAN_MS } from '../src/padding/options.ts'
import type { Clock, RecordLink, RecordNetwork } from '../src/ports/index.ts'
import {
  BOX_CIPHERTEXT_BYTES,
  CHECK_REPLY_BYTES,
  type CourierRequest,
  decodeCourierRequest,
  encodeCourierAnswer,
  encodeFetchReply,
  encodeStoreReply,
  READ_CHECK_COUNT,
  RECORD_LINK_BYTES,
  REPLY_SEAL_BYTES,
  REQUEST_SEAL_BYTES,
  SIGNATURE_BYTES,
} from '../src/wire/index.ts'
import { CLIENT_WORLD_FUNCTIONS } from '../test/support/mailbox-client-world.ts'
import { createHostWorld, type HostWorld } from '../test/support/mailbox-world.ts'
import { createSeededRandom } from '../test/support/seeded-random.ts'
import { silentLogger } from '../test/support/silent-logger.ts'
import { storeWith } from './profile-latency.ts'

export interface BytesOptions {
  readonly profile: ProfileName
  readonly days: number
  readonly seed: number
}

export interface BytesResult {
  readonly profile: ProfileName
  readonly days: number
  /** MB a day on the link to the guard, both ways, by lane; tor's own traffic is not in it. */
  readonly megabytesPerDay: Readonly<Partial<Record<TrafficLane, number>>>
  /** Lanes W, R and M with the set-up of links: what METADATA §3.5 tells. */
  readonly shapedMegabytesPerDay: number
  readonly tableMegabytesPerDay: number
  readonly deviationPercent: number
  readonly bulkMegabytesPerDay: number
  readonly recordsUp: number
  readonly recordsDown: number
  /** The port's counts and the meter's are equal, and the deviation is at most 3 %. */
  readonly isSound: boolean
}

/** METADATA §3.5, MB a day; Low by its formula, which the table rounds to 1.9. */
const TABLE: Readonly<Partial<Record<ProfileName, number>>> = { low: 1.93, balanced: 38.6, fast: 115.8, paranoid: 38.6 }
const DEVIATION_MAX_PERCENT = 3
const HOSTS = 4

function sealed(reply: Uint8Array): Uint8Array {
  return Uint8Array.from([...new Uint8Array(REPLY_SEAL_BYTES), ...reply])
}

const STORED = sealed(encodeStoreReply({ status: 'stored', receipts: [] }))
const MISSING = sealed(encodeFetchReply(undefined))
const MISS = new Uint8Array(CHECK_REPLY_BYTES)

/** Nothing is sealed or signed: boxes are stored because the answer says so, and none is ever found. */
const PLAIN_FUNCTIONS: ClientFunctions = {
  ...CLIENT_FUNCTIONS,
  ...CLIENT_WORLD_FUNCTIONS,
  sealRequest: (_sealKey, _hostKey, bytes) => new Uint8Array(REQUEST_SEAL_BYTES + bytes.length),
  openReply: (_key, reply) => reply.subarray(REPLY_SEAL_BYTES),
  readCheckReply: () => false,
  sealBox: ({ boxId }) => ({
    boxId,
    signature: new Uint8Array(SIGNATURE_BYTES),
    ciphertext: new Uint8Array(BOX_CIPHERTEXT_BYTES),
  }),
  countReceipts: ({ closest, nowMs }) => ({
    hosts: closest.slice(0, 1),
    replicas: 1,
    wanted: 1,
    quorum: 1,
    stored: true,
    untilMs: nowMs + DAY_MS,
  }),
}

const OWNER: MailboxOwner = {
  nextWrite: async () => undefined,
  onWriteDropped: async () => undefined,
  onWriteSent: async () => undefined,
  onWriteResult: async () => undefined,
  onBox: async () => undefined,
  nextFetch: () => undefined,
  onFetchMissed: () => undefined,
}

function answerTo(request: CourierRequest & { readonly kind: 'write' | 'read' }): Uint8Array {
  const { firstTag, kind } = request
  const replies = kind === 'write' ? [STORED] : [...Array.from({ length: READ_CHECK_COUNT }, () => MISS), MISSING]
  return encodeCourierAnswer({
    kind: 'replies',
    replies: replies.map((reply, index) => ({ tag: (firstTag + index) % 2 ** 16, reply })),
  })
}

/** A link whose writes and reads are answered here, as late as a courier would; the rest goes through. */
function shortCut(
  clock: Clock,
  link: RecordLink,
  holdMs: number,
  note: (direction: 'up' | 'down') => void,
): RecordLink {
  /** Undefined is the end. */
  const arrived: (Uint8Array | undefined)[] = []
  let wake: (() => void) | undefined
  const push = (record: Uint8Array | undefined): void => {
    arrived.push(record)
    wake?.()
  }
  const pump = async (): Promise<void> => {
    for (;;) {
      const record = await link.receive()
      push(record)
      if (record === undefined) return
    }
  }
  void pump()
  return {
    ...link,
    async send(record) {
      note('up')
      const request = decodeCourierRequest(record)
      if (request?.kind !== 'write' && request?.kind !== 'read') return link.send(record)
      void clock.sleep(2 * ONION_MEDIAN_MS + holdMs).then(() => push(answerTo(request)))
    },
    async receive() {
      while (arrived.length === 0) {
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      }
      // The end stays.
      const record = arrived[0] === undefined ? undefined : arrived.shift()
      if (record !== undefined) note('down')
      return record
    },
  }
}

export async function measureBytes(options: BytesOptions): Promise<BytesResult> {
  const { days, profile, seed } = options
  const world: HostWorld = await createHostWorld({ hosts: HOSTS, seed, latencyMs: ONION_MEDIAN_MS })
  const { clock, parameters } = world
  const port = { up: 0, down: 0 }
  const lanes = new Map(TRAFFIC_LANES.map((lane) => [lane, { up: 0, down: 0 }]))
  const inner = world.recordHub.createNetwork()
  const { courierHoldMs } = profileOf(profile)
  const network: RecordNetwork = {
    ...inner,
    async dial(dial) {
      const link = await inner.dial(dial)
      // A courier ends a session that is silent for half an hour, and table records alone are rarer with Low.
      const isAll = profile === 'low'
      return isAll ? counted(link, port) : shortCut(clock, link, courierHoldMs, (direction) => (port[direction] += 1))
    },
  }
  const client = createMailboxClient({
    clock,
    random: createSeededRandom(seed),
    contentRandom: createSeededRandom(seed + 1_000_000),
    logger: silentLogger,
    network,
    store: await storeWith(profile, clock, parameters.epochMs),
    parameters,
    owner: OWNER,
    functions: profile === 'low' ? CLIENT_WORLD_FUNCTIONS : PLAIN_FUNCTIONS,
    traffic: {
      note(lane, direction) {
        const counts = lanes.get(lane)
        if (counts !== undefined) counts[direction] += 1
      },
    },
    onFailure: (error) => world.failures.push(error),
  })
  await client.addHosts([world.host(0).entry])
  await client.start()
  for (let hours = 0; hours < 24 * days; hours += 1) await clock.advance(HOUR_MS)
  await world.run(client.stop())
  await network.stop()
  await world.stop()
  if (world.failures.length > 0) throw world.failures[0]

  const perDay = (records: number): number => (records * RECORD_LINK_BYTES) / 2 / days / 1e6
  const megabytes = (lane: TrafficLane): number => {
    const { up, down } = lanes.get(lane) ?? { up: 0, down: 0 }
    return perDay(up + down)
  }
  const shaped = megabytes('write') + megabytes('read') + megabytes('table') + megabytes('setup')
  const table = TABLE[profile] ?? Number.NaN
  const deviationPercent = (100 * (shaped - table)) / table
  const counts = [...lanes.values()]
  const isCounted = (direction: 'up' | 'down'): boolean =>
    counts.reduce((sum, count) => sum + count[direction], 0) === port[direction]
  const isEqual = isCounted('up') && isCounted('down')
  return {
    profile,
    days,
    megabytesPerDay: Object.fromEntries(
      TRAFFIC_LANES.filter((lane) => lane !== 'live').map((lane) => [lane, rounded(megabytes(lane))]),
    ),
    shapedMegabytesPerDay: rounded(shaped),
    tableMegabytesPerDay: table,
    deviationPercent: rounded(deviationPercent),
    bulkMegabytesPerDay: rounded(megabytes('bulk')),
    recordsUp: port.up,
    recordsDown: port.down,
    isSound: isEqual && Math.abs(deviationPercent) <= DEVIATION_MAX_PERCENT,
  }
}

function counted(link: RecordLink, port: { up: number; down: number }): RecordLink {
  return {
    ...link,
    send(record) {
      port.up += 1
      return link.send(record)
    },
    async receive() {
      const record = await link.receive()
      if (record !== undefined) port.down += 1
      return record
    },
  }
}

function rounded(value: number): number {
  return Math.round(value * 1_000) / 1_000
}
