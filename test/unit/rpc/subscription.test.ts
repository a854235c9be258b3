import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import fc from 'fast-check'
import type { MessengerEvent } from '../../../src/messenger/index.ts'
import { createSubscription } from '../../../src/rpc/subscription.ts'
import type { FakeMessenger } from '../../support/fake-messenger.ts'
import { createFakeMessenger } from '../../support/fake-messenger.ts'
import type { RawClient } from '../../support/rpc-fixture.ts'
import { at, startRpc, until } from '../../support/rpc-fixture.ts'

const CONTACT = 'c'.repeat(32)

function emitSome(messenger: FakeMessenger, count: number): void {
  for (let index = 0; index < count; index += 1) messenger.receive(CONTACT, `text ${messenger.history.length + 1}`)
}

async function nextSeqs(client: RawClient, count: number): Promise<number[]> {
  const seqs: number[] = []
  while (seqs.length < count) seqs.push(Number(at(await client.next(), 'params', 'seq')))
  return seqs
}

const range = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, index) => from + index)

/** Nothing more arrives: a request that follows is answered next. */
async function assertQuiet(client: RawClient): Promise<void> {
  assert.ok('result' in (await client.ask('version')))
}

describe('subscribeReceive', () => {
  it('replies first, then replays, then goes on live', async (context) => {
    const { connect, messenger } = await startRpc(context)
    emitSome(messenger, 100)
    const client = await connect()
    assert.deepEqual(at(await client.ask('subscribeReceive', { since: 10 }), 'result'), 1)
    assert.deepEqual(await nextSeqs(client, 90), range(11, 100))
    emitSome(messenger, 3)
    assert.deepEqual(await nextSeqs(client, 3), range(101, 103))
    await assertQuiet(client)
  })

  it('gives only new events when no place is named', async (context) => {
    const { connect, messenger } = await startRpc(context)
    emitSome(messenger, 5)
    const client = await connect()
    await client.ask('subscribeReceive')
    await assertQuiet(client)
    emitSome(messenger, 1)
    assert.deepEqual(await nextSeqs(client, 1), [6])
  })

  it('goes on where a named client has acknowledged, and lets an explicit place go before', async (context) => {
    const { connect, messenger } = await startRpc(context)
    emitSome(messenger, 8)
    const client = await connect()
    await client.ask('acknowledge', { client: 'bot', seq: 5 })
    await client.ask('subscribeReceive', { client: 'bot' })
    assert.deepEqual(await nextSeqs(client, 3), [6, 7, 8])
    await client.ask('subscribeReceive', { client: 'bot', since: 7 })
    assert.deepEqual(await nextSeqs(client, 1), [8])
    await client.ask('subscribeReceive', { client: 'unheard of' })
    assert.deepEqual(await nextSeqs(client, 8), range(1, 8))
  })

  it('never goes back in what was acknowledged, and tells it when asked with 0', async (context) => {
    const { connect, messenger } = await startRpc(context)
    emitSome(messenger, 8)
    const client = await connect()
    await client.ask('acknowledge', { client: 'bot', seq: 5 })
    assert.deepEqual(at(await client.ask('acknowledge', { client: 'bot', seq: 2 }), 'result'), { acknowledged: 5 })
    assert.deepEqual(at(await client.ask('acknowledge', { client: 'bot', seq: 0 }), 'result'), { acknowledged: 5 })
    const refused = await client.ask('acknowledge', { client: 'bot', seq: 9 })
    assert.equal(at(refused, 'error', 'data', 'code'), 'EVENT_SEQ_INVALID')
  })

  it('refuses a place in the future', async (context) => {
    const { connect, messenger } = await startRpc(context)
    emitSome(messenger, 2)
    const client = await connect()
    const refused = await client.ask('subscribeReceive', { since: 3 })
    assert.equal(at(refused, 'error', 'data', 'code'), 'EVENT_SEQ_INVALID')
    assert.equal(at(await client.ask('subscribeReceive', { since: 2 }), 'result'), 1)
  })

  it('sends messages as receive in the envelope of signal-cli and the rest as event', async (context) => {
    const { connect, messenger } = await startRpc(context)
    const client = await connect()
    await client.ask('subscribeReceive', { since: 0 })
    messenger.receive(CONTACT, 'hello')
    messenger.receive(CONTACT, '', 'unsupported')
    messenger.emit({ type: 'contact', contactId: CONTACT, state: 'failed', failure: 'INVITE_USED' })
    messenger.emit({ type: 'contact', contactId: CONTACT, state: 'active', failure: undefined })
    const hello = await client.nextObject()
    assert.equal(hello['method'], 'receive')
    assert.ok(!('id' in hello))
    const envelope = at(hello, 'params', 'result', 'envelope')
    assert.equal(at(envelope, 'sourceUuid'), CONTACT)
    assert.equal(at(envelope, 'sourceNumber'), null)
    assert.equal(at(envelope, 'dataMessage', 'message'), 'hello')
    assert.equal(at(envelope, 'dataMessage', 'timestamp'), at(envelope, 'timestamp'))
    assert.equal(at(await client.next(), 'params', 'result', 'envelope', 'dataMessage', 'message'), null)
    const failed = await client.nextObject()
    assert.equal(failed['method'], 'event')
    assert.deepEqual(at(failed, 'params', 'result'), {
      type: 'contact',
      contactId: CONTACT,
      state: 'failed',
      failure: 'INVITE_USED',
    })
    assert.deepEqual(at(await client.next(), 'params', 'result'), {
      type: 'contact',
      contactId: CONTACT,
      state: 'active',
    })
  })

  it('tells of events that the log has dropped and goes on after them', async (context) => {
    const messenger = createFakeMessenger({ logMaxCount: 10 })
    emitSome(messenger, 25)
    const { connect } = await startRpc(context, { messenger })
    const client = await connect()
    await client.ask('subscribeReceive', { since: 3 })
    const overflow = await client.nextObject()
    assert.equal(at(overflow, 'params', 'seq'), 15)
    assert.deepEqual(at(overflow, 'params', 'result'), { type: 'overflow', firstSeq: 16 })
    assert.deepEqual(await nextSeqs(client, 10), range(16, 25))
    await assertQuiet(client)
  })

  it('loses nothing when the client goes away in the middle and comes back', async (context) => {
    const { connect, messenger, server } = await startRpc(context)
    emitSome(messenger, 200)
    const first = await connect()
    await first.ask('subscribeReceive', { since: 0 })
    const seen = await nextSeqs(first, 57)
    first.destroy()
    emitSome(messenger, 100)
    await until(() => server.stats().connections === 0)
    emitSome(messenger, 100)
    const second = await connect()
    await second.ask('subscribeReceive', { since: seen.at(-1) })
    seen.push(...(await nextSeqs(second, 400 - 57)))
    assert.deepEqual(seen, range(1, 400))
    await assertQuiet(second)
  })

  it('ends a subscription for good, and only its own', async (context) => {
    const { connect, messenger } = await startRpc(context)
    const client = await connect()
    assert.equal(at(await client.ask('subscribeReceive'), 'result'), 1)
    assert.equal(at(await client.ask('subscribeReceive'), 'result'), 2)
    const other = await connect()
    const foreign = await other.ask('unsubscribeReceive', { subscription: 1 })
    assert.equal(at(foreign, 'error', 'data', 'code'), 'RPC_SUBSCRIPTION_UNKNOWN')
    assert.deepEqual(at(await client.ask('unsubscribeReceive', { subscription: 1 }), 'result'), {})
    const again = await client.ask('unsubscribeReceive', { subscription: 1 })
    assert.equal(at(again, 'error', 'data', 'code'), 'RPC_SUBSCRIPTION_UNKNOWN')
    emitSome(messenger, 1)
    assert.equal(at(await client.next(), 'params', 'subscription'), 2)
    await assertQuiet(client)
    assert.equal(messenger.listenerCount(), 1)
  })

  it('has a bound on subscriptions of one connection', async (context) => {
    const { connect } = await startRpc(context, { limits: { subscriptionCount: 2 } })
    const client = await connect()
    assert.equal(at(await client.ask('subscribeReceive'), 'result'), 1)
    assert.equal(at(await client.ask('subscribeReceive'), 'result'), 2)
    assert.equal(at(await client.ask('subscribeReceive'), 'error', 'data', 'code'), 'RPC_TOO_MANY_SUBSCRIPTIONS')
    await client.ask('unsubscribeReceive', { subscription: 1 })
    assert.equal(at(await client.ask('subscribeReceive'), 'result'), 3)
  })

  it('starts the streams of a batch after the reply of the batch', async (context) => {
    const { connect, messenger } = await startRpc(context)
    emitSome(messenger, 1)
    const client = await connect()
    const subscribe = { jsonrpc: '2.0', id: 1, method: 'subscribeReceive', params: { since: 0 } }
    client.send([subscribe, { jsonrpc: '2.0', id: 2, method: 'version' }])
    assert.ok(Array.isArray(await client.next()))
    assert.deepEqual(await nextSeqs(client, 1), [1])
  })

  it('starts them after that reply also when other lines are answered meanwhile', async (context) => {
    const { connect, messenger } = await startRpc(context)
    emitSome(messenger, 1)
    let release: (() => void) | undefined
    context.after(() => release?.())
    messenger.rejectRequest = () =>
      new Promise((resolve) => {
        release = resolve
      })
    const client = await connect()
    const subscribe = { jsonrpc: '2.0', id: 1, method: 'subscribeReceive', params: { since: 0 } }
    const slow = { jsonrpc: '2.0', id: 2, method: 'rejectRequest', params: { requestId: CONTACT } }
    client.send([subscribe, slow])
    await until(() => release !== undefined)
    assert.ok('result' in (await client.ask('version')))
    await assertQuiet(client)
    release?.()
    assert.ok(Array.isArray(await client.next()))
    assert.deepEqual(await nextSeqs(client, 1), [1])
  })

  it('hangs up when the log cannot be read, so that the client notices', async (context) => {
    const { connect, messenger, log } = await startRpc(context)
    const client = await connect()
    messenger.readEvents = () => Promise.reject(new Error('disk'))
    await client.ask('subscribeReceive')
    assert.equal(await client.next(), undefined)
    assert.deepEqual(
      log.filter(({ level }) => level === 'warn').map(({ event }) => event),
      ['subscription-failed'],
    )
  })

  it('costs no memory for a subscriber that does not read, and the rest comes when it does', async (context) => {
    const outboundBytes = 20_000
    const count = 1_500
    const { connect, messenger, server } = await startRpc(context, { limits: { outboundBytes } })
    const lineBytes = 1_000 + 700
    const client = await connect()
    await client.ask('subscribeReceive', { since: 0 })
    client.socket.pause()
    for (let index = 0; index < count; index += 1) {
      messenger.receive(CONTACT, 'x'.repeat(1_000))
      if (index % 50 === 0) await turn()
      assert.ok(server.stats().bufferedBytes <= outboundBytes + lineBytes)
    }
    await until(() => server.stats().bufferedBytes > outboundBytes)
    const reads = messenger.readCount()
    for (let times = 0; times < 20; times += 1) await turn()
    assert.equal(messenger.readCount(), reads, 'nothing is read for it meanwhile')
    client.socket.resume()
    assert.deepEqual(await nextSeqs(client, count), range(1, count))
    await assertQuiet(client)
  })

  it('would hold all of it without the bound (control)', async (context) => {
    const { connect, messenger, server } = await startRpc(context, {
      limits: { outboundBytes: Number.MAX_SAFE_INTEGER },
    })
    const client = await connect()
    await client.ask('subscribeReceive', { since: 0 })
    client.socket.pause()
    for (let index = 0; index < 1_500; index += 1) messenger.receive(CONTACT, 'x'.repeat(1_000))
    await until(() => server.stats().bufferedBytes > 500_000)
  })
})

