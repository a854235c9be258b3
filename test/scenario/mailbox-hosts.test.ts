import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { equalBytes, HOUR_MS, MINUTE_MS } from '../../src/base/index.ts'
import { sha256 } from '../../src/crypto/index.ts'
import {
  countReceipts,
  createHostTable,
  deriveBoxKeys,
  type HostRecord,
  type HostTable,
  type ReceiptCount,
  sealBox,
  signTombstone,
} from '../../src/mailbox/index.ts'
import { BOX_BODY_BYTES, type Box, type StoreReply } from '../../src/wire/index.ts'
import { type CourierProbe, openCourierProbe } from '../support/courier-probe.ts'
import type { HostFaults } from '../support/mailbox-faults.ts'
import { createHostWorld, type HostWorld, type HostWorldOptions } from '../support/mailbox-world.ts'
import { createSeededRandom } from '../support/seeded-random.ts'

const boxes = new Map<number, Box>()

/** The same each time: sealing draws a nonce. */
function boxOf(number: number): Box {
  const keys = deriveBoxKeys(sha256(Uint8Array.of(7, number & 255, number >> 8)))
  const box = boxes.get(number) ?? sealBox(keys, new Uint8Array(BOX_BODY_BYTES).fill(number))
  boxes.set(number, box)
  return box
}

async function withWorld(options: HostWorldOptions, body: (world: HostWorld) => Promise<void>): Promise<void> {
  const world = await createHostWorld(options)
  try {
    await body(world)
    assert.deepEqual(world.failures, [], 'nothing counts as a bug')
  } finally {
    await world.stop()
    // What a late host still had to say, to nobody.
    const waitsMs = Object.values(options.faults ?? {}).map(({ lateMs = 0, reordersMs = 0 }) => lateMs + reordersMs)
    await world.clock.advance(Math.max(0, ...waitsMs))
  }
  assert.equal(world.clock.sleepers(), 0, 'stopped means that nothing waits')
}

interface Reader {
  readonly client: CourierProbe
  readonly table: HostTable
  record(number: number): HostRecord
}

async function join(world: HostWorld, courier: number, seed = 1): Promise<Reader> {
  const { clock, parameters, recordHub } = world
  const deps = { network: recordHub.createNetwork(), clock, random: createSeededRandom(seed), parameters }
  const client = await world.run(openCourierProbe(deps, world.host(courier).entry))
  assert.ok(await world.run(client.hello()))
  const table = createHostTable({ maxCount: 100 })
  for (const host of await world.run(client.table())) table.merge(host)
  const record = (number: number): HostRecord => {
    const found = table.byKey(world.host(number).keys.hostKey)
    assert.ok(found !== undefined)
    return found
  }
  return { client, table, record }
}

/** What an honest client makes of an answer. */
function count(world: HostWorld, { table }: Reader, box: Box, reply: StoreReply | undefined): ReceiptCount {
  return countReceipts({
    box,
    receipts: reply?.receipts ?? [],
    closest: table.closest(box.boxId, 16),
    hostCount: table.size,
    nowMs: world.clock.nowMs(),
  })
}

function numbersOf(
  world: HostWorld,
  hosts: readonly { readonly descriptor: { readonly hostKey: Uint8Array } }[],
): number[] {
  return hosts.map(({ descriptor }) =>
    world.hosts.findIndex(({ keys }) => equalBytes(keys.hostKey, descriptor.hostKey)),
  )
}

