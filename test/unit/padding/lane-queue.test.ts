import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  ackFields,
  applyAck,
  chooseForSlot,
  createLaneQueue,
  enqueue,
  LANE_WINDOW_COUNT,
  type LaneQueue,
  noteLeft,
  noteReceived,
  RESEND_AFTER_SLOTS,
  removeAcknowledged,
  restartLink,
} from '../../../src/padding/index.ts'

const EMPTY = { unacknowledged: [], lastSequence: 0, receivedBase: 0, receivedAhead: [] }

function queueOf(count: number): LaneQueue {
  let queue = createLaneQueue(EMPTY)
  for (let sequence = 1; sequence <= count; sequence++) queue = enqueue(queue, sequence)
  return queue
}

/** Serves the slots from `first` to `last`; undefined stands for cover. */
function serve(queue: LaneQueue, first: number, last: number): { queue: LaneQueue; sent: (number | undefined)[] } {
  const sent: (number | undefined)[] = []
  let current = queue
  for (let slot = first; slot <= last; slot++) {
    const { state, sequence } = chooseForSlot(current, slot)
    current = state
    sent.push(sequence)
  }
  return { queue: current, sent }
}

function receive(queue: LaneQueue, ...sequences: number[]): LaneQueue {
  return sequences.reduce((state, sequence) => noteReceived(state, sequence).state, queue)
}

function covers(count: number): undefined[] {
  return Array.from({ length: count }, () => undefined)
}

describe('sending', () => {
  it('takes messages in order, then cover', () => {
    assert.deepEqual(serve(queueOf(3), 0, 4).sent, [1, 2, 3, undefined, undefined])
    assert.deepEqual(serve(queueOf(0), 0, 1).sent, [undefined, undefined])
  })

  it('sends again after the set number of slots, oldest first, before anything new', () => {
    const { queue, sent } = serve(queueOf(2), 0, RESEND_AFTER_SLOTS + 1)
    assert.deepEqual(sent, [1, 2, ...covers(RESEND_AFTER_SLOTS - 2), 1, 2])
    const later = enqueue(queue, 3)
    assert.deepEqual(serve(later, 2 * RESEND_AFTER_SLOTS, 2 * RESEND_AFTER_SLOTS + 2).sent, [1, 2, 3])
  })

  it('keeps at most a window on its way, counted from the oldest that is missing', () => {
    assert.ok(RESEND_AFTER_SLOTS < LANE_WINDOW_COUNT)
    const { queue, sent } = serve(queueOf(50), 0, RESEND_AFTER_SLOTS - 1)
    assert.deepEqual(
      sent,
      Array.from({ length: RESEND_AFTER_SLOTS }, (_, index) => index + 1),
    )
    // All but the first arrived: the other side's base stays at 0, and its bits reach to 32.
    const acknowledged = applyAck(queue, 0, (2 ** RESEND_AFTER_SLOTS - 2) >>> 0).state
    const rest = serve(acknowledged, RESEND_AFTER_SLOTS, 2 * RESEND_AFTER_SLOTS - 1)
    const news = Array.from(
      { length: LANE_WINDOW_COUNT - RESEND_AFTER_SLOTS },
      (_, index) => RESEND_AFTER_SLOTS + 1 + index,
    )
    const cover = covers(RESEND_AFTER_SLOTS - 1 - news.length)
    assert.deepEqual(rest.sent, [1, ...news, ...cover])
    const next = applyAck(rest.queue, 32, 0).state
    assert.deepEqual(serve(next, 100, 101).sent, [33, 34])
  })

  it('asks for sequences without gaps', () => {
    assert.throws(() => enqueue(queueOf(2), 4), RangeError)
    assert.throws(() => enqueue(queueOf(2), 2), RangeError)
    const full = createLaneQueue({ ...EMPTY, lastSequence: 0xffff_ffff })
    assert.throws(() => enqueue(full, 0x1_0000_0000), RangeError)
  })
})

