/**
 * What front ends are told of the clock, by the messenger that ships: queues, estimates, traffic.
 * @module
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { DAY_MS, HOUR_MS, isAppError, MINUTE_MS } from '../../src/base/index.ts'
import type { Messenger, SendEstimate, TrafficLane } from '../../src/messenger/index.ts'
import { LANE_BYTES_PER_DAY, PROFILE_NAMES } from '../../src/padding/index.ts'
import {
  BOX_ENVELOPES_MAX_COUNT,
  CONTENT_CHUNK_BYTES,
  CONTENT_PARTS_MAX_COUNT,
  FILE_MAX_BYTES,
  fileChunkCount,
  MAX_TEXT_BYTES,
} from '../../src/wire/index.ts'
import { createWorld, pairUp, type World } from '../support/world.ts'

const HOSTS = [{ hostKey: new Uint8Array(32).fill(1), courierOnionKey: new Uint8Array(32).fill(2) }]

async function withWorld(
  names: readonly string[],
  body: (world: World) => Promise<void>,
  options: Parameters<typeof createWorld>[1] = { hosts: HOSTS },
): Promise<void> {
  const world = await createWorld(names, options)
  try {
    await body(world)
    assert.deepEqual(world.failures, [])
  } finally {
    await world.stop()
    assert.equal(world.clock.sleepers(), 0)
  }
}

/** Until nothing waits to leave. */
async function settle(world: World, messenger: Messenger): Promise<void> {
  await world.clock.advanceUntil(() => messenger.status().sending.queuedEnvelopes === 0, HOUR_MS)
  await world.clock.advance(MINUTE_MS)
}

async function codeOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise
  } catch (error: unknown) {
    if (isAppError(error)) return error.code
    throw error
  }
  return 'none'
}

/** The way, and the numbers that are counted. */
function countsOf(estimate: SendEstimate): readonly unknown[] {
  const { boxes, envelopes, queuedBoxes, queuedEnvelopes, via, writeSlots } = estimate
  return [via, envelopes, boxes, queuedEnvelopes, queuedBoxes, writeSlots]
}

function recordsOf(messenger: Messenger, lane: TrafficLane): readonly [number, number] {
  const found = messenger.traffic().lanes.find((each) => each.lane === lane)
  return [found?.recordsUp ?? -1, found?.recordsDown ?? -1]
}

