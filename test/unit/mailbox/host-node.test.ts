import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { DAY_MS, equalBytes, HOUR_MS, MINUTE_MS, STEADY_JUMP_MS } from '../../../src/base/index.ts'
import { ed25519PublicKey, sha256 } from '../../../src/crypto/index.ts'
import {
  BOX_LIFETIME_MS,
  deriveBoxKeys,
  type HostRecord,
  hostIdOf,
  hostWorkPeriod,
  sealBox,
  signHostDescriptor,
  signTombstone,
  verifyReceipt,
} from '../../../src/mailbox/index.ts'
import { profileOf } from '../../../src/padding/index.ts'
import {
  BOX_BODY_BYTES,
  type Box,
  decodeFetchReply,
  decodeHostDescriptor,
  decodeMeshFlag,
  decodeMeshInventoryResult,
  decodeMeshStoreResult,
  decodeMeshTableRoot,
  encodeMeshInventory,
  encodeMeshStore,
  encodeMeshTombstone,
  type HostDescriptorFields,
  MESH_OPERATION,
  type MeshStoreResult,
} from '../../../src/wire/index.ts'
import { type CourierProbe, openCourierProbe } from '../../support/courier-probe.ts'
import { createHostWorld, type HostWorld, type HostWorldOptions, type WorldHost } from '../../support/mailbox-world.ts'
import { createSeededRandom } from '../../support/seeded-random.ts'

function keysOf(number: number): ReturnType<typeof deriveBoxKeys> {
  return deriveBoxKeys(sha256(Uint8Array.of(number & 255, number >> 8)))
}

const boxes = new Map<string, Box>()

/** The same each time: sealing draws a nonce. */
function boxOf(number: number, content = 1): Box {
  const name = `${number} ${content}`
  const box = boxes.get(name) ?? sealBox(keysOf(number), new Uint8Array(BOX_BODY_BYTES).fill(content))
  boxes.set(name, box)
  return box
}

async function withWorld(options: HostWorldOptions, body: (world: HostWorld) => Promise<void>): Promise<void> {
  const world = await createHostWorld(options)
  try {
    await body(world)
    assert.deepEqual(world.failures, [], 'nothing counts as a bug')
  } finally {
    await world.stop()
  }
  assert.equal(world.clock.sleepers(), 0, 'stopped means that nothing waits')
}

/** What `from` hears when it asks `to` over the mesh; undefined for a refusal. */
async function ask(
  world: HostWorld,
  from: number,
  to: number,
  operation: number,
  body: Uint8Array,
): Promise<Uint8Array | undefined> {
  const { mesh, keys } = { mesh: world.meshOf(from), keys: world.host(to).keys }
  const asked = mesh.request(keys.hostKey, operation, body, new AbortController().signal)
  return world.run(asked.catch(() => undefined))
}

async function store(
  world: HostWorld,
  to: number,
  box: Box,
  expiresAtSeconds = 0,
): Promise<MeshStoreResult | undefined> {
  const answer = await ask(world, 0, to, MESH_OPERATION.store, encodeMeshStore({ box, expiresAtSeconds }))
  return answer === undefined ? undefined : decodeMeshStoreResult(answer)
}

async function probe(world: HostWorld, courier: WorldHost, seed = 1): Promise<CourierProbe> {
  const random = createSeededRandom(seed)
  const { clock, parameters } = world
  const network = world.recordHub.createNetwork()
  return world.run(openCourierProbe({ network, clock, random, parameters }, courier.entry))
}

async function openProbe(
  world: HostWorld,
  courier: number,
  seed = 1,
): Promise<{ readonly client: CourierProbe; readonly table: readonly HostRecord[] }> {
  const client = await probe(world, world.host(courier), seed)
  assert.equal(await world.run(client.hello()), true)
  return { client, table: await world.run(client.table()) }
}

function recordOf(table: readonly HostRecord[], host: WorldHost): HostRecord {
  const record = table.find(({ descriptor }) => equalBytes(descriptor.hostKey, host.keys.hostKey))
  assert.ok(record !== undefined)
  return record
}

