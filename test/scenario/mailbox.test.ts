import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { DAY_MS, HOUR_MS, hexEncode, MINUTE_MS } from '../../src/base/index.ts'
import { BOX_LIFETIME_MS } from '../../src/mailbox/index.ts'
import type { MessengerEventBody } from '../../src/messenger/index.ts'
import { encodeBox } from '../../src/wire/index.ts'
import { createWorld, receivedTexts, type World } from '../support/world.ts'

const HOSTS = [{ hostKey: new Uint8Array(32).fill(1), courierOnionKey: new Uint8Array(32).fill(2) }]

function createMailboxWorld(names: readonly string[] = ['alice', 'bob']): Promise<World> {
  return createWorld(names, { hosts: HOSTS })
}

interface Pair {
  /** Alice's contact id for Bob, and his for her. */
  readonly alice: string
  readonly bob: string
}

async function untilState(world: World, name: string, contactId: string, state: string): Promise<void> {
  const isThere = async (): Promise<boolean> =>
    (await world.messenger(name).listContacts()).some((each) => each.contactId === contactId && each.state === state)
  await world.clock.advanceUntil(isThere, HOUR_MS)
}

/** Alice accepts an invite of Bob's, and both are online until both know. */
async function pairUp(world: World): Promise<Pair> {
  const { uri } = await world.messenger('bob').createInvite({})
  const { contactId: alice } = await world.messenger('alice').acceptInvite({ uri })
  const bob = await acceptFirst(world, 'bob')
  await untilState(world, 'alice', alice, 'active')
  return { alice, bob }
}

async function acceptFirst(world: World, name: string): Promise<string> {
  const messenger = world.messenger(name)
  await world.clock.advanceUntil(async () => (await messenger.listRequests()).length > 0, HOUR_MS)
  const [request] = await messenger.listRequests()
  return (await messenger.acceptRequest({ requestId: request?.requestId ?? '' })).contactId
}

async function eventsOf(world: World, name: string): Promise<readonly MessengerEventBody[]> {
  return (await world.messenger(name).readEvents({ after: 0, limit: 500 })).map(({ body }) => body)
}

async function deliveriesOf(world: World, name: string, messageId: string): Promise<readonly string[]> {
  return (await eventsOf(world, name)).flatMap((body) =>
    body.type === 'delivery' && body.messageId === messageId ? [body.delivery] : [],
  )
}

function storedWorld(names?: readonly string[]): { run: (body: (world: World) => Promise<void>) => Promise<void> } {
  return {
    run: async (body) => {
      const world = await createMailboxWorld(names)
      try {
        await body(world)
        assert.deepEqual(world.failures, [])
      } finally {
        await world.stop()
      }
    },
  }
}

async function deliveryOf(
  world: World,
  name: string,
  contactId: string,
  messageId: string,
): Promise<string | undefined> {
  const messages = await world.messenger(name).listMessages({ contactId })
  return messages.find((message) => message.messageId === messageId)?.delivery
}

