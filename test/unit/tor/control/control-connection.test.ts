import assert from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import { describe, it } from 'node:test'
import { isAppError } from '../../../../src/base/index.ts'
import { type ControlEvent, connectControl } from '../../../../src/tor/index.ts'
import { later, scriptedControl, until } from '../support.ts'

const code =
  (expected: string) =>
  (error: unknown): boolean =>
    isAppError(error, expected)

describe('control connection', { timeout: 10_000 }, () => {
  it('answers requests in the order they were made, events beside them', async (t) => {
    const server = await scriptedControl(t, (line) => `650 NOTICE about ${line}\r\n250 ${line}\r\n`)
    const control = await connectControl(server)
    later(t, () => control.close())
    const events: ControlEvent[] = []
    const off = control.onEvent((event) => events.push(event))
    const replies = await Promise.all(['GETINFO a', 'GETINFO b', 'GETINFO c'].map((line) => control.request(line)))
    assert.deepEqual(
      replies.map((reply) => reply.lines[0]?.text),
      ['GETINFO a', 'GETINFO b', 'GETINFO c'],
    )
    assert.deepEqual(
      events.map((event) => `${event.name}|${event.text}`),
      ['NOTICE|about GETINFO a', 'NOTICE|about GETINFO b', 'NOTICE|about GETINFO c'],
    )
    off()
    await control.request('GETINFO d')
    assert.equal(events.length, 3)
  })

  it('sends the next command only when the last one is answered', async (t) => {
    const server = await scriptedControl(t, () => undefined)
    const control = await connectControl(server)
    later(t, () => control.close())
    const first = control.request('GETINFO a')
    const second = control.request('GETINFO b')
    await until(() => server.received.length === 1)
    server.send('250 first\r\n')
    assert.equal((await first).lines[0]?.text, 'first')
    await until(() => server.received.length === 2)
    server.send('250 second\r\n')
    assert.equal((await second).lines[0]?.text, 'second')
  })

  it('does not send what was aborted before its turn, and keeps replies in step', async (t) => {
    const server = await scriptedControl(t, () => undefined)
    const control = await connectControl(server)
    later(t, () => control.close())
    const [sent, waiting] = [new AbortController(), new AbortController()]
    const first = control.request('GETINFO a', sent.signal)
    const second = control.request('GETINFO b', waiting.signal)
    const third = control.request('GETINFO c')
    sent.abort()
    waiting.abort()
    await assert.rejects(first, { name: 'AbortError' })
    await assert.rejects(second, { name: 'AbortError' })
    await assert.rejects(control.request('GETINFO d', AbortSignal.abort()), { name: 'AbortError' })
    await until(() => server.received.length === 1)
    server.send('250 a\r\n')
    await until(() => server.received.length === 2)
    server.send('250 c\r\n')
    assert.equal((await third).lines[0]?.text, 'c')
    assert.deepEqual(server.received, ['GETINFO a', 'GETINFO c'])
  })

  it('rejects everything that waits when the connection ends', async (t) => {
    const server = await scriptedControl(t, () => undefined)
    const control = await connectControl(server)
    const pending = [control.request('GETINFO a'), control.request('GETINFO b')]
    await until(() => server.received.length === 1)
    server.drop()
    for (const request of pending) await assert.rejects(request, code('TOR_CONTROL_CLOSED'))
    assert.ok(isAppError(await control.closed, 'TOR_CONTROL_CLOSED'))
    await assert.rejects(control.request('GETINFO c'), code('TOR_CONTROL_CLOSED'))
    await control.close()
  })

  it('closes on purpose without a reason, twice', async (t) => {
    const server = await scriptedControl(t, () => undefined)
    const control = await connectControl(server)
    const pending = assert.rejects(control.request('GETINFO a'), code('TOR_CONTROL_CLOSED'))
    await control.close()
    await control.close()
    await pending
    assert.equal(await control.closed, undefined)
  })

  it('gives up a connection that does not answer', async (t) => {
    const server = await scriptedControl(t, () => undefined)
    const control = await connectControl({ path: server.path }, { requestTimeoutMs: 20 })
    await assert.rejects(control.request('GETINFO a'), code('TOR_CONTROL_TIMEOUT'))
    assert.ok(isAppError(await control.closed, 'TOR_CONTROL_TIMEOUT'))
  })

  it('gives up a connection that talks nonsense, too much, or out of turn', async (t) => {
    const cases: [string, string | Uint8Array][] = [
      ['nonsense', 'HTTP/1.1 400 Bad Request\r\n\r\n'],
      ['an endless line', Buffer.alloc(40_000, 'x')],
      ['an endless reply', '250-x\r\n'.repeat(20_000)],
      ['two replies to one request', '250 OK\r\n250 OK\r\n'],
    ]
    for (const [name, bytes] of cases) {
      const server = await scriptedControl(t, () => bytes)
      const control = await connectControl(server)
      await control.request('GETINFO a').catch((error: unknown) => assert.ok(isAppError(error), name))
      assert.ok(isAppError(await control.closed, 'TOR_CONTROL_MALFORMED'), name)
    }
  })

  it('leaves no listener behind on signals', async (t) => {
    const server = await scriptedControl(t, () => '250 OK\r\n')
    const control = await connectControl(server)
    const abort = new AbortController()
    await Promise.all(Array.from({ length: 50 }, () => control.request('GETINFO a', abort.signal)))
    assert.equal(getEventListeners(abort.signal, 'abort').length, 0)
    await control.close()
    await assert.rejects(control.request('GETINFO a', abort.signal), code('TOR_CONTROL_CLOSED'))
    assert.equal(getEventListeners(abort.signal, 'abort').length, 0)
  })

  it('bounds its queue', async (t) => {
    const server = await scriptedControl(t, () => undefined)
    const control = await connectControl({ path: server.path }, { maxQueueCount: 2 })
    const pending = [1, 2, 3].map(() => assert.rejects(control.request('GETINFO a'), code('TOR_CONTROL_CLOSED')))
    await assert.rejects(control.request('GETINFO b'), code('TOR_CONTROL_BUSY'))
    await control.close()
    await Promise.all(pending)
  })

  it('names refusals by the status alone', async (t) => {
    const server = await scriptedControl(t, (line) =>
      line === 'GETINFO filtered' ? '510 Command filtered\r\n' : '551 planted detail\r\n',
    )
    const control = await connectControl(server)
    later(t, () => control.close())
    await assert.rejects(control.command('GETINFO filtered'), code('TOR_FEATURE_REFUSED'))
    await assert.rejects(control.command('GETINFO other'), (error: unknown) => {
      assert.ok(isAppError(error, 'TOR_COMMAND_REFUSED'))
      assert.deepEqual(error.details, { status: 551 })
      return !`${error.message}${error.stack}`.includes('planted')
    })
  })

  it('says that nobody is there', async () => {
    await assert.rejects(connectControl({ path: '/nonexistent/control' }), code('TOR_CONTROL_UNREACHABLE'))
    await assert.rejects(connectControl({ path: '/nonexistent/control' }, { signal: AbortSignal.abort() }), {
      name: 'AbortError',
    })
  })
})