describe('a host as replica', () => {
  it('stores a box, gives a receipt that verifies, and gives the box back', () =>
    withWorld({ hosts: 2 }, async (world) => {
      const box = boxOf(1)
      const result = await store(world, 1, box)
      assert.ok(result?.status === 'stored')
      const { hostKey } = world.host(1).keys
      const receipt = { ...result, route: new Uint8Array(16) }
      assert.ok(verifyReceipt(hostKey, box.boxId, sha256(box.ciphertext), receipt))
      assert.ok(!verifyReceipt(world.host(0).keys.hostKey, box.boxId, sha256(box.ciphertext), receipt))
      const lifeMs = result.expiresAtSeconds * 1_000 - world.clock.nowMs()
      assert.ok(Math.abs(lifeMs - BOX_LIFETIME_MS) < MINUTE_MS)
      const fetched = decodeFetchReply((await ask(world, 0, 1, MESH_OPERATION.fetch, box.boxId)) ?? box.boxId)
      assert.deepEqual(fetched, { found: true, signature: box.signature, ciphertext: box.ciphertext })
    }))

  it('refuses a forged signature', () =>
    withWorld({ hosts: 2 }, async (world) => {
      const box = boxOf(1)
      const forged = { ...box, signature: box.signature.with(5, (box.signature[5] ?? 0) ^ 1) }
      assert.deepEqual(await store(world, 1, forged), { status: 'invalid' })
      const moved = { ...box, boxId: boxOf(2).boxId }
      assert.deepEqual(await store(world, 1, moved), { status: 'invalid' })
      assert.deepEqual(await world.holders(box.boxId), [])
      assert.equal((await store(world, 1, box))?.status, 'stored', 'control: the true one is taken')
    }))

  it('refuses a wrong size, in silence for whoever watches', () =>
    withWorld({ hosts: 2 }, async (world) => {
      const right = encodeMeshStore({ box: boxOf(1), expiresAtSeconds: 0 })
      for (const body of [right.subarray(1), new Uint8Array(right.length + 1), new Uint8Array(0)])
        assert.equal(await ask(world, 0, 1, MESH_OPERATION.store, body), undefined)
      for (const operation of [MESH_OPERATION.has, MESH_OPERATION.fetch, MESH_OPERATION.tombstone, 200])
        assert.equal(await ask(world, 0, 1, operation, new Uint8Array(31)), undefined)
      assert.equal(world.host(1).node.stats().boxes, 0)
      assert.ok((await ask(world, 0, 1, MESH_OPERATION.store, right)) !== undefined, 'control')
    }))

  it('answers a replayed write with the same receipt and keeps one box', () =>
    withWorld({ hosts: 2 }, async (world) => {
      const first = await store(world, 1, boxOf(1))
      await world.clock.advance(HOUR_MS)
      assert.deepEqual(await store(world, 1, boxOf(1)), first)
      const { boxes, stored } = world.host(1).node.stats()
      assert.deepEqual([boxes, stored], [1, 1])
    }))

  it('keeps the first of two writes to one id', () =>
    withWorld({ hosts: 2 }, async (world) => {
      assert.equal((await store(world, 1, boxOf(1, 1)))?.status, 'stored')
      assert.deepEqual(await store(world, 1, boxOf(1, 2)), { status: 'conflict' })
      assert.deepEqual(await world.host(1).boxes.get(boxOf(1).boxId), boxOf(1, 1))
      assert.equal(world.host(1).node.stats().conflicts, 1)
    }))

  it('says that it is full, and takes boxes again when there is room', () =>
    withWorld({ hosts: 2, quotaBytes: 40_000 }, async (world) => {
      const statuses: (string | undefined)[] = []
      for (let number = 0; number < 30; number += 1) statuses.push((await store(world, 1, boxOf(number)))?.status)
      assert.equal(statuses[0], 'stored')
      assert.equal(statuses.at(-1), 'full')
      const { refusedFull, stored } = world.host(1).node.stats()
      assert.equal(refusedFull + stored, 30)
      world.clock.jumpWallClock(BOX_LIFETIME_MS + 2 * HOUR_MS)
      // The descriptors have expired with the boxes: the hosts find each other again first.
      await world.clock.advance(2 * STEADY_JUMP_MS)
      assert.equal((await store(world, 1, boxOf(99)))?.status, 'stored')
      assert.ok(world.host(1).node.stats().expired >= stored)
    }))

  it('keeps its boxes when the clock is weeks ahead for some hours', () =>
    withWorld({ hosts: 2 }, async (world) => {
      assert.equal((await store(world, 1, boxOf(1)))?.status, 'stored')
      await world.clock.advance(HOUR_MS)
      world.clock.jumpWallClock(BOX_LIFETIME_MS + 2 * HOUR_MS)
      await world.clock.advance(3 * HOUR_MS)
      world.clock.jumpWallClock(-BOX_LIFETIME_MS - 2 * HOUR_MS)
      await world.clock.advance(3 * HOUR_MS)
      assert.deepEqual([world.host(1).node.stats().expired, world.host(1).node.stats().boxes], [0, 1])
    }))

  it('gives a pushed box no longer life than it had, and no life beyond the full one', () =>
    withWorld({ hosts: 2 }, async (world) => {
      const nowSeconds = Math.floor(world.clock.nowMs() / 1_000)
      const short = await store(world, 1, boxOf(1), nowSeconds + 3_600)
      assert.ok(short?.status === 'stored' && short.expiresAtSeconds === nowSeconds + 3_600)
      const long = await store(world, 1, boxOf(2), nowSeconds + (365 * DAY_MS) / 1_000)
      assert.ok(long?.status === 'stored' && long.expiresAtSeconds * 1_000 <= world.clock.nowMs() + BOX_LIFETIME_MS)
      assert.deepEqual(await store(world, 1, boxOf(3), nowSeconds - 10), { status: 'invalid' })
    }))

  it('forgets a box when its key says so, and takes no other under its id', () =>
    withWorld({ hosts: 2 }, async (world) => {
      const { boxId } = boxOf(1)
      const tombstone = (signature: Uint8Array): Promise<Uint8Array | undefined> =>
        ask(world, 0, 1, MESH_OPERATION.tombstone, encodeMeshTombstone({ boxId, signature }))
      await store(world, 1, boxOf(1))
      assert.equal(decodeMeshFlag((await tombstone(signTombstone(keysOf(2)))) ?? boxId), true)
      assert.deepEqual(await world.holders(boxId), [1], 'a stranger’s word changes nothing')
      assert.equal(decodeMeshFlag((await tombstone(signTombstone(keysOf(1)))) ?? boxId), true)
      assert.deepEqual(await world.holders(boxId), [])
      assert.deepEqual(await store(world, 1, boxOf(1, 2)), { status: 'tombstoned' })
    }))

  it('answers hits and misses alike: as long, as late', () =>
    withWorld({ hosts: 2 }, async (world) => {
      await store(world, 1, boxOf(1))
      for (const operation of [MESH_OPERATION.has, MESH_OPERATION.fetch]) {
        const seen = []
        for (const boxId of [boxOf(1).boxId, boxOf(2).boxId]) {
          const startMs = world.clock.monotonicMs()
          let tookMs = 0
          const asked = ask(world, 0, 1, operation, boxId).then((answer) => {
            tookMs = world.clock.monotonicMs() - startMs
            return answer?.length
          })
          seen.push({ length: await asked, tookMs })
        }
        assert.deepEqual(seen[0], seen[1])
        assert.ok((seen[0]?.tookMs ?? 0) >= world.parameters.answerBucketMs)
      }
    }))

  it('tells which of many boxes it has', () =>
    withWorld({ hosts: 2 }, async (world) => {
      await store(world, 1, boxOf(2))
      const ids = [1, 2, 3].map((number) => boxOf(number).boxId)
      const answer = await ask(world, 0, 1, MESH_OPERATION.inventory, encodeMeshInventory(ids))
      assert.deepEqual(decodeMeshInventoryResult(answer ?? new Uint8Array(0), 3), [false, true, false])
    }))
})