describe('networks of hosts', () => {
  for (const hosts of [1, 2, 3, 8, 50]) {
    it(`of ${hosts} find each other, store on the nearest ones and give back`, () =>
      withWorld({ hosts, latencyMs: hosts > 8 ? 0 : 200 }, async (world) => {
        const reader = await join(world, 0)
        assert.equal(reader.table.size, hosts)
        const box = boxOf(1)
        const intermediate = reader.record(hosts - 1)
        const reply = await world.run(reader.client.store(intermediate, box))
        const { replicas, wanted, stored } = count(world, reader, box, reply)
        assert.deepEqual(
          [reply?.status, replicas, wanted, stored],
          ['stored', Math.min(8, hosts), Math.min(8, hosts), true],
        )
        const nearest = numbersOf(world, reader.table.closest(box.boxId, wanted))
        assert.deepEqual(
          await world.holders(box.boxId),
          nearest.toSorted((a, b) => a - b),
        )
        for (const rank of [0, wanted - 1]) {
          assert.equal(await world.run(reader.client.check(intermediate, box.boxId, rank)), true)
          assert.equal(await world.run(reader.client.check(intermediate, boxOf(2).boxId, rank)), false)
          assert.deepEqual(await world.run(reader.client.fetchBox(intermediate, box.boxId, rank)), box)
        }
        assert.equal(await world.run(reader.client.fetchBox(intermediate, boxOf(2).boxId, 0)), 'missing')
      }))
  }

  it('come together again from disk when all were stopped', () =>
    withWorld({ hosts: 4 }, async (world) => {
      const reader = await join(world, 0)
      await world.run(reader.client.store(reader.record(1), boxOf(1)))
      for (const { number } of world.hosts) await world.kill(number)
      for (const { number } of world.hosts) await world.restart(number)
      await world.meet()
      const again = await join(world, 3, 2)
      assert.equal(again.table.size, 4)
      assert.equal(await world.run(again.client.check(again.record(2), boxOf(1).boxId, 0)), true)
    }))
})

describe('boxes outlive hosts', () => {
  const parameters = { repairIntervalMs: 30 * MINUTE_MS, deadAfterMs: 10 * MINUTE_MS, gossipIntervalMs: MINUTE_MS }

  it('when replicas die, others take their place, with the expiry that was', () =>
    withWorld({ hosts: 12, parameters }, async (world) => {
      const reader = await join(world, 0)
      const box = boxOf(1)
      await world.run(reader.client.store(reader.record(0), box))
      const before = await world.holders(box.boxId)
      assert.equal(before.length, 8)
      const doomed = before.filter((number) => number !== 0).slice(0, 3)
      for (const number of doomed) await world.kill(number)
      const live = async (): Promise<readonly number[]> =>
        (await world.holders(box.boxId)).filter((number) => world.host(number).isRunning())
      await world.clock.advanceUntil(async () => (await live()).length === 8, 4 * HOUR_MS)
      const expiries = await Promise.all(
        (await live()).map(async (number) => (await world.host(number).boxes.list(undefined, 10))[0]?.expiresAtMs),
      )
      assert.equal(new Set(expiries).size, 1)
      // The copies are there; the answers to who made them are still on their way.
      await world.clock.advance(MINUTE_MS)
      assert.ok(world.hosts.some(({ node, isRunning }) => isRunning() && node.stats().repaired > 0))
    }))

  it('a copy that was damaged on the disk is not passed on but dropped, and a good one takes its place', () =>
    withWorld({ hosts: 4, parameters }, async (world) => {
      const reader = await join(world, 0)
      const [box, lost] = [boxOf(1), boxOf(2)]
      for (const each of [box, lost]) await world.run(reader.client.store(reader.record(0), each))
      assert.deepEqual((await world.holders(box.boxId)).length, 4, 'control')
      const damage = async (number: number, { boxId, signature, ciphertext }: Box): Promise<void> => {
        const { boxes: store } = world.host(number)
        const expiresAtMs = (await store.list(undefined, 10))[0]?.expiresAtMs ?? 0
        assert.ok(await store.discard(boxId))
        const damaged = { boxId, signature, ciphertext: ciphertext.with(900, (ciphertext[900] ?? 0) ^ 1) }
        assert.equal((await store.put(damaged, expiresAtMs)).status, 'stored')
      }
      // Of the first, the copy of whoever passes it on is damaged, and one is gone, so that there is somebody to pass it to.
      const [giver = 0, taker = 0] = numbersOf(world, reader.table.closest(box.boxId, 2))
      await damage(giver, box)
      assert.ok(await world.host(taker).boxes.discard(box.boxId))
      // Of the second, no good copy is left.
      for (const number of [0, 1, 3]) await damage(number, lost)
      assert.ok(await world.host(2).boxes.discard(lost.boxId))
      const copies = async ({ boxId }: Box): Promise<readonly (Box | undefined)[]> =>
        Promise.all(world.hosts.map(({ boxes: store }) => store.get(boxId)))
      const isGood = (copy: Box | undefined): boolean =>
        copy !== undefined && equalBytes(copy.ciphertext, box.ciphertext)
      await world.clock.advanceUntil(
        async () => (await copies(box)).every(isGood) && (await copies(lost)).every((copy) => copy === undefined),
        12 * HOUR_MS,
      )
    }))

  it('and a box that was taken back stays so', () =>
    withWorld({ hosts: 4, parameters }, async (world) => {
      const reader = await join(world, 0)
      const keys = deriveBoxKeys(sha256(Uint8Array.of(1)))
      const box = sealBox(keys, new Uint8Array(BOX_BODY_BYTES))
      await world.run(reader.client.store(reader.record(1), box))
      await world.run(reader.client.tombstone(reader.record(2), box.boxId, signTombstone(keys)))
      await world.clock.advance(2 * MINUTE_MS)
      assert.deepEqual(await world.holders(box.boxId), [])
      await world.clock.advance(3 * HOUR_MS)
      assert.deepEqual(await world.holders(box.boxId), [])
    }))
})

