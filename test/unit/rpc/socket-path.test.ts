import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import type { RpcServer } from '../../../src/rpc/index.ts'
import { createRpcServer } from '../../../src/rpc/index.ts'
import { defaultSocketPath, SOCKET_PATH_MAX_BYTES } from '../../../src/rpc/socket-path.ts'
import { createFakeMessenger } from '../../support/fake-messenger.ts'
import {
  connectRaw,
  createEntryLogger,
  createFixtureClock,
  startRpc,
  temporaryPath,
} from '../../support/rpc-fixture.ts'

function serverAt(socketPath: string): RpcServer {
  return createRpcServer({
    messenger: createFakeMessenger(),
    clock: createFixtureClock(),
    logger: createEntryLogger([]),
    socketPath,
    version: '0',
    onShutdown: () => undefined,
  })
}

const mode = (path: string): number => statSync(path).mode & 0o777

/** The socket of a process that was killed: bound, never unlinked, served by nobody. */
function leaveStaleSocket(path: string): void {
  const script = `require('net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`
  assert.throws(() => execFileSync(process.execPath, ['-e', script], { stdio: 'ignore' }))
  assert.ok(statSync(path).isSocket())
}

describe('RPC socket', () => {
  it('is 0600 in a directory that is made 0700, and is gone after stop', async (context) => {
    const path = join(temporaryPath(context), 'a', 'b', 'rpc.sock')
    const server = serverAt(path)
    await server.start()
    assert.equal(mode(path), 0o600)
    assert.equal(mode(join(path, '..')), 0o700)
    await server.stop()
    assert.ok(!existsSync(path))
  })

  it('replaces the socket of a dead daemon', async (context) => {
    const path = join(temporaryPath(context), 'rpc.sock')
    leaveStaleSocket(path)
    const server = serverAt(path)
    await server.start()
    const client = await connectRaw(path)
    assert.ok('result' in (await client.ask('version')))
    client.destroy()
    await server.stop()
  })

  it('refuses to take the place of a live daemon, which goes on', async (context) => {
    const { socketPath, connect } = await startRpc(context)
    await assert.rejects(serverAt(socketPath).start(), { code: 'RPC_SOCKET_IN_USE' })
    const client = await connect()
    assert.ok('result' in (await client.ask('version')))
  })

  it('leaves alone what is not a socket', async (context) => {
    const path = join(temporaryPath(context), 'rpc.sock')
    writeFileSync(path, 'precious')
    await assert.rejects(serverAt(path).start(), { code: 'RPC_SOCKET_PATH_OCCUPIED' })
    assert.equal(readFileSync(path, 'utf8'), 'precious')
  })

  it('refuses a directory that others can enter, and takes it once they cannot', async (context) => {
    const directory = join(temporaryPath(context), 'open')
    mkdirSync(directory)
    const server = serverAt(join(directory, 'rpc.sock'))
    for (const open of [0o755, 0o710, 0o701, 0o770]) {
      chmodSync(directory, open)
      await assert.rejects(server.start(), { code: 'RPC_DIRECTORY_UNSAFE' })
    }
    chmodSync(directory, 0o700)
    await server.start()
    await server.stop()
  })

  it('refuses a symbolic link and a file in the place of the directory', async (context) => {
    const root = temporaryPath(context)
    mkdirSync(join(root, 'real'), { mode: 0o700 })
    symlinkSync(join(root, 'real'), join(root, 'link'))
    await assert.rejects(serverAt(join(root, 'link', 'rpc.sock')).start(), { code: 'RPC_DIRECTORY_UNSAFE' })
    writeFileSync(join(root, 'file'), '')
    await assert.rejects(serverAt(join(root, 'file', 'rpc.sock')).start(), { code: 'RPC_DIRECTORY_UNSAFE' })
  })

  it('takes the longest path that the system can hold, and none longer', async (context) => {
    const root = temporaryPath(context)
    const longest = join(root, 'x'.repeat(SOCKET_PATH_MAX_BYTES - root.length - 1))
    const server = serverAt(longest)
    await server.start()
    assert.ok(statSync(longest).isSocket())
    await server.stop()
    await assert.rejects(serverAt(`${longest}x`).start(), {
      code: 'RPC_SOCKET_PATH_INVALID',
      details: { bytes: SOCKET_PATH_MAX_BYTES + 1, maxBytes: SOCKET_PATH_MAX_BYTES },
    })
    await assert.rejects(serverAt('relative.sock').start(), { code: 'RPC_SOCKET_PATH_INVALID' })
  })

  it('has a default that follows the runtime directory', () => {
    assert.equal(defaultSocketPath({ XDG_RUNTIME_DIR: '/run/user/7' }, '/data'), '/run/user/7/noctule/rpc.sock')
    assert.equal(defaultSocketPath({ XDG_RUNTIME_DIR: 'relative' }, '/data'), '/data/run/rpc.sock')
    assert.equal(defaultSocketPath({}, '/data'), '/data/run/rpc.sock')
  })
})