describe('estimateSend', () => {
  it('counts what a text needs and what goes before it, and queues nothing', () =>
    withWorld(['alice', 'bob', 'carol'], async (world) => {
      const alice = world.messenger('alice')
      const { alice: bob } = await pairUp(world, 'alice', 'bob')
      const { alice: carol } = await pairUp(world, 'alice', 'carol')
      await settle(world, alice)
      const text = (contactId: string, words = 'hi'): Promise<SendEstimate> =>
        alice.estimateSend({ contactId, text: words })
      assert.deepEqual(countsOf(await text(bob)), ['slots', 1, 1, 0, 0, 1])
      const longest = await text(bob, 'x'.repeat(MAX_TEXT_BYTES))
      const boxes = Math.ceil(CONTENT_PARTS_MAX_COUNT / BOX_ENVELOPES_MAX_COUNT)
      assert.deepEqual(countsOf(longest), ['slots', CONTENT_PARTS_MAX_COUNT, boxes, 0, 0, boxes])
      assert.equal((await text(bob, 'x'.repeat(CONTENT_CHUNK_BYTES + 1))).envelopes, 2)

      for (let count = 0; count < 5; count += 1) await alice.send({ contactId: bob, text: 'one' })
      for (let count = 0; count < 9; count += 1) await alice.send({ contactId: carol, text: 'two' })
      // Six envelopes share two boxes, and each of them waits for one of Carol's: slots are served in turn.
      assert.deepEqual(countsOf(await text(bob)), ['slots', 1, 1, 5, 2, 4])
      assert.deepEqual(countsOf(await text(carol)), ['slots', 1, 1, 9, 2, 6])
      const { sending } = alice.status()
      assert.deepEqual([sending.queuedEnvelopes, sending.queuedParts], [14, 0])
      const first = await text(bob)
      assert.ok((first.delivered?.expectedMs ?? 0) > (first.stored?.expectedMs ?? 0))
      assert.ok((first.stored?.lateMs ?? 0) > (first.stored?.expectedMs ?? 0))
      assert.equal((await alice.listMessages({ contactId: bob })).length, 5)
      assert.deepEqual(alice.status().sending, sending)
      // As many slots as were told, and nothing waits: a slot every half minute.
      await settle(world, alice)
      assert.deepEqual(countsOf(await text(bob)), ['slots', 1, 1, 0, 0, 1])
      assert.ok((alice.status().sending.expectedDelayMs ?? 0) < (sending.expectedDelayMs ?? 0))
    }))

  it('puts a file behind all messages, and shares the rest with other files', () =>
    withWorld(['alice', 'bob'], async (world) => {
      const alice = world.messenger('alice')
      const { alice: bob } = await pairUp(world, 'alice', 'bob')
      await settle(world, alice)
      const bytes = 60_000
      const chunks = fileChunkCount(bytes)
      const file = await alice.estimateSend({ contactId: bob, bytes })
      assert.deepEqual(countsOf(file), ['slots', 1, chunks, 0, 1, chunks + 1])
      world.files('alice').contents.set('/f', new Uint8Array(bytes))
      await alice.sendAttachment({ contactId: bob, path: '/f' })
      assert.equal(alice.status().sending.queuedParts, chunks)
      // Its announcement is an envelope, of which nobody has had anything.
      const again = await alice.estimateSend({ contactId: bob, bytes })
      assert.deepEqual(countsOf(again), ['slots', 1, chunks, 1, 1 + 1 + chunks, 1 + 1 + 2 * chunks])
      assert.ok((again.delivered?.expectedMs ?? 0) > (file.delivered?.expectedMs ?? 0))
      // A short file is not held up by all of a long one.
      assert.equal((await alice.estimateSend({ contactId: bob, bytes: 1 })).queuedBoxes, 2 + fileChunkCount(1))
      await world.clock.advanceUntil(() => alice.status().sending.queuedParts === 0, DAY_MS)
      assert.equal((await alice.estimateSend({ contactId: bob, bytes })).queuedBoxes, 1)
    }))

  it('refuses what could not be sent', () =>
    withWorld(['alice', 'bob'], async (world) => {
      const alice = world.messenger('alice')
      const { alice: bob } = await pairUp(world, 'alice', 'bob')
      const { uri } = await world.messenger('bob').createInvite({})
      for (const [options, code] of [
        [{ text: 'x'.repeat(MAX_TEXT_BYTES + 1) }, 'MESSAGE_TOO_LONG'],
        [{ text: '' }, 'MESSAGE_EMPTY'],
        [{ bytes: FILE_MAX_BYTES + 1 }, 'ATTACHMENT_TOO_LARGE'],
        [{}, 'ESTIMATE_INPUT_INVALID'],
        [{ text: 'x', bytes: 1 }, 'ESTIMATE_INPUT_INVALID'],
        [{ text: 'x', contactId: '00'.repeat(16) }, 'CONTACT_UNKNOWN'],
        [{ bytes: FILE_MAX_BYTES }, 'none'],
      ] as const) {
        assert.equal(await codeOf(alice.estimateSend({ contactId: bob, ...options })), code)
      }
      await alice.block(bob)
      assert.equal(await codeOf(alice.estimateSend({ contactId: bob, bytes: 1 })), 'CONTACT_BLOCKED')
      const { contactId } = await alice.acceptInvite({ uri })
      assert.equal(await codeOf(alice.estimateSend({ contactId, text: 'x' })), 'CONTACT_NOT_READY')
    }))

  it('goes over a lane that is open, and says nothing of one that is not', () =>
    withWorld(
      ['alice', 'bob'],
      async (world) => {
        const alice = world.messenger('alice')
        const { alice: bob } = await pairUp(world, 'alice', 'bob')
        await world.clock.advanceUntil(() => alice.status().openLanes === 1, HOUR_MS)
        await world.clock.advance(MINUTE_MS)
        const open = await alice.estimateSend({ contactId: bob, text: 'hi' })
        assert.deepEqual(countsOf(open), ['live', 1, 0, 0, 0, undefined])
        assert.ok((open.delivered?.lateMs ?? HOUR_MS) < 10_000)
        for (let count = 0; count < 10; count += 1) await alice.send({ contactId: bob, text: 'x' })
        const behind = await alice.estimateSend({ contactId: bob, text: 'hi' })
        assert.equal(behind.queuedEnvelopes, 10)
        assert.ok((behind.delivered?.expectedMs ?? 0) > (open.delivered?.expectedMs ?? 0) + 9_000)
        await world.stopOne('bob')
        await world.clock.advanceUntil(() => alice.status().openLanes === 0, HOUR_MS)
        const closed = await alice.estimateSend({ contactId: bob, text: 'hi' })
        assert.deepEqual([closed.via, closed.stored, closed.delivered], ['live', undefined, undefined])
        const file = await alice.estimateSend({ contactId: bob, bytes: 1 })
        assert.deepEqual([file.via, file.delivered], ['live', undefined])
      },
      {},
    ))

  it('counts syncs with manual', () =>
    withWorld(['alice', 'bob'], async (world) => {
      const alice = world.messenger('alice')
      const { alice: bob } = await pairUp(world, 'alice', 'bob')
      await settle(world, alice)
      assert.throws(
        () => alice.sync(),
        (error) => isAppError(error) && error.code === 'PROFILE_NOT_MANUAL',
      )
      await alice.setProfile('manual')
      assert.equal(alice.profile().inForce.rhythms.name, 'manual')
      alice.sync()
      const text = await alice.estimateSend({ contactId: bob, text: 'hi' })
      assert.deepEqual([text.via, text.syncs?.ours, text.stored, text.delivered], ['manual', 1, undefined, undefined])
      const file = await alice.estimateSend({ contactId: bob, bytes: 60_000 })
      assert.equal(file.syncs?.ours, Math.ceil((fileChunkCount(60_000) + 1) / 12))
      assert.equal(alice.status().sending.expectedDelayMs, undefined)
    }))
})

