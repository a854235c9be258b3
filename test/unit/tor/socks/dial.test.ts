import assert from 'node:assert/strict'
import { once } from 'node:events'
import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { describe, it } from 'node:test'
import { isAppError } from '../../../../src/base/index.ts'
import type { OnionAddress } from '../../../../src/ports/index.ts'
import { dialSocks } from '../../../../src/tor/socks/index.ts'
import { until } from '../support.ts'
import { GRANTED, replyWith, type ScriptedSocks, type SocksScript, scriptedSocks } from './scripted-socks.ts'

const address = 'b'.repeat(56) as OnionAddress

interface Overrides {
  readonly isolation?: string
  readonly optimistic?: boolean
  readonly timeoutMs?: number
  readonly signal?: AbortSignal
  readonly onUnanswered?: () => void
}

const dial = (target: { path: string }, overrides: Overrides = {}): Promise<Duplex> =>
  dialSocks(target, address, 9878, {
    isolation: 'lane-7',
    optimistic: false,
    timeoutMs: 5_000,
    signal: new AbortController().signal,
    onUnanswered: () => undefined,
    ...overrides,
  })

const fails =
  (code: string) =>
  (error: unknown): boolean =>
    isAppError(error, code) || assert.fail(`${code} expected: ${String(error)}`)

