/**
 * Every way in which Tor can fail for noctule, with what it means and what to do. Spec 07-tor §7.
 * Never names an onion, a path or a port.
 * @module
 */
import type { ErrorFactory, ErrorTable } from '../base/index.ts'
import { createErrorFactory } from '../base/index.ts'

export const TOR_ERRORS = {
  TOR_CONTROL_UNREACHABLE: {
    kind: 'environment',
    why: 'No tor answers at the control address.',
    remedy: 'Start tor, or correct the control address in the configuration; it is tried again at intervals.',
  },
  TOR_CONTROL_CLOSED: {
    kind: 'retry',
    why: 'The control connection to tor ended.',
    remedy: 'Wait: it is opened again and everything is published again.',
  },
  TOR_CONTROL_MALFORMED: {
    kind: 'environment',
    why: 'What answers at the control address does not speak the control protocol of tor.',
    remedy: 'Check that the configured control address belongs to tor.',
  },
  TOR_CONTROL_TIMEOUT: {
    kind: 'retry',
    why: 'tor did not answer a command in time.',
    remedy: 'Wait: the control connection is given up and opened again.',
  },
  TOR_CONTROL_BUSY: {
    kind: 'retry',
    why: 'Too many commands wait for tor.',
    remedy: 'Try again later.',
  },
  TOR_COMMAND_REFUSED: {
    kind: 'environment',
    why: 'tor refused a command.',
    remedy: 'Look at the status in the details; compare the version of tor with the one in spec 07-tor.',
  },
  TOR_FEATURE_REFUSED: {
    kind: 'environment',
    why: 'A filter in front of tor forbids this command.',
    remedy: 'Install the noctule profile of spec 07-tor §8 in the filter, or go without the feature.',
  },
  TOR_AUTHENTICATION_FAILED: {
    kind: 'user',
    why: 'tor does not accept our credentials on its control port.',
    remedy: 'Configure the control password, or give this user read access to the control cookie.',
  },
  TOR_AUTHENTICATION_UNSUPPORTED: {
    kind: 'user',
    why: 'tor offers no way to authenticate that we can use.',
    remedy: 'Configure the control password, or switch CookieAuthentication on in tor.',
  },
  TOR_BINARY_MISSING: {
    kind: 'environment',
    why: 'There is no tor to attach to and no tor program to start.',
    remedy: 'Install tor, or name its program in the configuration; it is looked for again at intervals.',
  },
  TOR_CHILD_FAILED: {
    kind: 'environment',
    why: 'Our own tor ended before it could be used.',
    remedy: 'Look at the exit status in the details, and at the words of tor in the debug log.',
  },
  TOR_CHILD_EXITED: {
    kind: 'retry',
    why: 'Our own tor ended.',
    remedy: 'Wait: it is started again.',
  },
  TOR_DIRECTORY_UNUSABLE: {
    kind: 'environment',
    why: 'The directory for our own tor cannot be made or is not ours alone.',
    remedy: 'Choose a directory that belongs to this user and has room.',
  },
  TOR_SOCKET_PATH_TOO_LONG: {
    kind: 'user',
    why: 'The path of a socket is longer than the operating system allows.',
    remedy: 'Choose a shorter data or socket directory; the details say how many bytes it may have.',
  },
  TOR_OPTION_INVALID: {
    kind: 'user',
    why: 'An option for tor has a value that cannot be used.',
    remedy:
      'Correct the tor section of the configuration; addresses are literal 127.0.0.1, paths are absolute and without blanks, quotes or commas.',
  },
  TOR_LISTENER_FAILED: {
    kind: 'environment',
    why: 'No local socket could be opened for an onion service.',
    remedy: 'Free a port of the configured range, or make the socket directory writable.',
  },
  TOR_NOT_READY: {
    kind: 'retry',
    why: 'tor is not ready for connections yet.',
    remedy: 'Wait until the stage is ready.',
  },
  TOR_STOPPED: {
    kind: 'stopping',
    why: 'The connection to Tor was stopped.',
    remedy: 'Nothing; the daemon is stopping.',
  },
  TOR_ONION_CLOSED: {
    kind: 'stopping',
    why: 'The onion service was closed.',
    remedy: 'Nothing; it was closed on purpose.',
  },
  TOR_SOCKS_UNREACHABLE: {
    kind: 'retry',
    why: 'The SOCKS address of tor does not answer.',
    remedy: 'Check the SOCKS address in the configuration if it lasts; try again.',
  },
  TOR_SOCKS_MALFORMED: {
    kind: 'environment',
    why: 'What answers at the SOCKS address does not speak SOCKS 5.',
    remedy: 'Check that the configured SOCKS address belongs to tor.',
  },
  TOR_SOCKS_ISOLATION_REFUSED: {
    kind: 'environment',
    why: 'The SOCKS address of tor does not take credentials, so streams could not be kept apart.',
    remedy: 'Remove PreferSOCKSNoAuth from that SocksPort, or configure another SOCKS address.',
  },
  TOR_SOCKS_REFUSED: {
    kind: 'retry',
    why: 'tor refused the stream for a reason that it does not tell.',
    remedy: 'Try again later; the reply code is in the details.',
  },
  TOR_SOCKS_NOT_ALLOWED: {
    kind: 'environment',
    why: 'The SOCKS address of tor does not admit onion services.',
    remedy: 'Remove NoOnionTraffic from that SocksPort, or configure another SOCKS address.',
  },
  TOR_ONION_NOT_FOUND: {
    kind: 'peer',
    why: 'The onion service has no descriptor that can be found; the peer is offline or its descriptor is not out yet.',
    remedy: 'Try again later.',
  },
  TOR_ONION_DESCRIPTOR_INVALID: {
    kind: 'peer',
    why: 'The descriptor of the onion service could not be parsed or validated.',
    remedy: 'Try again later, when another descriptor may be out.',
  },
  TOR_ONION_INTRO_FAILED: {
    kind: 'peer',
    why: 'None of the introduction points of the onion service could be used; the peer went offline.',
    remedy: 'Try again later.',
  },
  TOR_ONION_RENDEZVOUS_FAILED: {
    kind: 'peer',
    why: 'The onion service did not come to the rendezvous.',
    remedy: 'Try again later.',
  },
  TOR_ONION_AUTH_MISSING: {
    kind: 'peer',
    why: 'The onion service wants client authorisation and tor has no key for it.',
    remedy: 'Authorise first; if the key was withdrawn, ask for a new invite.',
  },
  TOR_ONION_AUTH_WRONG: {
    kind: 'peer',
    why: 'The onion service does not know our client authorisation key.',
    remedy: 'The key was withdrawn or belongs to another time window; ask for a new one.',
  },
  TOR_ONION_ADDRESS_INVALID: {
    kind: 'peer',
    why: 'tor holds the onion address for invalid.',
    remedy: 'Do not use the address.',
  },
  TOR_ONION_INTRO_TIMEOUT: {
    kind: 'peer',
    why: 'All introduction attempts at the onion service timed out.',
    remedy: 'Try again later.',
  },
  TOR_ONION_UNREACHABLE: {
    kind: 'peer',
    why: 'The onion service could not be reached over Tor.',
    remedy: 'Try again later.',
  },
  TOR_ONION_REFUSED: {
    kind: 'peer',
    why: 'The onion service was reached and refused the stream.',
    remedy: 'Try again later; the peer may be starting or may have dropped us.',
  },
  TOR_DIAL_TIMEOUT: {
    kind: 'peer',
    why: 'The stream to the onion service was not open in time.',
    remedy: 'Try again later.',
  },
  TOR_STREAM_RESET: {
    kind: 'peer',
    why: 'An open stream to an onion service broke.',
    remedy: 'Dial again.',
  },
} as const satisfies ErrorTable

export type TorErrorCode = keyof typeof TOR_ERRORS

export const torError: ErrorFactory<typeof TOR_ERRORS> = createErrorFactory(TOR_ERRORS)
