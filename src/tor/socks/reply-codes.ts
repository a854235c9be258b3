/**
 * Names the SOCKS reply codes, tor's extended ones (proposal 304, torrc `ExtendedErrors`) included. Spec 07-tor §7.2.
 * Never invents a reason: a code that is not listed is `TOR_SOCKS_REFUSED` with its number.
 * @module
 */
import type { AppError } from '../../base/index.ts'
import type { TorErrorCode } from '../errors.ts'
import { torError } from '../errors.ts'

const CODES: Readonly<Record<number, TorErrorCode>> = {
  2: 'TOR_SOCKS_NOT_ALLOWED',
  3: 'TOR_ONION_UNREACHABLE',
  4: 'TOR_ONION_UNREACHABLE',
  5: 'TOR_ONION_REFUSED',
  6: 'TOR_ONION_UNREACHABLE',
  240: 'TOR_ONION_NOT_FOUND',
  241: 'TOR_ONION_DESCRIPTOR_INVALID',
  242: 'TOR_ONION_INTRO_FAILED',
  243: 'TOR_ONION_RENDEZVOUS_FAILED',
  244: 'TOR_ONION_AUTH_MISSING',
  245: 'TOR_ONION_AUTH_WRONG',
  246: 'TOR_ONION_ADDRESS_INVALID',
  247: 'TOR_ONION_INTRO_TIMEOUT',
}

export function socksReplyError(reply: number): AppError {
  return torError(CODES[reply] ?? 'TOR_SOCKS_REFUSED', { details: { reply } })
}
