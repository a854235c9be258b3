import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { DAY_MS, HOUR_MS } from '../../../src/base/index.ts'
import { ed25519PublicKey, sha256 } from '../../../src/crypto/index.ts'
import { createCourier } from '../../../src/mailbox/host/courier.ts'
import { createDiscovery, type Discovery } from '../../../src/mailbox/host/discovery.ts'
import type { HostCalls } from '../../../src/mailbox/host/host-calls.ts'
import { createKnownHosts, type KnownHosts } from '../../../src/mailbox/host/known-hosts.ts'
import {
  CHECKS_WAITING_MAX_COUNT,
  CRAWL_LOOKS_MAX_COUNT,
  FORGER_IGNORED_MS,
  NEWCOMERS_MAX_COUNT,
  SESSIONS_MAX_COUNT,
} from '../../../src/mailbox/host/options.ts'
import { createOwnDescriptor } from '../../../src/mailbox/host/own-descriptor.ts'
import {
  checkHostDescriptor,
  createHostTable,
  createRecordValidator,
  hostIdOf,
  hostWorkPeriod,
  isValidDescriptorRecord,
  loadHostKeys,
  MAILBOX_PARAMETERS,
  signHostDescriptor,
} from '../../../src/mailbox/index.ts'
import type { Clock, HostMesh, ListenOptions, MeshPeer, RecordNetwork } from '../../../src/ports/index.ts'
import { createMemoryStore } from '../../../src/store/index.ts'
import {
  COURIER_RECORD_BYTES,
  decodeHostDescriptor,
  encodeCourierRequest,
  MESH_TABLE_PAGE_COUNT,
} from '../../../src/wire/index.ts'
import { WORLD_FUNCTIONS } from '../../support/mailbox-world.ts'
import { createSeededRandom } from '../../support/seeded-random.ts'
import { silentLogger } from '../../support/silent-logger.ts'
import { createVirtualClock, type VirtualClock } from '../../support/virtual-clock.ts'

const START_MS = Date.UTC(2026, 10, 21, 12)
const { signal } = new AbortController()

function hostKeyOf(number: number): Uint8Array {
  return ed25519PublicKey(seedOf(number))
}

function seedOf(number: number): Uint8Array {
  return sha256(Uint8Array.of(1, number & 255, number >> 8))
}

/** Signed, of our time, for the right period; the work in it is anything. */
function descriptorOf(number: number, nowMs = START_MS, workNonce = 1): Uint8Array {
  const nowSeconds = Math.floor(nowMs / 1_000)
  const hostKey = hostKeyOf(number)
  return signHostDescriptor(seedOf(number), {
    hostKey,
    sealKey: sha256(hostKey),
    courierOnionKey: sha256(hostKey),
    meshOnionKey: sha256(hostKey),
    issuedAtSeconds: nowSeconds,
    expiresAtSeconds: nowSeconds + 3_600,
    startedAtSeconds: 1,
    capacityMib: 1,
    workPeriod: hostWorkPeriod(hostKey, nowMs),
    workNonce,
  })
}

interface Fixture {
  readonly clock: VirtualClock
  readonly known: KnownHosts
  readonly discovery: Discovery
  /** Descriptors whose work was computed. */
  computed(): number
  /** From now on work takes for ever. */
  hang(): void
  /** From now on no work holds. */
  disbelieve(): void
  /** What hosts give as a page of their table; and the hosts that the DHT names. */
  pages: (cursor: Uint8Array) => readonly Uint8Array[]
  named: readonly MeshPeer[]
  looks: number
}

