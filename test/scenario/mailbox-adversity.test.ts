import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { DAY_MS, HOUR_MS, hexEncode, MINUTE_MS } from '../../src/base/index.ts'
import { parseInvite } from '../../src/identity/index.ts'
import { BOX_LIFETIME_MS, deriveBoxKeys, inviteBoxSeed } from '../../src/mailbox/index.ts'
import type { MessageInfo } from '../../src/messenger/index.ts'
import { storeError } from '../../src/store/errors.ts'
import { createWorld, receivedTexts, type World } from '../support/world.ts'

const HOSTS = [{ hostKey: new Uint8Array(32).fill(1), courierOnionKey: new Uint8Array(32).fill(2) }]

interface Pair {
  readonly alice: string
  readonly bob: string
}

/** Nobody reaches anybody but through boxes. */
async function withoutLanes(body: (world: World) => Promise<void>, names = ['alice', 'bob']): Promise<void> {
  const world = await createWorld(names, { hosts: HOSTS })
  world.hub.setUnreachable(true)
  try {
    await body(world)
    assert.deepEqual(world.failures, [])
  } finally {
    await world.stop()
  }
}

async function stateOf(world: World, name: string, contactId: string): Promise<string | undefined> {
  const contacts = await world.messenger(name).listContacts()
  return contacts.find((contact) => contact.contactId === contactId)?.state
}

async function untilState(world: World, name: string, contactId: string, state: string): Promise<void> {
  await world.clock.advanceUntil(async () => (await stateOf(world, name, contactId)) === state, 2 * HOUR_MS)
}

async function acceptFirst(world: World, name: string): Promise<string> {
  const messenger = world.messenger(name)
  await world.clock.advanceUntil(async () => (await messenger.listRequests()).length > 0, HOUR_MS)
  const [request] = await messenger.listRequests()
  return (await messenger.acceptRequest({ requestId: request?.requestId ?? '' })).contactId
}

/** Alice is the acceptor, Bob the inviter. */
async function pairUp(world: World): Promise<Pair> {
  const { uri } = await world.messenger('bob').createInvite({})
  const { contactId: alice } = await world.messenger('alice').acceptInvite({ uri })
  const bob = await acceptFirst(world, 'bob')
  await untilState(world, 'alice', alice, 'active')
  return { alice, bob }
}

async function messageOf(world: World, name: string, contactId: string, messageId: string): Promise<MessageInfo> {
  const messages = await world.messenger(name).listMessages({ contactId, limit: 500 })
  const found = messages.find((message) => message.messageId === messageId)
  assert.ok(found)
  return found
}

function untilDelivery(world: World, name: string, contactId: string, messageId: string, state: string): Promise<void> {
  return world.clock.advanceUntil(
    async () => (await messageOf(world, name, contactId, messageId)).delivery === state,
    2 * HOUR_MS,
  )
}

/** Counts the writes of each box id from here on. */
function countWrites(world: World): Map<string, number> {
  const writes = new Map<string, number>()
  const before = world.mailboxes.onWrite
  world.mailboxes.onWrite = (box) => {
    const id = hexEncode(box.boxId)
    writes.set(id, (writes.get(id) ?? 0) + 1)
    return before?.(box)
  }
  return writes
}

function voucherOf(uri: string): Uint8Array {
  const parsed = parseInvite(uri)
  assert.ok(parsed.ok)
  return parsed.invite.voucher
}

function inviteBoxId(uri: string, which: 'bundle' | 'request'): string {
  return hexEncode(deriveBoxKeys(inviteBoxSeed(voucherOf(uri), which)).boxId)
}

