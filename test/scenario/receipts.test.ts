/**
 * What is told of messages that came: in batches, where the user wants it, and never for what is invalid, there already or old.
 * Never counts by what a messenger says of itself: the boxes that it writes are what counts.
 * @module
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { HOUR_MS, hexEncode, MINUTE_MS } from '../../src/base/index.ts'
import { BOX_LIFETIME_MS, MAILBOX_PARAMETERS } from '../../src/mailbox/index.ts'
import { SESSION_FUNCTIONS, type SessionFunctions } from '../../src/messenger/index.ts'
import { ENVELOPE_BODY_BYTES, encodeBox, padBody } from '../../src/wire/index.ts'
import { createWorld, receivedTexts, type World } from '../support/world.ts'

const HOSTS = [{ hostKey: new Uint8Array(32).fill(1), courierOnionKey: new Uint8Array(32).fill(2) }]
/** An acknowledgement has left by then: the longest delay, and a slot. */
const ACK_LIMIT_MS = 3 * MAILBOX_PARAMETERS.receiptDelayMs + 5 * MINUTE_MS

interface Pair {
  readonly alice: string
  readonly bob: string
}

/** Whether what Alice seals is spoilt, and how. */
interface Spoiler {
  how: 'not' | 'does not open' | 'says nothing'
}

function spoiled(spoiler: Spoiler): SessionFunctions {
  return {
    ...SESSION_FUNCTIONS,
    sealEnvelope(state, body) {
      const isNothing = spoiler.how === 'says nothing'
      const filling = padBody(new Uint8Array(20).fill(0xff), ENVELOPE_BODY_BYTES)
      const sealed = SESSION_FUNCTIONS.sealEnvelope(state, isNothing ? filling : body)
      if (spoiler.how !== 'does not open') return sealed
      const envelope = sealed.envelope.slice()
      envelope[envelope.length - 1] = (envelope.at(-1) ?? 0) ^ 1
      return { ...sealed, envelope }
    },
  }
}

/** Alice and Bob are contacts and have acknowledged each other's first boxes. */
async function withPair(
  body: (world: World, pair: Pair, writes: readonly string[], spoiler: Spoiler) => Promise<void>,
  others: readonly string[] = [],
): Promise<void> {
  const spoiler: Spoiler = { how: 'not' }
  const world = await createWorld(['alice', 'bob', ...others], {
    hosts: HOSTS,
    sessionOf: (name) => (name === 'alice' ? spoiled(spoiler) : SESSION_FUNCTIONS),
  })
  try {
    const { uri } = await world.messenger('bob').createInvite({})
    const { contactId: alice } = await world.messenger('alice').acceptInvite({ uri })
    await world.clock.advanceUntil(async () => (await world.messenger('bob').listRequests()).length > 0, HOUR_MS)
    const [request] = await world.messenger('bob').listRequests()
    const { contactId: bob } = await world.messenger('bob').acceptRequest({ requestId: request?.requestId ?? '' })
    await world.clock.advance(2 * HOUR_MS)
    const writes: string[] = []
    world.mailboxes.onWrite = (box) => {
      writes.push(hexEncode(box.boxId))
      return undefined
    }
    await body(world, { alice, bob }, writes, spoiler)
    assert.deepEqual(world.failures, [])
  } finally {
    await world.stop()
  }
}

/** Alice sends, and is gone when all of it lies in boxes: what is written from here on is Bob's. */
async function sendAndLeave(
  world: World,
  { alice }: Pair,
  writes: readonly string[],
  texts: readonly string[],
): Promise<void> {
  await world.stopOne('bob')
  const before = writes.length
  for (const text of texts) await world.messenger('alice').send({ contactId: alice, text })
  const boxes = Math.ceil(texts.length / 3)
  await world.clock.advanceUntil(() => new Set(writes.slice(before)).size >= boxes, 2 * HOUR_MS)
  await world.clock.advance(2 * MINUTE_MS)
  await world.stopOne('alice')
  await world.restart('bob')
}

async function untilRead(world: World, { bob }: Pair, count: number): Promise<void> {
  const texts = (): Promise<readonly string[]> => receivedTexts(world.messenger('bob'), bob)
  await world.clock.advanceUntil(async () => (await texts()).length >= count, HOUR_MS)
}

