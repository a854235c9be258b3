import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { type MessengerEvent, messengerError } from '../../../src/messenger/index.ts'
import type { AnyMethod, HostFace } from '../../../src/rpc/index.ts'
import { checkSchema, findErrorEntry, METHODS, NOTIFICATIONS } from '../../../src/rpc/index.ts'
import { createFakeMessenger, FAKE_IDENTITY } from '../../support/fake-messenger.ts'
import { at, startRpc } from '../../support/rpc-fixture.ts'

const CONTACT = 'c'.repeat(32)
const REQUEST = 'd'.repeat(32)
const URI = `noctule:${'aeaqcaib'.repeat(3)}`
const HOST_URI = `noctule-host:${'aeaqcaib'.repeat(3)}`
const HOST_KEY = '5e'.repeat(32)

/** A host that has done each thing a different number of times. */
const HOST_FACE: HostFace = {
  stats: () => ({
    host: HOST_URI,
    hostKey: HOST_KEY,
    published: true,
    startedAtMs: 1,
    boxes: 2,
    boxBytes: 3,
    quotaBytes: 4,
    tombstones: 5,
    hosts: 6,
    tableRoot: '00'.repeat(32),
    courierSessions: 7,
    stored: 8,
    conflicts: 9,
    refusedFull: 10,
    fetched: 11,
    missed: 12,
    relayed: 13,
    expired: 14,
    repaired: 15,
  }),
  addHost: () => Promise.resolve(),
}

const methods = METHODS as readonly AnyMethod[]

const EXPECTED = [
  'version',
  'status',
  'createInvite',
  'previewInvite',
  'acceptInvite',
  'listInvites',
  'revokeInvite',
  'listRequests',
  'acceptRequest',
  'rejectRequest',
  'listContacts',
  'removeContact',
  'block',
  'unblock',
  'setReceipts',
  'setLive',
  'send',
  'sendAttachment',
  'downloadAttachment',
  'saveAttachment',
  'cancelAttachment',
  'listMessages',
  'markRead',
  'subscribeReceive',
  'unsubscribeReceive',
  'acknowledge',
  'estimateSend',
  'getProfile',
  'setProfile',
  'sync',
  'getTraffic',
  'listHosts',
  'addHost',
  'hostStats',
  'shutdown',
  'rpc.discover',
]

function fileIdOf({ body }: MessengerEvent): string {
  return body.type === 'message' ? body.message.messageId : ''
}