describe('a message for somebody who is offline', () => {
  it('waits in a box, and is read when they come back though the sender has gone', () =>
    storedWorld().run(async (world) => {
      const pair = await pairUp(world)
      await world.stopOne('bob')
      const { messageId } = await world.messenger('alice').send({ contactId: pair.alice, text: 'while you were out' })
      await world.clock.advanceUntil(
        async () => (await deliveryOf(world, 'alice', pair.alice, messageId)) === 'stored',
        HOUR_MS,
      )
      const [message] = await world.messenger('alice').listMessages({ contactId: pair.alice })
      assert.equal(message?.stored?.replicas, 8)
      assert.ok((message.stored.untilMs ?? 0) > world.clock.nowMs() + 13 * DAY_MS)
      await world.stopOne('alice')
      await world.clock.advance(3 * DAY_MS)

      await world.restart('bob')
      await world.clock.advanceUntil(
        async () => (await receivedTexts(world.messenger('bob'), pair.bob)).length > 0,
        HOUR_MS,
      )
      assert.deepEqual(await receivedTexts(world.messenger('bob'), pair.bob), ['while you were out'])
      // Long enough for the acknowledgement to get a box of its own.
      await world.clock.advance(HOUR_MS)
      await world.stopOne('bob')

      await world.restart('alice')
      await world.clock.advanceUntil(
        async () => (await deliveryOf(world, 'alice', pair.alice, messageId)) === 'delivered',
        HOUR_MS,
      )
      assert.deepEqual(await deliveriesOf(world, 'alice', messageId), ['sent', 'stored', 'delivered'])
    }))

  it('goes both ways between two who are never online together, long texts too, each once and in order', () =>
    storedWorld().run(async (world) => {
      const pair = await pairUp(world)
      const sent: Record<'alice' | 'bob', string[]> = { alice: [], bob: [] }
      for (let turn = 0; turn < 6; turn += 1) {
        const [here, away] = turn % 2 === 0 ? (['alice', 'bob'] as const) : (['bob', 'alice'] as const)
        await world.stopOne(away)
        for (let count = 0; count < 5; count += 1) {
          const text = count === 2 ? `${here} ${turn} long ${'x'.repeat(5_000)}` : `${here} ${turn}.${count}`
          await world.messenger(here).send({ contactId: pair[here], text })
          sent[here].push(text)
        }
        await world.clock.advance(2 * HOUR_MS)
        await world.stopOne(here)
        await world.restart(away)
      }
      await world.restart('bob')
      await world.clock.advance(3 * HOUR_MS)
      assert.deepEqual(await receivedTexts(world.messenger('bob'), pair.bob), sent.alice)
      assert.deepEqual(await receivedTexts(world.messenger('alice'), pair.alice), sent.bob)
    }))

  it('survives restarts at every moment, lost answers, full hosts and boxes that are hard to find', () =>
    storedWorld().run(async (world) => {
      const pair = await pairUp(world)
      let writes = 0
      world.mailboxes.onWrite = () => {
        writes += 1
        if (writes % 3 === 1) return { status: 'lost' }
        return writes % 7 === 2 ? { status: 'full', retryAfterMs: 5 * MINUTE_MS } : undefined
      }
      let looks = 0
      world.mailboxes.onRead = () => {
        looks += 1
        return looks % 3 === 0
      }
      const sent: string[] = []
      for (let turn = 0; turn < 12; turn += 1) {
        await world.stopOne('bob')
        const text = `message ${turn} ${'y'.repeat(400)}`
        await world.messenger('alice').send({ contactId: pair.alice, text })
        sent.push(text)
        await world.clock.advance(((turn * 7) % 5) * 10_000 + 20_000)
        await world.restart('alice')
        await world.clock.advance(MINUTE_MS)
        await world.restart('bob')
        await world.clock.advance(((turn * 5) % 7) * 20_000)
      }
      await world.clock.advance(5 * HOUR_MS)
      // Each once. A box that is hard to find lets later ones pass.
      assert.deepEqual([...(await receivedTexts(world.messenger('bob'), pair.bob))].sort(), [...sent].sort())
      assert.ok(writes > 12)
    }))

  it('is never called stored before hosts have it', () =>
    storedWorld().run(async (world) => {
      const pair = await pairUp(world)
      await world.stopOne('bob')
      world.mailboxes.onWrite = () => ({ status: 'lost' })
      const { messageId } = await world.messenger('alice').send({ contactId: pair.alice, text: 'hello' })
      await world.clock.advance(HOUR_MS)
      assert.deepEqual([...new Set(await deliveriesOf(world, 'alice', messageId))], ['sent', 'queued'])
      world.mailboxes.onWrite = () => ({ status: 'full', retryAfterMs: 20 * MINUTE_MS })
      await world.clock.advance(10 * MINUTE_MS)
      const [message] = await world.messenger('alice').listMessages({ contactId: pair.alice })
      assert.equal(message?.delivery, 'queued')
      assert.equal(message?.failure, 'HOSTS_FULL')
      assert.ok((message?.retryAfterMs ?? 0) > 0)
      world.mailboxes.onWrite = undefined
      await world.clock.advance(HOUR_MS)
      assert.equal(await deliveryOf(world, 'alice', pair.alice, messageId), 'stored')
    }))

  it('is told of two days before its copies end, and is written again when they did', () =>
    storedWorld().run(async (world) => {
      const pair = await pairUp(world)
      await world.stopOne('bob')
      const { messageId } = await world.messenger('alice').send({ contactId: pair.alice, text: 'patience' })
      await world.clock.advance(HOUR_MS)
      const [before] = await world.messenger('alice').listMessages({ contactId: pair.alice })
      /** Days pass quickly while nobody has slots; what is due is seen after the start. */
      const sleep = async (days: number): Promise<void> => {
        await world.stopOne('alice')
        await world.clock.advance(days * DAY_MS)
        await world.restart('alice')
        await world.clock.advance(HOUR_MS)
      }
      await sleep(11)
      const warnings = async (): Promise<readonly MessengerEventBody[]> =>
        (await eventsOf(world, 'alice')).filter(({ type }) => type === 'expiring')
      assert.deepEqual(await warnings(), [])
      await sleep(2)
      assert.deepEqual(await warnings(), [
        { type: 'expiring', contactId: pair.alice, messageId, untilMs: before?.stored?.untilMs },
      ])
      await sleep(1)
      const [after] = await world.messenger('alice').listMessages({ contactId: pair.alice })
      assert.equal(after?.delivery, 'stored')
      assert.ok((after?.stored?.untilMs ?? 0) > (before?.stored?.untilMs ?? 0))
      await world.restart('bob')
      await world.clock.advance(HOUR_MS)
      assert.deepEqual(await receivedTexts(world.messenger('bob'), pair.bob), ['patience'])
    }))

  it('that hosts have since days, of which the sender never heard, is stored until the end of that copy', () =>
    storedWorld().run(async (world) => {
      const pair = await pairUp(world)
      await world.stopOne('bob')
      const { messageId } = await world.messenger('alice').send({ contactId: pair.alice, text: 'old' })
      let endsMs = 0
      // Hosts take it, and what they say is lost on its way.
      world.mailboxes.onWrite = (box) => {
        endsMs = world.clock.nowMs() + BOX_LIFETIME_MS
        world.mailboxes.boxes.set(hexEncode(box.boxId), { box, bytes: encodeBox(box), expiresAtMs: endsMs })
        world.mailboxes.onWrite = () => ({ status: 'lost' })
        return { status: 'lost' }
      }
      await world.clock.advance(HOUR_MS)
      // Under way again, or waiting for its turn.
      assert.match((await deliveryOf(world, 'alice', pair.alice, messageId)) ?? '', /^(queued|sent)$/)
      await world.stopOne('alice')
      await world.clock.advance(9 * DAY_MS)
      world.mailboxes.onWrite = undefined
      await world.restart('alice')
      await world.clock.advance(HOUR_MS)
      const [message] = await world.messenger('alice').listMessages({ contactId: pair.alice })
      assert.deepEqual([message?.delivery, message?.stored?.untilMs], ['stored', endsMs])
    }))

  it('takes another box when the id is taken', () =>
    storedWorld().run(async (world) => {
      const pair = await pairUp(world)
      await world.stopOne('bob')
      const refused = new Set<string>()
      world.mailboxes.onWrite = (box) => {
        if (refused.size < 3) refused.add(hexEncode(box.boxId))
        return refused.has(hexEncode(box.boxId)) ? { status: 'conflict' } : undefined
      }
      await world.messenger('alice').send({ contactId: pair.alice, text: 'elsewhere' })
      await world.clock.advance(HOUR_MS)
      assert.equal(refused.size, 3)
      await world.restart('bob')
      await world.clock.advance(HOUR_MS)
      assert.deepEqual(await receivedTexts(world.messenger('bob'), pair.bob), ['elsewhere'])
    }))

  it('is shown as read where the reader lets it be known, and only there', () =>
    storedWorld().run(async (world) => {
      const pair = await pairUp(world)
      const silent = await world.messenger('alice').send({ contactId: pair.alice, text: 'first' })
      await world.clock.advance(HOUR_MS)
      await world.messenger('bob').markRead({ contactId: pair.bob, upTo: 1 })
      await world.clock.advance(HOUR_MS)
      assert.equal(await deliveryOf(world, 'alice', pair.alice, silent.messageId), 'delivered')

      await world.messenger('bob').setReceipts({ contactId: pair.bob, read: true })
      const seen = await world.messenger('alice').send({ contactId: pair.alice, text: 'second' })
      await world.clock.advance(HOUR_MS)
      await world.messenger('bob').markRead({ contactId: pair.bob, upTo: 2 })
      await world.clock.advance(HOUR_MS)
      assert.equal(await deliveryOf(world, 'alice', pair.alice, seen.messageId), 'read')
      assert.equal(await deliveryOf(world, 'alice', pair.alice, silent.messageId), 'delivered')
      // A receipt is no message.
      assert.deepEqual(await receivedTexts(world.messenger('alice'), pair.alice), [])
    }))

  it('leaves nothing behind with its contact', () =>
    storedWorld().run(async (world) => {
      const pair = await pairUp(world)
      await world.stopOne('bob')
      await world.messenger('alice').send({ contactId: pair.alice, text: 'secret plan' })
      await world.clock.advance(HOUR_MS)
      assert.ok(world.storedKeys('alice', pair.alice).length > 0)
      await world.messenger('alice').removeContact(pair.alice)
      assert.deepEqual(world.storedKeys('alice', pair.alice), [])
    }))
})

