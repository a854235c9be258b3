import assert from 'node:assert/strict'
import type { Socket } from 'node:net'
import { createServer } from 'node:net'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { describe, it } from 'node:test'
import type { RpcNotification } from '../../../src/rpc/index.ts'
import { connectRpc } from '../../../src/rpc/index.ts'
import { startRpc, temporaryPath, until } from '../../support/rpc-fixture.ts'

const CONTACT = 'c'.repeat(32)

/** Something at the socket that answers every line with what `reply` gives. */
async function startImpostor(context: TestContext, reply: string): Promise<string> {
  const path = join(temporaryPath(context), 'rpc.sock')
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    socket.on('data', () => socket.write(reply))
  })
  await new Promise<void>((resolve) => {
    server.listen(path, resolve)
  })
  context.after(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return path
}

describe('RPC client', () => {
  it('calls by name with types and gets results', async (context) => {
    const { socketPath, messenger } = await startRpc(context)
    messenger.addContact({ contactId: CONTACT })
    const client = await connectRpc(socketPath)
    const [version, sent] = await Promise.all([
      client.call('version', {}),
      client.call('send', { recipient: CONTACT, message: 'hi' }),
    ])
    assert.equal(version.version, '1.2.3')
    assert.equal(sent.delivery, 'queued')
    await client.close()
  })

  it('throws the error that the daemon named', async (context) => {
    const { socketPath } = await startRpc(context)
    const client = await connectRpc(socketPath)
    await assert.rejects(client.call('block', { recipient: CONTACT }), {
      name: 'AppError',
      code: 'CONTACT_UNKNOWN',
      kind: 'user',
      details: { number: -32001 },
    })
    await assert.rejects(client.call('block', { recipient: 'x' }), {
      code: 'RPC_PARAMS_INVALID',
      message: /params\.recipient/,
    })
    await client.close()
  })

  it('hears notifications in order', async (context) => {
    const { socketPath, messenger } = await startRpc(context)
    const client = await connectRpc(socketPath)
    const heard: RpcNotification[] = []
    const unsubscribe = client.onNotification((notification) => heard.push(notification))
    await client.call('subscribeReceive', {})
    messenger.receive(CONTACT, 'a')
    messenger.emit({ type: 'invite', inviteId: CONTACT, state: 'used' })
    await until(() => heard.length === 2)
    assert.deepEqual(
      heard.map(({ method, params }) => [method, params.seq]),
      [
        ['receive', 1],
        ['event', 2],
      ],
    )
    unsubscribe()
    messenger.receive(CONTACT, 'b')
    await client.call('version', {})
    assert.equal(heard.length, 2)
    await client.close()
  })

  it('says when no daemon is there', async (context) => {
    const path = join(temporaryPath(context), 'none.sock')
    await assert.rejects(connectRpc(path), { code: 'RPC_DAEMON_UNREACHABLE' })
  })

  it('rejects calls that the end of the connection leaves open, and later ones', async (context) => {
    const { socketPath, messenger, server, clock } = await startRpc(context)
    messenger.listContacts = () => new Promise(() => undefined)
    const client = await connectRpc(socketPath)
    const open = assert.rejects(client.call('listContacts', {}), { code: 'RPC_CONNECTION_LOST' })
    await client.call('version', {})
    const stopped = server.stop()
    clock.advance(1_000)
    await open
    await client.closed
    await stopped
    await assert.rejects(client.call('version', {}), { code: 'RPC_CONNECTION_LOST' })
  })

  it('names the reason when the daemon refuses the connection', async (context) => {
    const { socketPath } = await startRpc(context, { limits: { connectionCount: 0 } })
    const client = await connectRpc(socketPath)
    await assert.rejects(client.call('version', {}), { code: 'RPC_TOO_MANY_CONNECTIONS', kind: 'retry' })
  })

  for (const [what, reply] of [
    ['no JSON', 'HTTP/1.1 400 Bad Request\r\n\r\n'],
    ['a list', '[]\n'],
    ['a reply to nobody', '{"jsonrpc":"2.0","id":99,"result":{}}\n'],
    ['a reply with neither result nor error', '{"jsonrpc":"2.0","id":1}\n'],
    ['an unknown notification', '{"jsonrpc":"2.0","method":"surprise","params":{}}\n'],
    ['a malformed event', '{"jsonrpc":"2.0","method":"event","params":{"seq":1}}\n'],
  ] as const) {
    it(`gives up on something that answers with ${what}`, async (context) => {
      const client = await connectRpc(await startImpostor(context, reply))
      await assert.rejects(client.call('version', {}), { code: 'RPC_REPLY_MALFORMED' })
      await client.closed
    })
  }
})