describe('descriptors that hosts are told', () => {
  const announce = async (world: HostWorld, change: Partial<HostDescriptorFields>): Promise<number> => {
    const descriptor = decodeHostDescriptor((await tableBytes(world))[0] ?? new Uint8Array(0))
    assert.ok(descriptor !== undefined)
    // A third host's keys, signed by it: only the change makes the difference.
    const seed = sha256(new TextEncoder().encode('a new host'))
    const hostKey = ed25519PublicKey(seed)
    const workPeriod = hostWorkPeriod(hostKey, world.clock.nowMs())
    const bytes = signHostDescriptor(seed, { ...descriptor, hostKey, workPeriod, workNonce: 5, ...change })
    await ask(world, 0, 1, MESH_OPERATION.announce, bytes)
    return world.host(1).node.stats().hosts
  }
  const tableBytes = async (world: HostWorld): Promise<readonly Uint8Array[]> => {
    const { table } = await openProbe(world, 0)
    return table.map(({ bytes }) => bytes)
  }
  const nowSeconds = (world: HostWorld): number => Math.floor(world.clock.nowMs() / 1_000)

  it('are not believed when stale or from the future, and are when they are right', () =>
    withWorld({ hosts: 2 }, async (world) => {
      const day = DAY_MS / 1_000
      const now = nowSeconds(world)
      const stale = { startedAtSeconds: 1, issuedAtSeconds: now - 2 * day, expiresAtSeconds: now - 1 }
      assert.equal(await announce(world, stale), 2)
      const future = { issuedAtSeconds: now + day, expiresAtSeconds: now + 2 * day }
      assert.equal(await announce(world, future), 2)
      const period = { workPeriod: 3 }
      assert.equal(await announce(world, period), 2)
      assert.equal(await announce(world, {}), 3, 'control: nothing wrong with it')
    }))

  it('are not believed from a page that is too long, or full of garbage', async () => {
    for (const faults of [
      { tablePage: new Uint8Array(14_018).fill(1) },
      { tablePage: new Uint8Array(20_000).fill(1) },
      { tablePage: new Uint8Array(14_017).fill(255) },
      { tablePage: new Uint8Array(14_017).fill(1) },
    ]) {
      await withWorld({ hosts: 2, faults: { 1: faults } }, async (world) => {
        const newcomer = await world.addHost()
        await world.meet()
        assert.equal(newcomer.node.stats().hosts, 3)
      })
    }
  })

  it('are asked for by nobody else’s table root', () =>
    withWorld({ hosts: 2 }, async (world) => {
      const answer = await ask(world, 0, 1, MESH_OPERATION.tableRoot, new Uint8Array(0))
      const root = decodeMeshTableRoot(answer ?? new Uint8Array(0))
      assert.equal(root?.hostCount, 2)
      assert.equal(Buffer.from(root?.root ?? []).toString('hex'), world.host(0).node.stats().tableRoot)
    }))
})