describe('acknowledgements in boxes', () => {
  it('count for envelopes that left in boxes, without a lane or a restart in between', () =>
    withoutLanes(async (world) => {
      const pair = await pairUp(world)
      const { messageId } = await world.messenger('alice').send({ contactId: pair.alice, text: 'hello' })
      await untilDelivery(world, 'alice', pair.alice, messageId, 'delivered')
      const [contact] = await world.messenger('alice').listContacts()
      assert.equal(contact?.queuedMessages, 0)
    }))

  it('come to an end: two who are idle write nothing but loops', () =>
    withoutLanes(async (world) => {
      const pair = await pairUp(world)
      await world.messenger('alice').send({ contactId: pair.alice, text: 'hello' })
      await world.messenger('bob').send({ contactId: pair.bob, text: 'hello' })
      await world.clock.advance(2 * HOUR_MS)
      const writes = countWrites(world)
      await world.clock.advance(6 * HOUR_MS)
      assert.equal(writes.size, 0)
      await world.messenger('alice').send({ contactId: pair.alice, text: 'control' })
      await world.clock.advance(10 * MINUTE_MS)
      assert.ok(writes.size > 0)
    }))

  it('are not made when receipts were switched off meanwhile', () =>
    withoutLanes(async (world) => {
      const pair = await pairUp(world)
      await world.clock.advance(2 * HOUR_MS)
      await world.messenger('alice').send({ contactId: pair.alice, text: 'hello' })
      await world.clock.advanceUntil(
        async () => (await receivedTexts(world.messenger('bob'), pair.bob)).length > 0,
        HOUR_MS,
      )
      await world.messenger('bob').setReceipts({ contactId: pair.bob, delivery: false })
      const writes = countWrites(world)
      await world.clock.advance(2 * HOUR_MS)
      assert.equal(writes.size, 0)
    }))

  it('are made anew when the id of their box is taken', () =>
    withoutLanes(async (world) => {
      const { uri } = await world.messenger('bob').createInvite({})
      const { contactId } = await world.messenger('alice').acceptInvite({ uri })
      await world.clock.advanceUntil(async () => (await world.messenger('bob').listRequests()).length > 0, HOUR_MS)
      const taken = new Set<string>()
      world.mailboxes.onWrite = (box) => {
        if (taken.size === 0) taken.add(hexEncode(box.boxId))
        return taken.has(hexEncode(box.boxId)) ? { status: 'conflict' } : undefined
      }
      await acceptFirst(world, 'bob')
      await untilState(world, 'alice', contactId, 'active')
      assert.equal(taken.size, 1)
    }))
})

describe('a contact who is blocked', () => {
  it('stays blocked over a restart: nothing of theirs is shown, nothing waiting leaves for them', () =>
    withoutLanes(async (world) => {
      const pair = await pairUp(world)
      await world.clock.advance(2 * HOUR_MS)
      world.mailboxes.onWrite = () => ({ status: 'lost' })
      await world.messenger('bob').send({ contactId: pair.bob, text: 'waits' })
      await world.clock.advance(5 * MINUTE_MS)
      await world.messenger('bob').block(pair.bob)
      world.mailboxes.onWrite = undefined
      await world.restart('bob')
      await world.messenger('alice').send({ contactId: pair.alice, text: 'can you hear me?' })
      await world.clock.advance(HOUR_MS)
      assert.deepEqual(await receivedTexts(world.messenger('bob'), pair.bob), [])
      assert.deepEqual(await receivedTexts(world.messenger('alice'), pair.alice), [])
      await world.messenger('bob').unblock(pair.bob)
      await world.messenger('alice').send({ contactId: pair.alice, text: 'and now?' })
      await world.clock.advance(HOUR_MS)
      assert.deepEqual(await receivedTexts(world.messenger('bob'), pair.bob), ['and now?'])
      assert.deepEqual(await receivedTexts(world.messenger('alice'), pair.alice), ['waits'])
    }))

  it('finds their boxes as if we had gone: none is taken back', () =>
    withoutLanes(async (world) => {
      const pair = await pairUp(world)
      await world.clock.advance(2 * HOUR_MS)
      const writes = countWrites(world)
      await world.messenger('bob').block(pair.bob)
      await world.messenger('alice').send({ contactId: pair.alice, text: 'hello?' })
      await world.clock.advance(HOUR_MS)
      assert.equal(writes.size, 1)
      for (const id of writes.keys()) {
        assert.equal(world.mailboxes.reads.get(id), 1)
        assert.ok(world.mailboxes.boxes.get(id)?.box !== undefined)
      }
    }))

  it('is active after the unblocking when the acceptance came meanwhile', () =>
    withoutLanes(async (world) => {
      const { uri } = await world.messenger('bob').createInvite({})
      const { contactId } = await world.messenger('alice').acceptInvite({ uri })
      await untilState(world, 'alice', contactId, 'requested')
      await world.messenger('alice').block(contactId)
      await acceptFirst(world, 'bob')
      await world.clock.advance(HOUR_MS)
      await world.messenger('alice').unblock(contactId)
      assert.equal(await stateOf(world, 'alice', contactId), 'active')
    }))
})

