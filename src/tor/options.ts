/**
 * Everything that can be set about Tor, each default with its reason. Spec 07-tor §1.
 * Never reads the environment or a file: the daemon does, and passes plain values.
 * @module
 */
import { MINUTE_MS, SECOND_MS } from '../base/index.ts'
import type { ControlCredentials, LocalTarget } from './control/index.ts'
import { torError } from './errors.ts'

/** What the customary environment variables say; made by {@link parseTorEnvironment}. */
export interface TorEnvironment {
  readonly control?: LocalTarget
  readonly socks?: LocalTarget
  readonly credentials?: ControlCredentials
}

/** How our own tor is run. */
export interface ChildTorOptions {
  /** Absolute paths or names to try in order. Debian puts tor in /usr/sbin, which is not on every user's PATH. */
  readonly binaries: readonly string[]
  /** Data directory, torrc and cookie; made 0700. tor keeps its guards here: it must survive restarts. */
  readonly directory: string
  /** `UseBridges` lines without the word `Bridge`, passed through as they are. */
  readonly bridges: readonly string[]
  /** `ClientTransportPlugin` lines without that word. */
  readonly transportPlugins: readonly string[]
  /** More torrc lines, for the private test network. Unsafe: they can undo every protection. */
  readonly extraLines: readonly string[]
  /** How long tor may take to open its control socket. 0.2 to 0.7 s measured on two busy cores. Default 30 s. */
  readonly launchTimeoutMs: number
  /** How long tor may take to end when asked; then it is killed by its handle. Default 3 s, of the 5 s a stop may take. */
  readonly stopTimeoutMs: number
}

export interface TorOptions {
  /** `auto` attaches where it can and else runs its own tor; `attach` never runs one; `child` never attaches. */
  readonly mode: 'auto' | 'attach' | 'child'
  /** A control address from the configuration; then no other is tried. */
  readonly control?: LocalTarget
  readonly credentials?: ControlCredentials
  /** SOCKS address of an attached tor; else the environment's, else what tor says, else 127.0.0.1:9050. */
  readonly socks?: LocalTarget
  readonly environment?: TorEnvironment
  /** Where a tor of the system may be found, in order. Tails' filter comes first: there 9051 is not ours (PEERS §4.1). */
  readonly candidates: readonly LocalTarget[]
  readonly child: ChildTorOptions
  /** Directory for our sockets, 0700, with a short path: a socket path has at most 107 bytes. */
  readonly socketDirectory: string
  /**
   * What tor connects inbound streams to. `auto` is `unix` for our own tor and `tcp` for an attached one,
   * which seldom may open our files.
   */
  readonly onionTarget: 'auto' | 'unix' | 'tcp'
  /** Range of 127.0.0.1 ports for `tcp`. OnionShare's own range, so that filters and firewalls made for it fit. */
  readonly portRange: { readonly first: number; readonly last: number }
  /** How long a dial may take. tor itself gives up after 120 s (measured); 60 s by TORNET §2.3. */
  readonly dialTimeoutMs: number
  /** First and longest pause between attempts to reach or start tor; each is jittered down to its half. */
  readonly retryMs: { readonly first: number; readonly longest: number }
  /**
   * When no word about an upload has come for this long and one has succeeded, the descriptor counts as published.
   * For filters that hide failed uploads (PEERS §4.5). Guessed.
   */
  readonly publishSettleMs: number
}

/** The defaults; `child.directory` and `socketDirectory` have none. */
export const TOR_DEFAULTS = {
  mode: 'auto',
  candidates: [
    { host: '127.0.0.1', port: 951 },
    { path: '/run/tor/control' },
    { path: '/var/run/tor/control' },
    { host: '127.0.0.1', port: 9051 },
  ],
  onionTarget: 'auto',
  portRange: { first: 17_600, last: 17_650 },
  dialTimeoutMs: MINUTE_MS,
  retryMs: { first: SECOND_MS / 2, longest: 30 * SECOND_MS },
  publishSettleMs: 10 * SECOND_MS,
} as const satisfies Partial<TorOptions>

export const CHILD_TOR_DEFAULTS = {
  binaries: ['tor', '/usr/sbin/tor', '/usr/bin/tor', '/usr/local/bin/tor', '/usr/local/sbin/tor'],
  bridges: [],
  transportPlugins: [],
  extraLines: [],
  launchTimeoutMs: 30 * SECOND_MS,
  stopTimeoutMs: 3 * SECOND_MS,
} as const satisfies Partial<ChildTorOptions>

/** Size of `sun_path` on Linux less its final zero. */
const SOCKET_PATH_MAX_BYTES = 107