describe('hosts that do not keep to the protocol', () => {
  /** How many of 20 writes and checks through courier 0 came back. */
  const returned = async (faults: HostFaults): Promise<number> => {
    let came = 0
    await withWorld({ hosts: 4, faults: { 0: faults } }, async (world) => {
      const { client, record } = await join(world, 0)
      for (let number = 0; number < 20; number += 1) {
        if ((await world.run(client.store(record(1 + (number % 3)), boxOf(number), 3))) !== undefined) came += 1
      }
    })
    return came
  }

  it('a courier that drops a tenth or all is seen by what does not come back', async () => {
    assert.equal(await returned({}), 20, 'control')
    const tenth = await returned({ dropShare: 0.1 })
    assert.ok(tenth >= 14 && tenth < 20, `${tenth} of 20`)
    assert.equal(await returned({ dropShare: 1 }), 0)
  })

  it('an intermediate that lies about receipts convinces nobody', () =>
    withWorld({ hosts: 4, faults: { 1: { inventsReceipts: true } } }, async (world) => {
      const reader = await join(world, 0)
      const reply = await world.run(reader.client.store(reader.record(1), boxOf(1)))
      assert.deepEqual([reply?.status, reply?.receipts.length], ['stored', 4])
      assert.equal(count(world, reader, boxOf(1), reply).stored, false)
      assert.deepEqual(await world.holders(boxOf(1).boxId), [])
      const honest = await world.run(reader.client.store(reader.record(2), boxOf(1)))
      assert.equal(count(world, reader, boxOf(1), honest).stored, true, 'control')
    }))

  it('replicas that forge receipts do not count, and an honest intermediate leaves them out', () =>
    withWorld({ hosts: 4, faults: { 1: { forgesReceipts: true }, 2: { forgesReceipts: true } } }, async (world) => {
      const reader = await join(world, 0)
      const reply = await world.run(reader.client.store(reader.record(3), boxOf(1)))
      const { hosts } = count(world, reader, boxOf(1), reply)
      assert.equal(reply?.receipts.length, 2)
      assert.deepEqual(
        numbersOf(world, hosts).toSorted((a, b) => a - b),
        [0, 3],
      )
    }))

  it('a replica that claims to store cannot hide the box from readers', () =>
    withWorld({ hosts: 3, faults: { 1: { claimsStored: true } } }, async (world) => {
      const reader = await join(world, 0)
      const reply = await world.run(reader.client.store(reader.record(2), boxOf(1)))
      assert.equal(reply?.receipts.length, 3, 'its receipt is good: only readers can tell')
      for (const rank of [0, 1, 2])
        assert.deepEqual(await world.run(reader.client.fetchBox(reader.record(2), boxOf(1).boxId, rank)), boxOf(1))
    }))

  for (const [name, faults] of Object.entries<HostFaults>({
    'answers late': { lateMs: 8_000 },
    'answers in another order': { reordersMs: 5_000 },
    'answers garbage': { garbageShare: 1 },
    'answers in wrong sizes': { wrongSizeShare: 1 },
    'writes again what it was given': { replaysWrites: true },
  })) {
    it(`a host that ${name} loses nothing for the others`, () =>
      withWorld({ hosts: 4, faults: { 1: faults } }, async (world) => {
        const reader = await join(world, 0)
        for (let number = 0; number < 5; number += 1) {
          const reply = await world.run(reader.client.store(reader.record(2), boxOf(number)))
          assert.equal(count(world, reader, boxOf(number), reply).stored, true)
          assert.deepEqual(
            await world.run(reader.client.fetchBox(reader.record(3), boxOf(number).boxId, 1)),
            boxOf(number),
          )
        }
      }))
  }

  it('a full disk on one host leaves the box to the others', () =>
    withWorld({ hosts: 4, quotaBytes: 64 * 2 ** 20 }, async (world) => {
      const reader = await join(world, 0)
      const full = world.host(1).boxes
      full.put = async () => ({ status: 'full' })
      const reply = await world.run(reader.client.store(reader.record(2), boxOf(1)))
      assert.deepEqual([reply?.status, reply?.receipts.length], ['stored', 3])
      assert.equal(world.host(1).node.stats().refusedFull, 1)
      for (const { boxes } of world.hosts) boxes.put = async () => ({ status: 'full' })
      assert.equal((await world.run(reader.client.store(reader.record(2), boxOf(2))))?.status, 'full')
    }))

  it('a host whose clock is wrong by an hour serves as well as the others', async () => {
    for (const errorMs of [HOUR_MS, -HOUR_MS]) {
      await withWorld({ hosts: 3, clockErrorsMs: { 1: errorMs } }, async (world) => {
        const reader = await join(world, 1)
        assert.equal(reader.table.size, 3)
        const reply = await world.run(reader.client.store(reader.record(1), boxOf(1)))
        assert.equal(count(world, reader, boxOf(1), reply).replicas, 3)
      })
    }
  })
})

