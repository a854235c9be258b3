/**
 * What happens when things happen at the same time: stopping, removing, blocking, failing disks, hostile contacts.
 * @module
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { AppError, isAppError } from '../../src/base/index.ts'
import { LANE_WINDOW_MS } from '../../src/identity/index.ts'
import type { Clock, StoreOperation } from '../../src/ports/index.ts'
import { createWorld, pairUp, receivedTexts, type World } from '../support/world.ts'

const MINUTE_MS = 60_000

async function withWorld(
  body: (world: World) => Promise<void>,
  clockOf?: (name: string, clock: Clock) => Clock,
): Promise<void> {
  const world = await createWorld(['alice', 'bob'], clockOf === undefined ? {} : { clockOf })
  try {
    await body(world)
  } finally {
    await world.stop()
    assert.equal(world.clock.sleepers(), 0, 'a stopped messenger leaves no timer behind')
    assert.deepEqual(world.failures, [])
  }
}

/** Holds the first batch that fits until it is released. */
function hold(world: World, name: string, fits: (operations: readonly StoreOperation[]) => boolean) {
  const released = Promise.withResolvers<void>()
  let isReached = false
  world.beforeBatch(name, async (operations) => {
    if (isReached || !fits(operations)) return
    isReached = true
    await released.promise
  })
  return { isReached: () => isReached, release: () => released.resolve() }
}

const touches = (table: string, type: StoreOperation['type']) => (operations: readonly StoreOperation[]) =>
  operations.some((operation) => operation.table === table && operation.type === type)

