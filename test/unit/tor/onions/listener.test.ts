import assert from 'node:assert/strict'
import { once } from 'node:events'
import { access } from 'node:fs/promises'
import { connect, createServer, type Socket } from 'node:net'
import { describe, it } from 'node:test'
import { isAppError } from '../../../../src/base/index.ts'
import { openOnionListener } from '../../../../src/tor/onions/index.ts'
import { later, shortDirectory, systemRandom, until } from '../support.ts'

/** A range of one port that was free a moment ago. */
async function freeRange(): Promise<{ first: number; last: number }> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : assert.fail()
  await new Promise((resolve) => server.close(resolve))
  return { first: port, last: port }
}

describe('onion listener', { timeout: 10_000 }, () => {
  it('takes streams on a port of its range, and says when the range is full', async (t) => {
    const sockets: Socket[] = []
    const options = {
      kind: 'tcp' as const,
      socketDirectory: '/nonexistent',
      portRange: await freeRange(),
      random: systemRandom,
      onSocket: (socket: Socket) => void sockets.push(socket),
    }
    const listener = await openOnionListener(options)
    later(t, () => listener.close())
    assert.deepEqual(listener.target, { port: options.portRange.first })
    await assert.rejects(openOnionListener(options), (error) => isAppError(error, 'TOR_LISTENER_FAILED'))
    const client = connect(options.portRange.first, '127.0.0.1')
    await until(() => sockets.length === 1)
    assert.equal(sockets[0]?.localAddress, '127.0.0.1')
    const closed = once(client, 'close')
    await listener.close()
    await closed
    await listener.close()
    await (await openOnionListener(options)).close()
  })

  it('takes streams on a unix socket, which is gone when closed', async (t) => {
    const socketDirectory = await shortDirectory(t)
    const sockets: Socket[] = []
    const options = {
      kind: 'unix' as const,
      socketDirectory,
      portRange: { first: 1, last: 1 },
      random: systemRandom,
      onSocket: (socket: Socket) => void sockets.push(socket),
    }
    const listener = await openOnionListener(options)
    const path = 'path' in listener.target ? listener.target.path : assert.fail()
    assert.match(path.slice(socketDirectory.length), /^\/o-[0-9a-f]{8}$/)
    const client = connect({ path })
    await until(() => sockets.length === 1)
    // Nobody listens for the error of a stream that its owner has not looked at yet.
    sockets[0]?.destroy(new Error('on purpose'))
    await once(client, 'close')
    await listener.close()
    await assert.rejects(access(path))
    const nowhere = openOnionListener({ ...options, socketDirectory: '/nonexistent' })
    await assert.rejects(nowhere, (error) => isAppError(error, 'TOR_LISTENER_FAILED'))
  })
})
