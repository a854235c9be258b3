import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  ackFields,
  applyAck,
  chooseForSlot,
  createLaneQueue,
  enqueue,
  type LaneQueue,
  type LaneSchedule,
  nextReconnectDelayMs,
  noteReceived,
  restartLink,
  startSchedule,
  takeSlot,
} from '../../../src/padding/index.ts'
import type { Random } from '../../../src/ports/index.ts'
import { decodeLaneRecord, ENVELOPE_BYTES, encodeLaneRecord, LANE_RECORD_BYTES } from '../../../src/wire/index.ts'
import { createSeededRandom } from '../../support/seeded-random.ts'

/** Deviations of the sender from its rules, each of which an observer could see. */
type Fault =
  | 'none'
  | 'early-flush'
  | 'extra-retry'
  | 'skips-cover'
  | 'short-cover'
  | 'draws-for-traffic'
  | 'hurries-back'

interface Run {
  /** Everything that Eve sees of both directions: when a record left, from which side, and how long it was. */
  readonly trace: readonly string[]
  readonly delivered: number
  readonly submitted: number
  readonly resent: number
  readonly links: number
}

interface Side {
  queue: LaneQueue
  schedule: LaneSchedule
  readonly random: Random
  readonly delivered: Set<number>
  readonly sentBefore: Set<number>
}

const ENVELOPE = new Uint8Array(ENVELOPE_BYTES).fill(1)
const LOSS = 0.01
const LINK_LIFE_SLOTS = 500

/**
 * Both ends of a lane on a virtual clock, over a network that loses records, delays its user and breaks links, all from
 * its own seed. `messagesPerSlot` is the only thing in which twins differ.
 */
function run(slots: number, seed: number, messagesPerSlot: number, fault: Fault): Run {
  const network = createSeededRandom(seed + 1)
  const users = createSeededRandom(seed + 2)
  const createSide = (offset: number): Side => {
    const random = createSeededRandom(seed + offset)
    const facts = { unacknowledged: [], lastSequence: 0, receivedBase: 0, receivedAhead: [] }
    return {
      queue: createLaneQueue(facts),
      schedule: startSchedule(0, random),
      random,
      delivered: new Set(),
      sentBefore: new Set(),
    }
  }
  const sides = [createSide(10), createSide(20)] as const
  const trace: string[] = []
  let submitted = 0
  let resent = 0
  let links = 1

  const put = (from: 0 | 1, nowMs: number, sequence: number | undefined): void => {
    const sender = sides[from]
    const receiver = sides[from === 0 ? 1 : 0]
    if (sequence !== undefined && sender.sentBefore.has(sequence)) resent += 1
    if (sequence !== undefined) sender.sentBefore.add(sequence)
    const ack = ackFields(sender.queue)
    const record = encodeLaneRecord(
      sequence === undefined
        ? { kind: 'cover', ...ack, sequence: 0 }
        : { kind: 'envelope', ...ack, sequence, envelope: ENVELOPE },
    )
    const bytes = fault === 'short-cover' && sequence === undefined ? LANE_RECORD_BYTES - ENVELOPE_BYTES : record.length
    trace.push(`${nowMs} ${from} ${bytes}`)
    if (network.uniform() < LOSS) return
    const arrived = decodeLaneRecord(record)
    assert.ok(arrived !== undefined)
    receiver.queue = applyAck(receiver.queue, arrived.ackBase, arrived.ackBits).state
    if (arrived.kind === 'cover') return
    const noted = noteReceived(receiver.queue, arrived.sequence)
    receiver.queue = noted.state
    if (!noted.fresh) return
    assert.equal(receiver.delivered.has(arrived.sequence), false)
    receiver.delivered.add(arrived.sequence)
  }

  const reconnect = (nowMs: number): void => {
    links += 1
    // Some dials fail; the clock between them knows of failures only.
    let openAtMs = nowMs
    const dialer = sides[1]
    for (let failures = 0; ; failures++) {
      const isWaiting = sides.some(({ queue }) => queue.outstanding.length > 0)
      openAtMs += fault === 'hurries-back' && isWaiting ? 1 : nextReconnectDelayMs(failures, dialer.random)
      if (network.uniform() < 0.5) break
    }
    for (const side of sides) {
      side.queue = restartLink(side.queue)
      side.schedule = startSchedule(openAtMs, side.random)
    }
  }

  for (let served = 0; served < slots; ) {
    const from = sides[0].schedule.nextSlotMs <= sides[1].schedule.nextSlotMs ? 0 : 1
    const side = sides[from]
    // A busy machine wakes its user late, now and then by several slots.
    const lateMs = network.uniform() < 0.01 ? 4000 * network.uniform() : 5 * network.uniform()
    const nowMs = side.schedule.nextSlotMs + lateMs
    if (users.uniform() < messagesPerSlot) {
      side.queue = enqueue(side.queue, side.queue.lastSequence + 1)
      submitted += 1
      if (fault === 'early-flush') put(from, nowMs - lateMs - 1, side.queue.lastSequence)
    }
    const decision = takeSlot(side.schedule, nowMs, side.random)
    side.schedule = decision.schedule
    assert.equal(decision.due, true)
    const { state, sequence } = chooseForSlot(side.queue, decision.slotIndex)
    side.queue = state
    if (fault === 'draws-for-traffic' && sequence !== undefined) side.random.uniform()
    const isRetry = sequence !== undefined && side.sentBefore.has(sequence)
    if (fault !== 'skips-cover' || sequence !== undefined) put(from, nowMs, sequence)
    if (fault === 'extra-retry' && isRetry) put(from, nowMs, sequence)
    served += 1
    if (network.uniform() < 1 / LINK_LIFE_SLOTS) reconnect(nowMs)
  }
  return { trace, delivered: sides[0].delivered.size + sides[1].delivered.size, submitted, resent, links }
}

function differs(a: readonly string[], b: readonly string[]): boolean {
  return a.length !== b.length || a.some((line, index) => line !== b[index])
}

describe('twin run', () => {
  it('leaves the same trace in 100,000 slots with and without traffic', () => {
    const idle = run(100_000, 7, 0, 'none')
    const busy = run(100_000, 7, 0.3, 'none')
    assert.equal(idle.trace.length, 100_000)
    assert.equal(differs(idle.trace, busy.trace), false)
    assert.deepEqual([...new Set(busy.trace.map((line) => line.split(' ')[2]))], [String(LANE_RECORD_BYTES)])
    // The busy twin must have been busy, and have met loss and lost links.
    assert.ok(
      busy.submitted > 25_000 && busy.delivered > busy.submitted - 100,
      `${busy.delivered} of ${busy.submitted}`,
    )
    assert.ok(busy.resent > 100 && busy.links > 100)
    assert.equal(idle.submitted, 0)
  })

  it('leaves the same trace for a full outbox', () => {
    assert.equal(differs(run(5000, 8, 0, 'none').trace, run(5000, 8, 1, 'none').trace), false)
  })

  it('leaves another trace for another seed', () => {
    assert.equal(differs(run(1000, 9, 0, 'none').trace, run(1000, 90, 0, 'none').trace), true)
  })

  for (const fault of [
    'early-flush',
    'extra-retry',
    'skips-cover',
    'short-cover',
    'draws-for-traffic',
    'hurries-back',
  ] as const) {
    it(`control: ${fault} shows`, () => {
      assert.equal(differs(run(5000, 7, 0, fault).trace, run(5000, 7, 0.3, fault).trace), true)
    })
  }
})