describe('what came', () => {
  it('is acknowledged by one box for all of it, a random while later', () =>
    withPair(async (world, pair, writes) => {
      await sendAndLeave(world, pair, writes, ['one', 'two', 'three', 'four', 'five', 'six', 'seven'])
      const before = writes.length
      await untilRead(world, pair, 1)
      await world.clock.advance(MAILBOX_PARAMETERS.receiptDelayMs - 2 * MINUTE_MS)
      await untilRead(world, pair, 7)
      assert.equal(writes.length, before, 'nothing is told at once')
      await world.clock.advance(ACK_LIMIT_MS)
      assert.equal(writes.length, before + 1)
      await world.clock.advance(2 * ACK_LIMIT_MS)
      assert.equal(writes.length, before + 1, 'and nothing else later')
      await world.restart('alice')
      await world.clock.advance(HOUR_MS)
      const messages = await world.messenger('alice').listMessages({ contactId: pair.alice })
      assert.deepEqual(new Set(messages.map(({ delivery }) => delivery)), new Set(['delivered']))
    }))

  it('is acknowledged after a restart as well', () =>
    withPair(async (world, pair, writes) => {
      await sendAndLeave(world, pair, writes, ['one'])
      const before = writes.length
      await untilRead(world, pair, 1)
      await world.restart('bob')
      await world.clock.advance(ACK_LIMIT_MS)
      assert.equal(writes.length, before + 1)
    }))

  it('is not told where receipts are off, contact by contact', () =>
    withPair(async (world, pair, writes) => {
      await world.messenger('bob').setReceipts({ contactId: pair.bob, delivery: false })
      await sendAndLeave(world, pair, writes, ['one'])
      const before = writes.length
      await untilRead(world, pair, 1)
      await world.clock.advance(2 * ACK_LIMIT_MS)
      assert.equal(writes.length, before)
      await world.messenger('bob').markRead({ contactId: pair.bob, upTo: 1 })
      await world.clock.advance(2 * ACK_LIMIT_MS)
      assert.equal(writes.length, before, 'nor that it was read')
      await world.messenger('bob').setReceipts({ contactId: pair.bob, delivery: true })
      await world.clock.advance(2 * ACK_LIMIT_MS)
      assert.equal(writes.length, before, 'nor afterwards')
      await world.restart('alice')
      await sendAndLeave(world, pair, writes, ['two'])
      const then = writes.length
      await untilRead(world, pair, 2)
      await world.clock.advance(ACK_LIMIT_MS)
      assert.equal(writes.length, then + 1, 'control: from now on')
    }))
})

describe('what does not count', () => {
  it('is an envelope that does not open', () =>
    withPair(async (world, pair, writes, spoiler) => {
      spoiler.how = 'does not open'
      await sendAndLeave(world, pair, writes, ['one', 'two'])
      const before = writes.length
      await world.clock.advance(2 * ACK_LIMIT_MS)
      const lastBox = writes.at(-1) ?? ''
      assert.ok((world.mailboxes.reads.get(lastBox) ?? 0) > 0, 'control: it was read')
      assert.deepEqual(await receivedTexts(world.messenger('bob'), pair.bob), [])
      assert.equal(writes.length, before)
    }))

  it('is one that opens and says nothing', () =>
    withPair(async (world, pair, writes, spoiler) => {
      spoiler.how = 'says nothing'
      await sendAndLeave(world, pair, writes, ['one'])
      const before = writes.length
      await world.clock.advance(2 * ACK_LIMIT_MS)
      assert.ok((world.mailboxes.reads.get(writes.at(-1) ?? '') ?? 0) > 0, 'control: it was read')
      assert.equal(writes.length, before)
      spoiler.how = 'not'
      await world.restart('alice')
      await sendAndLeave(world, pair, writes, ['two'])
      const then = writes.length
      await untilRead(world, pair, 1)
      await world.clock.advance(ACK_LIMIT_MS)
      assert.equal(writes.length, then + 1, 'control: what says something is told')
    }))

  it('is one that is there already, in another box', () =>
    withPair(async (world, pair, writes) => {
      await world.stopOne('bob')
      // Stored, and told to be taken by somebody else: the same envelopes go into another box.
      const note = world.mailboxes.onWrite
      let first: string | undefined
      world.mailboxes.onWrite = (box) => {
        note?.(box)
        const id = hexEncode(box.boxId)
        first ??= id
        if (id !== first) return undefined
        const expiresAtMs = world.clock.nowMs() + BOX_LIFETIME_MS
        world.mailboxes.boxes.set(id, { box, bytes: encodeBox(box), expiresAtMs })
        return { status: 'conflict' }
      }
      await world.messenger('alice').send({ contactId: pair.alice, text: 'twice' })
      await world.clock.advanceUntil(() => writes.at(-1) !== first && writes.length > 3, 2 * HOUR_MS)
      const second = writes.at(-1) ?? ''
      await world.clock.advance(2 * MINUTE_MS)
      await world.stopOne('alice')
      world.mailboxes.onRead = (boxId) => hexEncode(boxId) !== second
      const before = writes.length
      await world.restart('bob')
      await untilRead(world, pair, 1)
      await world.clock.advance(ACK_LIMIT_MS)
      assert.equal(writes.length, before + 1, 'control: the first of them is told')
      world.mailboxes.onRead = undefined
      await world.clock.advance(2 * ACK_LIMIT_MS)
      assert.ok((world.mailboxes.reads.get(second) ?? 0) > 0, 'control: the second was read')
      assert.deepEqual(await receivedTexts(world.messenger('bob'), pair.bob), ['twice'])
      assert.equal(writes.length, before + 1)
    }))

  it('is anything of somebody who is blocked', () =>
    withPair(async (world, pair, writes) => {
      await world.messenger('bob').block(pair.bob)
      await sendAndLeave(world, pair, writes, ['one'])
      const before = writes.length
      await world.clock.advance(2 * ACK_LIMIT_MS)
      assert.ok((world.mailboxes.reads.get(writes.at(-1) ?? '') ?? 0) > 0, 'control: it was read')
      await world.messenger('bob').unblock(pair.bob)
      await world.clock.advance(2 * ACK_LIMIT_MS)
      assert.equal(writes.length, before)
    }))
})

