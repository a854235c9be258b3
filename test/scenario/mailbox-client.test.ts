import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { hexEncode, MINUTE_MS, SECOND_MS } from '../../src/base/index.ts'
import type { MailboxParameters } from '../../src/mailbox/index.ts'
import { fetchHostTable } from '../../src/mailbox/index.ts'
import { createMemoryStore } from '../../src/store/index.ts'
import { COURIER_RECORD_BYTES } from '../../src/wire/index.ts'
import { CLIENT_WORLD_FUNCTIONS, createTestClient, type TestClient } from '../support/mailbox-client-world.ts'
import { createHostWorld, type HostWorld } from '../support/mailbox-world.ts'
import { createSeededRandom } from '../support/seeded-random.ts'
import { silentLogger } from '../support/silent-logger.ts'

const LIMIT_MS = 30 * MINUTE_MS
const LATENCY_MS = 200

async function withWorld(
  options: Parameters<typeof createHostWorld>[0],
  body: (world: HostWorld, join: (seed: number, more?: object) => Promise<TestClient>) => Promise<void>,
): Promise<void> {
  const world = await createHostWorld({ latencyMs: LATENCY_MS, ...options })
  const clients: TestClient[] = []
  try {
    await body(world, async (seed, more = {}) => {
      const client = await createTestClient(world, { seed, ...more })
      clients.push(client)
      return client
    })
    for (const { failures } of clients) assert.deepEqual(failures, [])
    assert.deepEqual(world.failures, [])
  } finally {
    for (const client of clients) await client.stop()
    await world.stop()
  }
}

for (const hosts of [1, 2, 3, 8, 50]) {
  describe(`a network of ${hosts}`, () => {
    it('takes a box from one client to another, which buries it', async () => {
      await withWorld({ hosts }, async (world, join) => {
        const alice = await join(1)
        const bob = await join(2)
        // Receipts of hosts that a table lacks do not count: what is written before it is whole is written again.
        await world.clock.advanceUntil(() => alice.client.status().hosts === hosts, LIMIT_MS)
        const keys = alice.write()
        await world.clock.advanceUntil(() => alice.resultOf(keys)?.status === 'stored', LIMIT_MS)
        bob.watch(keys)
        const result = alice.resultOf(keys)
        assert.equal(result?.status, 'stored')
        assert.equal(result?.status === 'stored' && result.wanted, Math.min(8, hosts))
        await world.clock.advanceUntil(() => bob.hasRead(keys), LIMIT_MS)
        assert.equal(bob.boxes.length, 1)
        assert.equal(bob.client.status().separation, hosts === 1 ? 'single' : hosts < 4 ? 'partial' : 'full')
        if (hosts > 8) return
        const isBuried = async (): Promise<boolean> => (await world.holders(keys.boxId)).length === 0
        await world.clock.advanceUntil(isBuried, LIMIT_MS)
        assert.equal(bob.client.status().hosts, hosts)
        assert.equal(bob.client.status().tablesAgree, true)
      })
    })
  })
}

/** A short life for a pair of couriers, all else as it is. */
const SHORT_EPOCHS: Partial<MailboxParameters> = { epochMs: 15 * MINUTE_MS, epochOverlapMs: 3 * MINUTE_MS }

describe('epochs', () => {
  it('follow each other under new identities, without a slot without courier', async () => {
    await withWorld({ hosts: 6, parameters: SHORT_EPOCHS }, async (world, join) => {
      const client = await join(1)
      await world.clock.advanceUntil(() => client.client.status().nextWriteAtMs !== undefined, LIMIT_MS)
      const startedMs = world.clock.monotonicMs()
      const before = client.trace.length
      await world.clock.advance(40 * MINUTE_MS)
      assert.ok(client.dialled.length >= 6, `${client.dialled.length} links`)
      assert.equal(new Set(client.seeds).size, client.seeds.length)
      assert.equal(new Set(client.isolations).size, client.isolations.length)
      assert.ok(new Set(client.dialled).size >= 3)
      // Both pairs' links at most, and each of them used.
      assert.ok(client.links().length <= 4)
      const used = new Set(client.trace.map((line) => line.split(' ')[1]))
      assert.equal(used.size, client.dialled.length)
      // W 2, R and M together 4 a minute, and one record of set-up a link.
      const records = client.trace.length - before
      const setUp = client.dialled.length - 2
      assert.ok(Math.abs(records - setUp - 6 * 40) < 30, `${records} records, ${setUp} of them set-up`)
      assert.ok(world.clock.monotonicMs() - startedMs === 40 * MINUTE_MS)
      assert.deepEqual([...new Set(client.trace.map((line) => line.split(' ')[2]))], [String(COURIER_RECORD_BYTES)])
    })
  })

  it('dial again on their own clock when links are lost or nobody can be reached', async () => {
    await withWorld({ hosts: 4 }, async (world, join) => {
      const client = await join(1)
      const isReady = (): boolean => client.client.status().couriers.some(({ stage }) => stage === 'ready')
      await world.clock.advanceUntil(isReady, LIMIT_MS)
      world.recordHub.setUnreachable(true)
      world.recordHub.cut()
      await world.clock.advance(10 * MINUTE_MS)
      assert.equal(isReady(), false)
      assert.equal(client.client.status().nextWriteAtMs, undefined)
      assert.equal(client.client.status().lastError, 'LINK_SETUP_FAILED')
      const keys = client.write()
      world.recordHub.setUnreachable(false)
      await world.clock.advanceUntil(() => client.resultOf(keys)?.status === 'stored', LIMIT_MS)
    })
  })
})

describe('loops', () => {
  it('are written, come back and are buried', async () => {
    await withWorld({ hosts: 4 }, async (world, join) => {
      const client = await join(1)
      await world.clock.advance(40 * MINUTE_MS)
      assert.equal(client.client.status().loopReturn, 1)
      const buried = world.hosts.reduce((sum, { node }) => sum + node.stats().tombstones, 0)
      assert.ok(buried >= 4, `${buried} tombstones`)
    })
  })
})

describe('a restart', () => {
  it('begins with the table of the last run, and the entries', async () => {
    await withWorld({ hosts: 5 }, async (world, join) => {
      const store = createMemoryStore()
      const first = await join(1, { store })
      await world.clock.advanceUntil(() => first.client.status().hosts === 5, LIMIT_MS)
      await first.stop()
      const second = await join(2, { store, entries: [] })
      assert.equal(second.client.status().hosts, 5)
      assert.equal(second.client.hosts().filter(({ kind }) => kind === 'listed').length, 5)
      assert.equal(second.client.entries(3).length, 3)
    })
  })
})

describe('fetchHostTable', () => {
  it('gives all descriptors that a courier has', async () => {
    await withWorld({ hosts: 20 }, async (world) => {
      const network = world.recordHub.createNetwork()
      const deps = {
        clock: world.clock,
        random: createSeededRandom(1),
        logger: silentLogger,
        network,
        parameters: world.parameters,
        functions: CLIENT_WORLD_FUNCTIONS,
      }
      const never = new AbortController().signal
      const startedMs = world.clock.monotonicMs()
      const found = await world.run(fetchHostTable(deps, world.host(3).entry, never))
      assert.equal(new Set(found.map(hexEncode)).size, 20)
      assert.ok(world.clock.monotonicMs() - startedMs < 60 * SECOND_MS)
      await world.kill(3)
      await assert.rejects(world.run(fetchHostTable(deps, world.host(3).entry, never)), { code: 'LINK_SETUP_FAILED' })
      await network.stop()
    })
  })
})