describe('acknowledgements', () => {
  const sent = serve(queueOf(6), 0, 3).queue

  it('take base and bits, and report each sequence once', () => {
    const first = applyAck(sent, 1, 0b100)
    assert.deepEqual(first.acknowledged, [1, 4])
    assert.deepEqual(applyAck(first.state, 1, 0b100).acknowledged, [])
    assert.deepEqual(applyAck(first.state, 4, 0).acknowledged, [2, 3])
  })

  it('never go back when they come late', () => {
    const { state } = applyAck(sent, 4, 0)
    assert.deepEqual(applyAck(state, 1, 0), { state, acknowledged: [] })
  })

  it('are not believed beyond what was sent', () => {
    assert.deepEqual(applyAck(sent, 5, 0), { state: sent, acknowledged: [] })
    assert.deepEqual(applyAck(sent, 0xffff_ffff, 0xffff_fffe), { state: sent, acknowledged: [] })
    assert.deepEqual(applyAck(sent, 4, 0xffff_fffe).acknowledged, [1, 2, 3, 4])
    // Control: the same acknowledgement counts once the fifth has left.
    assert.deepEqual(applyAck(serve(sent, 4, 4).queue, 5, 0).acknowledged, [1, 2, 3, 4, 5])
  })

  it('are believed for what left by another way', () => {
    assert.deepEqual(applyAck(noteLeft(sent, 5), 5, 0).acknowledged, [1, 2, 3, 4, 5])
    assert.deepEqual(noteLeft(sent, 3), sent)
    assert.throws(() => noteLeft(sent, sent.lastSequence + 1), RangeError)
  })

  it('speak of 32 sequences and of none beyond, however late they come', () => {
    const queue = createLaneQueue({ ...EMPTY, unacknowledged: [2, 32, 33, 34], lastSequence: 40 })
    assert.deepEqual(applyAck(queue, 0, 0b10).acknowledged, [2])
    assert.deepEqual(applyAck(queue, 0, 0xffff_fffe).acknowledged, [2, 32])
  })

  it('are believed after a restart for whatever had been queued', () => {
    const queue = createLaneQueue({ ...EMPTY, unacknowledged: [3, 5], lastSequence: 6 })
    assert.deepEqual(applyAck(queue, 5, 0).acknowledged, [3, 5])
    assert.deepEqual(applyAck(enqueue(queue, 7), 7, 0).acknowledged, [])
  })
})

describe('receiving', () => {
  it('is fresh once for each sequence', () => {
    let queue = createLaneQueue(EMPTY)
    for (const [sequence, fresh] of [
      [1, true],
      [1, false],
      [3, true],
      [3, false],
      [2, true],
      [2, false],
      [1, false],
    ] as const) {
      const step = noteReceived(queue, sequence)
      assert.equal(step.fresh, fresh)
      queue = step.state
    }
    assert.deepEqual(ackFields(queue), { ackBase: 3, ackBits: 0 })
  })

  it('acknowledges gaps bit by bit, up to the last bit', () => {
    assert.deepEqual(ackFields(receive(createLaneQueue(EMPTY), 1, 3, 5)), { ackBase: 1, ackBits: 0b1010 })
    assert.deepEqual(ackFields(receive(createLaneQueue(EMPTY), 32)), { ackBase: 0, ackBits: 0x8000_0000 })
  })

  it('ignores what lies beyond the window, so that memory is bounded', () => {
    const queue = createLaneQueue(EMPTY)
    for (const sequence of [33, 34, 0xffff_ffff, 0])
      assert.deepEqual(noteReceived(queue, sequence), { state: queue, fresh: false })
    const all = receive(queue, ...Array.from({ length: 40 }, (_, index) => 40 - index))
    assert.deepEqual(ackFields(all), { ackBase: 32, ackBits: 0 })
  })

  it('goes on after a restart from what was stored', () => {
    const before = receive(createLaneQueue(EMPTY), 1, 2, 4, 7)
    const after = createLaneQueue({ ...EMPTY, receivedBase: before.receivedBase, receivedAhead: before.receivedAhead })
    assert.deepEqual(ackFields(after), ackFields(before))
    for (const sequence of [1, 2, 4, 7]) assert.equal(noteReceived(after, sequence).fresh, false)
    assert.equal(noteReceived(after, 3).fresh, true)
  })
})

describe('restartLink', () => {
  it('makes everything unacknowledged due on the new link, in order', () => {
    const { queue } = serve(queueOf(3), 0, 2)
    assert.deepEqual(serve(queue, 3, 3).sent, [undefined])
    assert.deepEqual(serve(restartLink(queue), 0, 3).sent, [1, 2, 3, undefined])
  })
})

describe('removeAcknowledged', () => {
  it('forgets exactly what it is told, whatever left meanwhile', () => {
    let queue = createLaneQueue({ unacknowledged: [1, 2, 3], lastSequence: 3, receivedBase: 0, receivedAhead: [] })
    queue = enqueue(queue, 4)
    const left = removeAcknowledged(queue, [1, 3])
    assert.deepEqual(
      left.outstanding.map(({ sequence }) => sequence),
      [2, 4],
    )
    assert.equal(left.lastSequence, 4)
  })
})
