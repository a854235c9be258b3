import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { HOUR_MS, MINUTE_MS } from '../../src/base/index.ts'
import { storeError } from '../../src/store/errors.ts'
import { createSeededRandom } from '../support/seeded-random.ts'
import { createWorld, receivedTexts, type World } from '../support/world.ts'

const HOSTS = [{ hostKey: new Uint8Array(32).fill(1), courierOnionKey: new Uint8Array(32).fill(2) }]
const NAMES = ['alice', 'bob'] as const
type Name = (typeof NAMES)[number]
const RANK = ['queued', 'sent', 'stored', 'delivered', 'read']

/** Both reach each other through boxes alone. */
async function createPair(): Promise<{ world: World; ids: Record<Name, string> }> {
  const world = await createWorld(NAMES, { hosts: HOSTS })
  world.hub.setUnreachable(true)
  const { uri } = await world.messenger('bob').createInvite({})
  const { contactId: alice } = await world.messenger('alice').acceptInvite({ uri })
  await world.clock.advanceUntil(async () => (await world.messenger('bob').listRequests()).length > 0, HOUR_MS)
  const [request] = await world.messenger('bob').listRequests()
  const { contactId: bob } = await world.messenger('bob').acceptRequest({ requestId: request?.requestId ?? '' })
  return { world, ids: { alice, bob } }
}

/** From the `count`th batch on the disk takes nothing, until the messenger is opened again from what is on it. */
function killAfter(world: World, name: Name, count: number): { wasHit(): boolean } {
  let batches = 0
  world.beforeBatch(name, () => {
    batches += 1
    if (batches > count) throw storeError('STORE_FULL')
  })
  return { wasHit: () => batches > count }
}

async function assertAllArrived(world: World, ids: Record<Name, string>, sent: Record<Name, string[]>): Promise<void> {
  assert.deepEqual(await receivedTexts(world.messenger('bob'), ids.bob), sent.alice)
  assert.deepEqual(await receivedTexts(world.messenger('alice'), ids.alice), sent.bob)
  for (const name of NAMES) {
    const messages = await world.messenger(name).listMessages({ contactId: ids[name], limit: 500 })
    const states = messages.flatMap(({ direction, delivery }) => (direction === 'sent' ? [delivery] : []))
    assert.deepEqual([...new Set(states)], ['delivered'])
    const [contact] = await world.messenger(name).listContacts()
    assert.equal(contact?.queuedMessages, 0)
    const best = new Map<string, number>()
    for (const { body } of await world.messenger(name).readEvents({ after: 0, limit: 500 })) {
      if (body.type !== 'delivery') continue
      const before = best.get(body.messageId) ?? 0
      const rank = RANK.indexOf(body.delivery)
      // Once the other side has it, nothing goes back.
      assert.ok(before < 3 || rank >= before, body.delivery)
      best.set(body.messageId, Math.max(before, rank))
    }
  }
  assert.deepEqual(world.failures, [])
}

describe('a conversation through boxes', () => {
  it('loses and doubles nothing, whichever step is the last one before the end', async () => {
    const { world, ids } = await createPair()
    const random = createSeededRandom(7)
    const draw = (below: number): number => Math.floor(random.uniform() * below)
    const sent: Record<Name, string[]> = { alice: [], bob: [] }
    let hits = 0
    try {
      for (let turn = 0; turn < 30; turn += 1) {
        const writer = NAMES[draw(2)] ?? 'alice'
        const text = `${writer} ${turn} ${draw(3) === 0 ? 'x'.repeat(1_500) : ''}`
        await world.messenger(writer).send({ contactId: ids[writer], text })
        sent[writer].push(text)
        const victim = NAMES[draw(2)] ?? 'bob'
        const kill = killAfter(world, victim, draw(6))
        await world.clock.advance(draw(25) * MINUTE_MS + 40_000)
        if (kill.wasHit()) hits += 1
        // What comes back late finds a full disk; then the process ends, and begins again from its disk.
        await world.stopOne(victim)
        world.beforeBatch(victim, undefined)
        await world.restart(victim)
      }
      await world.clock.advance(4 * HOUR_MS)
      assert.ok(hits >= 8, `${hits} kills`)
      await assertAllArrived(world, ids, sent)
    } finally {
      await world.stop()
    }
  })

  it('loses and doubles nothing on a disk that is full now and then', async () => {
    const { world, ids } = await createPair()
    const random = createSeededRandom(11)
    const sent: Record<Name, string[]> = { alice: [], bob: [] }
    let failed = 0
    try {
      for (let turn = 0; turn < 12; turn += 1) {
        for (const name of NAMES) {
          const text = `${name} ${turn}`
          await world.messenger(name).send({ contactId: ids[name], text })
          sent[name].push(text)
          world.beforeBatch(name, () => {
            if (random.uniform() >= 0.4) return
            failed += 1
            throw storeError('STORE_FULL')
          })
        }
        await world.clock.advance(10 * MINUTE_MS)
        for (const name of NAMES) world.beforeBatch(name, undefined)
      }
      await world.clock.advance(4 * HOUR_MS)
      assert.ok(failed > 20, `${failed} failures`)
      await assertAllArrived(world, ids, sent)
    } finally {
      await world.stop()
    }
  })
})
