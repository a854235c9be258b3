import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import {
  ackFields,
  applyAck,
  chooseForSlot,
  createLaneQueue,
  enqueue,
  LANE_WINDOW_COUNT,
  type LaneQueue,
  type LaneQueueFacts,
  noteReceived,
  RESEND_AFTER_SLOTS,
  restartLink,
} from '../../../src/padding/index.ts'

interface Wire {
  readonly sequence: number | undefined
  readonly ackBase: number
  readonly ackBits: number
}

/** Ways to be wrong, to show that the model notices. */
interface Faults {
  readonly forgetsAhead?: boolean
  readonly forgetsQueued?: boolean
  readonly acksBeforeStoring?: boolean
}

/** One end: the queue in memory, and what a crash leaves of it. */
class End {
  queue: LaneQueue = createLaneQueue({ unacknowledged: [], lastSequence: 0, receivedBase: 0, receivedAhead: [] })
  slot = 0
  readonly delivered: number[] = []
  readonly acknowledged: number[] = []
  private readonly faults: Faults
  private stored: LaneQueueFacts = { unacknowledged: [], lastSequence: 0, receivedBase: 0, receivedAhead: [] }

  constructor(faults: Faults) {
    this.faults = faults
  }

  private store(): void {
    const { outstanding, lastSequence, receivedBase, receivedAhead } = this.queue
    const unacknowledged = outstanding.map(({ sequence }) => sequence)
    this.stored = { unacknowledged, lastSequence, receivedBase, receivedAhead }
  }

  submit(): void {
    this.queue = enqueue(this.queue, this.queue.lastSequence + 1)
    this.store()
  }

  serveSlot(): Wire {
    const { state, sequence } = chooseForSlot(this.queue, this.slot)
    this.slot += 1
    this.queue = state
    return { sequence, ...ackFields(this.queue) }
  }

  /** `crashes`: the process dies before the batch of this record is written. */
  take(record: Wire, crashes: boolean): void {
    const { state, acknowledged } = applyAck(this.queue, record.ackBase, record.ackBits)
    const received = record.sequence === undefined ? { state, fresh: false } : noteReceived(state, record.sequence)
    if (crashes && this.faults.acksBeforeStoring === true) {
      this.queue = received.state
      return
    }
    if (crashes) return this.restart()
    this.queue = received.state
    this.acknowledged.push(...acknowledged)
    if (received.fresh && record.sequence !== undefined) this.delivered.push(record.sequence)
    this.store()
  }

  restart(): void {
    const facts = this.stored
    this.queue = createLaneQueue({
      ...facts,
      ...(this.faults.forgetsAhead === true ? { receivedAhead: [] } : {}),
      ...(this.faults.forgetsQueued === true ? { unacknowledged: [] } : {}),
    })
    this.slot = 0
  }

  newLink(): void {
    this.queue = restartLink(this.queue)
    this.slot = 0
  }
}

type Side = 0 | 1
type Action =
  | { readonly do: 'submit'; readonly side: Side }
  | { readonly do: 'slot'; readonly side: Side }
  | { readonly do: 'restart'; readonly side: Side }
  | { readonly do: 'arrive' | 'repeat' | 'lose' | 'crash'; readonly side: Side; readonly pick: number }
  | { readonly do: 'link' }

const side = fc.constantFrom<Side>(0, 1)
const pick = fc.nat(1000)
const action: fc.Arbitrary<Action> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('submit' as const), side }) },
  { weight: 8, arbitrary: fc.record({ do: fc.constant('slot' as const), side }) },
  {
    weight: 8,
    arbitrary: fc.record({ do: fc.constantFrom('arrive' as const, 'arrive' as const, 'repeat' as const), side, pick }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('lose' as const, 'crash' as const), side, pick }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('restart' as const), side }) },
  { weight: 1, arbitrary: fc.constant<Action>({ do: 'link' }) },
)

