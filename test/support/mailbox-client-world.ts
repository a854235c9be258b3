/**
 * Mailbox clients in virtual time, with owners that remember everything they were told, on the hosts of `mailbox-world.ts`.
 * Never real work or real time; what a client sends is written down as an observer beside it sees it.
 * @module
 */
import { AppError, hexEncode } from '../../src/base/index.ts'
import { randomBytes } from '../../src/crypto/index.ts'
import {
  type BoxKeys,
  CLIENT_FUNCTIONS,
  type ClientFunctions,
  createMailboxClient,
  deriveBoxKeys,
  type MailboxClient,
  type MailboxOwner,
  sealBox,
  signTombstone,
  type WriteResult,
} from '../../src/mailbox/index.ts'
import type { TrafficMeter } from '../../src/padding/index.ts'
import type { Clock, KeyValueStore, RecordLink, RecordNetwork } from '../../src/ports/index.ts'
import { createMemoryStore } from '../../src/store/index.ts'
import { BOX_BODY_BYTES, type Box, encodeBox, type HostEntry } from '../../src/wire/index.ts'
import { type HostWorld, WORLD_FUNCTIONS } from './mailbox-world.ts'
import { createSeededRandom } from './seeded-random.ts'
import { silentLogger } from './silent-logger.ts'

/** No work, and descriptors as the world's hosts believe them. */
export const CLIENT_WORLD_FUNCTIONS: ClientFunctions = {
  ...CLIENT_FUNCTIONS,
  checkHostDescriptor: WORLD_FUNCTIONS.checkHostDescriptor,
  async mintSessionWork(context, nowMs, signal) {
    signal.throwIfAborted()
    return { period: Math.floor(nowMs / context.epochMs), nonce: 1 }
  },
}

export interface TestClientOptions {
  readonly seed: number
  /** Default: host 0. */
  readonly entries?: readonly HostEntry[]
  readonly functions?: Partial<ClientFunctions>
  readonly store?: KeyValueStore
  /** What becomes of a record on its way down to the client; several make several, none none. Default: itself. */
  readonly tamper?: (record: Uint8Array, hostKey: string) => readonly Uint8Array[]
  /** Draws the content from the stream of the slots: what no client may do. */
  readonly sharesRandom?: boolean
  /** Called when the owner gets a box; what it throws is what the owner's disk did. */
  readonly onBox?: (box: Box) => void
  readonly nextFetch?: () => Uint8Array | undefined
  /** Told of each record up, before it leaves. */
  readonly onUp?: (record: Uint8Array) => void
  readonly traffic?: Pick<TrafficMeter, 'note'>
  readonly onFetchMissed?: (boxId: Uint8Array) => void
}

export interface TestClient {
  readonly client: MailboxClient
  /** What an observer of its links sees: time, courier by its order of appearance, and length of each record up. */
  readonly trace: readonly string[]
  /** Hexadecimal host keys of couriers in the order of their appearance, one for each link. */
  readonly dialled: readonly string[]
  readonly isolations: readonly string[]
  readonly seeds: readonly string[]
  readonly results: readonly { readonly boxId: string; readonly result: WriteResult }[]
  readonly sent: readonly string[]
  /** Boxes that the owner took, in order. */
  readonly boxes: readonly Box[]
  readonly failures: readonly unknown[]
  /** Writes that the owner still wants. */
  waiting(): number
  /** Puts a box into the owner's queue; the same bytes again for the same keys and filling. */
  write(keys?: BoxKeys, fill?: number): BoxKeys
  watch(keys: BoxKeys, hot?: boolean): void
  /** The links that are open, so that a test can misuse them. */
  links(): readonly RecordLink[]
  resultOf(keys: BoxKeys): WriteResult | undefined
  hasRead(keys: BoxKeys): boolean
  stop(): Promise<void>
}

export function newBoxKeys(): BoxKeys {
  return deriveBoxKeys(randomBytes(32))
}

/** What a client needs of the hosts that it is put among. */
export interface ClientWorld extends Pick<HostWorld, 'parameters' | 'run'> {
  readonly clock: Clock & Pick<HostWorld['clock'], 'advance' | 'advanceUntil'>
  readonly recordHub: Pick<HostWorld['recordHub'], 'createNetwork'>
  host(number: number): { readonly entry: HostEntry }
}

