import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { isAppError } from '../../../src/base/index.ts'
import type { TorOptions } from '../../../src/tor/index.ts'
import { openTorSession, type TorSession } from '../../../src/tor/session.ts'
import { childOptions, later, type ScriptedControl, scriptedControl, shortDirectory, systemClock } from './support.ts'

type Answer = (line: string) => string | undefined

const open: Answer = (line) =>
  line.startsWith('PROTOCOLINFO')
    ? '250-PROTOCOLINFO 1\r\n250-AUTH METHODS=NULL\r\n250-VERSION Tor="0.4.8.1 (git-x)"\r\n250 OK\r\n'
    : line === 'GETINFO net/listeners/socks'
      ? '250-net/listeners/socks="unix:/run/tor/socks"\r\n250 OK\r\n'
      : '250 OK\r\n'
const closed: Answer = (line) =>
  line.startsWith('PROTOCOLINFO')
    ? '250-PROTOCOLINFO 1\r\n250-AUTH METHODS=HASHEDPASSWORD\r\n250 OK\r\n'
    : '515 Bad authentication\r\n'
const web: Answer = () => 'HTTP/1.1 400 Bad Request\r\n\r\n'

const NOBODY = { path: '/nonexistent/control' }

async function session(
  t: TestContext,
  patch: Partial<TorOptions>,
): Promise<{ session: TorSession; stages: readonly string[] }> {
  const stages: string[] = []
  const options = { ...childOptions(await shortDirectory(t)), mode: 'attach' as const, ...patch }
  const opened = await openTorSession(options, systemClock, (stage) => stages.push(stage), AbortSignal.timeout(5_000))
  later(t, () => opened.close())
  return { session: opened, stages }
}

const used = (server: ScriptedControl): boolean => server.received.some((line) => line.startsWith('AUTHENTICATE'))

describe('finding a tor', { timeout: 10_000 }, () => {
  it('prefers the configuration to the environment, and both to what is found', async (t) => {
    const servers = await Promise.all([open, open, open].map((answer) => scriptedControl(t, answer)))
    const [configured, environment, found] = servers as [ScriptedControl, ScriptedControl, ScriptedControl]
    const rest = { environment: { control: { path: environment.path } }, candidates: [{ path: found.path }] }
    await session(t, { control: { path: configured.path }, ...rest })
    assert.deepEqual(servers.map(used), [true, false, false])
    await session(t, rest)
    assert.deepEqual(servers.map(used), [true, true, false])
    await session(t, { candidates: rest.candidates })
    assert.deepEqual(servers.map(used), [true, true, true])
  })

  it('does not go past an address that somebody named', async (t) => {
    const found = await scriptedControl(t, open)
    for (const mode of ['attach', 'auto'] as const) {
      await assert.rejects(session(t, { mode, control: NOBODY, candidates: [{ path: found.path }] }), (error) =>
        isAppError(error, 'TOR_CONTROL_UNREACHABLE'),
      )
    }
    assert.equal(used(found), false)
  })

  it('passes over what is absent, what refuses us and what is no tor', async (t) => {
    const refusing = await scriptedControl(t, closed)
    const other = await scriptedControl(t, web)
    const good = await scriptedControl(t, open)
    const candidates = [NOBODY, { path: refusing.path }, { path: other.path }, { path: good.path }]
    const found = await session(t, { candidates, credentials: { password: 'wrong' } })
    assert.equal(found.session.mode, 'attached')
    assert.equal(found.session.version, '0.4.8.1')
    assert.deepEqual([...new Set(found.stages)], ['searching', 'authenticating'])
    assert.ok(used(refusing) && used(good))
  })

  it('says why it was refused rather than that somebody else was absent', async (t) => {
    const refusing = await scriptedControl(t, closed)
    const attempt = (credentials: { password?: string }): Promise<unknown> =>
      session(t, { candidates: [{ path: refusing.path }, NOBODY], credentials })
    await assert.rejects(attempt({}), (error) => isAppError(error, 'TOR_AUTHENTICATION_UNSUPPORTED'))
    await assert.rejects(attempt({ password: 'x' }), (error) => isAppError(error, 'TOR_AUTHENTICATION_FAILED'))
  })

  it('finds the SOCKS address as §1.2 says', async (t) => {
    const server = await scriptedControl(t, open)
    const silent = await scriptedControl(t, (line) => (line.startsWith('GETINFO') ? '510 Filtered\r\n' : open(line)))
    const candidates = [{ path: server.path }]
    const environment = { socks: { host: '127.0.0.1', port: 9150 } } as const
    const socks = { path: '/configured' }
    const target = async (patch: Partial<TorOptions>): Promise<unknown> => (await session(t, patch)).session.socks
    assert.deepEqual(await target({ candidates, environment, socks }), socks)
    assert.deepEqual(await target({ candidates, environment }), environment.socks)
    assert.deepEqual(await target({ candidates }), { path: '/run/tor/socks' })
    assert.deepEqual(await target({ candidates: [{ path: silent.path }] }), { host: '127.0.0.1', port: 9050 })
  })

  it('stops looking when aborted', async (t) => {
    const mute = await scriptedControl(t, () => undefined)
    const abort = new AbortController()
    const options = { ...childOptions(await shortDirectory(t)), mode: 'attach' as const, control: { path: mute.path } }
    const pending = openTorSession(options, systemClock, () => abort.abort(), abort.signal)
    await assert.rejects(pending, { name: 'AbortError' })
    const later = new AbortController()
    const asking = openTorSession(options, systemClock, () => undefined, later.signal)
    const poll = setInterval(() => mute.received.length > 0 && later.abort(), 5)
    await assert.rejects(asking, { name: 'AbortError' })
    clearInterval(poll)
  })
})