function assertInvariants(ends: readonly [End, End]): void {
  for (const [index, end] of ends.entries()) {
    const other = ends[1 - index]
    assert.ok(other !== undefined)
    assert.equal(new Set(end.delivered).size, end.delivered.length, 'delivered twice')
    assert.equal(new Set(end.acknowledged).size, end.acknowledged.length, 'acknowledged twice')
    const got = new Set(other.delivered)
    for (const sequence of end.acknowledged) assert.ok(got.has(sequence), 'acknowledged but not delivered')
    assert.ok(end.queue.receivedAhead.length < LANE_WINDOW_COUNT, 'remembers too much')
  }
}

/** Any history, then a quiet network: everything submitted must have arrived once and be acknowledged. */
function play(actions: readonly Action[], faults: Faults): void {
  const ends: readonly [End, End] = [new End(faults), new End(faults)]
  /** Records on their way to each side. Order means nothing: an arrival picks any of them. */
  const onTheirWay: readonly [Wire[], Wire[]] = [[], []]
  for (const act of actions) {
    if (act.do === 'link') {
      for (const end of ends) end.newLink()
      for (const records of onTheirWay) records.length = 0
    } else if (act.do === 'submit') ends[act.side].submit()
    else if (act.do === 'restart') ends[act.side].restart()
    else if (act.do === 'slot') onTheirWay[act.side === 0 ? 1 : 0].push(ends[act.side].serveSlot())
    else {
      const records = onTheirWay[act.side]
      const at = act.pick % Math.max(1, records.length)
      const record = records[at]
      if (record === undefined) continue
      if (act.do !== 'repeat') records.splice(at, 1)
      if (act.do !== 'lose') ends[act.side].take(record, act.do === 'crash')
    }
    assertInvariants(ends)
  }

  const [alice, bob] = ends
  const total = alice.queue.lastSequence + bob.queue.lastSequence
  for (let slot = 0; slot < RESEND_AFTER_SLOTS * 4 + total * 3; slot++) {
    bob.take(alice.serveSlot(), false)
    alice.take(bob.serveSlot(), false)
  }
  assertInvariants(ends)
  for (const [sender, receiver] of [
    [alice, bob],
    [bob, alice],
  ] as const) {
    const all = Array.from({ length: sender.queue.lastSequence }, (_, index) => index + 1)
    assert.deepEqual(
      receiver.delivered.toSorted((a, b) => a - b),
      all,
      'not everything arrived',
    )
    assert.deepEqual(
      sender.acknowledged.toSorted((a, b) => a - b),
      all,
      'not everything was acknowledged',
    )
    assert.deepEqual(sender.queue.outstanding, [])
  }
}

const histories = fc.array(action, { maxLength: 300, size: 'max' })

describe('lane queue', () => {
  it('delivers exactly once through any loss, repetition, reordering, crash, restart and new link', () => {
    fc.assert(
      fc.property(histories, (actions) => play(actions, {})),
      { numRuns: 300 },
    )
  })

  it('keeps the promise for a long one-sided burst under heavy loss', () => {
    const actions: Action[] = Array.from({ length: 200 }, () => ({ do: 'submit', side: 0 }))
    for (let round = 0; round < 400; round++) {
      actions.push({ do: 'slot', side: 0 }, { do: 'slot', side: 1 })
      actions.push({ do: round % 3 === 0 ? 'arrive' : 'lose', side: 1, pick: 0 })
      actions.push({ do: round % 2 === 0 ? 'arrive' : 'lose', side: 0, pick: 0 })
    }
    play(actions, {})
  })

  for (const [name, faults] of [
    ['a receiver that forgets what came out of order', { forgetsAhead: true }],
    ['a sender that forgets what was queued', { forgetsQueued: true }],
    ['a receiver that acknowledges before it stores', { acksBeforeStoring: true }],
  ] as const) {
    it(`control: ${name} is noticed`, () => {
      const { failed } = fc.check(
        fc.property(histories, (actions) => play(actions, faults)),
        { numRuns: 300, endOnFailure: true },
      )
      assert.equal(failed, true)
    })
  }
})
