/**
 * Two or three daemons' messengers in one process, in virtual time, over the memory network.
 * @module
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isAppError, STEADY_JUMP_MS } from '../../src/base/index.ts'
import { LANE_WINDOW_MS } from '../../src/identity/index.ts'
import type { Messenger } from '../../src/messenger/index.ts'
import type { Clock } from '../../src/ports/index.ts'
import { createWorld, pairUp, receivedTexts, type World } from '../support/world.ts'

const MINUTE_MS = 60_000
const DAY_MS = 24 * 60 * MINUTE_MS

async function onlyContact(messenger: Messenger) {
  const contacts = await messenger.listContacts()
  assert.equal(contacts.length, 1)
  return contacts[0] ?? assert.fail()
}

/** Two windows on, and long enough for every listener to have looked at the clock. */
async function moveToAnotherWindow(world: World): Promise<void> {
  world.clock.jumpWallClock(2 * LANE_WINDOW_MS)
  await world.clock.advance(10 * MINUTE_MS)
}

async function withWorld(
  body: (world: World) => Promise<void>,
  clockOf?: (name: string, clock: Clock) => Clock,
): Promise<void> {
  const world = await createWorld(['alice', 'bob', 'carol'], clockOf === undefined ? {} : { clockOf })
  try {
    await body(world)
  } finally {
    await world.stop()
    assert.equal(world.clock.sleepers(), 0, 'a stopped messenger leaves no timer behind')
    assert.deepEqual(world.failures, [])
  }
}

