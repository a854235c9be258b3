/**
 * The daemon as a process: start, stop, refusals and exit codes, with the real tor and without any network.
 * @module
 */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { type DaemonProcess, startDaemon, waitFor, writeDaemonConfig } from '../support/daemon-process.ts'

const MAIN = fileURLToPath(new URL('../../dist/daemon/main.js', import.meta.url))
const LIMIT_MS = 180_000
/** The real tor program, which then never opens a connection. */
const OFFLINE = ['DisableNetwork 1']

const root = mkdtempSync(join(tmpdir(), 'noctule-e2e-'))
after(() => rmSync(root, { recursive: true, force: true }))
let count = 0
const freshDirectory = (): string => join(root, `d${++count}`)

interface Ended {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

function run(args: readonly string[], input?: string): Promise<Ended> {
  const child = spawn(process.execPath, [MAIN, ...args], { stdio: ['pipe', 'pipe', 'pipe'] })
  let out = ''
  let err = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text))
  child.stdin.end(input ?? '')
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, out, err })))
}

/** Every file below a directory with the hash of its content, to show that a refused start wrote nothing. */
function fingerprint(directory: string): Record<string, string> {
  const files: Record<string, string> = {}
  for (const entry of readdirSync(directory, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue
    const path = join(entry.parentPath, entry.name)
    files[path] = createHash('sha256').update(readFileSync(path)).digest('hex')
  }
  return files
}

async function torPidOf(daemon: DaemonProcess): Promise<number> {
  return waitFor('our own tor', LIMIT_MS, async () => {
    const children = readFileSync(`/proc/${daemon.child.pid}/task/${daemon.child.pid}/children`, 'utf8').trim()
    for (const pid of children.split(' ').filter((text) => text !== '')) {
      if (readFileSync(`/proc/${pid}/comm`, 'utf8').trim() === 'tor') return Number(pid)
    }
    return undefined
  })
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    // A process that nobody has waited for yet is dead as well.
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false
  }
}

describe('the daemon without a network', () => {
  it('shows the stages of tor and stays usable', async () => {
    const daemon = await startDaemon({ directory: freshDirectory(), torrcLines: OFFLINE })
    const stages = new Set<string>()
    await waitFor('tor to run', LIMIT_MS, async () => {
      const { tor } = await daemon.rpc.call('status', {})
      stages.add(tor.stage)
      return tor.stage === 'bootstrapping' ? true : undefined
    })
    assert.ok(!stages.has('ready'))
    const invite = await daemon.rpc.call('createInvite', { label: 'later' })
    assert.match(invite.uri, /^noctule:[a-z2-7]+$/)
    assert.equal(invite.published, false)
    assert.equal((await daemon.rpc.call('listInvites', {})).length, 1)
    // In time as well: a stop that takes too long is cut short, with another code.
    assert.equal(await daemon.stop(), 0)
  })

  it('shows that tor is missing, and goes on looking for it', async () => {
    const daemon = await startDaemon({
      directory: freshDirectory(),
      tor: { mode: 'child', binary: '/nonexistent/tor' },
    })
    await waitFor('the stage', LIMIT_MS, async () => {
      const { tor } = await daemon.rpc.call('status', {})
      return tor.stage === 'missing' ? true : undefined
    })
    assert.equal(await daemon.stop(), 0)
  })

  it('starts tor again when it was killed', async () => {
    const daemon = await startDaemon({ directory: freshDirectory(), torrcLines: OFFLINE })
    const first = await torPidOf(daemon)
    process.kill(first, 'SIGKILL')
    const second = await waitFor('another tor', LIMIT_MS, async () => {
      const pid = await torPidOf(daemon)
      return pid !== first && isAlive(pid) ? pid : undefined
    })
    await waitFor('tor to run', LIMIT_MS, async () => {
      const { tor } = await daemon.rpc.call('status', {})
      return tor.stage === 'bootstrapping' ? true : undefined
    })
    assert.equal(await daemon.stop(), 0)
    await waitFor('tor to be gone', LIMIT_MS, async () => (isAlive(second) ? undefined : true))
  })

  it('takes its tor with it when it is killed', async () => {
    const daemon = await startDaemon({ directory: freshDirectory(), torrcLines: OFFLINE })
    const pid = await torPidOf(daemon)
    await daemon.kill()
    // tor looks for its owner every 15 seconds.
    await waitFor('tor to be gone', LIMIT_MS, async () => (isAlive(pid) ? undefined : true))
  })

  it('stops over the RPC, leaving no socket behind', async () => {
    const daemon = await startDaemon({ directory: freshDirectory(), torrcLines: OFFLINE })
    await daemon.rpc.call('shutdown', {})
    assert.equal(await daemon.exited, 0)
    assert.throws(() => statSync(daemon.socketPath), { code: 'ENOENT' })
  })

  it('ends at once on the second signal', async () => {
    const daemon = await startDaemon({ directory: freshDirectory(), torrcLines: OFFLINE })
    daemon.child.kill('SIGTERM')
    daemon.child.kill('SIGINT')
    const code = await daemon.exited
    // The first stop may win the race; what counts is that the process is gone and its store opens again.
    assert.ok(code === 70 || code === 0, String(code))
  })

  it('keeps files to itself, and nothing at all when ephemeral', async () => {
    const directory = freshDirectory()
    const daemon = await startDaemon({ directory, torrcLines: OFFLINE })
    for (const path of [join(directory, 'd'), join(directory, 'd', 'store'), join(directory, 'r')]) {
      assert.equal(statSync(path).mode & 0o777, 0o700, path)
    }
    assert.equal(statSync(daemon.socketPath).mode & 0o777, 0o600)
    assert.equal(statSync(join(directory, 'key')).mode & 0o777, 0o600)
    assert.equal(await daemon.stop(), 0)
    const other = freshDirectory()
    const temporary = mkdtempSync(join(root, 't'))
    const ephemeral = await startDaemon({
      directory: other,
      torrcLines: OFFLINE,
      extraArguments: ['--ephemeral'],
      environment: { TMPDIR: temporary },
    })
    assert.equal(readdirSync(temporary).length, 1, 'control: this is where its tor lives meanwhile')
    await ephemeral.rpc.call('createInvite', {})
    assert.equal(await ephemeral.stop(), 0)
    assert.deepEqual(readdirSync(other).sort(), ['config.json', 'r'])
    assert.deepEqual(readdirSync(temporary), [])
  })
})

