import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { PassThrough, Writable } from 'node:stream'
import { describe, it } from 'node:test'
import { COMMANDS, createStreamIo, generalHelp, METHODS_WITHOUT_COMMAND, runCli } from '../../../src/cli/index.ts'
import { resolveConfig } from '../../../src/daemon/config.ts'
import { METHODS, RPC_LIMITS } from '../../../src/rpc/index.ts'
import { createTestIo, startCli, wholeId } from '../../support/cli-fixture.ts'
import { startRpc, temporaryPath, until } from '../../support/rpc-fixture.ts'

const BOB = wholeId('b0b')

/** Nothing here waits. */
const never = (): Promise<void> => Promise.reject(new Error('nothing to wait for'))

describe('commands', () => {
  it('are one for each method, but for those with a reason', () => {
    const covered = [...COMMANDS.map(({ method }) => method), ...Object.keys(METHODS_WITHOUT_COMMAND)]
    assert.deepEqual(covered.toSorted(), METHODS.map(({ name }) => name).toSorted())
    assert.equal(new Set(COMMANDS.map(({ name }) => name)).size, COMMANDS.length)
    for (const { name } of COMMANDS) assert.match(name, /^[a-z]+(-[a-z]+)*$/)
  })

  it('are all in the help, with the daemon', () => {
    const help = generalHelp()
    for (const name of ['daemon', ...COMMANDS.map((command) => command.name)])
      assert.ok(help.includes(`\n  ${name}`), name)
    assert.match(
      help,
      /Exit status: 0 done, 1 refused, 2 mistake in the command line, 3 no daemon answers, 4 refused for now/,
    )
  })

  it('print the OpenRPC document', async (context) => {
    const { run } = await startCli(context)
    const { out, status } = await run(['discover'])
    assert.equal(status, 0)
    const document: unknown = JSON.parse(out)
    assert.ok(typeof document === 'object' && document !== null && 'openrpc' in document)
  })

  it('say when no daemon is there', async (context) => {
    const io = createTestIo()
    const status = await runCli(['status', '--socket', join(temporaryPath(context), 'none.sock')], io, {})
    assert.equal(status, 3)
    assert.match(io.stderr(), /RPC_DAEMON_UNREACHABLE/)
    assert.equal(io.stdout(), '')
  })

  it('look for the daemon where the daemon listens', async (context) => {
    const root = temporaryPath(context)
    for (const env of [{ XDG_RUNTIME_DIR: join(root, 'run') }, { XDG_DATA_HOME: join(root, 'data') }, { HOME: root }]) {
      const resolved = resolveConfig({}, {}, env)
      assert.ok(resolved.ok)
      const { socketPath } = await startRpc(context, { socketPath: resolved.config.socketPath })
      assert.ok(existsSync(socketPath))
      const io = createTestIo()
      assert.equal(await runCli(['version'], io, env), 0)
    }
  })

  it('refuse a socket path that is not absolute', async () => {
    const io = createTestIo()
    assert.equal(await runCli(['version', '--socket', 'x.sock'], io, {}), 2)
  })
})

describe('create-invite --qr', () => {
  it('draws a code whose light border is complete, without colours outside a terminal', async (context) => {
    const { run } = await startCli(context)
    const { out } = await run(['create-invite', '--qr', 'terminal'])
    const lines = out.trimEnd().split('\n')
    assert.match(lines.pop() ?? '', /^noctule:[a-z2-7]+$/)
    assert.ok(lines.length > 10)
    assert.equal(new Set(lines.map((line) => line.length)).size, 1)
    assert.match(lines[0] ?? '', /^█+$/)
    assert.match(lines[1] ?? '', /^█+$/)
    for (const line of lines) assert.match(line, /^████[█▀▄ ]+███[█▀▄]$/)
    assert.ok(!out.includes('\u001b'))
  })

  it('uses colours on a terminal, unless NO_COLOR says otherwise', async (context) => {
    const { socketPath } = await startRpc(context)
    const draw = async (env: { NO_COLOR?: string }): Promise<string> => {
      const io = createTestIo({ terminal: true })
      await runCli(['create-invite', '--qr', 'terminal', '--socket', socketPath], io, env)
      return io.stdout()
    }
    assert.ok((await draw({})).startsWith('\u001b[30;47m '))
    assert.ok((await draw({ NO_COLOR: '' })).includes('\u001b'))
    assert.ok(!(await draw({ NO_COLOR: '1' })).includes('\u001b'))
  })

  it('gives nothing but a picture on standard output with svg', async (context) => {
    const { run } = await startCli(context)
    const { out, err } = await run(['create-invite', '--qr', 'svg'])
    assert.match(out, /^<svg [\s\S]*<\/svg>\n$/)
    assert.match(err, /works once/)
  })
})