describe('invite, request and acceptance', () => {
  it('pairs two profiles and shows both the same safety number', () =>
    withWorld(async (world) => {
      const { alice, bob } = await pairUp(world, 'alice', 'bob', 'It is me.')
      const [atAlice, atBob] = [await onlyContact(world.messenger('alice')), await onlyContact(world.messenger('bob'))]
      assert.match(atAlice.safetyNumber ?? '', /^(\d{5} ){11}\d{5}$/)
      assert.equal(atAlice.safetyNumber, atBob.safetyNumber)
      assert.equal(atAlice.identity, world.messenger('bob').status().profile.identity)
      assert.deepEqual(await receivedTexts(world.messenger('bob'), bob), ['It is me.'])
      const [first] = await world.messenger('alice').listMessages({ contactId: alice })
      assert.equal(first?.delivery, 'delivered')
    }))

  it('lets a request wait for its user, and forgets a rejected one', () =>
    withWorld(async (world) => {
      const { uri } = await world.messenger('bob').createInvite({ label: 'street' })
      await world.messenger('alice').acceptInvite({ uri })
      await world.clock.advanceUntil(
        async () => (await onlyContact(world.messenger('alice'))).state === 'requested',
        MINUTE_MS,
      )
      await world.clock.advance(10 * MINUTE_MS)
      assert.equal((await onlyContact(world.messenger('alice'))).state, 'requested', 'nothing happens without the user')
      const [request] = await world.messenger('bob').listRequests()
      assert.equal(request?.inviteLabel, 'street')
      assert.equal(request?.message, undefined)
      await world.messenger('bob').rejectRequest(request?.requestId ?? '')
      assert.deepEqual(await world.messenger('bob').listRequests(), [])
      assert.deepEqual(await world.messenger('bob').listContacts(), [])
      await assert.rejects(world.messenger('bob').rejectRequest(request?.requestId ?? ''), (error) =>
        isAppError(error, 'REQUEST_UNKNOWN'),
      )
      world.clock.jumpWallClock(31 * DAY_MS)
      await world.clock.advance(2 * STEADY_JUMP_MS)
      const contact = await onlyContact(world.messenger('alice'))
      assert.deepEqual([contact.state, contact.failure], ['failed', 'REQUEST_EXPIRED'])
      await world.messenger('alice').block(contact.contactId)
      await world.messenger('alice').unblock(contact.contactId)
      world.clock.jumpWallClock(2 * LANE_WINDOW_MS)
      await world.clock.advance(MINUTE_MS)
      const dials = world.dialsBy('alice')
      await world.clock.advance(30 * MINUTE_MS)
      assert.equal(world.dialsBy('alice'), dials, 'nobody is dialled for a request that failed')
    }))

  it('tells used, revoked, expired, own, repeated, foreign and malformed invites apart', () =>
    withWorld(async (world) => {
      const [alice, bob, carol] = [world.messenger('alice'), world.messenger('bob'), world.messenger('carol')]
      const rejection = async (promise: Promise<unknown>): Promise<string> => {
        try {
          await promise
        } catch (error: unknown) {
          return isAppError(error) ? error.code : String(error)
        }
        return 'accepted'
      }
      const used = await bob.createInvite({})
      await alice.acceptInvite({ uri: used.uri })
      assert.equal(await rejection(alice.acceptInvite({ uri: used.uri })), 'INVITE_ALREADY_ACCEPTED')
      assert.equal(await rejection(bob.acceptInvite({ uri: used.uri })), 'INVITE_OWN')
      await world.clock.advanceUntil(async () => (await bob.listRequests()).length === 1, MINUTE_MS)
      await carol.acceptInvite({ uri: used.uri })
      const revoked = await bob.createInvite({})
      await bob.revokeInvite(revoked.inviteId)
      await carol.acceptInvite({ uri: revoked.uri })
      await world.clock.advanceUntil(
        async () => (await carol.listContacts()).every(({ state }) => state === 'failed'),
        MINUTE_MS,
      )
      assert.deepEqual(
        (await carol.listContacts()).map(({ failure }) => failure),
        ['INVITE_USED', 'INVITE_REVOKED'],
      )
      assert.equal((await bob.listRequests()).length, 1, 'the second acceptor made no request')
      const shortLived = await bob.createInvite({ expiresInMs: 10 * MINUTE_MS })
      await world.clock.advance(11 * MINUTE_MS)
      assert.equal((await bob.listInvites()).find(({ inviteId }) => inviteId === shortLived.inviteId)?.state, 'expired')
      assert.equal(await rejection(carol.acceptInvite({ uri: shortLived.uri })), 'INVITE_EXPIRED')
      assert.equal(await rejection(carol.acceptInvite({ uri: 'simplex:/invitation' })), 'INVITE_FOREIGN')
      assert.equal(await rejection(carol.acceptInvite({ uri: `${used.uri.slice(0, -1)}7` })), 'INVITE_MALFORMED')
      assert.equal(await rejection(carol.acceptInvite({ uri: 'hello' })), 'INVITE_MALFORMED')
      assert.equal(await rejection(bob.revokeInvite(used.inviteId)), 'INVITE_USED')
      assert.equal(await rejection(bob.revokeInvite(shortLived.inviteId)), 'INVITE_EXPIRED')
      assert.equal(await rejection(bob.revokeInvite('0'.repeat(32))), 'INVITE_UNKNOWN')
      assert.equal(await rejection(bob.createInvite({ expiresInMs: 1 })), 'INVITE_EXPIRY_INVALID')
      assert.equal(await rejection(bob.createInvite({ label: 'two\u2028lines' })), 'ALIAS_INVALID')
    }))

  it('is refused by the clock, before the sweep has come by', async () => {
    // The requester's clock is an hour late: it still believes in the invite.
    const clockOf = (name: string, clock: Clock): Clock =>
      name === 'alice' ? { ...clock, nowMs: () => clock.nowMs() - 60 * MINUTE_MS } : clock
    await withWorld(async (world) => {
      const { uri, inviteId } = await world.messenger('bob').createInvite({ expiresInMs: 10 * MINUTE_MS })
      world.clock.jumpWallClock(10 * MINUTE_MS)
      await world.messenger('alice').acceptInvite({ uri })
      await world.clock.advance(10_000)
      const [invite] = await world.messenger('bob').listInvites()
      assert.deepEqual([invite?.inviteId, invite?.state], [inviteId, 'active'], 'control: the sweep has not come by')
      assert.equal((await onlyContact(world.messenger('alice'))).failure, 'INVITE_EXPIRED')
      assert.deepEqual(await world.messenger('bob').listRequests(), [])
    }, clockOf)
  })

  it('takes the rendezvous down when the grace time is over', () =>
    withWorld(async (world) => {
      const { inviteId } = await world.messenger('bob').createInvite({})
      await world.clock.advance(5_000)
      assert.equal(world.listenerCount(), 1)
      await world.messenger('bob').revokeInvite(inviteId)
      await world.clock.advance(30 * MINUTE_MS)
      assert.equal(world.listenerCount(), 1, 'a late acceptor still gets a clear word')
      await world.clock.advance(31 * MINUTE_MS)
      assert.equal(world.listenerCount(), 0)
      assert.equal((await world.messenger('bob').listInvites()).length, 1)
      world.clock.jumpWallClock(30 * DAY_MS)
      await world.clock.advance(MINUTE_MS)
      assert.deepEqual(await world.messenger('bob').listInvites(), [])
      await world.restart('bob')
      assert.deepEqual(await world.messenger('bob').listInvites(), [])
    }))

  it('asks again with the same bytes when it died before the answer', () =>
    withWorld(async (world) => {
      const { uri } = await world.messenger('bob').createInvite({})
      await world.messenger('alice').acceptInvite({ uri, message: 'hello' })
      world.dropRendezvousAnswers(true)
      await world.clock.advanceUntil(async () => (await world.messenger('bob').listRequests()).length === 1, MINUTE_MS)
      assert.equal((await onlyContact(world.messenger('alice'))).state, 'requesting')
      await world.restart('alice')
      world.dropRendezvousAnswers(false)
      await world.clock.advanceUntil(
        async () => (await onlyContact(world.messenger('alice'))).state === 'requested',
        10 * MINUTE_MS,
      )
      assert.equal((await world.messenger('bob').listRequests()).length, 1)
    }))
})

