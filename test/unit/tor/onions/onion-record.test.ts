import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { InternalError, isAppError } from '../../../../src/base/index.ts'
import type { OnionServiceOptions } from '../../../../src/ports/index.ts'
import { connectControl } from '../../../../src/tor/index.ts'
import type { OnionHost, UploadEvent } from '../../../../src/tor/onions/index.ts'
import { createOnionRecord, type OnionRecord } from '../../../../src/tor/onions/onion-record.ts'
import { createVirtualClock, type VirtualClock } from '../../../support/virtual-clock.ts'
import { addressOf, later, onionKey, scriptedControl } from '../support.ts'

interface Bench {
  readonly record: OnionRecord
  readonly host: OnionHost
  readonly clock: VirtualClock
  readonly opened: string[]
  readonly added: () => number
}

async function bench(t: TestContext, reply: (attempt: number, address: string) => string): Promise<Bench> {
  const secretKey = onionKey()
  const address = addressOf(secretKey)
  const clock = createVirtualClock()
  const opened: string[] = []
  let attempts = 0
  const tor = await scriptedControl(t, (line) => {
    if (!line.startsWith('ADD_ONION')) return '250 OK\r\n'
    attempts += 1
    return reply(attempts, address)
  })
  const control = await connectControl(tor)
  later(t, () => control.close())
  const options: OnionServiceOptions = { secretKey, virtualPort: 80, authorizedClients: [], onStream: () => undefined }
  const record = createOnionRecord(address, options, {
    clock,
    publishSettleMs: 10_000,
    warn: () => undefined,
    async openListener(kind) {
      opened.push(kind)
      return { kind, target: { port: 17_600 }, close: async () => void opened.push(`-${kind}`) }
    },
  })
  const host: OnionHost = { control, targetKind: 'tcp', uploadEvents: true }
  return { record, host, clock, opened, added: () => attempts }
}

const fine = (_attempt: number, address: string): string => `250-ServiceID=${address}\r\n250 OK\r\n`
const event = (action: UploadEvent['action']): UploadEvent => ({ action, address: '', descriptor: undefined })

describe('onion record', { timeout: 10_000 }, () => {
  it('waits for a key that is still in use at tor, within bounds', async (t) => {
    const freed = await bench(t, (attempt, address) => (attempt < 4 ? '550 Collision\r\n' : fine(attempt, address)))
    let done = false
    const adding = freed.record.add(freed.host).then(() => {
      done = true
    })
    await freed.clock.advanceUntil(() => done, 5_000)
    await adding
    assert.equal(freed.added(), 4)
    const taken = await bench(t, () => '550 Collision\r\n')
    let refused: unknown
    void taken.record.add(taken.host).catch((error: unknown) => {
      refused = error
    })
    await taken.clock.advanceUntil(() => refused !== undefined, 10_000)
    assert.ok(isAppError(refused, 'TOR_COMMAND_REFUSED'))
    assert.deepEqual(refused.details, { status: 550 })
  })

  it('counts as published when a filter hides the rest of the story', async (t) => {
    const { record, host, clock } = await bench(t, fine)
    await record.add(host)
    let published = false
    void record.published().then(() => {
      published = true
    })
    for (const action of ['UPLOAD', 'UPLOAD', 'UPLOADED'] as const) record.takeUpload(event(action))
    await clock.advance(9_999)
    assert.equal(published, false)
    await clock.advance(1)
    assert.equal(published, true)
    assert.equal(clock.sleepers(), 0)
  })

  it('is not published by silence alone, nor after its tor is gone', async (t) => {
    const { record, host, clock } = await bench(t, fine)
    await record.add(host)
    const abort = new AbortController()
    const waiting = record.published(abort.signal)
    record.takeUpload(event('UPLOAD'))
    record.takeUpload(event('FAILED'))
    await clock.advance(60_000)
    record.takeUpload(event('UPLOAD'))
    record.lose()
    record.takeUpload(event('UPLOADED'))
    await clock.advance(60_000)
    abort.abort()
    await assert.rejects(waiting, { name: 'AbortError' })
    await assert.rejects(record.published(abort.signal), { name: 'AbortError' })
  })

  it('opens another listener for a tor that needs another kind, and closes it in the end', async (t) => {
    const { record, host, opened } = await bench(t, fine)
    await record.add(host)
    record.lose()
    await record.add(host)
    await record.add({ ...host, targetKind: 'unix', uploadEvents: false })
    await record.published()
    await record.close('TOR_ONION_CLOSED')
    await record.add(host)
    assert.deepEqual(opened, ['tcp', '-tcp', 'unix', '-unix'])
    await assert.rejects(record.published(), (error) => isAppError(error, 'TOR_ONION_CLOSED'))
  })

  it('holds an address that does not belong to the key for a bug', async (t) => {
    const { record, host } = await bench(t, () => `250-ServiceID=${'x'.repeat(56)}\r\n250 OK\r\n`)
    await assert.rejects(record.add(host), InternalError)
  })
})
