import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { connect } from 'node:net'
import { describe, it } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { messengerError } from '../../../src/messenger/index.ts'
import { at, startRpc, until } from '../../support/rpc-fixture.ts'

const CONTACT = 'c'.repeat(32)
const request = (id: unknown, method: string, params?: unknown): unknown => ({ jsonrpc: '2.0', id, method, params })

describe('RPC requests', () => {
  it('answers a request with its id', async (context) => {
    const client = await (await startRpc(context)).connect()
    client.send(request('a', 'version'))
    assert.deepEqual(await client.next(), { jsonrpc: '2.0', result: { version: '1.2.3' }, id: 'a' })
    client.send(request(7, 'version', null))
    assert.equal(at(await client.next(), 'id'), 7)
    client.send(request(null, 'version', {}))
    assert.deepEqual(at(await client.next(), 'id'), null)
  })

  it('answers nothing to a notification, not even an error', async (context) => {
    const { connect, messenger } = await startRpc(context)
    messenger.addContact({ contactId: CONTACT })
    const client = await connect()
    client.send({ jsonrpc: '2.0', method: 'nonsense' })
    client.send({ jsonrpc: '2.0', method: 'version', params: { wrong: true } })
    client.send({ jsonrpc: '2.0', method: 'block', params: { recipient: CONTACT } })
    assert.equal(at(await client.ask('version'), 'id'), 1)
    assert.equal((await messenger.listContacts())[0]?.state, 'blocked')
  })

  const malformed: readonly (readonly [string, string | Uint8Array, number, string])[] = [
    ['an empty line', '', -32700, 'RPC_PARSE_ERROR'],
    ['half a value', '{"jsonrpc":"2.0"', -32700, 'RPC_PARSE_ERROR'],
    ['two values', '{} {}', -32700, 'RPC_PARSE_ERROR'],
    ['invalid UTF-8', new Uint8Array([0x22, 0xff, 0xfe, 0x22]), -32700, 'RPC_PARSE_ERROR'],
    ['a byte order mark', '\ufeff{"jsonrpc":"2.0","id":1,"method":"version"}', -32700, 'RPC_PARSE_ERROR'],
    ['a number', '5', -32600, 'RPC_INVALID_REQUEST'],
    ['an empty batch', '[]', -32600, 'RPC_INVALID_REQUEST'],
    ['no version', '{"id":1,"method":"version"}', -32600, 'RPC_INVALID_REQUEST'],
    ['version 1', '{"jsonrpc":"1.0","id":1,"method":"version"}', -32600, 'RPC_INVALID_REQUEST'],
    ['no method', '{"jsonrpc":"2.0","id":1}', -32600, 'RPC_INVALID_REQUEST'],
    ['a misspelt member', '{"jsonrpc":"2.0","id":1,"method":"version","parms":{}}', -32600, 'RPC_INVALID_REQUEST'],
    ['an id that is an object', '{"jsonrpc":"2.0","id":{},"method":"version"}', -32600, 'RPC_INVALID_REQUEST'],
    [
      'an id beyond a double',
      '{"jsonrpc":"2.0","id":9007199254740993,"method":"version"}',
      -32600,
      'RPC_INVALID_REQUEST',
    ],
    ['an id without end', '{"jsonrpc":"2.0","id":1e999,"method":"version"}', -32600, 'RPC_INVALID_REQUEST'],
    ['an unknown method', '{"jsonrpc":"2.0","id":1,"method":"nonsense"}', -32601, 'RPC_METHOD_UNKNOWN'],
    ['a method of objects', '{"jsonrpc":"2.0","id":1,"method":"__proto__"}', -32601, 'RPC_METHOD_UNKNOWN'],
    ['a method of objects', '{"jsonrpc":"2.0","id":1,"method":"constructor"}', -32601, 'RPC_METHOD_UNKNOWN'],
    ['parameters by position', '{"jsonrpc":"2.0","id":1,"method":"version","params":[]}', -32602, 'RPC_PARAMS_INVALID'],
    [
      'an unknown parameter',
      '{"jsonrpc":"2.0","id":1,"method":"version","params":{"a":1}}',
      -32602,
      'RPC_PARAMS_INVALID',
    ],
    [
      'a __proto__ parameter',
      '{"jsonrpc":"2.0","id":1,"method":"version","params":{"__proto__":1}}',
      -32602,
      'RPC_PARAMS_INVALID',
    ],
  ]
  for (const [what, line, number, code] of malformed) {
    it(`answers ${what} with ${number}`, async (context) => {
      const client = await (await startRpc(context)).connect()
      client.write(line)
      client.write('\n')
      const reply = await client.next()
      assert.deepEqual([at(reply, 'error', 'code'), at(reply, 'error', 'data', 'code')], [number, code])
      assert.ok('result' in (await client.ask('version')), 'the connection goes on')
    })
  }

  it('answers a batch in one line, without the notifications', async (context) => {
    const client = await (await startRpc(context)).connect()
    client.send([request(1, 'version'), { jsonrpc: '2.0', method: 'version' }, 5, request(2, 'nonsense')])
    const replies = await client.next()
    assert.ok(Array.isArray(replies))
    assert.deepEqual(
      replies.map((reply: unknown) => [at(reply, 'id'), at(reply, 'error', 'code')]),
      [
        [1, undefined],
        [null, -32600],
        [2, -32601],
      ],
    )
    client.send([{ jsonrpc: '2.0', method: 'version' }])
    assert.equal(at(await client.ask('version'), 'id'), 1, 'a batch of notifications has no reply')
  })

  it('lets a quick request overtake a slow one', async (context) => {
    const { connect, messenger } = await startRpc(context)
    const client = await connect()
    let finish: (() => void) | undefined
    messenger.listContacts = () =>
      new Promise((resolve) => {
        finish = () => resolve([])
      })
    client.send(request('slow', 'listContacts'))
    client.send(request('quick', 'version'))
    assert.equal(at(await client.next(), 'id'), 'quick')
    finish?.()
    assert.equal(at(await client.next(), 'id'), 'slow')
  })

  it('keeps the order of pipelined calls and loses none', async (context) => {
    const { connect, messenger } = await startRpc(context)
    messenger.addContact({ contactId: CONTACT })
    const client = await connect()
    const count = 500
    client.write(
      Array.from({ length: count }, (_, index) =>
        JSON.stringify(request(index, 'send', { recipient: CONTACT, message: `m${index}` })),
      ).join('\n') + '\n',
    )
    for (let index = 0; index < count; index += 1) assert.ok('result' in (await client.nextObject()))
    const messages = await messenger.listMessages({ contactId: CONTACT, limit: count })
    assert.deepEqual(
      messages.map(({ text }) => text),
      Array.from({ length: count }, (_, index) => `m${index}`),
    )
  })

  it('maps a refusal of the messenger, and hides a failure that nobody foresaw', async (context) => {
    const { connect, messenger, log } = await startRpc(context)
    const client = await connect()
    messenger.nextFailure = messengerError('OUTBOX_FULL')
    assert.deepEqual(at(await client.ask('listContacts'), 'error'), {
      code: -32002,
      message: 'Too much is waiting for this contact already.',
      data: {
        code: 'OUTBOX_FULL',
        kind: 'retry',
        retryable: true,
        remedy: 'Wait until some of it is delivered; the details say when a next look is worth it.',
      },
    })
    messenger.nextFailure = new TypeError('secret detail')
    assert.deepEqual(at(await client.ask('listContacts'), 'error'), { code: -32603, message: 'Internal error' })
    assert.deepEqual(
      log.filter(({ level }) => level === 'error').map(({ event }) => event),
      ['method-failed'],
    )
  })
})