describe('conversation', () => {
  it('delivers each message once and in order through lost links and restarts', () =>
    withWorld(async (world) => {
      const { alice, bob } = await pairUp(world, 'alice', 'bob')
      const sent: string[] = []
      for (let round = 0; round < 6; round += 1) {
        for (let index = 0; index < 5; index += 1) {
          const text = `message ${round}.${index} ${'x'.repeat(index * 150)}`
          await world.messenger('alice').send({ contactId: alice, text })
          await world.messenger('bob').send({ contactId: bob, text })
          sent.push(text)
          await world.clock.advance(700)
        }
        if (round % 3 === 0) world.hub.cut()
        if (round % 3 === 1) await world.restart('alice')
        if (round % 3 === 2) await world.restart('bob')
      }
      const queued = (): number =>
        world.messenger('alice').status().queuedMessages + world.messenger('bob').status().queuedMessages
      await world.clock.advanceUntil(() => queued() === 0, 30 * MINUTE_MS)
      assert.deepEqual(await receivedTexts(world.messenger('bob'), bob), sent)
      assert.deepEqual(await receivedTexts(world.messenger('alice'), alice), sent)
      const states = (await world.messenger('alice').listMessages({ contactId: alice, limit: 500 }))
        .filter(({ direction }) => direction === 'sent')
        .map(({ delivery }) => delivery)
      assert.ok(states.length === sent.length && states.every((state) => state === 'delivered'))
    }))

  it('queues while the other side is away and goes on across windows', () =>
    withWorld(async (world) => {
      const { alice, bob } = await pairUp(world, 'alice', 'bob')
      await world.stopOne('bob')
      await world.messenger('alice').send({ contactId: alice, text: 'are you there?' })
      await moveToAnotherWindow(world)
      assert.equal(world.messenger('alice').status().queuedMessages, 1)
      await world.restart('bob')
      await world.clock.advanceUntil(() => world.messenger('alice').status().queuedMessages === 0, 10 * MINUTE_MS)
      assert.deepEqual(await receivedTexts(world.messenger('bob'), bob), ['are you there?'])
      assert.equal(world.messenger('alice').status().openLanes, 1)
    }))

  it('notices a lane that died without a word, and opens another', () =>
    withWorld(async (world) => {
      const { alice, bob } = await pairUp(world, 'alice', 'bob')
      world.silenceLanes(true)
      await world.messenger('alice').send({ contactId: alice, text: 'into the void' })
      await world.clock.advance(30_000)
      assert.equal(world.messenger('alice').status().openLanes, 1, 'a slow circuit is not taken for a dead one')
      await world.clock.advanceUntil(() => world.messenger('alice').status().openLanes === 0, MINUTE_MS)
      world.silenceLanes(false)
      await world.clock.advanceUntil(() => world.messenger('alice').status().queuedMessages === 0, 10 * MINUTE_MS)
      assert.deepEqual(await receivedTexts(world.messenger('bob'), bob), ['into the void'])
    }))

  it('keeps the promise of an idempotency key', () =>
    withWorld(async (world) => {
      const { alice } = await pairUp(world, 'alice', 'bob')
      const messenger = world.messenger('alice')
      const first = await messenger.send({ contactId: alice, text: 'once', idempotencyKey: 'k' })
      const again = await messenger.send({ contactId: alice, text: 'once', idempotencyKey: 'k' })
      assert.equal(again.messageId, first.messageId)
      assert.equal(again.repeated, true)
      assert.equal((await messenger.listMessages({ contactId: alice })).length, 1)
      await assert.rejects(messenger.send({ contactId: alice, text: 'other', idempotencyKey: 'k' }), (error) =>
        isAppError(error, 'IDEMPOTENCY_CONFLICT'),
      )
    }))

  it('refuses what cannot be sent, and says why', () =>
    withWorld(async (world) => {
      const { alice } = await pairUp(world, 'alice', 'bob')
      const messenger = world.messenger('alice')
      const refused = (promise: Promise<unknown>, code: string) =>
        assert.rejects(promise, (error) => isAppError(error, code))
      await refused(messenger.send({ contactId: alice, text: '' }), 'MESSAGE_EMPTY')
      await refused(messenger.send({ contactId: alice, text: 'x'.repeat(100_000) }), 'MESSAGE_TOO_LONG')
      await refused(messenger.send({ contactId: '0'.repeat(32), text: 'x' }), 'CONTACT_UNKNOWN')
      await refused(
        messenger.acceptInvite({
          uri: (await world.messenger('carol').createInvite({})).uri,
          message: 'x'.repeat(1_000),
        }),
        'MESSAGE_TOO_LONG',
      )
      await refused(
        messenger.acceptInvite({ uri: (await world.messenger('carol').createInvite({})).uri, alias: 'a\u0007b' }),
        'ALIAS_INVALID',
      )
      assert.equal((await messenger.listMessages({ contactId: alice })).length, 0, 'nothing of it was stored')
    }))
})