async function createFixture(): Promise<Fixture> {
  const clock = createVirtualClock(START_MS)
  const random = createSeededRandom(1)
  const store = createMemoryStore()
  const keys = await loadHostKeys(store)
  let computed = 0
  let isHanging = false
  let isBelieving = true
  const mesh = {
    addPeer: () => undefined,
    removePeer: () => undefined,
    crawl: () => Promise.resolve(fixture.named),
    getRecord() {
      fixture.looks += 1
      return Promise.resolve(undefined)
    },
  } as unknown as HostMesh
  const base = { clock, random, logger: silentLogger, mesh, store, keys, parameters: MAILBOX_PARAMETERS }
  const known = createKnownHosts({
    ...base,
    functions: {
      ...WORLD_FUNCTIONS,
      async checkHostDescriptor(bytes, rules) {
        const descriptor = decodeHostDescriptor(bytes)
        const before = rules.known?.descriptor
        if (before?.workNonce === descriptor?.workNonce) return checkHostDescriptor(bytes, rules)
        computed += 1
        if (isHanging) return new Promise(() => undefined)
        return isBelieving ? WORLD_FUNCTIONS.checkHostDescriptor(bytes, rules) : { ok: false, reason: 'work' }
      },
    },
  })
  const calls = {
    announce: () => Promise.resolve(true),
    tableRoot: () => Promise.resolve({ root: new Uint8Array(32), hostCount: 0 }),
    tablePage: (_host: unknown, cursor: Uint8Array) => Promise.resolve(fixture.pages(cursor)),
  } as unknown as HostCalls
  const discovery = createDiscovery({
    ...base,
    known,
    calls,
    self: () => undefined,
    own: (task) => void task.catch(() => undefined),
    fetchHostTable: () => Promise.resolve([]),
  })
  const fixture: Fixture = {
    clock,
    known,
    discovery,
    computed: () => computed,
    hang() {
      isHanging = true
    },
    disbelieve() {
      isBelieving = false
    },
    pages: () => [],
    named: [],
    looks: 0,
  }
  return fixture
}

describe('descriptors that cost a proof of work to look at', () => {
  it('are taken from a stranger about itself only', async () => {
    const { computed, discovery, known } = await createFixture()
    for (let number = 2; number < 20; number += 1)
      await discovery.onAnnounced(descriptorOf(number), hostKeyOf(1), signal)
    assert.equal(computed(), 0)
    assert.equal(known.table().size, 0)
    await discovery.onAnnounced(descriptorOf(1), hostKeyOf(1), signal)
    assert.equal(known.table().size, 1, 'control: now it is a host')
    await discovery.onAnnounced(descriptorOf(2), hostKeyOf(1), signal)
    assert.equal(known.table().size, 2)
  })

  it('are not looked at for a while from whoever gave one that was forged', async () => {
    const { clock, computed, disbelieve, discovery, known } = await createFixture()
    await discovery.onAnnounced(descriptorOf(1), hostKeyOf(1), signal)
    disbelieve()
    for (let number = 2; number < 40; number += 1)
      await discovery.onAnnounced(descriptorOf(number), hostKeyOf(1), signal)
    assert.equal(computed(), 1 + 1, 'the host, and the first that it forged')
    for (let nonce = 1; nonce < 40; nonce += 1)
      await discovery.onAnnounced(descriptorOf(50, START_MS, nonce), hostKeyOf(50), signal)
    assert.equal(computed(), 2 + 1, 'a stranger that tries one nonce after the other')
    await clock.advance(FORGER_IGNORED_MS)
    await discovery.onAnnounced(descriptorOf(2), hostKeyOf(1), signal)
    assert.equal(computed(), 4)
    assert.equal(known.table().size, 1)
  })

  it('keep neither renewals nor what was asked for from being learned', async () => {
    const { computed, hang, known } = await createFixture()
    assert.equal(await known.learn(descriptorOf(1), 'told'), 'added')
    hang()
    const flood = Array.from({ length: CHECKS_WAITING_MAX_COUNT }, (_, index) =>
      known.learn(descriptorOf(100 + index), 'told'),
    )
    void flood
    assert.equal(await known.learn(descriptorOf(2), 'told'), 'refused', 'control: there are too many')
    assert.equal(await known.learn(descriptorOf(1, START_MS + HOUR_MS), 'told'), 'updated')
    const before = computed()
    void known.learn(descriptorOf(3), 'asked')
    await new Promise(setImmediate)
    assert.equal(computed(), before + 1, 'the work of one that was asked for is computed beside the flood')
  })

  it('end a host’s table at the first that is forged', async () => {
    const fixture = await createFixture()
    const { clock, computed, disbelieve, discovery, known } = fixture
    await known.learn(descriptorOf(1), 'asked')
    const all = Array.from({ length: 300 }, (_, index) => descriptorOf(100 + index))
      .map((bytes) => {
        const descriptor = decodeHostDescriptor(bytes)
        assert.ok(descriptor !== undefined)
        const { hostKey, workNonce: nonce, workPeriod: period } = descriptor
        return { bytes, id: Buffer.from(hostIdOf(hostKey, { period, nonce })) }
      })
      .sort((a, b) => Buffer.compare(a.id, b.id))
    fixture.pages = (cursor) =>
      all
        .filter(({ id }) => Buffer.compare(id, cursor) > 0)
        .slice(0, MESH_TABLE_PAGE_COUNT)
        .map(({ bytes }) => bytes)
    const stopping = new AbortController()
    disbelieve()
    const before = computed()
    const gossip = discovery.runGossip(stopping.signal).catch(() => undefined)
    await clock.advance(2 * MAILBOX_PARAMETERS.gossipIntervalMs)
    stopping.abort()
    await gossip
    const spent = computed() - before
    assert.ok(spent >= 1 && spent <= 4, `one for each time that the host was asked: ${spent}`)
    assert.equal(known.table().size, 1)
  })

  it('are looked for in the DHT a few at a time, however many a liar names', async () => {
    const fixture = await createFixture()
    fixture.named = Array.from({ length: 256 }, (_, index) => ({
      hostKey: hostKeyOf(index),
      meshOnionKey: hostKeyOf(index),
    }))
    const stopping = new AbortController()
    const crawl = fixture.discovery.runCrawl(stopping.signal).catch(() => undefined)
    await fixture.clock.advanceUntil(() => fixture.looks > 0, 2 * MAILBOX_PARAMETERS.crawlIntervalMs)
    await new Promise(setImmediate)
    stopping.abort()
    await crawl
    assert.equal(fixture.looks, CRAWL_LOOKS_MAX_COUNT)
  })
})

