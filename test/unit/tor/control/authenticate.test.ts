import assert from 'node:assert/strict'
import { createHmac, randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { describe, it, type TestContext } from 'node:test'
import { isAppError } from '../../../../src/base/index.ts'
import { type ControlCredentials, connectControl, type ProtocolInfo } from '../../../../src/tor/index.ts'
import { later, scriptedControl, shortDirectory } from '../support.ts'

interface Server {
  readonly methods: string
  readonly cookie?: Buffer
  readonly cookiePath?: string
  readonly password?: string
  /** Answers the challenge without knowing the cookie. */
  readonly impostor?: boolean
}

const SERVER_HASH = 'Tor safe cookie authentication server-to-controller hash'
const CLIENT_HASH = 'Tor safe cookie authentication controller-to-server hash'

/** The server side of control-spec §3.24, written for these tests. */
async function authenticate(
  t: TestContext,
  server: Server,
  credentials: ControlCredentials,
): Promise<{ received: string[]; result: Promise<ProtocolInfo> }> {
  const serverNonce = randomBytes(32)
  let expected = ''
  const scripted = await scriptedControl(t, (line) => {
    const [verb, ...rest] = line.split(' ')
    if (verb === 'PROTOCOLINFO') {
      const file = server.cookiePath === undefined ? '' : ` COOKIEFILE="${server.cookiePath}"`
      return `250-PROTOCOLINFO 1\r\n250-AUTH METHODS=${server.methods}${file}\r\n250-VERSION Tor="0.4.9.11"\r\n250 OK\r\n`
    }
    if (verb === 'AUTHCHALLENGE') {
      const clientNonce = Buffer.from(rest[1] ?? '', 'hex')
      const cookie = server.impostor === true ? randomBytes(32) : (server.cookie ?? Buffer.alloc(32))
      const hash = (label: string): string =>
        createHmac('sha256', label).update(cookie).update(clientNonce).update(serverNonce).digest('hex').toUpperCase()
      expected = hash(CLIENT_HASH).toLowerCase()
      const nonce = serverNonce.toString('hex').toUpperCase()
      return `250 AUTHCHALLENGE SERVERHASH=${hash(SERVER_HASH)} SERVERNONCE=${nonce}\r\n`
    }
    const token = rest.join(' ')
    const right =
      (server.methods.includes('NULL') && token === '') ||
      (expected !== '' && token === expected) ||
      (server.password !== undefined && token === `"${server.password}"`) ||
      (server.methods === 'COOKIE' && token === server.cookie?.toString('hex'))
    return right ? '250 OK\r\n' : '515 Authentication failed\r\n'
  })
  const control = await connectControl(scripted)
  later(t, () => control.close())
  return { received: scripted.received, result: control.authenticate(credentials) }
}

async function cookieFile(t: TestContext): Promise<{ cookie: Buffer; cookiePath: string }> {
  const cookiePath = `${await shortDirectory(t)}/cookie`
  const cookie = randomBytes(32)
  await writeFile(cookiePath, cookie)
  return { cookie, cookiePath }
}

const rejects = (result: Promise<unknown>, code: string): Promise<void> =>
  assert.rejects(result, (error) => isAppError(error, code))

describe('authentication', { timeout: 10_000 }, () => {
  it('uses NULL where it is offered first, with no cookie or password', async (t) => {
    const { received, result } = await authenticate(t, { methods: 'NULL' }, { password: 'unused' })
    assert.deepEqual(await result, { version: '0.4.9.11', method: 'NULL' })
    assert.deepEqual(received, ['PROTOCOLINFO 1', 'AUTHENTICATE'])
  })

  it('proves knowledge of the cookie without sending it', async (t) => {
    const file = await cookieFile(t)
    const { received, result } = await authenticate(t, { methods: 'COOKIE,SAFECOOKIE', ...file }, {})
    assert.equal((await result).method, 'SAFECOOKIE')
    assert.ok(!received.join('\n').includes(file.cookie.toString('hex')))
  })

  it('does not authenticate to an impostor, nor fall back to what it would like', async (t) => {
    const file = await cookieFile(t)
    const server = { methods: 'SAFECOOKIE,COOKIE,HASHEDPASSWORD', ...file, impostor: true, password: 'p' }
    const { received, result } = await authenticate(t, server, { password: 'p' })
    await rejects(result, 'TOR_AUTHENTICATION_FAILED')
    assert.equal(received.length, 2)
    assert.ok(!received.join('\n').includes(file.cookie.toString('hex')))
  })

  it('follows the order of PROTOCOLINFO among the methods it can use', async (t) => {
    const file = await cookieFile(t)
    const first = await authenticate(
      t,
      { methods: 'HASHEDPASSWORD,SAFECOOKIE', ...file, password: 'a' },
      { password: 'a' },
    )
    assert.equal((await first.result).method, 'HASHEDPASSWORD')
    const second = await authenticate(t, { methods: 'HASHEDPASSWORD,SAFECOOKIE', ...file }, {})
    assert.equal((await second.result).method, 'SAFECOOKIE')
    const third = await authenticate(
      t,
      { methods: 'SAFECOOKIE,HASHEDPASSWORD', cookiePath: '/nonexistent', password: 'a' },
      { password: 'a' },
    )
    assert.equal((await third.result).method, 'HASHEDPASSWORD')
  })

  it('sends a plain cookie only where nothing else is offered', async (t) => {
    const file = await cookieFile(t)
    const only = await authenticate(t, { methods: 'COOKIE', ...file }, {})
    assert.equal((await only.result).method, 'COOKIE')
    assert.ok(only.received.includes(`AUTHENTICATE ${file.cookie.toString('hex')}`))
  })

  it('quotes the password, and takes a cookie path of its own', async (t) => {
    const quoted = await authenticate(t, { methods: 'HASHEDPASSWORD', password: 'a\\"b c' }, { password: 'a"b c' })
    await quoted.result
    const file = await cookieFile(t)
    const own = await authenticate(t, { methods: 'SAFECOOKIE', cookie: file.cookie }, { cookiePath: file.cookiePath })
    await own.result
  })

  it('tells a wrong password from having nothing to offer', async (t) => {
    const wrong = await authenticate(t, { methods: 'HASHEDPASSWORD', password: 'right' }, { password: 'wrong' })
    await rejects(wrong.result, 'TOR_AUTHENTICATION_FAILED')
    const nothing = await authenticate(t, { methods: 'HASHEDPASSWORD', password: 'right' }, {})
    await rejects(nothing.result, 'TOR_AUTHENTICATION_UNSUPPORTED')
    const unknown = await authenticate(t, { methods: 'QUANTUM' }, { password: 'x' })
    await rejects(unknown.result, 'TOR_AUTHENTICATION_UNSUPPORTED')
    const short = `${await shortDirectory(t)}/cookie`
    await writeFile(short, randomBytes(31))
    const cut = await authenticate(t, { methods: 'SAFECOOKIE', cookiePath: short }, {})
    await rejects(cut.result, 'TOR_AUTHENTICATION_UNSUPPORTED')
  })

  it('reads no cookie from what is no file of the right size', { timeout: 10_000 }, async (t) => {
    for (const cookiePath of ['/dev/zero', '/proc/self/environ', '/']) {
      const { result } = await authenticate(t, { methods: 'COOKIE,SAFECOOKIE', cookiePath }, {})
      await assert.rejects(result, (error) => isAppError(error, 'TOR_AUTHENTICATION_UNSUPPORTED'))
    }
  })
})