/** Replays, then listens: what most programs do, and wrong whenever something happens in between. */
const createNaiveSubscription: typeof createSubscription = ({ messenger, write, writable }, options) => {
  let unsubscribe = (): void => undefined
  const show = (event: MessengerEvent): void => write(JSON.stringify({ params: { seq: event.seq } }))
  return {
    async run() {
      let cursor = options.after
      for (;;) {
        const events = await messenger.readEvents({ after: cursor, limit: options.eventsPerReadCount })
        if (events.length === 0) break
        for (const event of events) {
          show(event)
          cursor = event.seq
          await writable()
        }
      }
      unsubscribe = messenger.onEvent(show)
    },
    close: () => unsubscribe(),
  }
}

const QUIET_TURN_COUNT = 12

function seamProperty(create: typeof createSubscription): fc.IAsyncProperty<[unknown]> {
  const timings = fc.record({
    stored: fc.integer({ min: 0, max: 9 }),
    after: fc.nat({ max: 9 }),
    perRead: fc.integer({ min: 1, max: 4 }),
    // How many events are stored inside each read, in each wait for room, and between turns of the loop.
    inReads: fc.array(fc.integer({ min: 0, max: 2 }), { maxLength: 12 }),
    inWaits: fc.array(fc.integer({ min: 0, max: 2 }), { maxLength: 12 }),
    between: fc.array(fc.integer({ min: 0, max: 3 }), { maxLength: 6 }),
  })
  return fc.asyncProperty(timings, async ({ stored, after, perRead, inReads, inWaits, between }) => {
    const messenger = createFakeMessenger()
    emitSome(messenger, stored)
    const start = Math.min(after, stored)
    const seqs: number[] = []
    const reads = [...inReads]
    const waits = [...inWaits]
    messenger.duringRead = () => emitSome(messenger, reads.shift() ?? 0)
    const subscription = create(
      {
        messenger,
        write: (line) => seqs.push(Number(at(JSON.parse(line), 'params', 'seq'))),
        async writable() {
          emitSome(messenger, waits.shift() ?? 0)
          await turn()
        },
      },
      { subscription: 1, after: start, eventsPerReadCount: perRead },
    )
    const running = subscription.run()
    for (const count of between) {
      emitSome(messenger, count)
      await turn()
    }
    for (let quiet = 0, before = -1; quiet < QUIET_TURN_COUNT; quiet += 1) {
      if (seqs.length !== before) quiet = 0
      before = seqs.length
      await turn()
    }
    subscription.close()
    await running
    assert.deepEqual(seqs, range(start + 1, messenger.history.length))
    assert.equal(messenger.listenerCount(), 0)
  })
}