describe('an invite through mailboxes', () => {
  it('works while the inviter is offline, with a first message, and the answer finds the acceptor later', () =>
    storedWorld().run(async (world) => {
      const { uri } = await world.messenger('bob').createInvite({})
      await world.clock.advanceUntil(
        async () => (await world.messenger('bob').listInvites()).some(({ published }) => published),
        HOUR_MS,
      )
      assert.equal(world.listenerCount(), 0, 'no rendezvous')
      await world.stopOne('bob')
      const { contactId } = await world.messenger('alice').acceptInvite({ uri, message: 'it is Alice' })
      await untilState(world, 'alice', contactId, 'requested')
      const [first] = await world.messenger('alice').listMessages({ contactId })
      assert.equal(first?.delivery, 'stored')
      await world.stopOne('alice')
      await world.clock.advance(DAY_MS)

      await world.restart('bob')
      const bob = await acceptFirst(world, 'bob')
      assert.deepEqual(await receivedTexts(world.messenger('bob'), bob), ['it is Alice'])
      await world.messenger('bob').send({ contactId: bob, text: 'welcome' })
      await world.clock.advance(HOUR_MS)
      await world.stopOne('bob')

      await world.restart('alice')
      await untilState(world, 'alice', contactId, 'active')
      await world.clock.advance(HOUR_MS)
      assert.deepEqual(await receivedTexts(world.messenger('alice'), contactId), ['welcome'])
      assert.equal(await deliveryOf(world, 'alice', contactId, first?.messageId ?? ''), 'delivered')
      const [alice] = await world.messenger('alice').listContacts()
      await world.restart('bob')
      const [shown] = await world.messenger('bob').listContacts()
      assert.equal(alice?.safetyNumber, shown?.safetyNumber)
    }))

  it('serves one acceptor; the second learns that it was used', () =>
    storedWorld(['alice', 'bob', 'carol']).run(async (world) => {
      const { uri } = await world.messenger('bob').createInvite({})
      await world.clock.advance(10 * MINUTE_MS)
      const first = await world.messenger('alice').acceptInvite({ uri })
      await untilState(world, 'alice', first.contactId, 'requested')
      const second = await world.messenger('carol').acceptInvite({ uri })
      await untilState(world, 'carol', second.contactId, 'failed')
      const [contact] = await world.messenger('carol').listContacts()
      assert.equal(contact?.failure, 'INVITE_USED')
      await world.clock.advance(HOUR_MS)
      assert.equal((await world.messenger('bob').listRequests()).length, 1)
    }))

  it('that was revoked says so, also when the inviter has gone', () =>
    storedWorld().run(async (world) => {
      const { uri, inviteId } = await world.messenger('bob').createInvite({})
      await world.clock.advance(10 * MINUTE_MS)
      await world.messenger('bob').revokeInvite(inviteId)
      await world.clock.advance(10 * MINUTE_MS)
      await world.stopOne('bob')
      const { contactId } = await world.messenger('alice').acceptInvite({ uri, message: 'too late' })
      await untilState(world, 'alice', contactId, 'failed')
      const [contact] = await world.messenger('alice').listContacts()
      assert.equal(contact?.failure, 'INVITE_REVOKED')
      const [message] = await world.messenger('alice').listMessages({ contactId })
      assert.equal(message?.delivery, 'failed')
      assert.equal(message?.failure, 'INVITE_REVOKED')
    }))

  it('that never was written has expired for the acceptor at its time', () =>
    storedWorld().run(async (world) => {
      world.mailboxes.onWrite = () => ({ status: 'lost' })
      const { uri } = await world.messenger('bob').createInvite({ expiresInMs: HOUR_MS })
      const { contactId } = await world.messenger('alice').acceptInvite({ uri })
      await world.clock.advance(2 * HOUR_MS)
      const [contact] = await world.messenger('alice').listContacts()
      assert.equal(contact?.contactId, contactId)
      assert.equal(contact?.failure, 'INVITE_EXPIRED')
    }))

  it('may have a rendezvous as well, for which one of the two ways is enough', () =>
    storedWorld().run(async (world) => {
      world.mailboxes.onWrite = () => ({ status: 'lost' })
      const { uri, rendezvous } = await world.messenger('bob').createInvite({ rendezvous: true })
      assert.equal(rendezvous, true)
      const { contactId } = await world.messenger('alice').acceptInvite({ uri })
      await acceptFirst(world, 'bob')
      await world.clock.advance(HOUR_MS)
      assert.equal((await world.messenger('alice').listContacts())[0]?.state, 'requested')
      assert.deepEqual(world.listenerCount(), 1, 'the rendezvous, and no lane')
      world.mailboxes.onWrite = undefined
      await untilState(world, 'alice', contactId, 'active')
    }))
})
