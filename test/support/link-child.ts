/**
 * A process that opens links and meshes and lets dials fail, run by tests with `DEBUG=*`: everything that it and libp2p log goes to
 * stderr, and what must not be there goes to stdout as one line of JSON, with the resources left at the end.
 * Never prints to stderr itself but through the logger that the transport got.
 * @module
 */
import { inspect } from 'node:util'
import { defaultLogger } from '@libp2p/logger'
import { createLibp2p } from 'libp2p'
import { base32Encode, hexEncode } from '../../src/base/index.ts'
import { createEd25519Seed } from '../../src/crypto/index.ts'
import type { HostMesh, Logger, RecordLink, TorProvider } from '../../src/ports/index.ts'
import { createHostMesh, createRecordNetwork, onionMultiaddr } from '../../src/transport/index.ts'
import { transportKey, transportPeerId } from '../../src/transport/peer-identity.ts'
import { LANE_RECORD_BYTES, onionAddress } from '../../src/wire/index.ts'
import { createHostKeys, type HostKeys, TEST_RULES, testRecord } from '../conformance/host-mesh.ts'
import { agreement, createInbox } from '../conformance/record-network.ts'
import { systemClock } from '../unit/tor/support.ts'
import { createLoopbackTor } from './loopback-tor.ts'

export interface LinkChildReport {
  readonly planted: readonly string[]
  readonly resources: readonly string[]
  /** Codes of the failures that were provoked. */
  readonly failures: readonly string[]
}

/** Turns of the event loop in which closed sockets go; a timer of a second does not. */
const SETTLE_TURNS = 2_000
/** stdout and stderr. */
const OUTPUT_PIPES = 2
const LEFT_TIMER_MS = 1_000

function createStderrLogger(name: string): Logger {
  const write =
    (level: string) =>
    (event: string, fields?: unknown, cause?: unknown): void =>
      void process.stderr.write(`${level} ${name} ${event} ${inspect(fields)} ${inspect(cause, { depth: 9 })}\n`)
  const [debug, info, warn, error] = ['debug', 'info', 'warn', 'error'].map(write)
  if (debug === undefined || info === undefined || warn === undefined || error === undefined) throw new Error()
  return { debug, info, warn, error, child: (child) => createStderrLogger(`${name}.${child}`) }
}

async function run(): Promise<LinkChildReport> {
  const logger = createStderrLogger('link')
  const tor = await createLoopbackTor()
  const create = () => createRecordNetwork({ torProvider: tor.createProvider(), logger })
  const alice = create()
  const bob = create()
  const { listen, dial } = agreement()
  const inbox = createInbox<RecordLink>()
  const listener = await alice.listen({ ...listen, onLink: inbox.put })
  const never = new AbortController().signal
  const target = { ...dial, address: listener.address, signal: never }

  const link = await bob.dial(target)
  const near = await inbox.next()
  await link.send(new Uint8Array(LANE_RECORD_BYTES))
  await near.receive()

  const strangerSeed = createEd25519Seed()
  const failures: string[] = []
  const fail = async (change: Partial<typeof target>): Promise<void> => {
    try {
      await (await bob.dial({ ...target, ...change })).closed
      failures.push('closed')
    } catch (error: unknown) {
      logger.warn('dial failed', undefined, error)
      failures.push((error as { code?: string }).code ?? String(error))
    }
  }
  await fail({ remoteSeed: strangerSeed })
  await fail({ localSeed: strangerSeed })
  await fail({ clientPrivateKey: createEd25519Seed() })
  const hosts = [createHostKeys(), createHostKeys()]
  failures.push(...(await runMeshes(logger, () => tor.createProvider(), hosts)))
  if (process.argv.includes('--leak')) await leak(strangerSeed, listener.address)

  const seeds = [listen.localSeed, dial.localSeed, strangerSeed, ...hosts.map(({ hostSeed }) => hostSeed)]
  const planted = [listener.address, ...hosts.map(({ meshOnionKey }) => onionAddress(meshOnionKey))].map(String)
  for (const seed of seeds) {
    const peerId = await transportPeerId(seed)
    const { publicKey } = await transportKey(seed)
    const raw = [seed, publicKey.raw]
    planted.push(peerId.toString(), ...raw.flatMap((bytes) => [hexEncode(bytes), base32Encode(bytes)]))
  }
  await alice.stop()
  await bob.stop()
  await tor.stop()
  for (let turn = 0; turn < SETTLE_TURNS; turn += 1) await new Promise((resolve) => setImmediate(resolve))
  return { planted, failures, resources: openResources() }
}

/** Requests, records and a crawl between two hosts, and what can fail between them. Gives the codes. */
async function runMeshes(
  logger: Logger,
  createProvider: () => TorProvider,
  hosts: readonly HostKeys[],
): Promise<readonly string[]> {
  const meshes: HostMesh[] = []
  for (const { hostSeed, meshOnionSecretKey } of hosts) {
    const mesh = await createHostMesh({
      ...TEST_RULES,
      torProvider: createProvider(),
      logger,
      clock: systemClock,
      hostSeed,
      meshOnionSecretKey,
      meshTimeoutMs: 5_000,
    })
    mesh.serve(async ({ operation, body }) => {
      if (operation === 2) throw new Error('a handler that fails')
      return body
    })
    await mesh.start()
    meshes.push(mesh)
  }
  const [alice, bob] = meshes
  const [aliceKeys, bobKeys] = hosts
  if (alice === undefined || bob === undefined || aliceKeys === undefined || bobKeys === undefined) throw new Error()
  const never = new AbortController().signal
  alice.addPeer(bobKeys)
  await alice.request(bobKeys.hostKey, 1, new Uint8Array(3), never)
  await alice.putRecord(aliceKeys.hostKey, testRecord(aliceKeys.hostKey, 1), never)
  await bob.getRecord(aliceKeys.hostKey, never)
  await alice.crawl(never)
  const codes: string[] = []
  const fail = async (task: Promise<unknown>): Promise<void> => {
    try {
      await task
      codes.push('done')
    } catch (error: unknown) {
      logger.warn('mesh failed', undefined, error)
      codes.push((error as { code?: string }).code ?? String(error))
    }
  }
  await fail(alice.request(bobKeys.hostKey, 2, new Uint8Array(), never))
  await fail(alice.putRecord(aliceKeys.hostKey, new Uint8Array(3), never))
  await bob.stop()
  await fail(alice.request(bobKeys.hostKey, 1, new Uint8Array(), never))
  bob.addPeer(aliceKeys)
  await alice.stop()
  return codes
}

/** What keeps this process alive, besides the pipes of its output. */
function openResources(): string[] {
  const resources = process.getActiveResourcesInfo()
  for (let pipe = 0; pipe < OUTPUT_PIPES; pipe += 1) resources.splice(resources.indexOf('PipeWrap'), 1)
  return resources
}

/** The control: what libp2p logs by itself, and a timer that is still running at the end. */
async function leak(seed: Uint8Array, address: string): Promise<void> {
  const privateKey = await transportKey(seed)
  const node = await createLibp2p({ privateKey, logger: defaultLogger(), connectionManager: { resolvers: {} } })
  await node.dial(onionMultiaddr({ address: address as never, port: 80 })).catch(() => undefined)
  await node.stop()
  setTimeout(() => undefined, LEFT_TIMER_MS)
}

const report = await run()
process.stdout.write(`${JSON.stringify(report)}\n`)