describe('the profile and the traffic', () => {
  it('are told with all that there are', () =>
    withWorld(['alice'], async (world) => {
      const report = world.messenger('alice').profile()
      assert.deepEqual(
        report.available.map(({ rhythms }) => rhythms.name),
        PROFILE_NAMES,
      )
      assert.deepEqual(report.inForce, report.available[1])
      assert.deepEqual([report.name, report.next], ['balanced', undefined])
    }))

  it('count from the opening of the messenger, not from its first record', () =>
    withWorld(['alice'], async (world) => {
      const openedMs = world.clock.nowMs()
      await world.clock.advance(HOUR_MS)
      const { atMs, lanes, sinceMs } = world.messenger('alice').traffic()
      assert.deepEqual([sinceMs, atMs - sinceMs], [openedMs, HOUR_MS])
      assert.ok(lanes.length > 0 && lanes.every(({ bytes }) => bytes === 0))
    }))

  it('count the records of lanes, both ways', () =>
    withWorld(
      ['alice', 'bob'],
      async (world) => {
        const [alice, bob] = [world.messenger('alice'), world.messenger('bob')]
        await pairUp(world, 'alice', 'bob')
        await world.clock.advanceUntil(() => alice.status().openLanes === 1, HOUR_MS)
        await world.clock.advance(10 * MINUTE_MS)
        const [up, down] = recordsOf(alice, 'live')
        assert.equal(up, world.recordsSentBy('alice'))
        assert.deepEqual([down, up], recordsOf(bob, 'live'))
        assert.ok(up > 500, `${up} records`)
        const live = alice.traffic().lanes.find(({ lane }) => lane === 'live')
        const share = (live?.bytes ?? 0) / ((LANE_BYTES_PER_DAY * 10 * MINUTE_MS) / DAY_MS)
        assert.ok(share > 0.8 && share < 1.2, `${share} of what a lane takes`)
        assert.deepEqual(recordsOf(alice, 'write'), [0, 0])
      },
      {},
    ))
})
