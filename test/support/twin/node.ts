/**
 * The subject of a twin run: the shipped messenger, mailbox client, padding and RPC server on virtual time and a fake network.
 * Never another node in the busy twin: schedule and content have a seeded stream each, and nothing else is replaced but cost.
 * @module
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createProfileClock } from '../../../src/mailbox/client/profile-clock.ts'
import {
  createMailboxClient,
  type MailboxClient,
  type MailboxOwner,
  type MailboxParameters,
} from '../../../src/mailbox/index.ts'
import {
  type Messenger,
  openMessenger,
  SESSION_FUNCTIONS,
  type SessionFunctions,
} from '../../../src/messenger/index.ts'
import { createTrafficMeter, type ProfileName } from '../../../src/padding/index.ts'
import type { Clock, KeyValueStore, RecordNetwork, StoreOperation, TorStatus } from '../../../src/ports/index.ts'
import { connectRpc, createRpcServer, type RpcClient } from '../../../src/rpc/index.ts'
import { createMemoryStore } from '../../../src/store/index.ts'
import { diskFull } from '../mailbox-client-world.ts'
import { createMemoryFiles, type MemoryFiles } from '../memory-files.ts'
import { createSeededRandom } from '../seeded-random.ts'
import { silentLogger } from '../silent-logger.ts'
import type { TwinCodec } from './codec.ts'
import type { TwinHosts } from './hosts.ts'

export const TOR_READY: TorStatus = {
  stage: 'ready',
  bootstrapPercent: 100,
  bootstrapTag: 'done',
  mode: 'attached',
  version: undefined,
  lastError: undefined,
  warnings: [],
}

/** What a control does to a node: it stands between parts that are as shipped. */
export interface Wraps {
  readonly network: (network: RecordNetwork) => RecordNetwork
  readonly owner: (owner: MailboxOwner) => MailboxOwner
  readonly session: (session: SessionFunctions) => SessionFunctions
  readonly messenger: (messenger: Messenger) => Messenger
}

export interface TwinNodeOptions {
  readonly clock: Clock
  readonly network: RecordNetwork
  readonly hosts: TwinHosts
  readonly codec: TwinCodec
  readonly parameters: MailboxParameters
  readonly profile: ProfileName
  readonly seed: number
  /** Of a node that was there before; its own, when there was none. */
  readonly store?: KeyValueStore
  readonly wraps?: Partial<Wraps>
  /** Draws content from the stream of the schedule: what no node may do. */
  readonly sharesRandom?: boolean
}

export interface TwinNode {
  readonly messenger: Messenger
  readonly mailbox: MailboxClient
  readonly files: MemoryFiles
  /** What background tasks reported as bugs. */
  readonly failures: readonly unknown[]
  /** A front end comes. */
  connect(): Promise<RpcClient>
  /** While true, the disk of the node takes nothing. */
  fillDisk(isFull: boolean): void
  start(): Promise<void>
  stop(): Promise<void>
}

export async function createTwinNode(options: TwinNodeOptions): Promise<TwinNode> {
  const { clock, hosts, parameters, seed, wraps = {} } = options
  const streams = { schedule: createSeededRandom(seed), content: createSeededRandom(seed + 1_000_003) }
  const content = options.sharesRandom === true ? streams.schedule : streams.content
  const network = wraps.network?.(options.network) ?? options.network
  const failures: unknown[] = []
  const onFailure = (error: unknown): void => void failures.push(error)
  const inner = options.store ?? createMemoryStore()
  let isDiskFull = false
  const store: KeyValueStore = {
    ...inner,
    batch: (operations: readonly StoreOperation[]) =>
      isDiskFull ? Promise.reject(diskFull()) : inner.batch(operations),
  }
  if (options.store === undefined) await chooseProfile(options, store)
  const traffic = createTrafficMeter()
  const files = createMemoryFiles()
  const clients: MailboxClient[] = []
  const opened = await openMessenger({
    clock,
    random: content,
    clockRandom: streams.schedule,
    logger: silentLogger,
    store,
    files,
    tor: { status: () => TOR_READY },
    network,
    session: wraps.session?.(SESSION_FUNCTIONS) ?? SESSION_FUNCTIONS,
    traffic,
    mailbox: parameters,
    async createMailbox(owner) {
      const client = createMailboxClient({
        clock,
        random: streams.schedule,
        contentRandom: content,
        logger: silentLogger,
        network,
        store,
        traffic,
        parameters,
        owner: wraps.owner?.(owner) ?? owner,
        functions: options.codec.functions,
        onFailure,
      })
      await client.addHosts(hosts.entries.slice(0, 1))
      clients.push(client)
      return client
    },
    onFailure,
  })
  const messenger = wraps.messenger?.(opened) ?? opened
  const [mailbox] = clients
  if (mailbox === undefined) throw new Error('a messenger without a mailbox client')
  const directory = await mkdtemp(join(tmpdir(), 'noctule-twin-'))
  const socketPath = join(directory, 'run', 'rpc.sock')
  const rpc = createRpcServer({
    messenger,
    clock,
    logger: silentLogger,
    socketPath,
    version: '0.0.0',
    onShutdown: () => undefined,
  })
  return {
    messenger,
    mailbox,
    files,
    failures,
    connect: () => connectRpc(socketPath),
    fillDisk(isFull) {
      isDiskFull = isFull
    },
    async start() {
      await rpc.start()
      await messenger.start()
    },
    async stop() {
      await Promise.all([messenger.stop(), rpc.stop()])
      await rm(directory, { recursive: true, force: true })
    },
  }
}

/** As if it had been chosen long ago: a change takes effect at a time that is drawn. */
async function chooseProfile({ clock, parameters, profile }: TwinNodeOptions, store: KeyValueStore): Promise<void> {
  const random = { uniform: () => 0, bytes: (length: number) => new Uint8Array(length) }
  const profiles = createProfileClock({ clock, logger: silentLogger, random, store, epochMs: parameters.epochMs })
  await profiles.load()
  await profiles.set(profile)
}