describe('records of the DHT', () => {
  it('cost one proof of work at a time, few wait for it, and known hosts need none', async () => {
    const clock = { nowMs: () => START_MS } as Clock
    const finish: (() => void)[] = []
    let running = 0
    let most = 0
    const validate = createRecordValidator({
      clock,
      hostWorkBits: 0,
      waitingMaxCount: 4,
      async isValid(hostKey, value, rules) {
        if (rules.known === undefined) {
          running += 1
          most = Math.max(most, running)
          await new Promise<void>((resolve) => finish.push(resolve))
          running -= 1
        }
        return isValidDescriptorRecord(hostKey, value, rules)
      },
    })
    const drain = async <T>(results: Promise<T>): Promise<T> => {
      const settled = results.then(() => true)
      const turn = (): Promise<boolean> => new Promise((resolve) => setImmediate(() => resolve(false)))
      while (!(await Promise.race([settled, turn()]))) finish.shift()?.()
      return results
    }
    assert.equal(await drain(validate(hostKeyOf(1), descriptorOf(1))), true)
    const flood = Array.from({ length: 20 }, (_, index) => validate(hostKeyOf(10 + index), descriptorOf(10 + index)))
    assert.equal(await validate(hostKeyOf(1), descriptorOf(1, START_MS + 1_000)), true, 'beside the flood')
    const taken = (await drain(Promise.all(flood))).filter(Boolean).length
    assert.equal(taken, 4)
    assert.equal(most, 1)
    assert.equal(await validate(hostKeyOf(2), descriptorOf(1)), false, 'under another key')
    assert.equal(await validate(hostKeyOf(1), new Uint8Array(3)), false)
  })
})

