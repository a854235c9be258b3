/**
 * Lanes by agreement, in virtual time: when an onion service appears, for whom, and until when.
 * @module
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { HOUR_MS, hexEncode, isAppError, MINUTE_MS } from '../../src/base/index.ts'
import { LANE_WINDOW_MS } from '../../src/identity/index.ts'
import type { LiveInfo, MessengerEventBody } from '../../src/messenger/index.ts'
import { createWorld, pairUp, receivedTexts, type World } from '../support/world.ts'

const HOSTS = [{ hostKey: new Uint8Array(32).fill(1), courierOnionKey: new Uint8Array(32).fill(2) }]
const EDGE_MS = 15 * MINUTE_MS
/** Where the world's clock begins is an edge. */
const SPREAD_MS = 2 * MINUTE_MS
/** A look of the live clock, and the longest sleep of a lane. */
const LOOK_MS = 31_000

interface Pair {
  readonly alice: string
  readonly bob: string
}

/** Alice, who dials, and Bob, who listens, paired through an invite with hosts. */
async function withPair(body: (world: World, pair: Pair) => Promise<void>): Promise<void> {
  const world = await createWorld(['alice', 'bob'], { hosts: HOSTS })
  try {
    await body(world, await pairThroughMailboxes(world))
    assert.deepEqual(world.failures, [])
  } finally {
    await world.stop()
    assert.equal(world.clock.sleepers(), 0)
  }
}

async function pairThroughMailboxes(world: World): Promise<Pair> {
  const [first, second] = [world.messenger('alice'), world.messenger('bob')]
  const { uri } = await second.createInvite({})
  const { contactId: alice } = await first.acceptInvite({ uri })
  await world.clock.advanceUntil(async () => (await second.listRequests()).length > 0, HOUR_MS)
  const [request] = await second.listRequests()
  const { contactId: bob } = await second.acceptRequest({ requestId: request?.requestId ?? '' })
  await world.clock.advanceUntil(async () => (await first.listContacts())[0]?.state === 'active', HOUR_MS)
  return { alice, bob }
}

async function liveOf(world: World, name: string): Promise<LiveInfo> {
  const [contact] = await world.messenger(name).listContacts()
  return contact?.live ?? assert.fail('nobody is there')
}

async function untilLive(world: World, name: string, state: LiveInfo['state'], limitMs = HOUR_MS): Promise<void> {
  await world.clock.advanceUntil(async () => (await liveOf(world, name)).state === state, limitMs)
}

async function liveEvents(world: World, name: string): Promise<readonly string[]> {
  const events = await world.messenger(name).readEvents({ after: 0, limit: 500 })
  const bodies: readonly MessengerEventBody[] = events.map(({ body }) => body)
  return bodies.flatMap((body) => (body.type === 'live' ? [body.state] : []))
}

const agree = async (world: World, name: string, contactId: string, minutes = 60): Promise<void> => {
  await world.messenger(name).setLive({ contactId, on: true, minutes })
}

const takeBack = async (world: World, name: string, contactId: string): Promise<void> => {
  await world.messenger(name).setLive({ contactId, on: false })
}

/** Both agree for so long and their ends are there. */
async function openLane(world: World, pair: Pair, minutes = 60): Promise<void> {
  await agree(world, 'bob', pair.bob, minutes)
  await untilLive(world, 'alice', 'invited')
  await agree(world, 'alice', pair.alice, minutes)
  await untilLive(world, 'alice', 'open')
  await untilLive(world, 'bob', 'open')
}

const msAfterEdge = (atMs: number): number => atMs % EDGE_MS
const nextEdge = (world: World): number => (Math.floor(world.clock.nowMs() / EDGE_MS) + 1) * EDGE_MS

async function advanceTo(world: World, atMs: number): Promise<void> {
  await world.clock.advance(atMs - world.clock.nowMs())
}

describe('a contact of an invite with hosts', () => {
  it('has no lane, whatever is said and accepted', () =>
    withPair(async (world, { alice, bob }) => {
      await world.messenger('alice').send({ contactId: alice, text: 'hello' })
      await world.clock.advance(HOUR_MS)
      assert.deepEqual(await receivedTexts(world.messenger('bob'), bob), ['hello'])
      await world.restart('alice')
      await world.restart('bob')
      world.clock.jumpWallClock(6 * HOUR_MS)
      await world.clock.advance(HOUR_MS)
      assert.equal(world.listenTimes('bob').length + world.listenTimes('alice').length, 0)
      assert.equal(world.dialTimes('bob').length + world.dialTimes('alice').length, 0)
      assert.equal((await liveOf(world, 'alice')).state, 'off')
    }))

  it('has none because one of the two would like one', () =>
    withPair(async (world, { bob }) => {
      await agree(world, 'bob', bob, 60)
      await untilLive(world, 'alice', 'invited')
      assert.equal((await liveOf(world, 'bob')).state, 'offered')
      await world.clock.advance(90 * MINUTE_MS)
      assert.equal(world.listenTimes('bob').length, 0)
      assert.equal(world.dialTimes('alice').length, 0)
      assert.equal((await liveOf(world, 'alice')).state, 'off')
      assert.deepEqual(await liveEvents(world, 'alice'), ['invited', 'off'])
      assert.deepEqual(await liveEvents(world, 'bob'), ['offered', 'off'])
    }))
})