describe('method registry', () => {
  it('has every method once, in a file of its own', () => {
    assert.deepEqual(
      methods.map(({ name }) => name),
      EXPECTED,
    )
    const files = readdirSync(join(import.meta.dirname, '../../../src/rpc/methods')).filter(
      (file) => file !== 'index.ts',
    )
    assert.equal(files.length, EXPECTED.length)
  })

  it('has examples that fit, and only documented error codes', () => {
    for (const { name, params, result, example, errors } of methods) {
      assert.equal(checkSchema(params, example.params, `${name}.params`), undefined)
      assert.equal(checkSchema(result, example.result, `${name}.result`), undefined)
      for (const code of errors) assert.ok(findErrorEntry(code), `${name}: ${code}`)
    }
    for (const { name, params, example } of NOTIFICATIONS) assert.equal(checkSchema(params, example, name), undefined)
  })

  it('gives results that fit their schemas', async (context) => {
    const { connect, messenger } = await startRpc(context, { host: HOST_FACE })
    messenger.addContact({ contactId: CONTACT, alias: 'Bob' })
    messenger.addContact({ contactId: 'e'.repeat(32), state: 'failed', failure: 'INVITE_USED', identity: undefined })
    messenger.addRequest({ requestId: REQUEST, message: 'hello', inviteLabel: 'x' })
    messenger.addRequest({ requestId: 'f'.repeat(32) })
    messenger.receive(CONTACT, 'hello')
    messenger.receive(CONTACT, '', 'unsupported')
    const [file, whole] = ['a.jpeg', 'b.jpeg'].map((name) => fileIdOf(messenger.receiveFile(CONTACT, name)))
    messenger.moveFile(CONTACT, whole ?? '', 'complete')
    const client = await connect()
    const invite = at(await client.ask('createInvite', { label: 'x', expiresInMs: 1_000_000 }), 'result', 'inviteId')
    const calls: readonly (readonly [string, object])[] = [
      ['version', {}],
      ['status', {}],
      ['createInvite', {}],
      ['createInvite', { rendezvous: true }],
      ['previewInvite', { uri: URI }],
      ['acceptInvite', { uri: URI, alias: 'Alice', message: 'me' }],
      ['listInvites', {}],
      ['revokeInvite', { inviteId: invite }],
      ['listRequests', {}],
      ['acceptRequest', { requestId: REQUEST, alias: 'Bob' }],
      ['rejectRequest', { requestId: 'f'.repeat(32) }],
      ['block', { recipient: CONTACT }],
      ['unblock', { recipient: CONTACT }],
      ['send', { recipient: CONTACT, message: 'hi', idempotencyKey: 'k' }],
      ['send', { recipient: CONTACT, message: 'hi', idempotencyKey: 'k' }],
      ['sendAttachment', { recipient: CONTACT, path: '/home/bob/photo.jpeg', name: 'a', mimeType: 'image/jpeg' }],
      ['sendAttachment', { recipient: CONTACT, path: '/home/bob/photo.jpeg' }],
      ['downloadAttachment', { recipient: CONTACT, messageId: file }],
      ['saveAttachment', { recipient: CONTACT, messageId: whole, path: '/home/bob/new.jpeg' }],
      ['cancelAttachment', { recipient: CONTACT, messageId: file }],
      ['listMessages', { recipient: CONTACT, before: 9, limit: 500 }],
      ['markRead', { recipient: CONTACT, upTo: 1 }],
      ['setReceipts', { recipient: CONTACT, read: true }],
      ['setReceipts', { recipient: CONTACT }],
      ['setLive', { recipient: CONTACT, on: true, minutes: 90 }],
      ['setLive', { recipient: CONTACT, on: false }],
      ['estimateSend', { recipient: CONTACT, message: 'hi' }],
      ['estimateSend', { recipient: CONTACT, bytes: 9 }],
      ['getProfile', {}],
      ['setProfile', { profile: 'low' }],
      ['getProfile', {}],
      ['getTraffic', {}],
      ['sync', {}],
      ['estimateSend', { recipient: CONTACT, message: 'hi' }],
      ['listHosts', {}],
      ['addHost', { host: HOST_URI }],
      ['listHosts', {}],
      ['hostStats', {}],
      ['listContacts', {}],
      ['removeContact', { recipient: CONTACT }],
      ['subscribeReceive', {}],
      ['unsubscribeReceive', { subscription: 1 }],
      ['acknowledge', { client: 'bot', seq: 1 }],
      ['rpc.discover', {}],
      ['shutdown', {}],
    ]
    for (const [name, params] of calls) {
      if (name === 'sync') messenger.clockFace.state = { name: 'manual', next: undefined }
      const reply = await client.ask(name, params)
      const method = methods.find((candidate) => candidate.name === name)
      assert.ok(method)
      assert.ok('result' in reply, `${name}: ${JSON.stringify(reply)}`)
      assert.equal(checkSchema(method.result, reply['result'], `${name}.result`), undefined)
    }
    assert.deepEqual(new Set(calls.map(([name]) => name)), new Set(EXPECTED))
  })

  it('passes parameters on as they were given', async (context) => {
    const { connect, messenger } = await startRpc(context)
    messenger.addContact({ contactId: CONTACT })
    const client = await connect()
    const text = 'naïve 🦇\u0000\u2028 "quoted"\n'
    await client.ask('send', { recipient: CONTACT, message: text })
    assert.equal((await messenger.listMessages({ contactId: CONTACT }))[0]?.text, text)
    const again = await client.ask('send', { recipient: CONTACT, message: 'x', idempotencyKey: 'k' })
    const repeated = await client.ask('send', { recipient: CONTACT, message: 'x', idempotencyKey: 'k' })
    assert.equal(at(repeated, 'result', 'repeated'), true)
    assert.equal(at(repeated, 'result', 'messageId'), at(again, 'result', 'messageId'))
  })

  it('reports status with the stage of tor, version and uptime', async (context) => {
    const { connect, clock } = await startRpc(context)
    clock.advance(5_000)
    const { result } = await (await connect()).ask('status')
    assert.equal(at(result, 'version'), '1.2.3')
    assert.equal(at(result, 'uptimeMs'), 5_000)
    assert.equal(at(result, 'profile', 'identity'), FAKE_IDENTITY)
    assert.deepEqual([at(result, 'tor', 'stage'), at(result, 'tor', 'bootstrapPercent')], ['bootstrapping', 45])
  })
})