describe('what a host logs', () => {
  it('names no client, no box and no host', async () => {
    const lines: string[] = []
    const logger = (number: number): ReturnType<NonNullable<HostWorldOptions['logger']>> => {
      const line = (event: string, fields?: unknown): void =>
        void lines.push(`${number} ${event} ${JSON.stringify(fields)}`)
      return { debug: line, info: line, warn: line, error: line, child: () => logger(number) }
    }
    await withWorld({ hosts: 3, logger, faults: { 1: { forgesReceipts: true, garbageShare: 0.3 } } }, async (world) => {
      const reader = await join(world, 0)
      await world.run(reader.client.store(reader.record(2), boxOf(1)))
      await world.run(reader.client.fetchBox(reader.record(2), boxOf(1).boxId, 1))
      await world.clock.advance(10 * MINUTE_MS)
      assert.ok(lines.length > 5, 'control: hosts do log')
      const secrets = [reader.client.clientKey, boxOf(1).boxId, ...world.hosts.map(({ keys }) => keys.hostKey)]
      for (const line of lines) {
        assert.match(line, /^\d [a-zA-Z ’]+ (undefined|\{[a-z0-9":,]*\})$/i)
        for (const secret of secrets) assert.ok(!line.includes(Buffer.from(secret).toString('hex').slice(0, 8)))
      }
    })
  })
})