describe('a host as courier', () => {
  it('takes a session only with work, and hangs up on whatever is no hello', () =>
    withWorld({ hosts: 1 }, async (world) => {
      const client = await probe(world, world.host(0))
      assert.equal(await world.run(client.hello({ nonce: 0 })), false)
      const early = await probe(world, world.host(0), 2)
      await early.send({ kind: 'table', cursor: new Uint8Array(32) })
      assert.equal(await world.run(early.receive()), undefined)
      const { client: good } = await openProbe(world, 0, 3)
      assert.equal(world.host(0).node.stats().courierSessions, 1)
      await good.send({ kind: 'hello', period: 0, workNonce: 1, profile: 2, cursor: new Uint8Array(32) })
      assert.equal(await world.run(good.receive()), undefined, 'hello comes once')
    }))

  it('answers each record with exactly one, a constant time later', () =>
    withWorld({ hosts: 2 }, async (world) => {
      const { client } = await openProbe(world, 0)
      const { courierHoldMs } = profileOf('balanced')
      for (let count = 0; count < 5; count += 1) {
        const sentAtMs = world.clock.monotonicMs()
        await client.send({ kind: 'table', cursor: new Uint8Array(32) })
        let arrivedAtMs = 0
        await world.run(client.receive().then(() => (arrivedAtMs = world.clock.monotonicMs())))
        assert.equal(arrivedAtMs - sentAtMs, courierHoldMs)
        await world.clock.advance(2_000)
      }
      let extra: unknown
      const waiting = client.receive().then((record) => (extra = record ?? 'ended'))
      await world.clock.advance(MINUTE_MS)
      assert.equal(extra, undefined, 'nothing comes that answers no record')
      await client.close()
      await waiting
    }))

  it('ends the former session of the same client, and a session that sends too much', () =>
    withWorld({ hosts: 1 }, async (world) => {
      const { client: first } = await openProbe(world, 0, 7)
      const { client: second } = await openProbe(world, 0, 7)
      assert.equal(await world.run(first.receive()), undefined)
      assert.equal(world.host(0).node.stats().courierSessions, 1)
      const flood = async (): Promise<number> => {
        for (let count = 0; ; count += 1) {
          try {
            await second.send({ kind: 'table', cursor: new Uint8Array(32) })
          } catch {
            return count
          }
          await world.clock.sleep(10)
        }
      }
      assert.ok((await world.run(flood())) < 200)
      await world.clock.advance(MINUTE_MS)
      assert.equal(world.host(0).node.stats().courierSessions, 0)
    }))

  it('ends a session with its epoch', () =>
    withWorld({ hosts: 1, parameters: { epochMs: 20 * MINUTE_MS, epochOverlapMs: MINUTE_MS } }, async (world) => {
      const { client } = await openProbe(world, 0)
      await world.clock.advance(21 * MINUTE_MS)
      assert.equal(world.host(0).node.stats().courierSessions, 1)
      await world.clock.advance(2 * MINUTE_MS)
      assert.equal(await world.run(client.receive()), undefined)
      assert.equal(world.host(0).node.stats().courierSessions, 0)
    }))
})