describe('receive', () => {
  it('follows until it is interrupted, and acknowledges what it wrote', async (context) => {
    const { messenger, socketPath, server } = await startRpc(context)
    messenger.addContact({ contactId: BOB, alias: 'Bob' })
    messenger.receive(BOB, 'one')
    const io = createTestIo()
    const done = runCli(['receive', '--follow', '--socket', socketPath], io, {})
    await until(() => io.stdout().includes('one'))
    messenger.receive(BOB, 'two')
    await until(() => io.stdout().includes('two'))
    assert.equal(io.stdout(), '#1  1 min ago  Bob: one\n#2  1 min ago  Bob: two\n')
    io.interrupt()
    assert.equal(await done, 0)
    await until(() => server.stats().connections === 0)
    assert.equal(await messenger.acknowledgedSeq('cli'), 2)
  })

  it('ends with status 3 when the daemon goes away', async (context) => {
    const { messenger, socketPath, server } = await startRpc(context)
    const io = createTestIo()
    const done = runCli(['receive', '--follow', '--socket', socketPath], io, {})
    await until(() => messenger.listenerCount() === 1)
    await server.stop()
    assert.equal(await done, 3)
    assert.match(io.stderr(), /went away/)
  })

  it('does not acknowledge what nobody took', async (context) => {
    const { messenger, run } = await startCli(context)
    for (let count = 0; count < 5; count += 1) messenger.receive(BOB, 'x')
    const { status } = await run(['receive'], { outMaxCount: 2 })
    assert.equal(status, 0)
    assert.ok((await messenger.acknowledgedSeq('cli')) <= 2)
    const rest = await run(['receive'])
    assert.ok(rest.out.includes('#3 '))
  })

  it('shows thousands of events in order through an output that is slow', async (context) => {
    const { messenger, socketPath, server } = await startRpc(context)
    const count = 2_000
    for (let index = 0; index < count; index += 1) messenger.receive(BOB, 'x'.repeat(500))
    const io = createTestIo()
    const slow = {
      ...io,
      out: async (text: string) => {
        await new Promise((resolve) => setImmediate(resolve))
        return io.out(text)
      },
    }
    assert.equal(await runCli(['receive', '--json', '--socket', socketPath], slow, {}), 0)
    const seqs = io
      .stdout()
      .trimEnd()
      .split('\n')
      .map((line) => (JSON.parse(line) as { params: { seq: number } }).params.seq)
    assert.deepEqual(
      seqs,
      Array.from({ length: count }, (_, index) => index + 1),
    )
    assert.equal(await messenger.acknowledgedSeq('cli'), count)
    await until(() => server.stats().connections === 0)
  })
})

describe('stream io', () => {
  const streams = (stdin: PassThrough, stdout = new PassThrough()) =>
    createStreamIo({
      stdin,
      stdout,
      stderr: new PassThrough(),
      signal: new AbortController().signal,
      nowMs: () => 0,
      sleep: never,
    })

  it('reads the whole input', async () => {
    const stdin = new PassThrough()
    const io = streams(stdin)
    stdin.write('naï')
    stdin.end('ve\n')
    assert.equal(await io.readInput(), 'naïve\n')
  })

  it('refuses what is not text or longer than a request may be', async () => {
    const binary = new PassThrough()
    binary.end(Uint8Array.of(0xff))
    await assert.rejects(streams(binary).readInput(), { code: 'CLI_INPUT_INVALID' })
    const endless = new PassThrough()
    const reading = streams(endless).readInput()
    for (let bytes = 0; bytes <= RPC_LIMITS.lineBytes; bytes += 65_536) endless.write(Buffer.alloc(65_536, 0x61))
    await assert.rejects(reading, { code: 'CLI_INPUT_INVALID' })
  })

  it('stops reading when it is interrupted', async () => {
    const abort = new AbortController()
    const [stdout, stderr] = [new PassThrough(), new PassThrough()]
    const io = createStreamIo({
      stdin: new PassThrough(),
      stdout,
      stderr,
      signal: abort.signal,
      nowMs: () => 0,
      sleep: never,
    })
    const reading = io.readInput()
    abort.abort()
    await assert.rejects(reading, { code: 'CLI_INTERRUPTED' })
  })

  it('notices that nobody reads any more', async () => {
    const stdout = new PassThrough()
    const io = streams(new PassThrough(), stdout)
    assert.equal(await io.out('a'), true)
    stdout.destroy(Object.assign(new Error('closed'), { code: 'EPIPE' }))
    assert.equal(await io.out('b'), false)
    assert.equal(await io.out('c'), false)
  })

  it('says so when the output fails for another reason, however late the stream tells', async () => {
    const stdout = new Writable({
      write: (_chunk, _encoding, done) => done(Object.assign(new Error('full'), { code: 'ENOSPC' })),
      destroy: (error, done) => void setImmediate(done, error),
    })
    const io = createStreamIo({
      stdin: new PassThrough(),
      stdout,
      stderr: new PassThrough(),
      signal: new AbortController().signal,
      nowMs: () => 0,
      sleep: never,
    })
    await assert.rejects(io.out('a'), { code: 'CLI_OUTPUT_FAILED' })
  })
})