/** Lets everything that is ready run, without moving time. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve))
}

describe('stopping', () => {
  it('starts nothing that a step under way would have started', () =>
    withWorld(async (world) => {
      const { uri } = await world.messenger('bob').createInvite({})
      await world.messenger('alice').acceptInvite({ uri })
      const answer = hold(world, 'alice', touches('outgoing-request', 'delete'))
      await world.clock.advanceUntil(answer.isReached, 5 * MINUTE_MS)
      const stopping = world.messenger('alice').stop()
      await settle()
      answer.release()
      await stopping
      await world.messenger('bob').stop()
      assert.equal(world.clock.sleepers(), 0)
    }))

  it('does not wait for a silent inviter in the middle of the exchange', () =>
    withWorld(async (world) => {
      const { uri } = await world.messenger('bob').createInvite({})
      await world.messenger('alice').acceptInvite({ uri })
      world.dropRendezvousAnswers(true)
      const request = hold(world, 'alice', touches('outgoing-request', 'put'))
      await world.clock.advanceUntil(request.isReached, 5 * MINUTE_MS)
      const stopping = world.messenger('alice').stop()
      request.release()
      await stopping
    }))

  it('joins a lane whose contact was just unblocked', () =>
    withWorld(async (world) => {
      const { bob } = await pairUp(world, 'alice', 'bob')
      await world.messenger('bob').block(bob)
      const unblocking = world.messenger('bob').unblock(bob)
      await world.messenger('bob').stop()
      await unblocking.catch(() => undefined)
      await world.messenger('alice').stop()
      assert.equal(world.clock.sleepers(), 0)
    }))
})

describe('removing', () => {
  it('leaves nothing of a message that was sent at the same time', () =>
    withWorld(async (world) => {
      const { bob } = await pairUp(world, 'alice', 'bob')
      assert.ok(world.storedKeys('bob', bob).length > 0, 'control: there is something to remove')
      const [, sent] = await Promise.allSettled([
        world.messenger('bob').removeContact(bob),
        world.messenger('bob').send({ contactId: bob, text: 'too late' }),
      ])
      assert.ok(sent.status === 'rejected' && isAppError(sent.reason, 'CONTACT_UNKNOWN'))
      assert.deepEqual(world.storedKeys('bob', bob), [])
      assert.equal(world.storeHolds('bob', 'too late'), false)
    }))

  it('is not undone by the acceptance of the request', () =>
    withWorld(async (world) => {
      const [alice, bob] = [world.messenger('alice'), world.messenger('bob')]
      const { uri } = await bob.createInvite({})
      const { contactId } = await alice.acceptInvite({ uri })
      await world.clock.advanceUntil(async () => (await alice.listContacts())[0]?.state === 'requested', 5 * MINUTE_MS)
      await alice.removeContact(contactId)
      const before = alice.status().lastEventSeq
      const [request] = await bob.listRequests()
      await bob.acceptRequest({ requestId: request?.requestId ?? '' })
      await world.clock.advance(10 * MINUTE_MS)
      assert.equal(alice.status().lastEventSeq, before)
      assert.deepEqual(world.storedKeys('alice', contactId), [])
    }))

  it('does not show on the lane, though acknowledgements are under way', () =>
    withWorld(async (world) => {
      const { alice, bob } = await pairUp(world, 'alice', 'bob')
      await world.messenger('bob').send({ contactId: bob, text: 'x' })
      await world.clock.advanceUntil(
        async () => (await receivedTexts(world.messenger('alice'), alice)).length === 1,
        MINUTE_MS,
      )
      const removal = hold(world, 'bob', touches('contact', 'delete'))
      const removing = world.messenger('bob').removeContact(bob)
      await world.clock.advance(3_000)
      assert.ok(removal.isReached())
      removal.release()
      await removing
      const links = world.hub.linkCount()
      assert.ok(links > 0)
      await world.messenger('alice').send({ contactId: alice, text: 'are you there?' })
      await world.clock.advance(30_000)
      assert.equal(world.hub.linkCount(), links)
      assert.equal(world.messenger('alice').status().queuedMessages, 0, 'acknowledged as ever')
      assert.deepEqual(world.storedKeys('bob', bob), [])
    }))
})

describe('a full disk', () => {
  const dialsWhile = async (isSending: boolean): Promise<number> => {
    let dials = 0
    await withWorld(async (world) => {
      const { alice, bob } = await pairUp(world, 'alice', 'bob')
      await world.clock.advance(MINUTE_MS)
      world.beforeBatch('bob', () => {
        throw new AppError('STORE_FULL', { kind: 'environment', why: 'full', remedy: 'make room' })
      })
      const before = world.dialsBy('alice')
      if (isSending) await world.messenger('alice').send({ contactId: alice, text: 'x' })
      await world.clock.advance(10 * MINUTE_MS)
      dials = world.dialsBy('alice') - before
      if (!isSending) return
      assert.equal(world.messenger('alice').status().queuedMessages, 1, 'nothing is acknowledged that is not stored')
      world.beforeBatch('bob', undefined)
      await world.clock.advanceUntil(() => world.messenger('alice').status().queuedMessages === 0, 5 * MINUTE_MS)
      assert.deepEqual(await receivedTexts(world.messenger('bob'), bob), ['x'])
    })
    return dials
  }

  it('does not make the lane tell of messages', async () => {
    assert.equal(await dialsWhile(false), 0, 'control: an idle lane stays open')
    assert.equal(await dialsWhile(true), 0)
  })

  it('fails a send as a whole', () =>
    withWorld(async (world) => {
      const { alice } = await pairUp(world, 'alice', 'bob')
      world.beforeBatch('alice', () => {
        throw new AppError('STORE_FULL', { kind: 'environment', why: 'full', remedy: 'make room' })
      })
      const messenger = world.messenger('alice')
      await assert.rejects(messenger.send({ contactId: alice, text: 'x' }), (error) => isAppError(error, 'STORE_FULL'))
      world.beforeBatch('alice', undefined)
      assert.equal(messenger.status().queuedMessages, 0)
      await messenger.send({ contactId: alice, text: 'y' })
      await world.clock.advanceUntil(() => messenger.status().queuedMessages === 0, MINUTE_MS)
    }))
})

describe('a request that the inviter has taken', () => {
  it('does not fail at the expiry of the invite', () =>
    withWorld(async (world) => {
      const { uri } = await world.messenger('bob').createInvite({ expiresInMs: 10 * MINUTE_MS })
      await world.messenger('alice').acceptInvite({ uri, message: 'hi' })
      const stored = hold(world, 'bob', touches('pending-session', 'put'))
      await world.clock.advanceUntil(stored.isReached, 5 * MINUTE_MS)
      world.hub.cut()
      world.hub.setUnreachable(true)
      stored.release()
      await world.clock.advance(12 * MINUTE_MS)
      assert.equal((await world.messenger('bob').listRequests()).length, 1)
      world.hub.setUnreachable(false)
      await world.clock.advance(20 * MINUTE_MS)
      assert.equal((await world.messenger('alice').listContacts())[0]?.state, 'requested')
    }))
})

describe('a hostile contact', () => {
  const FASTER = 50
  const hurried = (name: string, clock: Clock): Clock =>
    name === 'alice'
      ? {
          nowMs: () => clock.nowMs(),
          monotonicMs: () => clock.monotonicMs() * FASTER,
          sleep: (delayMs, signal) => clock.sleep(delayMs / FASTER, signal),
        }
      : clock

  it('cannot have more records handled than an honest one sends', () =>
    withWorld(async (world) => {
      const { alice, bob } = await pairUp(world, 'alice', 'bob')
      for (let index = 0; index < 600; index += 1) {
        await world.messenger('alice').send({ contactId: alice, text: `m${index}` })
      }
      const before = world.recordsSentBy('alice')
      await world.clock.advance(MINUTE_MS)
      assert.ok(world.recordsSentBy('alice') - before > 500, 'control: it sends far more')
      // Two a second at most, and what may come at once after a stall.
      assert.ok((await receivedTexts(world.messenger('bob'), bob)).length <= 120 + 64)
    }, hurried))

  it('cannot make the other side dial by hanging up', () =>
    withWorld(async (world) => {
      await pairUp(world, 'alice', 'bob')
      const before = world.dialsBy('alice')
      for (let elapsedMs = 0; elapsedMs < 60 * MINUTE_MS; elapsedMs += 500) {
        world.hub.cut()
        await world.clock.advance(500)
      }
      assert.ok(world.dialsBy('alice') > before, 'control: it does dial')
      assert.ok(world.dialsBy('alice') - before < 90)
    }))
})

describe('windows', () => {
  it('follow one another at times that do not repeat', () =>
    withWorld(async (world) => {
      await pairUp(world, 'alice', 'bob')
      await world.stopOne('alice')
      const before = world.listenTimes('bob').length
      await world.clock.advance(4 * LANE_WINDOW_MS)
      const phases = world
        .listenTimes('bob')
        .slice(before)
        .map((atMs) => atMs % LANE_WINDOW_MS)
      assert.ok(phases.length >= 3)
      assert.equal(new Set(phases).size, phases.length)
      assert.ok(
        phases.every((phase) => phase > LANE_WINDOW_MS - 31 * MINUTE_MS && phase < LANE_WINDOW_MS - 9 * MINUTE_MS),
      )
    }))

  it('are noticed soon when the clock was set', () =>
    withWorld(async (world) => {
      await pairUp(world, 'alice', 'bob')
      const before = world.listenTimes('bob').length
      world.clock.jumpWallClock(3 * LANE_WINDOW_MS)
      await world.clock.advance(31_000)
      assert.ok(world.listenTimes('bob').length > before)
    }))
})