describe('blocking and removing', () => {
  it('shows nothing on the wire before the end of the window, then ends', () =>
    withWorld(async (world) => {
      const { alice, bob } = await pairUp(world, 'alice', 'bob')
      await world.messenger('bob').send({ contactId: bob, text: 'before' })
      await world.clock.advanceUntil(() => world.messenger('bob').status().queuedMessages === 0, MINUTE_MS)
      await world.messenger('bob').block(bob)
      await world.messenger('alice').send({ contactId: alice, text: 'hello?' })
      const before = world.recordsSentBy('bob')
      await world.clock.advance(MINUTE_MS)
      assert.ok(world.recordsSentBy('bob') > before + 30, 'cover goes on')
      assert.equal(world.messenger('alice').status().queuedMessages, 0, 'and acknowledgements with it')
      assert.deepEqual(await receivedTexts(world.messenger('bob'), bob), [], 'but nothing is shown')
      await moveToAnotherWindow(world)
      const later = world.recordsSentBy('bob')
      await world.clock.advance(MINUTE_MS)
      assert.equal(world.recordsSentBy('bob'), later, 'and the lane is gone with its window')
      assert.equal(world.listenerCount(), 0)
      await world.messenger('alice').send({ contactId: alice, text: 'anybody?' })
      await assert.rejects(world.messenger('bob').send({ contactId: bob, text: 'x' }), (error) =>
        isAppError(error, 'CONTACT_BLOCKED'),
      )
      await world.messenger('bob').unblock(bob)
      await world.clock.advanceUntil(() => world.messenger('alice').status().queuedMessages === 0, 30 * MINUTE_MS)
      assert.deepEqual(await receivedTexts(world.messenger('bob'), bob), ['anybody?'])
    }))

  it('takes a block back without a change on the wire while the lane is open', () =>
    withWorld(async (world) => {
      const { alice, bob } = await pairUp(world, 'alice', 'bob')
      const links = world.hub.linkCount()
      const listeners = world.listenerCount()
      for (let round = 0; round < 3; round += 1) {
        await world.messenger('bob').block(bob)
        await world.messenger('bob').unblock(bob)
      }
      await world.clock.advance(MINUTE_MS)
      assert.equal(world.hub.linkCount(), links)
      assert.equal(world.listenerCount(), listeners)
      await world.messenger('alice').send({ contactId: alice, text: 'still here' })
      await world.clock.advanceUntil(() => world.messenger('alice').status().queuedMessages === 0, MINUTE_MS)
      assert.deepEqual(await receivedTexts(world.messenger('bob'), bob), ['still here'])
    }))

  it('forgets a removed contact with all its messages, in the event log too', () =>
    withWorld(async (world) => {
      const { alice, bob } = await pairUp(world, 'alice', 'bob', 'planted secret')
      await world.messenger('alice').send({ contactId: alice, text: 'planted secret' })
      await world.clock.advanceUntil(() => world.messenger('alice').status().queuedMessages === 0, MINUTE_MS)
      assert.ok(world.storeHolds('bob', 'planted secret'), 'control: the text is found while it is there')
      await world.messenger('bob').removeContact(bob)
      assert.deepEqual(await world.messenger('bob').listContacts(), [])
      assert.equal(world.storeHolds('bob', 'planted secret'), false)
      const events = await world.messenger('bob').readEvents({ after: 0, limit: 500 })
      assert.ok(events.some(({ body }) => body.type === 'gone'))
      assert.deepEqual(
        events.map(({ seq }) => seq),
        events.map((_, index) => index + 1),
      )
      await world.restart('bob')
      assert.deepEqual(await world.messenger('bob').listContacts(), [])
    }))

  it('answers a blocked identity that got a new invite like anybody else, and forgets it', () =>
    withWorld(async (world) => {
      const { bob } = await pairUp(world, 'alice', 'bob')
      await world.messenger('bob').block(bob)
      const { uri } = await world.messenger('bob').createInvite({})
      const again = await world.messenger('alice').acceptInvite({ uri })
      const state = async () =>
        (await world.messenger('alice').listContacts()).find(({ contactId }) => contactId === again.contactId)?.state
      await world.clock.advanceUntil(async () => (await state()) === 'requested', MINUTE_MS)
      assert.deepEqual(await world.messenger('bob').listRequests(), [])
    }))
})

