/**
 * What libp2p costs on top of a Tor stream: echo round trips and dials, each next to the same thing without libp2p.
 * Never compares across circuits: every circuit carries a raw stream, a libp2p stream and a record link at once, and they
 * take turns. Only in a network namespace that acknowledges at once do the figures mean anything (TORNET §1.3).
 * @module
 */
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'
import type { Libp2p, Stream } from '@libp2p/interface'
import { noise } from '@libp2p/noise'
import { yamux } from '@libp2p/yamux'
import { createLibp2p } from 'libp2p'
import { createEd25519Seed, createX25519KeyPair, deriveOnionKey, onionPublicKey } from '../../src/crypto/index.ts'
import { createSystemClock, createSystemRandom } from '../../src/daemon/index.ts'
import type { OnionAddress, OnionService, RecordLink, RecordNetwork, TorProvider } from '../../src/ports/index.ts'
import { CHILD_TOR_DEFAULTS, createTorProvider, TOR_DEFAULTS } from '../../src/tor/index.ts'
import {
  createRecordNetwork,
  ONION_VIRTUAL_PORT,
  onionMultiaddr,
  onionTransport,
  type UpgradeMode,
} from '../../src/transport/index.ts'
import { LANE_RECORD_BYTES, onionAddress } from '../../src/wire/index.ts'
import { silentLogger } from '../../test/support/silent-logger.ts'
import type { Tornet, TornetClient } from '../../test/support/tornet/index.ts'
import { type Figure, quantile } from './figures.ts'

const CIRCUITS = 5
const ECHOES_PER_CIRCUIT = 60
/** Longest pause in front of an echo; twice the tick of tor's scheduler. */
const PAUSE_MS = 20
const COLD_DIALS = 12
const WARM_DIALS = 20
const BOOT_LIMIT_MS = 60_000

/** One way to get bytes to the other side and back. */
interface EchoPath {
  echo(bytes: Uint8Array): Promise<void>
  close(): Promise<void>
}

type OpenPath = (isolation: string) => Promise<EchoPath>

interface Bench {
  readonly raw: OpenPath
  readonly stream: OpenPath
  readonly negotiated: OpenPath
  readonly link: OpenPath
  stop(): Promise<void>
}

export interface TransportBench {
  readonly figures: readonly Figure[]
  /** Median round trip of a raw stream, with which others are compared. */
  readonly rawRttMs: number
}

/** Takes a network whose relays run in the quickack namespace. */
export async function benchTransport(tornet: Tornet): Promise<TransportBench> {
  const [dialerTor, listenerTor] = tornet.clients
  if (dialerTor === undefined || listenerTor === undefined) throw new Error('the benchmark needs two clients')
  const directory = mkdtempSync(join(tmpdir(), 'noctule-bench-'))
  const dialer = await attach(dialerTor, join(directory, 'd'))
  const listener = await attach(listenerTor, join(directory, 'l'))
  try {
    const bench = await prepare(dialer, listener)
    try {
      const echoes = await measureEchoes(bench)
      return { ...echoes, figures: [...echoes.figures, ...(await measureDials(bench))] }
    } finally {
      await bench.stop()
    }
  } finally {
    await dialer.stop()
    await listener.stop()
    rmSync(directory, { recursive: true, force: true })
  }
}

/** The shipped provider on a client of the private network. */
export async function attach(client: TornetClient, socketDirectory: string): Promise<TorProvider> {
  const provider = createTorProvider(
    {
      clock: createSystemClock(),
      random: createSystemRandom(),
      logger: silentLogger,
      addressOf: (secretKey) => onionAddress(onionPublicKey(secretKey)),
    },
    {
      ...TOR_DEFAULTS,
      mode: 'attach',
      control: { path: client.controlPath },
      socks: { path: client.socksPath },
      child: { ...CHILD_TOR_DEFAULTS, directory: join(socketDirectory, 'unused') },
      socketDirectory,
      onionTarget: 'unix',
    },
  )
  await provider.start()
  await provider.whenReady(AbortSignal.timeout(BOOT_LIMIT_MS))
  return provider
}

/** One onion service for all kinds, so that equal isolation means the same circuit; the dialer says what comes next. */
async function prepare(dialer: TorProvider, listener: TorProvider): Promise<Bench> {
  const { secretKey } = deriveOnionKey(createEd25519Seed())
  let next: (stream: Duplex) => void = (stream) => stream.destroy()
  const onion = await listener.publishOnion({
    secretKey,
    virtualPort: ONION_VIRTUAL_PORT,
    authorizedClients: [],
    onStream: (stream) => next(stream),
  })
  await onion.published(AbortSignal.timeout(BOOT_LIMIT_MS))
  const shared: OnionService = { ...onion, close: async () => undefined }
  const stream = await createStreams(dialer, shared, 'direct')
  const negotiated = await createStreams(dialer, shared, 'negotiated')
  const link = await createLinks(dialer, listener, shared)
  const through =
    (accept: (stream: Duplex) => void, open: OpenPath): OpenPath =>
    (isolation) => {
      next = accept
      return open(isolation)
    }
  return {
    raw: through(
      (socket) => void socket.on('error', () => undefined).pipe(socket),
      (isolation) => openRaw(dialer, onion.address, isolation),
    ),
    stream: through(stream.accept, stream.open),
    negotiated: through(negotiated.accept, negotiated.open),
    link: through(link.accept, link.open),
    async stop() {
      await stream.stop()
      await negotiated.stop()
      await link.stop()
      await onion.close()
    },
  }
}

