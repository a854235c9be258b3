/**
 * Authentication on a tor control port: NULL, SAFECOOKIE, password; COOKIE only when nothing else is offered.
 * Never sends the cookie itself to something that offers SAFECOOKIE and fails it. Spec 07-tor §2.3.
 * @module
 */
// The one use of node:crypto outside src/crypto: the handshake belongs to the control protocol of tor, not to noctule's
// own cryptography, and floor 3 may not import src/crypto.
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { readFile, stat } from 'node:fs/promises'
import { hexDecode, hexEncode } from '../../base/index.ts'
import { torError } from '../errors.ts'
import type { ControlCommand } from './control-command.ts'
import { controlCommand, quoteString } from './control-command.ts'
import { parseKeyValues } from './key-values.ts'
import type { ControlReply } from './reply-parser.ts'

/** What the user has given us; everything may be absent. */
export interface ControlCredentials {
  readonly password?: string
  /** Overrides the cookie file that tor names, for instance where tor runs in another file system. */
  readonly cookiePath?: string
}

export type ControlAuthMethod = 'NULL' | 'SAFECOOKIE' | 'HASHEDPASSWORD' | 'COOKIE'

/** What tor said about itself before authentication, and the method that was used. */
export interface ProtocolInfo {
  readonly version: string | undefined
  readonly method: ControlAuthMethod
}

interface Requester {
  request(command: ControlCommand | string): Promise<ControlReply>
}

interface Offer {
  readonly version: string | undefined
  readonly methods: readonly string[]
  readonly cookiePath: string | undefined
}

const COOKIE_BYTES = 32
const SERVER_LABEL = 'Tor safe cookie authentication server-to-controller hash'
const CLIENT_LABEL = 'Tor safe cookie authentication controller-to-server hash'

function parseProtocolInfo(reply: ControlReply): Offer {
  let version: string | undefined
  let methods: string[] = []
  let cookiePath: string | undefined
  for (const line of reply.lines) {
    const parsed = parseKeyValues(line.text)
    const pairs = parsed?.pairs
    if (parsed?.words[0] === 'AUTH') {
      methods = (pairs?.get('METHODS') ?? '').split(',')
      const file = pairs?.get('COOKIEFILE')
      // tor escapes the bytes of the path; as Latin-1 they are those bytes again.
      cookiePath = file === undefined ? undefined : Buffer.from(file, 'latin1').toString('utf8')
    } else if (parsed?.words[0] === 'VERSION') {
      const tor = pairs?.get('Tor')
      version = tor === undefined ? undefined : /^[0-9]+(?:\.[0-9]+){1,4}/.exec(tor)?.[0]
    }
  }
  return { version, methods, cookiePath }
}

async function readCookie(path: string | undefined): Promise<Buffer | undefined> {
  if (path === undefined) return undefined
  try {
    // Whoever answers names the path: a device would never end, a pipe never begin.
    const found = await stat(path)
    if (!found.isFile() || found.size !== COOKIE_BYTES) return undefined
    const cookie = await readFile(path)
    return cookie.length === COOKIE_BYTES ? cookie : undefined
  } catch {
    // Not readable for this user: the method is then not usable, another one may be.
    return undefined
  }
}

function cookieHash(label: string, ...parts: readonly Uint8Array[]): Buffer {
  const hmac = createHmac('sha256', label)
  for (const part of parts) hmac.update(part)
  return hmac.digest()
}

async function safeCookieToken(control: Requester, cookie: Uint8Array): Promise<string> {
  const clientNonce = randomBytes(COOKIE_BYTES)
  const reply = await control.request(controlCommand('AUTHCHALLENGE', 'SAFECOOKIE', hexEncode(clientNonce)))
  const pairs = parseKeyValues(reply.lines[0]?.text ?? '')?.pairs
  const serverHash = hexDecode((pairs?.get('SERVERHASH') ?? '').toLowerCase())
  const serverNonce = hexDecode((pairs?.get('SERVERNONCE') ?? '').toLowerCase())
  if (reply.status !== 250 || serverHash?.length !== 32 || serverNonce === undefined || serverNonce.length < 16) {
    throw torError('TOR_AUTHENTICATION_FAILED', { details: { status: reply.status } })
  }
  const expected = cookieHash(SERVER_LABEL, cookie, clientNonce, serverNonce)
  // Whoever does not know the cookie is not our tor: no fallback that would give it away.
  if (!timingSafeEqual(expected, serverHash)) throw torError('TOR_AUTHENTICATION_FAILED')
  return hexEncode(cookieHash(CLIENT_LABEL, cookie, clientNonce, serverNonce))
}

/**
 * Authenticates with the first offered method for which we have what it takes.
 *
 * @throws {AppError} `TOR_AUTHENTICATION_UNSUPPORTED`, `TOR_AUTHENTICATION_FAILED`, `TOR_CONTROL_MALFORMED`
 */
export async function authenticateWith(control: Requester, credentials: ControlCredentials): Promise<ProtocolInfo> {
  const info = await control.request('PROTOCOLINFO 1')
  if (info.status !== 250) throw torError('TOR_CONTROL_MALFORMED', { details: { status: info.status } })
  const offer = parseProtocolInfo(info)
  const cookie = await readCookie(credentials.cookiePath ?? offer.cookiePath)
  const usable = (method: string): method is ControlAuthMethod =>
    method === 'NULL' ||
    (method === 'SAFECOOKIE' && cookie !== undefined) ||
    (method === 'HASHEDPASSWORD' && credentials.password !== undefined)
  let method: ControlAuthMethod | undefined = offer.methods.find(usable)
  const onlyCookie = !offer.methods.includes('SAFECOOKIE') && offer.methods.includes('COOKIE')
  if (method === undefined && onlyCookie && cookie !== undefined) method = 'COOKIE'
  if (method === undefined) throw torError('TOR_AUTHENTICATION_UNSUPPORTED')
  const tokens: readonly string[] =
    method === 'SAFECOOKIE' && cookie !== undefined
      ? [await safeCookieToken(control, cookie)]
      : method === 'HASHEDPASSWORD'
        ? [quoteString(Buffer.from(credentials.password ?? '', 'utf8').toString('latin1'))]
        : method === 'COOKIE' && cookie !== undefined
          ? [hexEncode(cookie)]
          : []
  const reply = await control.request(controlCommand('AUTHENTICATE', ...tokens))
  if (reply.status !== 250) throw torError('TOR_AUTHENTICATION_FAILED', { details: { status: reply.status } })
  return { version: offer.version, method }
}
