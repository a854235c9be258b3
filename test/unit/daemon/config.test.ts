import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { isAppError } from '../../../src/base/index.ts'
import { readConfig, resolveConfig } from '../../../src/daemon/index.ts'
import { formatHostUri } from '../../../src/mailbox/index.ts'

const HOME = { HOME: '/home/alice' }

function problemsOf(file: unknown, overrides = {}): readonly string[] {
  const result = resolveConfig(file, overrides, HOME)
  return result.ok ? [] : result.problems
}

function accepted(file: unknown, overrides = {}, environment = HOME) {
  const result = resolveConfig(file, overrides, environment)
  if (!result.ok) throw new Error(result.problems.join('; '))
  return result.config
}

describe('configuration', () => {
  it('needs no file: the defaults follow the XDG directories', () => {
    const config = accepted({})
    assert.equal(config.dataDirectory, '/home/alice/.local/share/noctule')
    assert.equal(config.socketPath, '/home/alice/.local/share/noctule/run/rpc.sock')
    assert.equal(config.keyFile, '/home/alice/.config/noctule/key')
    assert.equal(config.tor.mode, 'auto')
    assert.equal(config.ephemeral, false)
    assert.deepEqual(config.unsafe, { torrcLines: [], mailboxSpeed: undefined })
    assert.deepEqual(config.host, { enabled: false, quotaMib: 4_096, alone: false })
    assert.deepEqual(config.hosts, [])
    const environment = { HOME: '/home/alice', XDG_DATA_HOME: '/d', XDG_CONFIG_HOME: '/c', XDG_RUNTIME_DIR: '/r' }
    const moved = accepted({}, {}, environment)
    assert.deepEqual(
      [moved.dataDirectory, moved.socketPath, moved.keyFile],
      ['/d/noctule', '/r/noctule/rpc.sock', '/c/noctule/key'],
    )
  })

  it('puts the command line before the file', () => {
    const config = accepted({ dataDirectory: '/file', logLevel: 'warn' }, { dataDirectory: '/line', logLevel: 'debug' })
    assert.deepEqual([config.dataDirectory, config.logLevel], ['/line', 'debug'])
  })

  it('reads the host role, its room, and hosts to begin with', () => {
    const entry = { hostKey: new Uint8Array(32).fill(7), courierOnionKey: new Uint8Array(32).fill(8) }
    const uri = formatHostUri(entry)
    const config = accepted({
      host: { enabled: true, quotaMib: 512, alone: true },
      hosts: [uri, ` ${uri.toUpperCase()} `],
    })
    assert.deepEqual(config.host, { enabled: true, quotaMib: 512, alone: true })
    assert.deepEqual(config.hosts, [entry, entry])
    assert.equal(accepted({ host: { enabled: false } }, { host: true }).host.enabled, true)
    assert.deepEqual(structuredClone(config), config)
  })

  it('takes no host text that was damaged, and no room or speed out of bounds', () => {
    const uri = formatHostUri({ hostKey: new Uint8Array(32), courierOnionKey: new Uint8Array(32) })
    for (const hosts of [uri, [uri.slice(0, -1)], [uri, 7], [`${uri}a`], ['noctule:aeaqcaib'], {}]) {
      assert.deepEqual(problemsOf({ hosts }), ['`hosts` must be a list of `noctule-host:` texts'])
    }
    for (const quotaMib of [0, -1, 1.5, 2 ** 24 + 1, Number.NaN, '4']) {
      assert.deepEqual(problemsOf({ host: { quotaMib } }), [
        '`host.quotaMib` must be a whole number from 1 to 16777216',
      ])
    }
    for (const mailboxSpeed of [0, 0.5, 1_001, Number.POSITIVE_INFINITY, null]) {
      assert.deepEqual(problemsOf({ unsafe: { mailboxSpeed } }), [
        '`unsafe.mailboxSpeed` must be a number from 1 to 1000',
      ])
    }
    assert.equal(accepted({ unsafe: { mailboxSpeed: 1.5 } }).unsafe.mailboxSpeed, 1.5)
  })

  it('names every problem by its key and never by its value', () => {
    const secret = 'planted-value'
    const problems = problemsOf({
      unknown: secret,
      dataDirectory: secret,
      ephemeral: secret,
      logLevel: secret,
      tor: { mode: secret, control: secret, bridges: [`${secret}\nSocksPort 1`], extra: secret },
      host: { enabled: secret, quotaMib: secret, extra: secret },
      hosts: [secret],
      unsafe: { torrcLines: secret, sendImmediately: true, mailboxSpeed: secret },
    })
    assert.equal(problems.length, 15)
    assert.ok(!problems.join('\n').includes(secret))
    for (const key of [
      'unknown',
      'dataDirectory',
      'ephemeral',
      'logLevel',
      'tor.mode',
      'tor.control',
      'tor.bridges',
      'tor.extra',
      'unsafe.torrcLines',
      'unsafe.sendImmediately',
    ]) {
      assert.ok(
        problems.some((problem) => problem.includes(`\`${key}\``)),
        key,
      )
    }
  })

  it('takes literal loopback addresses and socket paths only', () => {
    assert.deepEqual(problemsOf({ tor: { mode: 'attach', control: '127.0.0.1:9051', socks: '/run/tor/socks' } }), [])
    for (const control of [
      ['local', 'host:9051'].join(''),
      '10.0.0.1:9051',
      '127.0.0.1:0',
      '127.0.0.1:65536',
      '127.0.0.1',
      'relative/path',
    ]) {
      assert.equal(problemsOf({ tor: { control } }).length, 1, control)
    }
  })

  it('refuses combinations that contradict each other', () => {
    assert.equal(problemsOf({ tor: { mode: 'child', control: '127.0.0.1:9051' } }).length, 1)
    assert.equal(problemsOf({ tor: { mode: 'attach', bridges: ['obfs4 192.0.2.1:443 0'] } }).length, 1)
    assert.equal(problemsOf({}, { keyFile: 'relative' }).length, 1)
    assert.equal(problemsOf({}, { logLevel: 'loud' }).length, 1)
    for (const file of [undefined, null, 1, 'x', []]) assert.equal(problemsOf(file).length, 1)
  })

  it('stays cloneable', () => {
    const config = accepted({ tor: { bridges: ['obfs4 192.0.2.1:443 0'] } })
    assert.deepEqual(structuredClone(config), config)
  })

  it('tells a missing, an unreadable and a broken file apart', () => {
    const directory = mkdtempSync(join(tmpdir(), 'noctule-config-'))
    try {
      const environment = { HOME: directory }
      assert.equal(readConfig({}, environment).ok, true, 'no default file means all defaults')
      const read = (configPath: string) => () => readConfig({ configPath }, environment)
      assert.throws(read(join(directory, 'none.json')), (error) => isAppError(error, 'CONFIG_UNREADABLE'))
      assert.throws(read(directory), (error) => isAppError(error, 'CONFIG_UNREADABLE'))
      const path = join(directory, 'config.json')
      for (const text of ['', '{', '{"a":1}}', '\u0000', '[1,']) {
        writeFileSync(path, text)
        assert.throws(read(path), (error) => isAppError(error, 'CONFIG_SYNTAX'), JSON.stringify(text))
      }
      writeFileSync(path, '{"ephemeral":true}')
      const result = readConfig({ configPath: path }, environment)
      assert.equal(result.ok && result.config.ephemeral, true)
    } finally {
      rmSync(directory, { recursive: true, force: true })
    }
  })
})