describe('a contact of an invite without hosts (control)', () => {
  it('has a lane all the time, which cannot be taken back', async () => {
    const world = await createWorld(['alice', 'bob'])
    const { alice } = await pairUp(world, 'alice', 'bob')
    assert.ok(world.listenTimes('bob').length > 0 && world.dialTimes('alice').length > 0)
    await world.clock.advance(10 * MINUTE_MS)
    assert.deepEqual(await liveOf(world, 'alice'), { state: 'open', untilMs: undefined })
    const { live } = await world.messenger('alice').setLive({ contactId: alice, on: true })
    assert.equal(live.state, 'open')
    await assert.rejects(takeBack(world, 'alice', alice), (error) => isAppError(error, 'LIVE_ALWAYS'))
    assert.deepEqual(await liveEvents(world, 'alice'), [])
    await world.stop()
  })
})

describe('a lane that both agreed to', () => {
  it('opens after an edge and carries envelopes until the sooner of the two ends', () =>
    withPair(async (world, pair) => {
      await agree(world, 'bob', pair.bob, 90)
      const offered = await liveOf(world, 'bob')
      assert.equal(offered.state, 'offered')
      assert.equal(msAfterEdge(offered.untilMs ?? 1), 0)
      await untilLive(world, 'alice', 'invited')
      assert.deepEqual(await liveOf(world, 'alice'), { state: 'invited', untilMs: offered.untilMs })
      await agree(world, 'alice', pair.alice, 45)
      const { untilMs = 0, state } = await liveOf(world, 'alice')
      assert.equal(state, 'agreed')
      assert.equal(untilMs, nextEdge(world) + 3 * EDGE_MS)

      // Not open yet: a box takes it.
      let writes = 0
      world.mailboxes.onWrite = () => {
        writes += 1
        return undefined
      }
      await untilLive(world, 'alice', 'open')
      await untilLive(world, 'bob', 'open')
      for (const atMs of [...world.listenTimes('bob'), ...world.dialTimes('alice').slice(0, 1)]) {
        assert.ok(msAfterEdge(atMs) < SPREAD_MS + LOOK_MS, `${msAfterEdge(atMs)} ms after an edge`)
      }
      writes = 0
      await world.messenger('alice').send({ contactId: pair.alice, text: 'quick' })
      await world.clock.advanceUntil(() => world.messenger('alice').status().queuedMessages === 0, 10_000)
      assert.deepEqual(await receivedTexts(world.messenger('bob'), pair.bob), ['quick'])
      assert.equal(writes, 0, 'no box was needed')

      await advanceTo(world, untilMs - 1_000)
      assert.equal(world.listenerCount(), 1)
      assert.ok(world.hub.linkCount() > 0)
      await advanceTo(world, untilMs + SPREAD_MS + LOOK_MS)
      assert.equal(world.listenerCount(), 0)
      assert.equal(world.hub.linkCount(), 0)
      const [listens, dials] = [world.listenTimes('bob').length, world.dialTimes('alice').length]
      assert.ok((world.dialTimes('alice').at(-1) ?? 0) < untilMs, 'nobody dials what is about to go')
      await world.messenger('alice').send({ contactId: pair.alice, text: 'slow' })
      await world.clock.advance(HOUR_MS)
      assert.deepEqual(await receivedTexts(world.messenger('bob'), pair.bob), ['quick', 'slow'])
      assert.deepEqual([world.listenTimes('bob').length, world.dialTimes('alice').length], [listens, dials])
      assert.deepEqual(await liveEvents(world, 'alice'), ['invited', 'agreed', 'open', 'invited', 'off'])
      assert.deepEqual(await liveEvents(world, 'bob'), ['offered', 'agreed', 'open', 'offered', 'off'])
    }))

  it('opens at a time that tells nothing of when they agreed', async () => {
    const phases: number[] = []
    for (const afterEdgeMs of [1_000, 5 * MINUTE_MS, EDGE_MS - 20_000]) {
      await withPair(async (world, pair) => {
        await agree(world, 'alice', pair.alice, 240)
        await untilLive(world, 'bob', 'invited')
        await advanceTo(world, nextEdge(world) + afterEdgeMs)
        const edgeMs = nextEdge(world)
        await agree(world, 'bob', pair.bob, 240)
        await world.clock.advance(20 * MINUTE_MS)
        const [atMs = 0] = world.listenTimes('bob')
        phases.push(atMs - edgeMs)
      })
    }
    assert.ok(
      phases.every((phase) => phase >= 0 && phase < SPREAD_MS / 2 + LOOK_MS),
      phases.join(' '),
    )
  })

  it('crosses the windows of its addresses', () =>
    withPair(async (world, pair) => {
      world.clock.jumpWallClock(LANE_WINDOW_MS - 75 * MINUTE_MS)
      await openLane(world, pair, 120)
      assert.equal(world.listenTimes('bob').length, 1)
      await world.clock.advance(100 * MINUTE_MS)
      assert.ok(world.clock.nowMs() % LANE_WINDOW_MS < HOUR_MS, 'control: there was an edge')
      assert.equal((await liveOf(world, 'alice')).state, 'open')
      assert.equal(world.listenTimes('bob').length, 2)
    }))

  for (const who of ['alice', 'bob'] as const) {
    it(`ends at the next edge when ${who} takes it back, and not before`, () =>
      withPair(async (world, pair) => {
        await openLane(world, pair, 5 * 60)
        await advanceTo(world, nextEdge(world) + MINUTE_MS)
        const edgeMs = nextEdge(world)
        await takeBack(world, who, pair[who])
        assert.deepEqual(await liveOf(world, who), { state: 'open', untilMs: edgeMs })
        await advanceTo(world, edgeMs - 1_000)
        assert.ok(world.hub.linkCount() > 0)
        await advanceTo(world, edgeMs + EDGE_MS + SPREAD_MS + LOOK_MS)
        assert.equal(world.hub.linkCount(), 0)
        assert.equal(world.listenerCount(), 0)
        assert.equal((await liveOf(world, who)).state, 'invited', 'the other one would still like it')
        const other = who === 'alice' ? 'bob' : 'alice'
        assert.equal((await liveOf(world, other)).state, 'offered')
      }))
  }

  it('never opens when it is taken back before its edge', () =>
    withPair(async (world, pair) => {
      await agree(world, 'alice', pair.alice, 240)
      await untilLive(world, 'bob', 'invited')
      await advanceTo(world, nextEdge(world) + 1_000)
      await agree(world, 'bob', pair.bob, 240)
      assert.equal((await liveOf(world, 'bob')).state, 'agreed')
      await takeBack(world, 'bob', pair.bob)
      assert.equal((await liveOf(world, 'bob')).state, 'invited')
      await world.clock.advance(HOUR_MS)
      assert.equal(world.listenTimes('bob').length, 0)
    }))

  it('is there again after a restart, and not after its end', () =>
    withPair(async (world, pair) => {
      await openLane(world, pair, 60)
      await world.restart('alice')
      await world.restart('bob')
      await untilLive(world, 'alice', 'open', 10 * MINUTE_MS)
      await world.stopOne('bob')
      await world.clock.advance(HOUR_MS)
      const listens = world.listenTimes('bob').length
      await world.restart('bob')
      await world.clock.advance(20 * MINUTE_MS)
      assert.equal(world.listenTimes('bob').length, listens)
      assert.equal((await liveOf(world, 'bob')).state, 'off')
    }))

  it('may be made longer while it is open, without a change on the wire', () =>
    withPair(async (world, pair) => {
      await openLane(world, pair, 30)
      const links = world.hub.linkCount()
      const dials = world.dialTimes('alice').length
      await agree(world, 'alice', pair.alice, 120)
      await agree(world, 'bob', pair.bob, 120)
      await world.clock.advance(100 * MINUTE_MS)
      assert.equal(world.hub.linkCount(), links)
      assert.equal(world.dialTimes('alice').length, dials)
      assert.equal((await liveOf(world, 'bob')).state, 'open')
    }))
})