describe('a stranger', () => {
  it('who asks for contact hears nothing before the user has said yes, and nothing of a no', () =>
    withPair(
      async (world, _pair, writes) => {
        const bob = world.messenger('bob')
        for (const isAccepted of [false, true]) {
          const { uri, inviteId } = await bob.createInvite({})
          const isPublished = async (): Promise<boolean> =>
            (await bob.listInvites()).some((invite) => invite.inviteId === inviteId && invite.published)
          await world.clock.advanceUntil(isPublished, HOUR_MS)
          const { contactId } = await world.messenger('carol').acceptInvite({ uri, message: 'hello?' })
          const stateOf = async (): Promise<string | undefined> =>
            (await world.messenger('carol').listContacts()).find((each) => each.contactId === contactId)?.state
          await world.clock.advanceUntil(async () => (await stateOf()) === 'requested', HOUR_MS)
          await world.messenger('carol').send({ contactId, text: 'are you there?' })
          await world.clock.advance(10 * MINUTE_MS)
          // Her own boxes are written; from here on Bob alone could write.
          await world.stopOne('carol')
          await world.clock.advanceUntil(async () => (await bob.listRequests()).length > 0, HOUR_MS)
          const before = writes.length
          await world.clock.advance(2 * ACK_LIMIT_MS)
          assert.equal(writes.length, before)
          const [request] = await bob.listRequests()
          const requestId = request?.requestId ?? ''
          if (isAccepted) await bob.acceptRequest({ requestId })
          else await bob.rejectRequest(requestId)
          await world.clock.advance(2 * ACK_LIMIT_MS)
          if (isAccepted) assert.ok(writes.length > before, 'control: the yes is told')
          else assert.equal(writes.length, before)
          await world.restart('carol')
        }
      },
      ['carol'],
    ))
})

describe('what came over a lane', () => {
  it('is acknowledged by a box when the lane has closed, once', () =>
    withPair(async (world, pair, writes) => {
      await world.messenger('bob').setLive({ contactId: pair.bob, on: true, minutes: 30 })
      await world.messenger('alice').setLive({ contactId: pair.alice, on: true, minutes: 30 })
      const isOpen = async (): Promise<boolean> =>
        (await world.messenger('alice').listContacts())[0]?.live.state === 'open'
      await world.clock.advanceUntil(isOpen, HOUR_MS)
      await world.messenger('alice').send({ contactId: pair.alice, text: 'quick' })
      await world.messenger('alice').send({ contactId: pair.alice, text: 'again' })
      await untilRead(world, pair, 2)
      await world.clock.advanceUntil(async () => world.listenerCount() === 0, HOUR_MS)
      await world.stopOne('alice')
      const before = writes.length
      await world.clock.advance(ACK_LIMIT_MS)
      assert.equal(writes.length, before + 1)
      await world.clock.advance(2 * ACK_LIMIT_MS)
      assert.equal(writes.length, before + 1)
    }))

  it('is acknowledged as well when the daemon ends before the lane does', () =>
    withPair(async (world, pair, writes) => {
      await world.messenger('bob').setLive({ contactId: pair.bob, on: true, minutes: 240 })
      await world.messenger('alice').setLive({ contactId: pair.alice, on: true, minutes: 240 })
      const isOpen = async (): Promise<boolean> =>
        (await world.messenger('alice').listContacts())[0]?.live.state === 'open'
      await world.clock.advanceUntil(isOpen, HOUR_MS)
      // What was owed for the offers, which came in boxes, has left by a box.
      world.hub.setUnreachable(true)
      world.hub.cut()
      await world.clock.advance(ACK_LIMIT_MS)
      world.hub.setUnreachable(false)
      await world.clock.advanceUntil(isOpen, HOUR_MS)
      await world.messenger('alice').send({ contactId: pair.alice, text: 'quick' })
      await untilRead(world, pair, 1)
      await world.stopOne('alice')
      const before = writes.length
      await world.restart('bob')
      await world.clock.advance(5 * HOUR_MS)
      assert.equal(world.listenerCount(), 0, 'control: the lane has ended')
      assert.equal(writes.length, before + 1)
    }))
})