describe('a daemon that is a host as well', () => {
  it('says so, keeps its boxes to itself, and stops as fast as any', async () => {
    const directory = freshDirectory()
    const daemon = await startDaemon({
      directory,
      torrcLines: OFFLINE,
      config: { host: { quotaMib: 5 } },
      unsafe: { mailboxSpeed: 50 },
      extraArguments: ['--host'],
    })
    const stats = await daemon.rpc.call('hostStats', {})
    assert.match(stats.host, /^noctule-host:[a-z2-7]+$/)
    assert.deepEqual([stats.published, stats.boxes, stats.quotaBytes], [false, 0, 5 * 2 ** 20])
    await waitFor('the start-up line', LIMIT_MS, async () => daemon.log().includes('info ready') || undefined)
    assert.match(daemon.log(), /^info ready .*mailbox_speed=50 .*host=true$/m)
    assert.ok(!daemon.log().includes(stats.hostKey.slice(0, 8)), 'the log names the host')
    for (const path of ['d/host', 'd/host/boxes']) {
      assert.equal(statSync(join(directory, path)).mode & 0o777, 0o700, path)
    }
    // In time as well: a stop that takes too long is cut short, with another code.
    assert.equal(await daemon.stop(), 0)
    assert.doesNotMatch(daemon.log(), /stop took too long|^error /m)
  })

  it('is told to another daemon by the text that it shows', async () => {
    const host = await startDaemon({ directory: freshDirectory(), torrcLines: OFFLINE, extraArguments: ['--host'] })
    const other = await startDaemon({ directory: freshDirectory(), torrcLines: OFFLINE })
    const shown = await run(['host-stats', '--socket', host.socketPath])
    const uri = /^Host +(noctule-host:[a-z2-7]+)$/m.exec(shown.out)?.[1] ?? ''
    assert.ok(uri.length > 0, shown.out + shown.err)
    const added = await run(['add-host', '-', '--socket', other.socketPath], `${uri}\n`)
    assert.deepEqual([added.code, added.out.startsWith('Host ')], [0, true], added.err)
    const listed = await run(['list-hosts', '--socket', other.socketPath])
    assert.match(listed.out, /(courier|not heard of yet)/)
    assert.equal((await run(['host-stats', '--socket', other.socketPath])).code, 1)
    const rejected = await run(['add-host', uri.slice(0, -1), '--socket', other.socketPath])
    assert.match(rejected.err, /HOST_ENTRY_MALFORMED/)
    assert.deepEqual(await Promise.all([host.stop(), other.stop()]), [0, 0])
  })
})