describe('SOCKS dial', { timeout: 20_000 }, () => {
  it('names the service and isolates by user name', async (t) => {
    const server = await scriptedSocks(t, { reply: GRANTED })
    const stream = await dial(server)
    assert.deepEqual(server.users, ['lane-7'])
    assert.deepEqual(server.requests, [{ host: `${address}.onion`, port: 9878 }])
    stream.destroy()
    await until(() => server.openSockets() === 0)
  })

  it('loses no byte at the seam, however the reply is cut', async (t) => {
    for (const step of [1, 3, 1_000]) {
      const data = Buffer.from('what the service says first')
      const reply = Buffer.concat([GRANTED, data])
      const server = await scriptedSocks(t, { reply, step, onOpen: (socket) => socket.end(' and last') })
      const stream = await dial(server)
      const parts: Buffer[] = []
      for await (const chunk of stream) parts.push(chunk as Buffer)
      assert.equal(Buffer.concat(parts).toString(), 'what the service says first and last')
    }
  })

  it('reads replies with each kind of address', async (t) => {
    const name = Buffer.concat([Uint8Array.of(5, 0, 0, 3, 4), Buffer.from('name'), Uint8Array.of(0, 80)])
    const v6 = Buffer.concat([Uint8Array.of(5, 0, 0, 4), Buffer.alloc(18)])
    for (const reply of [name, v6]) {
      const server = await scriptedSocks(t, { reply: Buffer.concat([reply, Buffer.from('x')]) })
      const stream = await dial(server)
      const [chunk] = (await once(stream, 'data')) as [Buffer]
      assert.equal(chunk.toString(), 'x')
      stream.destroy()
    }
  })

  it('moves large data both ways with back-pressure', async (t) => {
    let echoing: Socket | undefined
    const block = Buffer.alloc(2_000_000, 'noctule')
    const server = await scriptedSocks(t, {
      reply: GRANTED,
      onOpen(socket) {
        echoing = socket
        socket.write(block)
      },
    })
    const stream = await dial(server)
    stream.write(block)
    let received = 0
    stream.on('data', (chunk: Buffer) => {
      received += chunk.length
    })
    await until(() => received === block.length && Buffer.concat(server.data).length === block.length)
    assert.ok(Buffer.concat(server.data).equals(block))
    echoing?.end()
    await once(stream, 'close')
  })

  it('writes what was corked at once', async (t) => {
    const server = await scriptedSocks(t, { reply: GRANTED })
    const stream = await dial(server)
    const { write } = Socket.prototype
    const sizes: number[] = []
    t.mock.method(Socket.prototype, 'write', function (this: Socket, ...args: Parameters<typeof write>) {
      sizes.push((args[0] as unknown as Buffer).length)
      return write.apply(this, args)
    })
    stream.cork()
    for (const part of ['head', 'body', 'tail']) stream.write(part)
    stream.uncork()
    await until(() => Buffer.concat(server.data).toString() === 'headbodytail')
    assert.deepEqual(sizes, [12])
    stream.destroy()
  })

  it('maps every reply code', async (t) => {
    const codes: [number, string][] = [
      [0x01, 'TOR_SOCKS_REFUSED'],
      [0x02, 'TOR_SOCKS_NOT_ALLOWED'],
      [0x03, 'TOR_ONION_UNREACHABLE'],
      [0x04, 'TOR_ONION_UNREACHABLE'],
      [0x05, 'TOR_ONION_REFUSED'],
      [0x06, 'TOR_ONION_UNREACHABLE'],
      [0x07, 'TOR_SOCKS_REFUSED'],
      [0xf0, 'TOR_ONION_NOT_FOUND'],
      [0xf1, 'TOR_ONION_DESCRIPTOR_INVALID'],
      [0xf2, 'TOR_ONION_INTRO_FAILED'],
      [0xf3, 'TOR_ONION_RENDEZVOUS_FAILED'],
      [0xf4, 'TOR_ONION_AUTH_MISSING'],
      [0xf5, 'TOR_ONION_AUTH_WRONG'],
      [0xf6, 'TOR_ONION_ADDRESS_INVALID'],
      [0xf7, 'TOR_ONION_INTRO_TIMEOUT'],
      [0xff, 'TOR_SOCKS_REFUSED'],
    ]
    for (const [reply, code] of codes) {
      const server = await scriptedSocks(t, { reply: replyWith(reply) })
      await assert.rejects(dial(server), (error: unknown) => {
        assert.ok(isAppError(error, code), `${reply}: ${String(error)}`)
        assert.deepEqual(error.details, { reply })
        assert.ok(!`${error.message}${error.stack}`.includes(address))
        return true
      })
      const stream = await dial(server, { optimistic: true })
      const [error] = (await once(stream, 'error')) as unknown[]
      assert.ok(fails(code)(error))
      await until(() => server.openSockets() === 0)
    }
  })

  it('refuses a proxy that would mix streams, or is none', async (t) => {
    const cases: [string, SocksScript][] = [
      ['TOR_SOCKS_ISOLATION_REFUSED', { method: Uint8Array.of(5, 0) }],
      ['TOR_SOCKS_ISOLATION_REFUSED', { method: Uint8Array.of(5, 0xff) }],
      ['TOR_SOCKS_ISOLATION_REFUSED', { authentication: Uint8Array.of(1, 1) }],
      ['TOR_SOCKS_MALFORMED', { method: Buffer.from('HTTP/1.1 400 Bad Request\r\n') }],
      ['TOR_SOCKS_MALFORMED', { method: Uint8Array.of(5, 2, 1, 0) }],
      ['TOR_SOCKS_MALFORMED', { authentication: Uint8Array.of(5, 0) }],
      ['TOR_SOCKS_MALFORMED', { reply: Uint8Array.of(4, 0, 0, 1, 0, 0, 0, 0, 0, 0) }],
      ['TOR_SOCKS_MALFORMED', { reply: Uint8Array.of(5, 0, 1, 1, 0, 0, 0, 0, 0, 0) }],
      ['TOR_SOCKS_MALFORMED', { reply: Uint8Array.of(5, 0, 0, 9, 0, 0, 0, 0, 0, 0) }],
    ]
    for (const [code, script] of cases) {
      const server = await scriptedSocks(t, { reply: GRANTED, ...script })
      await assert.rejects(dial(server), fails(code))
      await until(() => server.openSockets() === 0)
    }
  })

  it('hands an optimistic stream over before the answer; what is written follows the request', async (t) => {
    const server: ScriptedSocks = await scriptedSocks(t, {})
    const stream = await dial(server, { optimistic: true })
    stream.write('first flight')
    await until(() => Buffer.concat(server.data).toString() === 'first flight')
    const reason = once(stream, 'error').then(([error]) => error as unknown)
    stream.destroy(new Error('on purpose'))
    assert.match(String(await reason), /on purpose/)
    await until(() => server.openSockets() === 0)
  })

  it('ends a dial at its time, when aborted, and when tor hangs up', async (t) => {
    const silent = await scriptedSocks(t, {})
    await assert.rejects(dial(silent, { timeoutMs: 30 }), fails('TOR_DIAL_TIMEOUT'))
    const abort = new AbortController()
    const pending = dial(silent, { signal: abort.signal })
    await until(() => silent.requests.length === 2)
    abort.abort()
    await assert.rejects(pending, { name: 'AbortError' })
    await until(() => silent.openSockets() === 0)
    const closing = await scriptedSocks(t, { reply: Uint8Array.of(5), onOpen: (socket) => socket.destroy() })
    await assert.rejects(dial(closing), fails('TOR_SOCKS_REFUSED'))
    await assert.rejects(dial({ path: '/nonexistent/socks' }), fails('TOR_SOCKS_UNREACHABLE'))
  })

  it('says when tor did not say what came of the dial, however it ended', async (t) => {
    const silent = await scriptedSocks(t, {})
    let count = 0
    const onUnanswered = () => (count += 1)
    await assert.rejects(dial(silent, { timeoutMs: 30, onUnanswered }))
    assert.equal(count, 1)
    const abort = new AbortController()
    const pending = dial(silent, { signal: abort.signal, onUnanswered })
    await until(() => silent.requests.length === 2)
    abort.abort()
    await assert.rejects(pending)
    assert.equal(count, 2)
    const optimistic = await dial(silent, { optimistic: true, onUnanswered })
    optimistic.on('error', () => undefined)
    assert.equal(count, 2)
    optimistic.destroy(new Error('whoever waits has waited enough'))
    await until(() => count === 3)
    const cut = await scriptedSocks(t, { reply: GRANTED.subarray(0, 4), onOpen: (socket) => socket.destroy() })
    await assert.rejects(dial(cut, { onUnanswered }))
    assert.equal(count, 4)
  })

  it('does not say so of an answer, whatever comes after it (control)', async (t) => {
    const onUnanswered = () => assert.fail('it was answered')
    const refusing = await scriptedSocks(t, { reply: replyWith(0x05) })
    await assert.rejects(dial(refusing, { onUnanswered }), fails('TOR_ONION_REFUSED'))
    const open = await scriptedSocks(t, { reply: GRANTED, onOpen: (socket) => socket.write('first words') })
    for (const optimistic of [false, true]) {
      const stream = await dial(open, { optimistic, onUnanswered })
      await once(stream, 'data')
      stream.destroy()
      await until(() => open.openSockets() === 0)
    }
  })

  it('shows a stream that breaks as such', async (t) => {
    let far: Socket | undefined
    const server = await scriptedSocks(t, {
      reply: GRANTED,
      onOpen(socket) {
        far = socket.pause()
      },
    })
    const stream = await dial(server)
    await until(() => far !== undefined)
    const broken = once(stream, 'error').then(([error]) => error as unknown)
    stream.resume()
    // Closed with unread bytes, a unix socket is reset.
    await new Promise((resolve) => stream.write('unread', resolve))
    far?.destroy()
    assert.ok(isAppError(await broken, 'TOR_STREAM_RESET'))
  })

  it('holds a token that cannot isolate for a bug', async () => {
    for (const isolation of ['', 'x'.repeat(256), 'ä'.repeat(128), '<torS0X>0']) {
      await assert.rejects(dial({ path: '/nonexistent' }, { isolation }), RangeError)
    }
    const options = { isolation: 'x', optimistic: false, timeoutMs: 1, signal: new AbortController().signal }
    const dialed = dialSocks({ path: '/nonexistent' }, address, 0, { ...options, onUnanswered: () => undefined })
    await assert.rejects(dialed, RangeError)
  })

  it('tells why an optimistic stream failed in the turn in which it was handed over', async (t) => {
    const server = await scriptedSocks(t, { reply: GRANTED })
    const { write } = Socket.prototype
    t.mock.method(Socket.prototype, 'write', function (this: Socket, ...args: Parameters<typeof write>) {
      const isRequest = Buffer.from(args[0]).includes('.onion')
      // What a local socket does whose other end has gone: the write fails at once.
      if (isRequest) this.destroy(new Error('EPIPE'))
      return isRequest ? false : write.apply(this, args)
    })
    const stream = await dial(server, { optimistic: true })
    assert.ok(fails('TOR_SOCKS_REFUSED')(stream.errored ?? ((await once(stream, 'error')) as unknown[])[0]))
  })
})