describe('the seam between replay and live', () => {
  it('has neither gap nor repetition, whenever events are stored', async () => {
    await fc.assert(seamProperty(createSubscription), { numRuns: 300 })
  })

  it('would have some if new events came past the log (control)', async () => {
    const details = await fc.check(seamProperty(createNaiveSubscription), { numRuns: 300 })
    assert.ok(details.failed)
  })

  it('sends nothing any more once it was closed', async () => {
    const messenger = createFakeMessenger()
    emitSome(messenger, 3)
    const release = messenger.holdReads()
    const lines: string[] = []
    const subscription = createSubscription(
      { messenger, write: (line) => lines.push(line), writable: () => Promise.resolve() },
      { subscription: 1, after: 0, eventsPerReadCount: 10 },
    )
    const running = subscription.run()
    subscription.close()
    release()
    await running
    assert.deepEqual(lines, [])
  })

  it('repeats nothing even if the log does', async () => {
    const messenger = createFakeMessenger()
    emitSome(messenger, 4)
    const { readEvents } = messenger
    messenger.readEvents = ({ after, limit }) => readEvents({ after: Math.max(0, after - 2), limit })
    const seqs: number[] = []
    const subscription = createSubscription(
      {
        messenger,
        write: (line) => seqs.push(Number(at(JSON.parse(line), 'params', 'seq'))),
        writable: () => Promise.resolve(),
      },
      { subscription: 1, after: 0, eventsPerReadCount: 3 },
    )
    const running = subscription.run()
    await until(() => seqs.at(-1) === 4)
    subscription.close()
    await running
    assert.deepEqual(seqs, [1, 2, 3, 4])
  })

  it('does not read again and again while nothing happens', async () => {
    const messenger = createFakeMessenger()
    const subscription = createSubscription(
      { messenger, write: () => undefined, writable: () => Promise.resolve() },
      { subscription: 1, after: 0, eventsPerReadCount: 10 },
    )
    const running = subscription.run()
    for (let times = 0; times < 50; times += 1) await turn()
    assert.equal(messenger.readCount(), 1)
    subscription.close()
    await running
  })
})