describe('what is said of a lane', () => {
  it('is not said twice, and is no message', () =>
    withPair(async (world, { alice, bob }) => {
      await agree(world, 'alice', alice)
      const envelopes = (): number => world.storedKeys('alice', 'envelope\0').length
      const before = envelopes()
      await agree(world, 'alice', alice)
      assert.equal(envelopes(), before)
      await agree(world, 'alice', alice, 240)
      assert.equal(envelopes(), before + 1, 'control: something else is said')
      await world.clock.advance(HOUR_MS)
      assert.deepEqual(await world.messenger('bob').listMessages({ contactId: bob }), [])
      await takeBack(world, 'bob', bob)
      assert.equal(world.storedKeys('bob', 'envelope\0').length, 0, 'nothing was agreed that could be taken back')
    }))

  it('counts by its newest envelope, in whatever order boxes are read', () =>
    withPair(async (world, { alice }) => {
      const boxes: string[] = []
      world.mailboxes.onWrite = (box) => {
        boxes.push(hexEncode(box.boxId))
        return undefined
      }
      let hidden: string | undefined
      world.mailboxes.onRead = (boxId) => hexEncode(boxId) !== hidden
      await agree(world, 'alice', alice, 600)
      // Hidden before anybody can read it.
      await world.clock.advanceUntil(() => boxes.length === 1, HOUR_MS)
      hidden = boxes[0]
      assert.equal((await liveOf(world, 'bob')).state, 'off')
      await agree(world, 'alice', alice, 300)
      await untilLive(world, 'bob', 'invited')
      const newest = await liveOf(world, 'bob')
      hidden = undefined
      await world.clock.advance(HOUR_MS)
      assert.ok((world.mailboxes.reads.get(boxes[0] ?? '') ?? 0) > 0, 'control: the older one was read')
      assert.deepEqual(await liveOf(world, 'bob'), newest)
    }))

  it('by somebody who is blocked changes nothing and is not answered', () =>
    withPair(async (world, { alice, bob }) => {
      await world.messenger('bob').block(bob)
      await agree(world, 'alice', alice, 600)
      const before = world.messenger('bob').status().lastEventSeq
      await world.clock.advance(2 * HOUR_MS)
      assert.equal((await liveOf(world, 'bob')).state, 'off')
      assert.equal(world.messenger('bob').status().lastEventSeq, before)
      assert.equal((await liveOf(world, 'alice')).state, 'offered')
      await assert.rejects(agree(world, 'bob', bob), (error) => isAppError(error, 'CONTACT_BLOCKED'))
      await world.messenger('bob').unblock(bob)
      await world.clock.advance(HOUR_MS)
      assert.equal((await liveOf(world, 'bob')).state, 'off')
    }))

  it('is refused when it makes no sense', () =>
    withPair(async (world, { alice }) => {
      const refused = (promise: Promise<unknown>, code: string): Promise<void> =>
        assert.rejects(promise, (error) => isAppError(error, code))
      const messenger = world.messenger('alice')
      for (const minutes of [0, -1, 1.5, 24 * 60 + 1, Number.NaN]) {
        await refused(messenger.setLive({ contactId: alice, on: true, minutes }), 'LIVE_DURATION_INVALID')
      }
      await refused(messenger.setLive({ contactId: '0'.repeat(32), on: true }), 'CONTACT_UNKNOWN')
      const { uri } = await world.messenger('bob').createInvite({})
      const { contactId } = await messenger.acceptInvite({ uri })
      await refused(messenger.setLive({ contactId, on: true }), 'CONTACT_NOT_READY')
      assert.equal(world.storedKeys('alice', 'envelope\0').length, 0)
    }))
})