describe('RPC bounds', () => {
  const line = (bytes: number): string => JSON.stringify(request(1, 'version')).padEnd(bytes)

  it('skips a line over the bound and reads one at it', async (context) => {
    const client = await (await startRpc(context, { limits: { lineBytes: 100 } })).connect()
    client.write(`${line(101)}\n`)
    const refused = await client.next()
    assert.equal(at(refused, 'error', 'data', 'code'), 'RPC_LINE_TOO_LONG')
    assert.deepEqual(at(refused, 'error', 'data', 'details'), { maxBytes: 100 })
    client.write(`${line(100)}\n`)
    assert.equal(at(await client.next(), 'id'), 1)
  })

  it('refuses a batch over the bound whole and takes one at it', async (context) => {
    const { connect, messenger } = await startRpc(context, { limits: { batchCount: 3 } })
    messenger.addContact({ contactId: CONTACT })
    const client = await connect()
    const send = request(1, 'send', { recipient: CONTACT, message: 'x' })
    client.send([send, send, send, send])
    assert.equal(at(await client.next(), 'error', 'data', 'code'), 'RPC_BATCH_TOO_LONG')
    assert.equal((await messenger.listMessages({ contactId: CONTACT })).length, 0)
    client.send([send, send, send])
    const replies = await client.next()
    assert.ok(Array.isArray(replies) && replies.length === 3)
  })

  it('does not execute the rest of a batch whose reply has become too long', async (context) => {
    const { connect, messenger } = await startRpc(context, { limits: { batchReplyBytes: 300 } })
    messenger.addContact({ contactId: CONTACT })
    const client = await connect()
    const send = request(1, 'send', { recipient: CONTACT, message: 'x' })
    client.send([send, send, send, send, send])
    const replies = await client.next()
    assert.ok(Array.isArray(replies) && replies.length === 5)
    const executed = replies.filter((reply: unknown) => at(reply, 'result') !== undefined).length
    assert.ok(executed >= 1 && executed < 5)
    assert.equal(at(replies[4], 'error', 'data', 'code'), 'RPC_BATCH_REPLY_TOO_LONG')
    assert.equal((await messenger.listMessages({ contactId: CONTACT })).length, executed)
  })

  it('refuses a client too many, with a word, and takes one when another has gone', async (context) => {
    const { connect, server } = await startRpc(context, { limits: { connectionCount: 2 } })
    const first = await connect()
    const second = await connect()
    await second.ask('version')
    const third = await connect()
    assert.equal(at(await third.next(), 'error', 'data', 'code'), 'RPC_TOO_MANY_CONNECTIONS')
    assert.equal(await third.next(), undefined, 'and hangs up')
    first.destroy()
    await until(() => server.stats().connections === 1)
    assert.ok('result' in (await (await connect()).ask('version')))
  })

  it('lets a refused client write before it reads why, and keeps few of those that stay', async (context) => {
    const { socketPath, server } = await startRpc(context, { limits: { connectionCount: 0 } })
    const refused: Socket[] = []
    const refuse = async (): Promise<Socket> => {
      const socket = connect({ path: socketPath, allowHalfOpen: true })
      context.after(() => void socket.destroy())
      socket.on('error', () => undefined).resume()
      await once(socket, 'end')
      refused.push(socket)
      return socket
    }
    const first = await refuse()
    // Long enough for the server to be done with it if it were not waiting.
    for (let turns = 0; turns < 20; turns += 1) await turn()
    const error = await new Promise<unknown>((resolve) => {
      first.write('{}\n', resolve)
    })
    assert.equal(error ?? undefined, undefined)
    for (let count = 1; count < 20; count += 1) await refuse()
    const cutOff = async (socket: Socket): Promise<boolean> =>
      ((await new Promise<unknown>((resolve) => void socket.write('{}\n', resolve))) ?? undefined) !== undefined
    assert.ok(await cutOff(first))
    const last = refused.at(-1)
    assert.ok(last !== undefined && !(await cutOff(last)))
    await server.stop()
    assert.ok(await cutOff(last))
  })

  it('starts no more requests of one client at once than the bound', async (context) => {
    for (const bound of [2, 5]) {
      const { connect, messenger } = await startRpc(context, { limits: { inFlightCount: bound } })
      const waiting: (() => void)[] = []
      messenger.listContacts = () => new Promise((resolve) => waiting.push(() => resolve([])))
      const client = await connect()
      for (let id = 0; id < 8; id += 1) client.send(request(id, 'listContacts'))
      await until(() => waiting.length === bound)
      for (let times = 0; times < 20; times += 1) await turn()
      assert.equal(waiting.length, bound)
      for (let answered = 0; answered < 8; answered += 1) {
        await until(() => waiting.length > 0)
        waiting.shift()?.()
        assert.ok('result' in (await client.nextObject()))
      }
    }
  })

  it('reads no further for a client that does not take its replies, and other clients do not notice', async (context) => {
    const outboundBytes = 50_000
    const { connect, messenger, server } = await startRpc(context, { limits: { outboundBytes, inFlightCount: 4 } })
    messenger.addContact({ contactId: CONTACT, alias: 'x'.repeat(20_000) })
    let calls = 0
    const { listContacts } = messenger
    messenger.listContacts = () => {
      calls += 1
      return listContacts()
    }
    const deaf = await connect()
    deaf.socket.pause()
    const count = 400
    for (let id = 0; id < count; id += 1) deaf.send(request(id, 'listContacts'))
    await until(() => server.stats().bufferedBytes > outboundBytes)
    const other = await connect()
    for (let times = 0; times < 20; times += 1) assert.ok('result' in (await other.ask('version')))
    assert.ok(calls < count, 'it did read on')
    assert.ok(server.stats().bufferedBytes < outboundBytes + 5 * 20_500, 'it holds too much')
    // The control: the same client gets everything as soon as it reads.
    deaf.socket.resume()
    for (let id = 0; id < count; id += 1) assert.ok('result' in (await deaf.nextObject()))
    assert.equal(calls, count)
  })
})