describe('hosts and receipts', () => {
  it('tells what was added, and gives an added host to both roles of the daemon', async (context) => {
    const joined: string[] = []
    const host: HostFace = {
      ...HOST_FACE,
      addHost: async (uri) => {
        joined.push(uri)
      },
    }
    const { connect, messenger } = await startRpc(context, { host })
    const client = await connect()
    const { result } = await client.ask('addHost', { host: HOST_URI })
    assert.equal(at(result, 'hostKey'), HOST_KEY)
    assert.deepEqual(joined, [HOST_URI])
    assert.equal((await messenger.listHosts()).length, 1)
  })

  it('refuses what is no host entry before any role sees it', async (context) => {
    const host: HostFace = { ...HOST_FACE, addHost: () => Promise.reject(new Error('not to be called')) }
    const client = await (await startRpc(context, { host })).connect()
    for (const [uri, code] of [
      ['noctule:aeaqcaib', 'HOST_ENTRY_FOREIGN'],
      ['noctule-host:!', 'HOST_ENTRY_MALFORMED'],
    ]) {
      assert.equal(at(await client.ask('addHost', { host: uri }), 'error', 'data', 'code'), code)
    }
  })

  it('has no host figures without the host role', async (context) => {
    const client = await (await startRpc(context)).connect()
    const { error } = await client.ask('hostStats')
    assert.deepEqual([at(error, 'data', 'code'), at(error, 'code')], ['HOST_ROLE_OFF', -32001])
  })

  it('goes forward only with reading, and changes only the receipts that are named', async (context) => {
    const { connect, messenger } = await startRpc(context)
    messenger.addContact({ contactId: CONTACT })
    for (const text of ['a', 'b', 'c']) messenger.receive(CONTACT, text)
    const client = await connect()
    for (const [upTo, expected] of [
      [2, 2],
      [1, 2],
      [3, 3],
    ]) {
      assert.equal(at(await client.ask('markRead', { recipient: CONTACT, upTo }), 'result', 'readUpTo'), expected)
    }
    const beyond = await client.ask('markRead', { recipient: CONTACT, upTo: 4 })
    assert.equal(at(beyond, 'error', 'data', 'code'), 'MESSAGE_POSITION_INVALID')
    const receipts = async (params: object): Promise<unknown> =>
      at(await client.ask('setReceipts', { recipient: CONTACT, ...params }), 'result', 'receipts')
    assert.deepEqual(await receipts({}), { delivery: true, read: false })
    assert.deepEqual(await receipts({ read: true }), { delivery: true, read: true })
    assert.deepEqual(await receipts({ delivery: false }), { delivery: false, read: true })
  })

  it('says when to try again where a queue is full', async (context) => {
    const { connect, messenger } = await startRpc(context)
    messenger.addContact({ contactId: CONTACT })
    messenger.send = () => Promise.reject(messengerError('OUTBOX_FULL', { details: { retryAfterMs: 60_000 } }))
    const { error } = await (await connect()).ask('send', { recipient: CONTACT, message: 'x' })
    assert.equal(at(error, 'data', 'retryable'), true)
    assert.equal(at(error, 'data', 'details', 'retryAfterMs'), 60_000)
  })
})

describe('delivery', () => {
  it('shows in messages with the copies that hosts have signed for', async (context) => {
    const { connect, messenger } = await startRpc(context)
    messenger.addContact({ contactId: CONTACT })
    const client = await connect()
    const sent = await client.ask('send', { recipient: CONTACT, message: 'hi' })
    assert.deepEqual(
      [at(sent, 'result', 'delivery'), Object.hasOwn(at(sent, 'result') as object, 'stored')],
      ['queued', false],
    )
    const stored = { replicas: 7, wanted: 8, untilMs: 9 }
    messenger.deliver(CONTACT, String(at(sent, 'result', 'messageId')), { delivery: 'stored', stored })
    const { result } = await client.ask('listMessages', { recipient: CONTACT })
    assert.deepEqual(at(result, 'messages', 0, 'stored'), stored)
    assert.equal(at(result, 'messages', 0, 'delivery'), 'stored')
  })
})

describe('listMessages', () => {
  it('pages back to the first message', async (context) => {
    const messenger = createFakeMessenger()
    const { connect } = await startRpc(context, { messenger })
    messenger.addContact({ contactId: CONTACT })
    for (let count = 0; count < 7; count += 1) messenger.receive(CONTACT, `m${count}`)
    const client = await connect()
    const positions: unknown[] = []
    for (let before: unknown; ; ) {
      const { result } = await client.ask('listMessages', {
        recipient: CONTACT,
        limit: 3,
        ...(before === undefined ? {} : { before }),
      })
      const messages = at(result, 'messages')
      assert.ok(Array.isArray(messages))
      positions.unshift(...messages.map((message: unknown) => at(message, 'position')))
      if (at(result, 'hasMore') === false) break
      before = positions[0]
    }
    assert.deepEqual(positions, [1, 2, 3, 4, 5, 6, 7])
  })

  it('leaves to the next page what would make a reply too long, and never gives nothing', async (context) => {
    const messenger = createFakeMessenger()
    const { connect } = await startRpc(context, { messenger })
    messenger.addContact({ contactId: CONTACT })
    for (let count = 0; count < 4; count += 1) messenger.receive(CONTACT, 'x'.repeat(500_000))
    const client = await connect()
    const first = await client.ask('listMessages', { recipient: CONTACT })
    const messages = at(first, 'result', 'messages')
    assert.ok(Array.isArray(messages))
    assert.deepEqual([messages.length, at(messages[0], 'position'), at(first, 'result', 'hasMore')], [2, 3, true])
    messenger.receive(CONTACT, 'x'.repeat(2_000_000))
    const huge = await client.ask('listMessages', { recipient: CONTACT })
    assert.equal(at(huge, 'result', 'messages', 0, 'position'), 5)
  })
})