describe('a box that cannot be written', () => {
  it('does not keep later messages, nor those of others, from leaving', () =>
    withoutLanes(async (world) => {
      const pair = await pairUp(world)
      await world.clock.advance(2 * HOUR_MS)
      let stuck: string | undefined
      world.mailboxes.onWrite = (box) => {
        stuck ??= hexEncode(box.boxId)
        return hexEncode(box.boxId) === stuck ? { status: 'lost' } : undefined
      }
      await world.messenger('alice').send({ contactId: pair.alice, text: 'first' })
      await world.clock.advance(5 * MINUTE_MS)
      const { messageId } = await world.messenger('alice').send({ contactId: pair.alice, text: 'second' })
      await untilDelivery(world, 'alice', pair.alice, messageId, 'stored')
      stuck = ''
      await world.clock.advance(HOUR_MS)
      assert.deepEqual([...(await receivedTexts(world.messenger('bob'), pair.bob))].sort(), ['first', 'second'])
    }))

  for (const result of [
    { status: 'conflict' },
    { status: 'lost' },
    { status: 'full', retryAfterMs: 15 * MINUTE_MS },
  ] as const) {
    it(`does not take all slots when it is an invite's bundle: ${result.status}`, () =>
      withoutLanes(async (world) => {
        const pair = await pairUp(world)
        const { uri } = await world.messenger('alice').createInvite({})
        const bundle = inviteBoxId(uri, 'bundle')
        world.mailboxes.onWrite = (box) => (hexEncode(box.boxId) === bundle ? result : undefined)
        const writes = countWrites(world)
        await world.clock.advance(10 * MINUTE_MS)
        const { messageId } = await world.messenger('alice').send({ contactId: pair.alice, text: 'hello' })
        await untilDelivery(world, 'alice', pair.alice, messageId, 'stored')
        await world.clock.advance(HOUR_MS)
        const count = writes.get(bundle) ?? 0
        assert.ok(count > 2 && count < 25, `${count} writes`)
      }))
  }

  it('does not take all slots when it is a request whose place is taken and empty', () =>
    withoutLanes(
      async (world) => {
        const pair = await pairUp(world)
        const { uri } = await world.messenger('carol').createInvite({})
        const request = inviteBoxId(uri, 'request')
        world.mailboxes.onWrite = (box) => (hexEncode(box.boxId) === request ? { status: 'conflict' } : undefined)
        await world.clock.advance(10 * MINUTE_MS)
        await world.messenger('alice').acceptInvite({ uri })
        await world.clock.advance(10 * MINUTE_MS)
        const { messageId } = await world.messenger('alice').send({ contactId: pair.alice, text: 'hello' })
        await untilDelivery(world, 'alice', pair.alice, messageId, 'stored')
      },
      ['alice', 'bob', 'carol'],
    ))

  it('is written again when one host lies about a conflict, so that the reader finds every place filled', () =>
    withoutLanes(async (world) => {
      const pair = await pairUp(world)
      await world.clock.advance(2 * HOUR_MS)
      const lied = new Set<string>()
      world.mailboxes.onWrite = (box) => {
        const id = hexEncode(box.boxId)
        if (lied.has(id) || lied.size >= 6) return undefined
        lied.add(id)
        return { status: 'conflict' }
      }
      const texts = Array.from({ length: 6 }, (_, index) => `${index} ${'x'.repeat(1_000)}`)
      for (const text of texts) {
        await world.messenger('alice').send({ contactId: pair.alice, text })
      }
      await world.clock.advance(3 * HOUR_MS)
      assert.equal(lied.size, 6)
      assert.deepEqual(await receivedTexts(world.messenger('bob'), pair.bob), texts)
    }))
})

describe('a box that all its hosts have lost', () => {
  it('is written again, though nothing else happens', () =>
    withoutLanes(async (world) => {
      const pair = await pairUp(world)
      await world.clock.advance(2 * HOUR_MS)
      await world.stopOne('bob')
      const writes = countWrites(world)
      const first = await world.messenger('alice').send({ contactId: pair.alice, text: 'first' })
      await untilDelivery(world, 'alice', pair.alice, first.messageId, 'stored')
      for (const id of writes.keys()) world.mailboxes.boxes.delete(id)
      const second = await world.messenger('alice').send({ contactId: pair.alice, text: 'second' })
      await untilDelivery(world, 'alice', pair.alice, second.messageId, 'stored')
      await world.restart('bob')
      await untilDelivery(world, 'alice', pair.alice, second.messageId, 'delivered')
      await world.clock.advance(6 * HOUR_MS)
      assert.deepEqual(await receivedTexts(world.messenger('bob'), pair.bob), ['second', 'first'])
    }))

  it('does not stop a long run of boxes behind it for ever', () =>
    withoutLanes(async (world) => {
      const pair = await pairUp(world)
      await world.clock.advance(2 * HOUR_MS)
      await world.stopOne('bob')
      const writes = countWrites(world)
      await world.messenger('alice').send({ contactId: pair.alice, text: 'lost' })
      await world.clock.advance(10 * MINUTE_MS)
      assert.equal(writes.size, 1)
      for (const id of writes.keys()) world.mailboxes.boxes.delete(id)
      const texts = Array.from({ length: 6 }, (_, index) => `${index} ${'x'.repeat(5_000)}`)
      for (const text of texts) {
        await world.messenger('alice').send({ contactId: pair.alice, text })
      }
      await world.clock.advance(2 * HOUR_MS)
      await world.restart('bob')
      await world.clock.advance(DAY_MS)
      assert.deepEqual([...(await receivedTexts(world.messenger('bob'), pair.bob))].sort(), [...texts, 'lost'].sort())
    }))
})