async function openRaw(dialer: TorProvider, address: OnionAddress, isolation: string): Promise<EchoPath> {
  const signal = AbortSignal.timeout(BOOT_LIMIT_MS)
  const socket = await dialer.connect(address, ONION_VIRTUAL_PORT, { isolation, signal, optimistic: true })
  return {
    async echo(bytes) {
      socket.write(bytes)
      for (let rest = bytes.length; rest > 0; ) {
        const chunk = socket.read() as Buffer | null
        if (chunk === null) await once(socket, 'readable')
        else rest -= chunk.length
      }
    },
    async close() {
      socket.on('error', () => undefined)
      socket.destroy()
    },
  }
}

interface Kind {
  readonly accept: (stream: Duplex) => void
  readonly open: OpenPath
  stop(): Promise<void>
}

/** libp2p as a host has it: yamux over Noise, coalesced writes, one protocol stream. */
async function createStreams(dialer: TorProvider, onion: OnionService, mode: UpgradeMode): Promise<Kind> {
  const accept = Promise.withResolvers<(stream: Duplex) => void>()
  const create = (listen: readonly string[], isolation: string): Promise<Libp2p> =>
    createLibp2p({
      addresses: { listen: [...listen] },
      transports: [
        onionTransport({
          torProvider: dialer,
          publish: async (_endpoint, onStream) => {
            accept.resolve(onStream)
            return onion
          },
          isolationFor: () => isolation,
          mode,
          coalesce: true,
          announce: false,
        }),
      ],
      connectionEncrypters: [noise()],
      streamMuxers: [yamux({ enableKeepAlive: false })],
      connectionMonitor: { enabled: false },
      connectionManager: { resolvers: {}, addressDialTimeout: BOOT_LIMIT_MS },
    })
  const target = onionMultiaddr({ address: onion.address, port: ONION_VIRTUAL_PORT })
  const listener = await create([target.toString()], '')
  await listener.handle('/bench/echo/1', (stream) => {
    stream.addEventListener('message', ({ data }) => void stream.send(data))
  })
  return {
    accept: await accept.promise,
    async open(isolation) {
      const instance = await create([], isolation)
      const connection = await instance.dial(target, { signal: AbortSignal.timeout(BOOT_LIMIT_MS) })
      const stream = await connection.newStream('/bench/echo/1')
      return { echo: (bytes) => echoOnStream(stream, bytes), close: async () => instance.stop() }
    },
    stop: async () => listener.stop(),
  }
}

function echoOnStream(stream: Stream, bytes: Uint8Array): Promise<void> {
  return new Promise((resolve) => {
    let rest = bytes.length
    const onMessage = ({ data }: { readonly data: { readonly byteLength: number } }): void => {
      rest -= data.byteLength
      if (rest > 0) return
      stream.removeEventListener('message', onMessage)
      resolve()
    }
    stream.addEventListener('message', onMessage)
    stream.send(bytes)
  })
}

/** Record links as lanes have them. */
async function createLinks(dialer: TorProvider, listener: TorProvider, onion: OnionService): Promise<Kind> {
  const both = { protocol: '/noctule/bench/1', recordBytes: LANE_RECORD_BYTES }
  const seeds = { listener: createEd25519Seed(), dialer: createEd25519Seed() }
  const accept = Promise.withResolvers<(stream: Duplex) => void>()
  const create = (torProvider: TorProvider): RecordNetwork => createRecordNetwork({ torProvider, logger: silentLogger })
  const listening = create({
    ...listener,
    async publishOnion({ onStream }) {
      accept.resolve(onStream)
      return onion
    },
  })
  await listening.listen({
    ...both,
    localSeed: seeds.listener,
    remoteSeed: seeds.dialer,
    onionSecretKey: deriveOnionKey(createEd25519Seed()).secretKey,
    authorizedClients: [],
    onLink: (link) => void echoRecords(link),
  })
  // The service is open to everybody here: that all kinds share it matters more than the key.
  const dialing = create({ ...dialer, authorizeClient: async () => async () => undefined })
  return {
    accept: await accept.promise,
    async open(isolation) {
      const link = await dialing.dial({
        ...both,
        localSeed: seeds.dialer,
        remoteSeed: seeds.listener,
        address: onion.address,
        clientPrivateKey: createX25519KeyPair().privateKey,
        isolation,
        signal: AbortSignal.timeout(BOOT_LIMIT_MS),
      })
      return {
        async echo(bytes) {
          await link.send(bytes)
          if ((await link.receive()) === undefined) throw new Error('the link ended')
        },
        close: () => link.close(),
      }
    },
    async stop() {
      await dialing.stop()
      await listening.stop()
    },
  }
}

