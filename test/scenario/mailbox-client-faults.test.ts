import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { hexEncode, MINUTE_MS } from '../../src/base/index.ts'
import {
  COURIER_RECORD_BYTES,
  decodeCourierAnswer,
  encodeCourierAnswer,
  HOST_DESCRIPTOR_BYTES,
} from '../../src/wire/index.ts'
import {
  createTestClient,
  diskFull,
  newBoxKeys,
  type TestClient,
  type TestClientOptions,
} from '../support/mailbox-client-world.ts'
import { createHostWorld, type HostWorld } from '../support/mailbox-world.ts'

const LIMIT_MS = 60 * MINUTE_MS

type Join = (seed: number, more?: Partial<TestClientOptions>) => Promise<TestClient>

async function withWorld(
  options: Parameters<typeof createHostWorld>[0],
  body: (world: HostWorld, join: Join) => Promise<void>,
): Promise<void> {
  const world = await createHostWorld({ latencyMs: 200, ...options })
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

/**
 * Alice writes so many boxes, Bob reads each exactly once. A box whose receipts were lost on their way may be read and
 * buried before it is written again: its id is taken then, and Bob has it.
 */
async function assertDelivered(world: HostWorld, alice: TestClient, bob: TestClient, count: number): Promise<void> {
  const all = Array.from({ length: count }, () => alice.write())
  for (const keys of all) bob.watch(keys)
  await world.clock.advanceUntil(() => all.every((keys) => bob.hasRead(keys)), LIMIT_MS)
  await world.clock.advanceUntil(() => alice.waiting() === 0, LIMIT_MS)
  assert.equal(bob.boxes.length, count)
}

const hostKeyOf = (world: HostWorld, number: number): string => hexEncode(world.host(number).keys.hostKey)

describe('a courier', () => {
  it('that drops a tenth delays, and loses nothing', async () => {
    await withWorld({ hosts: 4, faults: { 1: { dropShare: 0.1 }, 2: { dropShare: 0.1 } } }, async (world, join) => {
      await assertDelivered(world, await join(1), await join(2), 6)
    })
  })

  it('that drops all is left out', async () => {
    await withWorld({ hosts: 4, faults: { 1: { dropShare: 1 } } }, async (world, join) => {
      const client = await join(1, { entries: [world.host(1).entry] })
      await world.clock.advanceUntil(() => client.dialled.length >= 2, LIMIT_MS)
      assert.equal(client.dialled[0], hostKeyOf(world, 1))
      const isLeft = (): boolean =>
        client.client.hosts().some(({ excluded, hostKey }) => excluded && hostKey === hostKeyOf(world, 1))
      await world.clock.advanceUntil(isLeft, 3 * LIMIT_MS)
      const isReplaced = (): boolean => {
        const { couriers } = client.client.status()
        return couriers.length === 2 && couriers.every(({ hostKey }) => hostKey !== hostKeyOf(world, 1))
      }
      await world.clock.advanceUntil(isReplaced, LIMIT_MS)
      // Nobody else is blamed.
      assert.equal(client.client.hosts().filter(({ excluded }) => excluded).length, 1)
    })
  })

  it('that sends garbage is left for another, without a record more', async () => {
    await withWorld({ hosts: 4 }, async (world, join) => {
      const bad = hostKeyOf(world, 0)
      const garbage = new Uint8Array(COURIER_RECORD_BYTES).fill(0xff)
      const client = await join(1, { tamper: (record, hostKey) => [hostKey === bad ? garbage : record] })
      const keys = client.write()
      // It is the only entry: the table must come from it, so nothing can go before it comes round.
      await world.clock.advance(10 * MINUTE_MS)
      assert.equal(client.client.status().hosts, 0)
      assert.equal(
        client.client.status().couriers.some(({ stage }) => stage === 'ready'),
        false,
      )
      await client.client.addHosts([world.host(1).entry])
      await world.clock.advanceUntil(() => client.resultOf(keys)?.status === 'stored', LIMIT_MS)
    })
  })

  it('that says everything twice is not believed twice', async () => {
    await withWorld({ hosts: 4 }, async (world, join) => {
      const bad = hostKeyOf(world, 0)
      const twice = (record: Uint8Array, hostKey: string): readonly Uint8Array[] =>
        hostKey === bad && decodeCourierAnswer(record)?.kind === 'replies' ? [record, record] : [record]
      const alice = await join(1, { tamper: twice })
      const bob = await join(2, { tamper: twice })
      await assertDelivered(world, alice, bob, 3)
      const stored = alice.results.filter(({ result }) => result.status === 'stored')
      assert.equal(new Set(stored.map(({ boxId }) => boxId)).size, stored.length)
      // Each link ends after a few of these.
      assert.ok(alice.dialled.length > 2)
    })
  })

  it('that shows forged descriptors adds none, and loses score', async () => {
    await withWorld({ hosts: 4 }, async (world, join) => {
      const bad = hostKeyOf(world, 0)
      const forge = (record: Uint8Array, hostKey: string): readonly Uint8Array[] => {
        const answer = decodeCourierAnswer(record)
        if (hostKey !== bad || answer === undefined || answer.kind === 'replies') return [record]
        const descriptors = answer.descriptors.map((bytes) => bytes.with(HOST_DESCRIPTOR_BYTES - 1, 0).with(40, 1))
        return [encodeCourierAnswer({ ...answer, descriptors })]
      }
      const client = await join(1, { tamper: forge })
      await world.clock.advance(5 * MINUTE_MS)
      assert.equal(client.client.status().hosts, 0)
      assert.ok((client.client.hosts().find(({ hostKey }) => hostKey === bad)?.losses ?? 0) > 5)
      await client.client.addHosts([world.host(1).entry])
      await world.clock.advanceUntil(() => client.client.status().hosts === 4, LIMIT_MS)
    })
  })

  it('that falls silent is given up', async () => {
    await withWorld({ hosts: 3 }, async (world, join) => {
      let isSilent = false
      const client = await join(1, { tamper: (record) => (isSilent ? [] : [record]) })
      const isReady = (): boolean => client.client.status().couriers.some(({ stage }) => stage === 'ready')
      await world.clock.advanceUntil(isReady, LIMIT_MS)
      const keys = client.write()
      isSilent = true
      await world.clock.advance(5 * MINUTE_MS)
      assert.equal(isReady(), false)
      assert.equal(client.resultOf(keys)?.status, 'lost')
      isSilent = false
      await world.clock.advanceUntil(() => client.resultOf(keys)?.status === 'stored', LIMIT_MS)
    })
  })
})

describe('replies that are lost', () => {
  it('make a write that is written again, and one box', async () => {
    await withWorld({ hosts: 4 }, async (world, join) => {
      let isLosing = true
      const empty = encodeCourierAnswer({ kind: 'replies', replies: [] })
      const alice = await join(1, {
        tamper: (record) => [isLosing && decodeCourierAnswer(record)?.kind === 'replies' ? empty : record],
      })
      const bob = await join(2)
      const keys = alice.write()
      await world.clock.advanceUntil(() => alice.resultOf(keys)?.status === 'lost', LIMIT_MS)
      isLosing = false
      await world.clock.advanceUntil(() => alice.waiting() === 0, LIMIT_MS)
      assert.equal(alice.resultOf(keys)?.status, 'stored')
      bob.watch(keys)
      await world.clock.advanceUntil(() => bob.hasRead(keys), LIMIT_MS)
      await world.clock.advance(5 * MINUTE_MS)
      assert.equal(bob.boxes.length, 1)
    })
  })
})

describe('an intermediate', () => {
  it('that invents receipts is not believed, and the write goes through another', async () => {
    await withWorld(
      { hosts: 5, faults: { 1: { inventsReceipts: true }, 2: { inventsReceipts: true } } },
      async (world, join) => {
        const alice = await join(1)
        const all = Array.from({ length: 6 }, () => alice.write())
        await world.clock.advanceUntil(() => alice.waiting() === 0, LIMIT_MS)
        for (const keys of all) assert.ok((await world.holders(keys.boxId)).length >= 2)
        assert.ok(
          alice.results.some(({ result }) => result.status === 'lost'),
          'nobody lied',
        )
        const liars = new Set([1, 2].map((number) => hostKeyOf(world, number)))
        const charged = alice.client.hosts().filter(({ losses }) => losses > 0)
        assert.ok(charged.length > 0 && charged.every(({ hostKey }) => liars.has(hostKey)))
      },
    )
  })
})

describe('hosts that mean ill', () => {
  const kinds = {
    'forge receipts': { forgesReceipts: true },
    'claim boxes that they do not keep': { claimsStored: true },
    'answer garbage': { garbageShare: 0.5 },
    'answer in wrong sizes': { wrongSizeShare: 0.5 },
    'answer late and out of order': { lateMs: 15_000, reordersMs: 15_000 },
    'replay requests and writes': { replaysRequests: true, replaysWrites: true },
  } as const
  for (const [kind, fault] of Object.entries(kinds)) {
    it(`and ${kind} lose nothing and make nothing twice`, async () => {
      await withWorld({ hosts: 5, faults: { 1: { ...fault }, 2: { ...fault } } }, async (world, join) => {
        await assertDelivered(world, await join(1), await join(2), 3)
      })
    })
  }
})

describe('a second write to one id', () => {
  it('is a conflict, and the first stays', async () => {
    await withWorld({ hosts: 4 }, async (world, join) => {
      const alice = await join(1)
      const eve = await join(3)
      const bob = await join(2)
      const keys = newBoxKeys()
      alice.write(keys, 1)
      await world.clock.advanceUntil(() => alice.resultOf(keys)?.status === 'stored', LIMIT_MS)
      eve.write(keys, 2)
      await world.clock.advanceUntil(() => eve.resultOf(keys) !== undefined, LIMIT_MS)
      assert.equal(eve.resultOf(keys)?.status, 'conflict')
      // The same bytes again are no conflict.
      alice.write(keys, 1)
      await world.clock.advanceUntil(() => alice.results.length === 2, LIMIT_MS)
      assert.equal(alice.resultOf(keys)?.status, 'stored')
      bob.watch(keys)
      await world.clock.advanceUntil(() => bob.hasRead(keys), LIMIT_MS)
    })
  })
})

describe('full disks', () => {
  it('at all hosts say so, with a time for another try', async () => {
    await withWorld({ hosts: 2, quotaBytes: 1 }, async (world, join) => {
      const alice = await join(1)
      const keys = alice.write()
      await world.clock.advanceUntil(() => alice.resultOf(keys) !== undefined, LIMIT_MS)
      const result = alice.resultOf(keys)
      assert.equal(result?.status, 'full')
      assert.ok(result?.status === 'full' && result.retryAfterMs > 0)
    })
  })

  it('at the reader make it read again', async () => {
    await withWorld({ hosts: 3 }, async (world, join) => {
      let failures = 0
      const alice = await join(1)
      const bob = await join(2, {
        onBox() {
          failures += 1
          if (failures <= 2) throw diskFull()
        },
      })
      const keys = alice.write()
      bob.watch(keys)
      await world.clock.advanceUntil(() => bob.hasRead(keys), LIMIT_MS)
      assert.equal(failures, 3)
      assert.equal(bob.boxes.length, 1)
    })
  })
})