describe('events', () => {
  it('stay in order without gaps, and remember where each client was', () =>
    withWorld(async (world) => {
      const { alice } = await pairUp(world, 'alice', 'bob')
      const bob = world.messenger('bob')
      const live: number[] = []
      const unsubscribe = bob.onEvent(({ seq }) => live.push(seq))
      const from = bob.status().lastEventSeq
      for (let index = 0; index < 5; index += 1)
        await world.messenger('alice').send({ contactId: alice, text: `m${index}` })
      await world.clock.advanceUntil(() => world.messenger('alice').status().queuedMessages === 0, MINUTE_MS)
      unsubscribe()
      const stored = await bob.readEvents({ after: from, limit: 500 })
      assert.deepEqual(
        stored.map(({ seq }) => seq),
        live,
      )
      assert.equal(live.length, 5)
      await bob.acknowledge('bot', from + 2)
      await bob.acknowledge('bot', from)
      assert.equal(await bob.acknowledgedSeq('bot'), from + 2)
      await assert.rejects(bob.acknowledge('bot', from + 100), (error) => isAppError(error, 'EVENT_SEQ_INVALID'))
      await world.restart('bob')
      assert.equal(await world.messenger('bob').acknowledgedSeq('bot'), from + 2)
      assert.equal(await world.messenger('bob').acknowledgedSeq('other'), 0)
    }))
})
