/**
 * Question: how long does a box take from its writer to its reader with each profile, against the table of METADATA §3.5?
 * The shipped clients, couriers, intermediates and hosts in virtual time; every hop, onions and mesh alike, takes a one-way
 * time drawn from the law that the table assumes. Never counts what a host would add on a slow machine: crypto and disks take no time here.
 * @module
 */

import { HOUR_MS, hexEncode, MINUTE_MS } from '../src/base/index.ts'
import { createProfileClock } from '../src/mailbox/client/profile-clock.ts'
import {
  type ClientFunctions,
  createMailboxClient,
  type MailboxClient,
  type MailboxOwner,
  type MailboxParameters,
  sealBox,
} from '../src/mailbox/index.ts'
import { type ProfileName, profileOf } from '../src/padding/index.ts'
import { ONION_MEDIAN_MS, ONION_SIGMA } from '../src/padding/options.ts'
import type { Clock, KeyValueStore, Random, RecordNetwork } from '../src/ports/index.ts'
import { createMemoryStore } from '../src/store/index.ts'
import { BOX_BODY_BYTES, encodeBox, type HostEntry } from '../src/wire/index.ts'
import { CLIENT_WORLD_FUNCTIONS, newBoxKeys } from '../test/support/mailbox-client-world.ts'
import { createHostWorld } from '../test/support/mailbox-world.ts'
import { createSeededRandom } from '../test/support/seeded-random.ts'
import { silentLogger } from '../test/support/silent-logger.ts'

/** What a reader expects: the very next box of a conversation, or one of somebody who has not written for long. */
const TEMPERATURES = ['hot', 'cold'] as const
export type Temperature = (typeof TEMPERATURES)[number]

export interface LatencyOptions {
  readonly profile: ProfileName
  readonly hosts: number
  /** In a ring: each writes to the next and reads from the one before. */
  readonly clients: number
  /** Of each temperature, over all clients; more of one is left out. */
  readonly messages: number
  readonly seed: number
  readonly report?: (line: string) => void
}

export interface Quantiles {
  readonly n: number
  readonly meanS: number
  readonly p50S: number
  readonly p95S: number
  readonly p99S: number
}

export interface LatencySummary {
  /** No bulk window was open at either end. */
  readonly hot: Quantiles
  readonly cold: Quantiles
  /** A bulk window was open at one end or both, of either temperature. */
  readonly inWindows: Quantiles | undefined
  /** Until the record with the box has left, and from then on; means. */
  readonly untilSentS: number
  readonly hotAfterSentS: number
  readonly coldAfterSentS: number
}

export interface LatencyResult extends LatencySummary {
  readonly profile: ProfileName
  readonly hosts: number
  readonly clients: number
  readonly oneWay: { readonly medianS: number; readonly sigma: number }
  readonly virtualHours: number
  /** Every box came. */
  readonly isSound: boolean
}

export interface Sample {
  readonly temperature: Temperature
  readonly latencyMs: number
  readonly untilSentMs: number
  readonly isInWindow: boolean
}

export interface Party {
  readonly client: MailboxClient
  /** Resolves when the box is read here. */
  expect(boxId: Uint8Array): Promise<void>
  write(bytes: Uint8Array, boxId: string): Promise<number>
  inWindow(): boolean
  stop(): Promise<void>
}

/** Until loops come back at about the rate of every day: nine of ten do so within the first twelve hours. */
const WARM_UP_MS = 2 * HOUR_MS
const STEP_MS = 10 * MINUTE_MS

/** Log-normal one-way times, by Box and Muller. */
export function oneWayTimes(random: Random, scale = 1): () => number {
  return () => {
    const normal = Math.sqrt(-2 * Math.log(1 - random.uniform())) * Math.cos(2 * Math.PI * random.uniform())
    return (ONION_MEDIAN_MS * Math.exp(ONION_SIGMA * normal)) / scale
  }
}