export async function createTestClient(world: ClientWorld, options: TestClientOptions): Promise<TestClient> {
  const queue: { readonly id: string; readonly bytes: Uint8Array; inFlight: boolean }[] = []
  const made = new Map<string, Uint8Array>()
  const watched = new Map<string, BoxKeys>()
  const trace: string[] = []
  const dialled: string[] = []
  const isolations: string[] = []
  const seeds: string[] = []
  const results: { boxId: string; result: WriteResult }[] = []
  const sent: string[] = []
  const boxes: Box[] = []
  const failures: unknown[] = []
  const links = new Set<RecordLink>()

  const owner: MailboxOwner = {
    async nextWrite() {
      const entry = queue.find(({ inFlight }) => !inFlight)
      if (entry !== undefined) entry.inFlight = true
      return entry?.bytes
    },
    async onWriteDropped(boxId) {
      const entry = queue.find(({ id }) => id === hexEncode(boxId))
      if (entry !== undefined) entry.inFlight = false
    },
    async onWriteSent(boxId) {
      sent.push(hexEncode(boxId))
    },
    async onWriteResult(boxId, result) {
      const id = hexEncode(boxId)
      results.push({ boxId: id, result })
      const at = queue.findIndex((entry) => entry.id === id)
      const entry = queue[at]
      if (entry === undefined) return
      entry.inFlight = false
      if (result.status === 'stored' || result.status === 'conflict') queue.splice(at, 1)
    },
    async onBox(box) {
      options.onBox?.(box)
      boxes.push(box)
      const keys = watched.get(hexEncode(box.boxId))
      return keys && signTombstone(keys)
    },
    nextFetch: () => options.nextFetch?.(),
    onFetchMissed: (boxId) => options.onFetchMissed?.(boxId),
  }

  const inner = world.recordHub.createNetwork()
  const network: RecordNetwork = {
    ...inner,
    async dial(dial) {
      const link = await inner.dial(dial)
      dialled.push(hexEncode(dial.remoteKey ?? new Uint8Array(0)))
      isolations.push(dial.isolation)
      seeds.push(hexEncode(dial.localSeed))
      const name = dialled.length
      const hostKey = dialled.at(-1) ?? ''
      const waiting: Uint8Array[] = []
      const seen: RecordLink = {
        ...link,
        send(record) {
          options.onUp?.(record)
          trace.push(`${Math.round(world.clock.monotonicMs())} ${name} ${record.length}`)
          return link.send(record)
        },
        async receive() {
          while (waiting.length === 0) {
            const record = await link.receive()
            if (record === undefined) return undefined
            waiting.push(...(options.tamper?.(record, hostKey) ?? [record]))
          }
          return waiting.shift()
        },
      }
      links.add(seen)
      void link.closed.then(() => links.delete(seen))
      return seen
    },
  }
  const random = createSeededRandom(options.seed)
  const client = createMailboxClient({
    clock: world.clock,
    random,
    contentRandom: options.sharesRandom === true ? random : createSeededRandom(options.seed + 1_000_000),
    logger: silentLogger,
    network,
    store: options.store ?? createMemoryStore(),
    parameters: world.parameters,
    ...(options.traffic === undefined ? {} : { traffic: options.traffic }),
    owner,
    functions: { ...CLIENT_WORLD_FUNCTIONS, ...options.functions },
    onFailure: (error) => failures.push(error),
  })
  await client.addHosts(options.entries ?? [world.host(0).entry])
  await client.start()

  return {
    client,
    trace,
    dialled,
    isolations,
    seeds,
    results,
    sent,
    boxes,
    failures,
    waiting: () => queue.length,
    write(keys = newBoxKeys(), fill = 1) {
      const id = hexEncode(keys.boxId)
      // A second seal of the same body would be another box.
      const bytes = made.get(`${id} ${fill}`) ?? encodeBox(sealBox(keys, new Uint8Array(BOX_BODY_BYTES).fill(fill)))
      made.set(`${id} ${fill}`, bytes)
      queue.push({ id, bytes, inFlight: false })
      return keys
    },
    watch(keys, hot = true) {
      watched.set(hexEncode(keys.boxId), keys)
      client.watch(keys.boxId, { hot })
    },
    links: () => [...links],
    resultOf: (keys) => results.findLast(({ boxId }) => boxId === hexEncode(keys.boxId))?.result,
    hasRead: (keys) => boxes.some(({ boxId }) => hexEncode(boxId) === hexEncode(keys.boxId)),
    async stop() {
      await world.run(client.stop())
      await network.stop()
    },
  }
}

/** What an owner's full disk says. */
export function diskFull(): AppError {
  return new AppError('STORE_FULL', { kind: 'environment', why: 'The disk is full.', remedy: 'Make room.' })
}