describe('a request through mailboxes', () => {
  it('goes on where the hosts of the invite cannot be kept for want of space', () =>
    withoutLanes(async (world) => {
      const { uri } = await world.messenger('bob').createInvite({})
      let failures = 0
      world.mailboxes.onAddHosts = () => {
        failures += 1
        throw storeError('STORE_FULL')
      }
      const { contactId } = await world.messenger('alice').acceptInvite({ uri })
      await untilState(world, 'alice', contactId, 'requested')
      assert.equal(failures, 1)
    }))

  it('that is made is not given up at the end of the invite, which the inviter may have taken it for', () =>
    withoutLanes(async (world) => {
      const { uri } = await world.messenger('bob').createInvite({ expiresInMs: HOUR_MS })
      const request = inviteBoxId(uri, 'request')
      world.mailboxes.onWrite = (box) => {
        if (hexEncode(box.boxId) !== request) return undefined
        // It is stored, but its receipts are lost.
        const bytes = new Uint8Array([...box.boxId, ...box.signature, ...box.ciphertext])
        world.mailboxes.boxes.set(request, { box, bytes, expiresAtMs: world.clock.nowMs() + DAY_MS })
        return { status: 'lost' }
      }
      const { contactId } = await world.messenger('alice').acceptInvite({ uri })
      await world.clock.advanceUntil(async () => (await world.messenger('bob').listRequests()).length > 0, HOUR_MS)
      await world.clock.advance(HOUR_MS + 10 * MINUTE_MS)
      assert.equal(await stateOf(world, 'alice', contactId), 'requesting')
      await acceptFirst(world, 'bob')
      await untilState(world, 'alice', contactId, 'active')
    }))

  it('is not called delivered because a host has it that spoke of a conflict', () =>
    withoutLanes(async (world) => {
      const { uri } = await world.messenger('bob').createInvite({})
      await world.clock.advance(10 * MINUTE_MS)
      await world.stopOne('bob')
      const request = inviteBoxId(uri, 'request')
      let lies = 0
      world.mailboxes.onWrite = (box) => {
        if (hexEncode(box.boxId) !== request || lies > 0) return undefined
        lies += 1
        // It keeps the box all the same.
        world.mailboxes.boxes.set(request, {
          box,
          bytes: new Uint8Array([...box.boxId, ...box.signature, ...box.ciphertext]),
          expiresAtMs: world.clock.nowMs() + BOX_LIFETIME_MS,
        })
        return { status: 'conflict' }
      }
      const { contactId } = await world.messenger('alice').acceptInvite({ uri, message: 'it is me' })
      await untilState(world, 'alice', contactId, 'requested')
      assert.equal(lies, 1)
      const [message] = await world.messenger('alice').listMessages({ contactId })
      assert.equal(message?.delivery, 'stored')
    }))

  it('is looked after no longer once its contact was removed', () =>
    withoutLanes(async (world) => {
      const { uri } = await world.messenger('bob').createInvite({})
      const bundle = inviteBoxId(uri, 'bundle')
      world.mailboxes.onRead = () => false
      const { contactId } = await world.messenger('alice').acceptInvite({ uri })
      await world.clock.advance(10 * MINUTE_MS)
      await world.messenger('alice').removeContact(contactId)
      world.mailboxes.onRead = undefined
      await world.clock.advance(10 * MINUTE_MS)
      assert.equal(world.mailboxes.reads.get(bundle), undefined)
      await world.messenger('alice').acceptInvite({ uri })
      await world.clock.advance(10 * MINUTE_MS)
      assert.equal(world.mailboxes.reads.get(bundle), 1)
    }))
})