describe('a contact with whom a lane is open', () => {
  it('sees nothing when it is blocked, until the end that both had agreed to', () =>
    withPair(async (world, pair) => {
      await openLane(world, pair, 60)
      const { untilMs = 0 } = await liveOf(world, 'bob')
      await world.messenger('bob').block(pair.bob)
      await world.messenger('alice').send({ contactId: pair.alice, text: 'hello?' })
      const before = world.recordsSentBy('bob')
      await world.clock.advance(5 * MINUTE_MS)
      assert.ok(world.recordsSentBy('bob') > before + 200, 'cover goes on')
      assert.equal(world.messenger('alice').status().queuedMessages, 0)
      assert.deepEqual(await receivedTexts(world.messenger('bob'), pair.bob), [])
      await advanceTo(world, untilMs - 1_000)
      assert.ok(world.hub.linkCount() > 0)
      await advanceTo(world, untilMs + SPREAD_MS + LOOK_MS)
      assert.equal(world.listenerCount(), 0)
    }))

  it('sees nothing when it is removed, and nothing of it stays on disk', () =>
    withPair(async (world, pair) => {
      await openLane(world, pair, 60)
      const { untilMs = 0 } = await liveOf(world, 'bob')
      await world.messenger('bob').removeContact(pair.bob)
      assert.deepEqual(world.storedKeys('bob', pair.bob), [])
      const before = world.recordsSentBy('bob')
      await advanceTo(world, untilMs - 1_000)
      assert.ok(world.recordsSentBy('bob') > before + 200, 'cover goes on')
      await advanceTo(world, untilMs + SPREAD_MS + LOOK_MS)
      assert.equal(world.listenerCount(), 0)
      assert.equal(world.hub.linkCount(), 0)
    }))
})
