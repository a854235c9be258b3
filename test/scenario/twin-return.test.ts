/**
 * A node that comes back to 200 messages and one that comes back to none: what leaves them is the same from the first dial on.
 * @module
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { HOUR_MS, MINUTE_MS } from '../../src/base/index.ts'
import { MAILBOX_PARAMETERS } from '../../src/mailbox/index.ts'
import { createMemoryStore } from '../../src/store/index.ts'
import { createTwinClock } from '../support/twin/clock.ts'
import { createPlainCodec } from '../support/twin/codec.ts'
import { answeredBox, INJECTED_KIND } from '../support/twin/controls.ts'
import { createTwinHosts } from '../support/twin/hosts.ts'
import { createTwinNetwork } from '../support/twin/network.ts'
import { createTwinNode, type Wraps } from '../support/twin/node.ts'
import { createTwinPeer } from '../support/twin/peer.ts'
import { createTrace, firstDifference, type Trace } from '../support/twin/trace.ts'

const SEED = 20_261_129
const MESSAGE_COUNT = 200
const AWAY_MS = 6 * HOUR_MS
/** After it came back: enough to fetch them all, and to be idle again. */
const RECORDS = 900
/** Slots that making a contact may take. */
const CONTACT_LIMIT_MINUTES = 120

interface Return {
  readonly trace: Trace
  /** Events before it came back. */
  readonly before: number
  readonly received: number
}

async function comeBack(waiting: number, wraps?: (trace: Trace) => Partial<Wraps>): Promise<Return> {
  const clock = createTwinClock()
  const codec = createPlainCodec()
  const parameters = MAILBOX_PARAMETERS
  const trace = createTrace()
  const hosts = createTwinHosts({ clock, parameters, codec, count: 12, seed: SEED, isFull: () => false })
  const network = createTwinNetwork({ clock, hosts, trace, seed: SEED, parameters })
  const store = createMemoryStore()
  const shared = { clock, network, hosts, codec, parameters, profile: 'balanced' } as const
  const pass = (ms: number): Promise<void> => clock.advanceTo(clock.monotonicMs() + ms)

  const first = await createTwinNode({ ...shared, seed: SEED, store })
  await first.start()
  const peer = await createTwinPeer({ clock, hosts, seed: SEED + 1 })
  const { uri } = await first.messenger.createInvite({ rendezvous: false })
  const { contactId } = await peer.messenger.acceptInvite({ uri })
  const isContact = async (): Promise<boolean> => {
    const own = await first.messenger.listContacts()
    const theirs = await peer.messenger.listContacts()
    return own.length === 1 && [...own, ...theirs].every(({ state }) => state === 'active')
  }
  for (let minute = 0; !(await isContact()); minute += 1) {
    assert.ok(minute < CONTACT_LIMIT_MINUTES, 'no contact was made')
    await pass(MINUTE_MS)
    for (const { requestId } of await first.messenger.listRequests()) await first.messenger.acceptRequest({ requestId })
    await peer.pump()
  }
  await first.stop()
  const before = trace.length

  for (let sent = 0; sent < waiting; sent += 1) {
    await peer.messenger.send({ contactId, text: `message ${sent}` })
    await peer.pump()
  }
  await pass(AWAY_MS)
  const second = await createTwinNode({ ...shared, seed: SEED + 2, store, wraps: wraps?.(trace) ?? {} })
  await second.start()
  const until = trace.records + RECORDS
  while (trace.records < until) await pass(MINUTE_MS)
  const [own] = await second.messenger.listContacts()
  assert.ok(own !== undefined)
  const messages = await second.messenger.listMessages({ contactId: own.contactId, limit: 2 * MESSAGE_COUNT })
  await second.stop()
  await peer.stop()
  assert.deepEqual([...first.failures, ...second.failures], [])
  return { trace, before, received: messages.filter(({ direction }) => direction === 'received').length }
}

describe('a node that comes back', () => {
  it('sends the same to the same places at the same times, whether 200 messages wait or none', async () => {
    const none = await comeBack(0)
    const many = await comeBack(MESSAGE_COUNT)
    assert.deepEqual([none.received, many.received], [0, MESSAGE_COUNT], 'nothing was caught up on')
    assert.ok(none.before > 0 && none.trace.records >= RECORDS)
    assert.equal(firstDifference(none.trace, many.trace)?.text, undefined)
    assert.deepEqual(many.trace.checkpoints(), none.trace.checkpoints())

    const fault = answeredBox()
    const faulty = await comeBack(MESSAGE_COUNT, fault.wraps)
    const difference = firstDifference(none.trace, faulty.trace)
    assert.ok(difference !== undefined, 'the control, a record for each box that comes, was not found')
    assert.equal(difference.index, fault.firstAt())
    assert.equal(difference.other?.detail, INJECTED_KIND)
    assert.ok(difference.index >= none.before)
  })
})