describe('refusals', () => {
  it('checks a configuration without starting', async () => {
    const { configPath } = writeDaemonConfig({ directory: freshDirectory() })
    assert.deepEqual(await run(['daemon', '--config', configPath, '--check-config']), {
      code: 0,
      out: 'The configuration is accepted.\n',
      err: '',
    })
    writeFileSync(configPath, '{"dataDirectory":"/x","speed":"fast"}')
    const refused = await run(['daemon', '--config', configPath, '--check-config'])
    assert.equal(refused.code, 78)
    assert.match(refused.err, /unknown key `speed`/)
    assert.equal((await run(['daemon', '--nonsense'])).code, 64)
    assert.equal((await run(['daemon', '--help'])).code, 0)
  })

  it('refuses a data directory that cannot be made', async () => {
    for (const directory of ['/proc/nothing/here', '/dev/null/below']) {
      const ended = await run(['daemon', '--data-dir', directory, '--key-file', join(freshDirectory(), 'key')])
      assert.equal(ended.code, 78)
      assert.match(ended.err, /DAEMON_DIRECTORY/)
    }
  })

  it('lets one daemon in at a time', async () => {
    const directory = freshDirectory()
    const daemon = await startDaemon({ directory, torrcLines: OFFLINE })
    const second = await run(['daemon', '--config', join(directory, 'config.json')])
    assert.equal(second.code, 75)
    assert.match(second.err, /STORE_LOCKED/)
    await daemon.rpc.call('version', {})
    assert.equal(await daemon.stop(), 0)
  })

  it('refuses a wrong passphrase, a foreign key and a damaged store, and overwrites nothing', async () => {
    const directory = freshDirectory()
    const daemon = await startDaemon({ directory, torrcLines: OFFLINE })
    assert.equal(await daemon.stop(), 0)
    const configPath = join(directory, 'config.json')
    const store = join(directory, 'd', 'store')
    const refuse = async (code: number, pattern: RegExp, ...args: string[]): Promise<void> => {
      const before = fingerprint(store)
      const ended = await run(['daemon', '--config', configPath, ...args])
      assert.match(ended.err, pattern)
      assert.equal(ended.code, code)
      assert.deepEqual(fingerprint(store), before)
    }
    const key = join(directory, 'other-key')
    writeFileSync(key, new Uint8Array(32).fill(7), { mode: 0o600 })
    await refuse(77, /STORE_WRONG_KEY_FILE/, '--key-file', key)
    chmodSync(key, 0o644)
    await refuse(78, /STORE_KEY_FILE_PERMISSIONS/, '--key-file', key)
    const passphrase = join(directory, 'passphrase')
    writeFileSync(passphrase, 'correct horse\n', { mode: 0o600 })
    await refuse(78, /STORE_SECRET_MISMATCH/, '--passphrase-file', passphrase)
    writeFileSync(passphrase, '\n')
    await refuse(78, /DAEMON_SECRET_FILE/, '--passphrase-file', passphrase)
    const header = join(store, 'store.header')
    const bytes = readFileSync(header)
    bytes[bytes.length - 1] = (bytes[bytes.length - 1] ?? 0) ^ 1
    writeFileSync(header, bytes)
    await refuse(65, /STORE_CORRUPT/)
  })

  it('opens with the right passphrase only, slowly by design', async () => {
    const directory = freshDirectory()
    const { configPath } = writeDaemonConfig({ directory, torrcLines: OFFLINE })
    const passphrase = join(directory, 'passphrase')
    writeFileSync(passphrase, 'correct horse battery staple\n', { mode: 0o600 })
    const args = ['--passphrase-file', passphrase]
    const daemon = await startDaemon({ directory, torrcLines: OFFLINE, extraArguments: args })
    const { profile } = await daemon.rpc.call('status', {})
    assert.equal(await daemon.stop(), 0)
    writeFileSync(passphrase, 'wrong horse battery staple\n')
    const refused = await run(['daemon', '--config', configPath, ...args])
    assert.equal(refused.code, 77)
    assert.match(refused.err, /STORE_WRONG_PASSPHRASE/)
    writeFileSync(passphrase, 'correct horse battery staple\n')
    const again = await startDaemon({ directory, torrcLines: OFFLINE, extraArguments: args })
    assert.equal((await again.rpc.call('status', {})).profile.identity, profile.identity)
    assert.equal(await again.stop(), 0)
  })
})

describe('the command line against a daemon', () => {
  it('makes an invite, shows it and withdraws it', async () => {
    const daemon = await startDaemon({ directory: freshDirectory(), torrcLines: OFFLINE })
    const socket = ['--socket', daemon.socketPath]
    const made = await run(['create-invite', '--json', ...socket])
    assert.equal(made.code, 0, made.err)
    const invite = JSON.parse(made.out) as { inviteId: string; uri: string }
    const shown = await run(['preview-invite', invite.uri, ...socket])
    assert.equal(shown.code, 0, shown.err)
    const own = await run(['accept-invite', invite.uri, ...socket])
    assert.equal(own.code, 1)
    assert.match(own.err, /made the invite itself/)
    assert.equal((await run(['revoke-invite', invite.inviteId, ...socket])).code, 0)
    assert.match((await run(['list-invites', ...socket])).out, /revoked/)
    assert.equal((await run(['shutdown', ...socket])).code, 0)
    assert.equal(await daemon.exited, 0)
    assert.equal((await run(['status', ...socket])).code, 3, 'nobody is there any more')
  })
})