describe('a host as intermediate', () => {
  it('stores with all replicas and answers one request once', () =>
    withWorld({ hosts: 3 }, async (world) => {
      const { client, table } = await openProbe(world, 0)
      const reply = await world.run(client.store(recordOf(table, world.host(1)), boxOf(1)))
      assert.equal(reply?.status, 'stored')
      assert.equal(reply.receipts.length, 3)
      assert.deepEqual(await world.holders(boxOf(1).boxId), [0, 1, 2])
    }))

  it('treats requests for itself as any other', () =>
    withWorld({ hosts: 1 }, async (world) => {
      const { client, table } = await openProbe(world, 0)
      const self = recordOf(table, world.host(0))
      assert.equal((await world.run(client.store(self, boxOf(1))))?.receipts.length, 1)
      assert.equal(await world.run(client.check(self, boxOf(1).boxId, 0)), true)
      assert.equal(await world.run(client.check(self, boxOf(2).boxId, 5)), false)
      assert.deepEqual(await world.run(client.fetchBox(self, boxOf(1).boxId, 3)), boxOf(1))
      await world.run(client.tombstone(self, boxOf(1).boxId, signTombstone(keysOf(1))))
      await world.clock.advance(MINUTE_MS)
      assert.equal(await world.run(client.fetchBox(self, boxOf(1).boxId, 0)), 'missing')
    }))

  it('answers a request that a courier repeats no second time', () =>
    withWorld({ hosts: 2, faults: { 0: { replaysRequests: true } } }, async (world) => {
      const { client, table } = await openProbe(world, 0)
      const intermediate = recordOf(table, world.host(1))
      assert.equal(await world.run(client.check(intermediate, boxOf(1).boxId, 0)), false)
      assert.equal(world.host(1).node.stats().relayed, 1)
    }))

  it('names a host by its work', () =>
    withWorld({ hosts: 1 }, async (world) => {
      const { table } = await openProbe(world, 0)
      const [host] = table
      assert.ok(host !== undefined)
      const { hostKey, workPeriod: period, workNonce: nonce } = host.descriptor
      assert.deepEqual(host.hostId, hostIdOf(hostKey, { period, nonce }))
    }))
})