async function echoRecords(link: RecordLink): Promise<void> {
  for (let record = await link.receive(); record !== undefined; record = await link.receive()) {
    // A link that ends between the two lines ends the loop by itself.
    await link.send(record).catch(() => undefined)
  }
}

const KINDS = ['raw', 'stream', 'negotiated', 'link'] as const
type Samples = Record<(typeof KINDS)[number], number[]>

const NAMES: Readonly<Record<(typeof KINDS)[number], string>> = {
  raw: 'raw onion stream',
  stream: 'libp2p stream (yamux)',
  negotiated: 'libp2p stream, all negotiated',
  link: 'record link',
}

async function timed(operation: () => Promise<unknown>): Promise<number> {
  const startMs = performance.now()
  await operation()
  return performance.now() - startMs
}

const random = createSystemRandom()

/** The kinds in random order: sorted by random numbers that are drawn once each. */
function shuffled(): (typeof KINDS)[number][] {
  const drawn = KINDS.map((kind) => ({ kind, at: random.uniform() }))
  return drawn.sort((a, b) => a.at - b.at).map(({ kind }) => kind)
}

const noSamples = (): Samples => ({ raw: [], stream: [], negotiated: [], link: [] })

async function measureEchoes(bench: Bench): Promise<TransportBench> {
  const samples = noSamples()
  const record = new Uint8Array(LANE_RECORD_BYTES)
  for (let circuit = 0; circuit < CIRCUITS; circuit += 1) {
    const paths: Partial<Record<(typeof KINDS)[number], EchoPath>> = {}
    for (const kind of KINDS) {
      paths[kind] = await bench[kind](`circuit ${circuit}`)
      // The first echo still carries the dial; before it the listener may not know yet that a stream has come.
      await paths[kind]?.echo(record)
    }
    for (let round = 0; round < ECHOES_PER_CIRCUIT; round += 1) {
      for (const kind of shuffled()) {
        // tor sends in ticks of 10 ms. Without a random pause each kind would always meet the same part of a tick, which
        // made one and the same code 1.0 or 1.2 times as slow as the raw stream from run to run.
        await new Promise((resolve) => setTimeout(resolve, random.uniform() * PAUSE_MS))
        samples[kind].push(await timed(async () => paths[kind]?.echo(record)))
      }
    }
    for (const path of Object.values(paths)) await path.close()
  }
  const how = `${LANE_RECORD_BYTES} B there and back, ${CIRCUITS} circuits, each with all kinds in turn`
  const ratio = (kind: 'stream' | 'link'): Figure => ({
    name: `${NAMES[kind]}: echo, times the raw stream's, p50`,
    value: quantile(samples[kind], 0.5) / quantile(samples.raw, 0.5),
    unit: 'times',
    target: { most: 1.2 },
    how,
  })
  return {
    figures: [...quantiles(samples, 'echo', how), ratio('stream'), ratio('link')],
    rawRttMs: quantile(samples.raw, 0.5),
  }
}

async function measureDials(bench: Bench): Promise<Figure[]> {
  const dial = async (kind: (typeof KINDS)[number], isolation: string): Promise<{ ms: number; path: EchoPath }> => {
    const startMs = performance.now()
    const path = await bench[kind](isolation)
    await path.echo(new Uint8Array(LANE_RECORD_BYTES))
    return { ms: performance.now() - startMs, path }
  }
  const cold = noSamples()
  for (let round = 0; round < COLD_DIALS; round += 1) {
    for (const kind of shuffled()) {
      const { ms, path } = await dial(kind, `cold ${kind} ${round}`)
      cold[kind].push(ms)
      await path.close()
    }
  }
  const warm = noSamples()
  const keeper = await dial('raw', 'warm')
  for (let round = 0; round < WARM_DIALS; round += 1) {
    for (const kind of shuffled()) {
      const { ms, path } = await dial(kind, 'warm')
      warm[kind].push(ms)
      await path.close()
    }
  }
  await keeper.path.close()
  return [
    ...quantiles(cold, 'dial to first byte, new circuit', 'first answer of an echo; descriptor cached after the first'),
    ...quantiles(warm, 'dial to first byte, same circuit', 'first answer of an echo'),
  ]
}

function quantiles(samples: Samples, what: string, how: string): Figure[] {
  return KINDS.flatMap((kind) =>
    ([50, 95] as const).map((percent) => ({
      name: `${NAMES[kind]}: ${what}, p${percent}`,
      value: quantile(samples[kind], percent / 100),
      unit: 'ms',
      how: `${how}, n = ${samples[kind].length}`,
    })),
  )
}
