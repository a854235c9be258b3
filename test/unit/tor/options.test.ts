import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isAppError } from '../../../src/base/index.ts'
import { parseTorEnvironment, TOR_DEFAULTS, TOR_ERRORS, TOR_WARNINGS } from '../../../src/tor/index.ts'
import { assertTorOptions } from '../../../src/tor/options.ts'
import { parseSocksListeners } from '../../../src/tor/session.ts'
import { childOptions } from './support.ts'

const invalid = (error: unknown): boolean => isAppError(error, 'TOR_OPTION_INVALID')

describe('tor options', () => {
  it('tries the addresses of DESIGN §4 in order', () => {
    assert.deepEqual(TOR_DEFAULTS.candidates, [
      { host: '127.0.0.1', port: 951 },
      { path: '/run/tor/control' },
      { path: '/var/run/tor/control' },
      { host: '127.0.0.1', port: 9051 },
    ])
  })

  it('reads the customary environment', () => {
    assert.deepEqual(parseTorEnvironment({}), {})
    assert.deepEqual(
      parseTorEnvironment({
        TOR_CONTROL_PORT: '9151',
        TOR_CONTROL_HOST: '127.0.0.1',
        TOR_CONTROL_PASSWD: 'p',
        TOR_CONTROL_COOKIE_AUTH_FILE: '/c',
        TOR_SOCKS_PORT: '9150',
      }),
      {
        control: { host: '127.0.0.1', port: 9151 },
        socks: { host: '127.0.0.1', port: 9150 },
        credentials: { password: 'p', cookiePath: '/c' },
      },
    )
    assert.deepEqual(
      parseTorEnvironment({ TOR_CONTROL_IPC_PATH: 'unix:/a/b', TOR_SOCKS_IPC_PATH: '/c', TOR_SOCKS_PORT: '1' }),
      { control: { path: '/a/b' }, socks: { path: '/c' } },
    )
  })

  it('takes no other machine, no name and no port that is none', () => {
    for (const host of ['localhost', '::1', '10.0.2.2', '127.0.0.2']) {
      assert.throws(() => parseTorEnvironment({ TOR_CONTROL_PORT: '9051', TOR_CONTROL_HOST: host }), invalid, host)
    }
    for (const port of ['0', '65536', '-1', '9051 ', 'x', '1e3']) {
      assert.throws(() => parseTorEnvironment({ TOR_SOCKS_PORT: port }), invalid, port)
    }
  })

  it('refuses what would break a command, a torrc or a socket', () => {
    const base = childOptions('/tmp/x')
    assertTorOptions(base)
    const bad = [
      { ...base, socketDirectory: '/tmp/with space' },
      { ...base, socketDirectory: 'relative' },
      { ...base, control: { path: '/tmp/a\nb' } },
      { ...base, credentials: { password: 'a\r\nb' } },
      { ...base, child: { ...base.child, bridges: ['obfs4 1\nControlPort 9051'] } },
      { ...base, child: { ...base.child, directory: '/tmp/"x' } },
      { ...base, portRange: { first: 10, last: 9 } },
      { ...base, retryMs: { first: 10, longest: 9 } },
    ]
    for (const options of bad) assert.throws(() => assertTorOptions(options), invalid)
    assert.throws(
      () => assertTorOptions({ ...base, control: { path: `/${'ä'.repeat(60)}` } }),
      (error) => isAppError(error, 'TOR_SOCKET_PATH_TOO_LONG') && error.details['bytes'] === 121,
    )
  })

  it('finds a SOCKS listener on this machine only', () => {
    const parse = (value: string): unknown => parseSocksListeners(`net/listeners/socks=${value}`)
    assert.deepEqual(parse('"127.0.0.1:9050"'), { host: '127.0.0.1', port: 9050 })
    assert.deepEqual(parse('"10.0.0.1:9050" "[::1]:9050" "unix:/run/tor/socks" "127.0.0.1:9050"'), {
      path: '/run/tor/socks',
    })
    for (const value of ['', '""', '"127.0.0.1:99999"', '"unix:relative"', '"']) assert.equal(parse(value), undefined)
  })

  it('says for each code why and what to do, and what is lost by each refusal', () => {
    for (const [code, entry] of Object.entries(TOR_ERRORS)) {
      assert.match(code, /^TOR_[A-Z_]+$/)
      assert.ok(entry.why.endsWith('.') && entry.remedy.endsWith('.'), code)
    }
    for (const [code, text] of Object.entries(TOR_WARNINGS))
      assert.ok(!(code in TOR_ERRORS) && text.endsWith('.'), code)
  })
})