/** A store in which the profile is in force already. */
export async function storeWith(profile: ProfileName, clock: Clock, epochMs: number): Promise<KeyValueStore> {
  const store = createMemoryStore()
  const random: Random = { bytes: (length) => new Uint8Array(length), uniform: () => 0 }
  await createProfileClock({ clock, logger: silentLogger, random, store, epochMs }).set(profile)
  return store
}

/** Where a party lives: in a world of hosts, or on a private Tor network. */
export interface Surroundings {
  readonly clock: Clock
  readonly parameters: MailboxParameters
  readonly network: RecordNetwork
  readonly entry: HostEntry
  readonly functions?: ClientFunctions
}

export async function createParty(deps: Surroundings, profile: ProfileName, seed: number): Promise<Party> {
  const { clock, network, parameters } = deps
  const queue: { readonly bytes: Uint8Array; readonly boxId: string; isGiven: boolean }[] = []
  const expected = new Map<string, () => void>()
  const sent = new Map<string, (atMs: number) => void>()
  const find = (boxId: Uint8Array): number => queue.findIndex((entry) => entry.boxId === hexEncode(boxId))
  const giveBack = (boxId: Uint8Array): void => {
    const entry = queue[find(boxId)]
    if (entry !== undefined) entry.isGiven = false
  }
  const owner: MailboxOwner = {
    async nextWrite() {
      const entry = queue.find(({ isGiven }) => !isGiven)
      if (entry !== undefined) entry.isGiven = true
      return entry?.bytes
    },
    onWriteDropped: async (boxId) => giveBack(boxId),
    onWriteSent: async (boxId) => sent.get(hexEncode(boxId))?.(clock.monotonicMs()),
    async onWriteResult(boxId, { status }) {
      if (status === 'stored') queue.splice(find(boxId), 1)
      else giveBack(boxId)
    },
    async onBox({ boxId }) {
      expected.get(hexEncode(boxId))?.()
      return undefined
    },
    nextFetch: () => undefined,
    onFetchMissed: () => undefined,
  }
  const client = createMailboxClient({
    clock,
    random: createSeededRandom(seed),
    contentRandom: createSeededRandom(seed + 1_000_000),
    logger: silentLogger,
    network,
    store: await storeWith(profile, clock, parameters.epochMs),
    parameters,
    owner,
    ...(deps.functions && { functions: deps.functions }),
    onFailure: (error) => {
      throw error
    },
  })
  await client.addHosts([deps.entry])
  await client.start()
  return {
    client,
    expect: (boxId) => new Promise((resolve) => expected.set(hexEncode(boxId), resolve)),
    write: (bytes, boxId) =>
      new Promise((resolve) => {
        sent.set(boxId, resolve)
        queue.push({ bytes, boxId, isGiven: false })
      }),
    inWindow: () => client.bulk().slotsLeft > 0,
    async stop() {
      await client.stop()
      await network.stop()
    },
  }
}

/** One box at a time from here to there, each begun at a moment that no slot knows. */
export async function converse(
  clock: Clock,
  [writer, reader]: readonly [Party, Party],
  random: Random,
  pauseMs: number,
  count: number,
  take: (sample: Sample) => void,
): Promise<void> {
  for (let index = 0; index < count; index += 1) {
    const temperature = TEMPERATURES[index % TEMPERATURES.length] ?? 'hot'
    const keys = newBoxKeys()
    const bytes = encodeBox(sealBox(keys, new Uint8Array(BOX_BODY_BYTES)))
    const isHot = temperature === 'hot'
    const read = reader.expect(keys.boxId)
    reader.client.watch(keys.boxId, { hot: isHot, next: isHot })
    await clock.sleep(random.uniform() * pauseMs)
    const startMs = clock.monotonicMs()
    const wasInWindow = writer.inWindow() || reader.inWindow()
    const sentAtMs = await writer.write(bytes, hexEncode(keys.boxId))
    await read
    take({
      temperature,
      latencyMs: clock.monotonicMs() - startMs,
      untilSentMs: sentAtMs - startMs,
      isInWindow: wasInWindow || writer.inWindow() || reader.inWindow(),
    })
  }
}