describe('RPC lifecycle', () => {
  it('answers a half-closed client before it hangs up', async (context) => {
    const { connect, messenger } = await startRpc(context)
    let finish: (() => void) | undefined
    messenger.listContacts = () =>
      new Promise((resolve) => {
        finish = () => resolve([])
      })
    const client = await connect()
    client.send(request(1, 'listContacts'))
    client.socket.end()
    await until(() => finish !== undefined)
    finish?.()
    assert.deepEqual(at(await client.next(), 'result'), [])
    assert.equal(await client.next(), undefined)
  })

  it('answers shutdown first and asks the daemon to stop once', async (context) => {
    const { connect, shutdowns } = await startRpc(context)
    const client = await connect()
    assert.deepEqual(at(await client.ask('shutdown'), 'result'), {})
    await until(() => shutdowns() === 1)
    await client.ask('shutdown')
    client.send({ jsonrpc: '2.0', method: 'shutdown' })
    await client.ask('version')
    assert.equal(shutdowns(), 1)
  })

  it('is asked to stop by a notification as well', async (context) => {
    const { connect, shutdowns } = await startRpc(context)
    const client = await connect()
    client.send({ jsonrpc: '2.0', method: 'shutdown' })
    await until(() => shutdowns() === 1)
  })

  it('lets a running request answer when it stops', async (context) => {
    const { connect, messenger, server } = await startRpc(context)
    let finish: (() => void) | undefined
    messenger.listContacts = () =>
      new Promise((resolve) => {
        finish = () => resolve([])
      })
    const client = await connect()
    client.send(request(1, 'listContacts'))
    await until(() => finish !== undefined)
    const stopped = server.stop()
    finish?.()
    assert.deepEqual(at(await client.next(), 'result'), [])
    assert.equal(await client.next(), undefined)
    await stopped
    assert.deepEqual(server.stats(), { connections: 0, subscriptions: 0, bufferedBytes: 0 })
  })

  it('does not wait for ever for a request that does not end', async (context) => {
    const { connect, messenger, server, clock } = await startRpc(context)
    let asked = false
    messenger.listContacts = () => {
      asked = true
      return new Promise(() => undefined)
    }
    const client = await connect()
    client.send(request(1, 'listContacts'))
    await until(() => asked)
    const closed = once(client.socket, 'close')
    const stopped = server.stop()
    for (let times = 0; times < 20; times += 1) await turn()
    assert.equal(server.stats().connections, 1, 'it still waits')
    clock.advance(1_000)
    await stopped
    await closed
  })

  it('does not wait for ever for a client that does not read', async (context) => {
    const { connect, messenger, server, clock } = await startRpc(context)
    messenger.addContact({ contactId: CONTACT, alias: 'x'.repeat(900_000) })
    const client = await connect()
    client.socket.pause()
    client.send(request(1, 'listContacts'))
    await until(() => server.stats().bufferedBytes > 0)
    const stopped = server.stop()
    for (let times = 0; times < 20; times += 1) await turn()
    clock.advance(1_000)
    await stopped
    assert.equal(server.stats().connections, 0)
  })

  it('forgets a client that vanishes in the middle of a request', async (context) => {
    const { connect, server, messenger } = await startRpc(context)
    const client = await connect()
    await client.ask('subscribeReceive', {})
    client.write('{"jsonrpc":"2.0","id":1,"meth')
    client.destroy()
    await until(() => server.stats().connections === 0)
    assert.equal(messenger.listenerCount(), 0)
  })
})