/** @throws {AppError} `TOR_SOCKET_PATH_TOO_LONG` */
export function assertSocketPath(path: string): void {
  const bytes = Buffer.byteLength(path)
  if (bytes > SOCKET_PATH_MAX_BYTES) {
    throw torError('TOR_SOCKET_PATH_TOO_LONG', { details: { bytes, maxBytes: SOCKET_PATH_MAX_BYTES } })
  }
}

// Blanks and quotes cannot be written in ADD_ONION; a comma would end the target.
const PLAIN_PATH = /^\/[^\s"'\\,\p{Cc}]*$/u
const LINE = /^[^\r\n\0]*$/

function assertTarget(target: LocalTarget | undefined): void {
  if (target === undefined) return
  const usable =
    'path' in target
      ? PLAIN_PATH.test(target.path)
      : target.host === '127.0.0.1' && Number.isInteger(target.port) && target.port > 0 && target.port < 65_536
  if (!usable) throw torError('TOR_OPTION_INVALID')
  if ('path' in target) assertSocketPath(target.path)
}

/**
 * Checks what the types cannot say.
 *
 * @throws {AppError} `TOR_OPTION_INVALID`, `TOR_SOCKET_PATH_TOO_LONG`
 */
export function assertTorOptions(options: TorOptions): void {
  const { child, portRange, retryMs } = options
  for (const target of [options.control, options.socks, options.environment?.control, options.environment?.socks]) {
    assertTarget(target)
  }
  for (const target of options.candidates) assertTarget(target)
  const lines = [
    ...child.bridges,
    ...child.transportPlugins,
    ...child.extraLines,
    options.credentials?.password ?? '',
    options.environment?.credentials?.password ?? '',
  ]
  const usable =
    PLAIN_PATH.test(options.socketDirectory) &&
    PLAIN_PATH.test(child.directory) &&
    lines.every((line) => LINE.test(line)) &&
    portRange.first > 0 &&
    portRange.first <= portRange.last &&
    portRange.last < 65_536 &&
    options.dialTimeoutMs > 0 &&
    retryMs.first > 0 &&
    retryMs.first <= retryMs.longest
  if (!usable) throw torError('TOR_OPTION_INVALID')
  // The longest name in the directory is that of an onion target.
  assertSocketPath(`${options.socketDirectory}/o-00000000`)
}

function environmentTarget(
  path: string | undefined,
  host: string | undefined,
  port: string | undefined,
): LocalTarget | undefined {
  let target: LocalTarget | undefined
  if (path !== undefined && path !== '') {
    target = { path: path.replace(/^unix:/, '') }
  } else if (port !== undefined && port !== '') {
    // `localhost` may be ::1 first, which Tails drops: only the literal address is taken (PEERS §4.1).
    if (host !== undefined && host !== '' && host !== '127.0.0.1') throw torError('TOR_OPTION_INVALID')
    target = { host: '127.0.0.1', port: /^[0-9]{1,5}$/.test(port) ? Number(port) : 0 }
  }
  assertTarget(target)
  return target
}

/**
 * Reads `TOR_CONTROL_IPC_PATH`, `TOR_CONTROL_HOST`, `TOR_CONTROL_PORT`, `TOR_CONTROL_PASSWD`,
 * `TOR_CONTROL_COOKIE_AUTH_FILE`, `TOR_SOCKS_IPC_PATH`, `TOR_SOCKS_HOST` and `TOR_SOCKS_PORT` from a plain record.
 *
 * @throws {AppError} `TOR_OPTION_INVALID` for a host other than 127.0.0.1 or a port that is none
 */
export function parseTorEnvironment(variables: Readonly<Record<string, string | undefined>>): TorEnvironment {
  const control = environmentTarget(
    variables['TOR_CONTROL_IPC_PATH'],
    variables['TOR_CONTROL_HOST'],
    variables['TOR_CONTROL_PORT'],
  )
  const socks = environmentTarget(
    variables['TOR_SOCKS_IPC_PATH'],
    variables['TOR_SOCKS_HOST'],
    variables['TOR_SOCKS_PORT'],
  )
  const password = variables['TOR_CONTROL_PASSWD']
  const cookiePath = variables['TOR_CONTROL_COOKIE_AUTH_FILE']
  const credentials = {
    ...(password === undefined || password === '' ? {} : { password }),
    ...(cookiePath === undefined || cookiePath === '' ? {} : { cookiePath }),
  }
  return {
    ...(control === undefined ? {} : { control }),
    ...(socks === undefined ? {} : { socks }),
    ...(Object.keys(credentials).length === 0 ? {} : { credentials }),
  }
}