describe('a host whose clock was put right', () => {
  it('counts its newest descriptor, though the one before says that it is from the future', async () => {
    const clock = createVirtualClock(START_MS)
    let errorMs = 3 * DAY_MS
    const wrong: Clock = { ...clock, nowMs: () => clock.nowMs() + errorMs }
    const store = createMemoryStore()
    const deps = {
      clock: wrong,
      random: createSeededRandom(1),
      logger: silentLogger,
      mesh: { addPeer: () => undefined, removePeer: () => undefined } as unknown as HostMesh,
      store,
      keys: await loadHostKeys(store),
      parameters: MAILBOX_PARAMETERS,
      quotaBytes: 2 ** 20,
      functions: WORLD_FUNCTIONS,
    }
    const known = createKnownHosts(deps)
    const own = createOwnDescriptor(deps, known)
    assert.ok((await own.renew(signal)) !== undefined)
    errorMs = 0
    const renewed = await own.renew(signal)
    assert.equal(renewed?.descriptor.issuedAtSeconds, START_MS / 1_000)
    assert.equal(known.table().byKey(deps.keys.hostKey)?.descriptor.issuedAtSeconds, START_MS / 1_000)
    assert.equal(await own.renew(signal), undefined, 'and is not signed and told again each minute')
  })
})

describe('links that say nothing', () => {
  it('keep no client from its courier', async () => {
    const clock = createVirtualClock(START_MS)
    const keys = await loadHostKeys(createMemoryStore())
    let listening: ListenOptions | undefined
    const courier = createCourier({
      clock,
      random: createSeededRandom(1),
      logger: silentLogger,
      network: {
        async listen(options: ListenOptions) {
          listening = options
          return { close: () => Promise.resolve() }
        },
      } as unknown as RecordNetwork,
      parameters: MAILBOX_PARAMETERS,
      keys,
      known: { table: () => createHostTable({ maxCount: 1 }) } as KnownHosts,
      relay: () => Promise.resolve(undefined),
      functions: WORLD_FUNCTIONS,
      onFailure: (error) => assert.fail(String(error)),
    })
    await courier.start()
    let open = 0
    /** A link from a client with this number that sends these records and then nothing. */
    const connect = (number: number, records: readonly Uint8Array[] = []): void => {
      const ended = Promise.withResolvers<void>()
      const left = [...records]
      open += 1
      let isOpen = true
      listening?.onLink({
        recordBytes: COURIER_RECORD_BYTES,
        remoteKey: hostKeyOf(number),
        closed: ended.promise,
        send: () => Promise.resolve(),
        receive: () => Promise.resolve(left.shift() ?? ended.promise.then(() => undefined)),
        close() {
          if (isOpen) open -= 1
          isOpen = false
          ended.resolve()
          return Promise.resolve()
        },
      })
    }
    const period = Math.floor(START_MS / MAILBOX_PARAMETERS.epochMs)
    const hail = { kind: 'hello', period, profile: 2, cursor: new Uint8Array(32) } as const
    const hello = encodeCourierRequest({ ...hail, workNonce: 1 })
    const worthless = encodeCourierRequest({ ...hail, workNonce: 0 })
    connect(1, [hello])
    await clock.advance(0)
    for (let number = 2; number < 2 + 2 * NEWCOMERS_MAX_COUNT; number += 1) connect(number)
    for (let number = 1_000; number < 1_010; number += 1) connect(number, [worthless])
    connect(2_000, [hello])
    await clock.advance(0)
    assert.equal(courier.sessionCount(), 2, 'who has proved its work has and keeps its session')
    assert.ok(open <= 2 + NEWCOMERS_MAX_COUNT)
    assert.ok(
      (listening?.linksMaxCount ?? 0) > SESSIONS_MAX_COUNT + NEWCOMERS_MAX_COUNT,
      'there is room for all of them',
    )
    await courier.stop()
    assert.equal(open, 0)
    assert.equal(clock.sleepers(), 0)
  })
})