export async function measureLatency(options: LatencyOptions): Promise<LatencyResult> {
  const { profile, seed } = options
  const random = createSeededRandom(seed)
  const world = await createHostWorld({
    hosts: options.hosts,
    seed,
    latencyMs: oneWayTimes(createSeededRandom(seed + 1)),
  })
  const { clock, parameters } = world
  const parties: Party[] = []
  for (let index = 0; index < options.clients; index += 1) {
    const network = world.recordHub.createNetwork()
    const surroundings = { clock, parameters, network, entry: world.host(0).entry, functions: CLIENT_WORLD_FUNCTIONS }
    parties.push(await createParty(surroundings, profile, seed * 1_000 + index))
  }
  await clock.advanceUntil(() => parties.every(({ client }) => client.status().hosts === options.hosts), 48 * HOUR_MS)
  await clock.advance(WARM_UP_MS)
  const samples: Sample[] = []
  const perParty = Math.ceil((TEMPERATURES.length * options.messages) / parties.length)
  // Twice the mean of the write slots: the slot of one message says nothing of the next one's.
  const pauseMs = 2 * profileOf(profile).write.meanMs
  const over = new AbortController()
  const talks = Promise.all(
    parties.map((writer, index) => {
      const reader = parties[(index + 1) % parties.length] ?? writer
      return converse(clock, [writer, reader], random, pauseMs, perParty, (sample) => samples.push(sample))
    }),
  ).then(() => over.abort())
  for (let steps = 0; !over.signal.aborted; steps += 1) {
    await clock.advance(STEP_MS)
    if (steps % 6 === 0) options.report?.(`${profile}: ${samples.length} boxes, ${(steps * STEP_MS) / HOUR_MS} h`)
  }
  await talks
  const virtualHours = clock.monotonicMs() / HOUR_MS
  for (const party of parties) await world.run(party.stop())
  await world.stop()
  if (world.failures.length > 0) throw world.failures[0]

  return {
    profile,
    hosts: options.hosts,
    clients: options.clients,
    oneWay: { medianS: ONION_MEDIAN_MS / 1_000, sigma: ONION_SIGMA },
    ...summarize(samples),
    virtualHours: Math.round(virtualHours),
    isSound: samples.length === perParty * parties.length,
  }
}

/** Times `scale`, for a clock that ran so many times as fast. */
export function summarize(samples: readonly Sample[], scale = 1): LatencySummary {
  const outside = samples.filter(({ isInWindow }) => !isInWindow)
  const windows = samples.filter(({ isInWindow }) => isInWindow)
  const hot = outside.filter(({ temperature }) => temperature === 'hot')
  const cold = outside.filter(({ temperature }) => temperature === 'cold')
  const times = (some: readonly Sample[]): number[] => some.map(({ latencyMs }) => latencyMs * scale)
  const afterSent = (some: readonly Sample[]): number =>
    meanS(some.map(({ latencyMs, untilSentMs }) => (latencyMs - untilSentMs) * scale))
  return {
    hot: quantilesOf(times(hot)),
    cold: quantilesOf(times(cold)),
    inWindows: windows.length === 0 ? undefined : quantilesOf(times(windows)),
    untilSentS: meanS(outside.map(({ untilSentMs }) => untilSentMs * scale)),
    hotAfterSentS: afterSent(hot),
    coldAfterSentS: afterSent(cold),
  }
}

function meanS(valuesMs: readonly number[]): number {
  return rounded(valuesMs.reduce((sum, value) => sum + value, 0) / valuesMs.length)
}

function rounded(ms: number): number {
  return Math.round(ms / 100) / 10
}

function quantilesOf(timesMs: readonly number[]): Quantiles {
  const sorted = [...timesMs].sort((a, b) => a - b)
  const at = (share: number): number => rounded(sorted[Math.floor(share * sorted.length)] ?? Number.NaN)
  return { n: sorted.length, meanS: meanS(sorted), p50S: at(0.5), p95S: at(0.95), p99S: at(0.99) }
}
