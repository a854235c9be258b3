/**
 * Reads the one configuration file, once, strictly.
 * Never guesses: an unknown key or a value of the wrong form is an error that names the key. HOUSE §4.6.
 * @module
 */
import { readFileSync } from 'node:fs'
import { isAbsolute, join } from 'node:path'
import { parseHostUri } from '../mailbox/index.ts'
import { defaultSocketPath } from '../rpc/index.ts'
import type { HostEntry } from '../wire/index.ts'
import { daemonError } from './errors.ts'

export interface TorConfig {
  /** `auto` looks for a running tor and starts its own when there is none (DESIGN §4). */
  readonly mode: 'auto' | 'attach' | 'child'
  /** Control port to attach to: an absolute socket path or `127.0.0.1:PORT`. Else `TOR_CONTROL_*`, else the usual places. */
  readonly control: string | undefined
  /** SOCKS port to use with it: an absolute socket path or `127.0.0.1:PORT`. Asked of tor when unset. */
  readonly socks: string | undefined
  /** File with the control password on its first line. */
  readonly passwordFile: string | undefined
  /**
   * What tor connects inbound streams to: `auto` is a unix socket for our own tor and a 127.0.0.1 port for one that is
   * attached to. With `unix` the daemon needs no network at all (DESIGN §4); the attached tor must be able to reach
   * files of this user.
   */
  readonly onionTarget: 'auto' | 'unix' | 'tcp'
  /** The tor program for our own child; searched in the usual places when unset. */
  readonly binary: string | undefined
  /** Bridge lines for our own child, as bridge operators give them. */
  readonly bridges: readonly string[]
  /** `ClientTransportPlugin` lines for our own child. */
  readonly transportPlugins: readonly string[]
}

/** Everything here weakens anonymity, is off by default, and is named in the start-up line. */
export interface UnsafeConfig {
  /** Lines added to the torrc of our own child: for private test networks only. */
  readonly torrcLines: readonly string[]
  /**
   * Rhythms of the mailboxes so many times as fast, with next to no proof of work: for private test networks only. All
   * nodes of a network must have the same; alone with it one would stand out at every courier. At least 1.
   */
  readonly mailboxSpeed: number | undefined
}

/** The host role: keeps boxes of others, passes on their requests, is courier to their clients. */
export interface HostConfig {
  /**
   * Off: this daemon only uses hosts. On, its onions and their keys are public, and when it is online can be seen by all;
   * nothing of it is shared with the profile. For machines that stay on (DESIGN §2).
   */
  readonly enabled: boolean
  /** Most that the boxes of others may take on this disk, in MiB. A message takes about two KiB for 14 days. */
  readonly quotaMib: number
  /**
   * Whether `hosts` from this file are for the host role alone: a machine that nobody writes from then has no client traffic.
   * Whoever writes from it wants it off.
   */
  readonly alone: boolean
}

export interface DaemonConfig {
  /** Absolute. Holds the sealed store and our own tor's state; made with mode 0700. */
  readonly dataDirectory: string
  /** Absolute path of the RPC socket; its directory is made with mode 0700. */
  readonly socketPath: string
  /** First line is the passphrase. Without it the store opens with the key file. */
  readonly passphraseFile: string | undefined
  /** 32 random bytes, mode 0600, made when missing. */
  readonly keyFile: string
  /** Keeps everything in memory; nothing is written to disk but tor's own state, which is removed at the end. */
  readonly ephemeral: boolean
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error'
  readonly tor: TorConfig
  readonly host: HostConfig
  /** Hosts to begin with, from `noctule-host:` texts; one that answers is enough. Invites bring others. */
  readonly hosts: readonly HostEntry[]
  readonly unsafe: UnsafeConfig
}

/** The few things of the surroundings that the defaults need. */
export interface ConfigEnvironment {
  readonly HOME?: string | undefined
  readonly XDG_CONFIG_HOME?: string | undefined
  readonly XDG_DATA_HOME?: string | undefined
  readonly XDG_RUNTIME_DIR?: string | undefined
}

/** What the command line says; it goes before the file. */
export interface ConfigOverrides {
  readonly configPath?: string
  readonly dataDirectory?: string
  readonly socketPath?: string
  readonly passphraseFile?: string
  readonly keyFile?: string
  readonly ephemeral?: boolean
  readonly host?: boolean
  readonly logLevel?: string
}

export type ConfigResult =
  | { readonly ok: true; readonly config: DaemonConfig }
  /** One sentence a problem, naming keys but never values. */
  | { readonly ok: false; readonly problems: readonly string[] }

/** Two million boxes. Guessed. */
const HOST_QUOTA_MIB = 4_096
/** 16 TiB; a descriptor has room for more. */
const HOST_QUOTA_MAX_MIB = 2 ** 24
/** Beyond it rhythms fall below the millisecond, and what waits for tor is no faster anyway. */
const MAILBOX_SPEED_MAX = 1_000

type Fields = Readonly<Record<string, unknown>>

/** Collects problems while it reads typed fields out of parsed JSON. */
function createFieldReader(fields: Fields, prefix: string, known: readonly string[], problems: string[]) {
  for (const key of Object.keys(fields)) {
    if (!known.includes(key)) problems.push(`unknown key \`${prefix}${key}\``)
  }
  const complain = (key: string, form: string): undefined => {
    problems.push(`\`${prefix}${key}\` must be ${form}`)
    return undefined
  }
  return {
    text(key: string): string | undefined {
      const value = fields[key]
      if (value === undefined) return undefined
      return typeof value === 'string' && value.length > 0 ? value : complain(key, 'a text')
    },
    path(key: string): string | undefined {
      const value = fields[key]
      if (value === undefined) return undefined
      return typeof value === 'string' && isAbsolute(value) ? value : complain(key, 'an absolute path')
    },
    flag(key: string): boolean | undefined {
      const value = fields[key]
      if (value === undefined) return undefined
      return typeof value === 'boolean' ? value : complain(key, '`true` or `false`')
    },
    choice<T extends string>(key: string, choices: readonly T[]): T | undefined {
      const value = fields[key]
      if (value === undefined) return undefined
      return choices.find((choice) => choice === value) ?? complain(key, `one of ${choices.join(', ')}`)
    },
    /** Lines go into a torrc, so none may smuggle in a second one. */
    lines(key: string): readonly string[] {
      const value = fields[key]
      if (value === undefined) return []
      if (Array.isArray(value) && value.every((line): line is string => typeof line === 'string' && isOneLine(line))) {
        return value
      }
      complain(key, 'a list of single-line texts')
      return []
    },
    number(key: string, minimum: number, maximum: number, isWhole: boolean): number | undefined {
      const value = fields[key]
      if (value === undefined) return undefined
      const fits = typeof value === 'number' && value >= minimum && value <= maximum
      if (fits && (!isWhole || Number.isInteger(value))) return value
      return complain(key, `a ${isWhole ? 'whole ' : ''}number from ${minimum} to ${maximum}`)
    },
    hosts(key: string): readonly HostEntry[] {
      const value = fields[key]
      if (value === undefined) return []
      const texts: readonly unknown[] = Array.isArray(value) ? value : [undefined]
      const entries = texts.map((text) => (typeof text === 'string' ? parseHostUri(text) : undefined))
      const found = entries.flatMap((result) => (result?.ok === true ? [result.entry] : []))
      if (found.length < texts.length) complain(key, 'a list of `noctule-host:` texts')
      return found
    },
    group(key: string): Fields {
      const value = fields[key]
      if (value === undefined) return {}
      if (isFields(value)) return value
      complain(key, 'an object')
      return {}
    },
  }
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isOneLine(line: string): boolean {
  return line.length > 0 && line.length <= 4_096 && ![...line].some((character) => character < ' ')
}

const ENDPOINT = /^127\.0\.0\.1:([1-9][0-9]{0,4})$/

function isEndpoint(text: string): boolean {
  const port = ENDPOINT.exec(text)?.[1]
  return isAbsolute(text) || (port !== undefined && Number(port) <= 65_535)
}

const ROOT_KEYS = [
  'dataDirectory',
  'socketPath',
  'passphraseFile',
  'keyFile',
  'ephemeral',
  'logLevel',
  'tor',
  'host',
  'hosts',
  'unsafe',
] as const
const HOST_KEYS = ['enabled', 'quotaMib', 'alone'] as const
const UNSAFE_KEYS = ['torrcLines', 'mailboxSpeed'] as const
const TOR_KEYS = [
  'mode',
  'control',
  'socks',
  'passwordFile',
  'onionTarget',
  'binary',
  'bridges',
  'transportPlugins',
] as const

/** Checks a parsed file and completes it with defaults: command line, then file, then environment, then default. */
export function resolveConfig(file: unknown, overrides: ConfigOverrides, environment: ConfigEnvironment): ConfigResult {
  const problems: string[] = []
  if (!isFields(file)) return { ok: false, problems: ['the file must hold one object'] }
  const root = createFieldReader(file, '', ROOT_KEYS, problems)
  const tor = createFieldReader(root.group('tor'), 'tor.', TOR_KEYS, problems)
  const unsafe = createFieldReader(root.group('unsafe'), 'unsafe.', UNSAFE_KEYS, problems)
  const host = createFieldReader(root.group('host'), 'host.', HOST_KEYS, problems)
  const home = environment.HOME ?? '/'
  const dataDirectory =
    overrides.dataDirectory ??
    root.path('dataDirectory') ??
    join(environment.XDG_DATA_HOME ?? join(home, '.local', 'share'), 'noctule')
  const levels = ['debug', 'info', 'warn', 'error'] as const
  const logLevel = levels.find((level) => level === overrides.logLevel)
  if (overrides.logLevel !== undefined && logLevel === undefined)
    problems.push('--log-level must be one of debug, info, warn, error')
  const torMode = tor.choice('mode', ['auto', 'attach', 'child']) ?? 'auto'
  const control = tor.text('control')
  const socks = tor.text('socks')
  for (const [key, value] of [
    ['control', control],
    ['socks', socks],
  ] as const) {
    if (value !== undefined && !isEndpoint(value)) {
      problems.push(`\`tor.${key}\` must be an absolute socket path or 127.0.0.1:PORT`)
    }
  }
  const bridges = tor.lines('bridges')
  const torrcLines = unsafe.lines('torrcLines')
  if (torMode === 'child' && control !== undefined) problems.push('`tor.control` has no meaning with `tor.mode` child')
  if (torMode === 'attach' && (bridges.length > 0 || torrcLines.length > 0)) {
    problems.push('bridges and torrc lines need `tor.mode` child or auto: a tor that is attached to has its own')
  }
  const config: DaemonConfig = {
    dataDirectory,
    socketPath: overrides.socketPath ?? root.path('socketPath') ?? defaultSocketPath(environment, dataDirectory),
    passphraseFile: overrides.passphraseFile ?? root.path('passphraseFile'),
    keyFile:
      overrides.keyFile ??
      root.path('keyFile') ??
      join(environment.XDG_CONFIG_HOME ?? join(home, '.config'), 'noctule', 'key'),
    ephemeral: overrides.ephemeral ?? root.flag('ephemeral') ?? false,
    logLevel: logLevel ?? root.choice('logLevel', levels) ?? 'info',
    tor: {
      mode: torMode,
      control,
      socks,
      passwordFile: tor.path('passwordFile'),
      onionTarget: tor.choice('onionTarget', ['auto', 'unix', 'tcp']) ?? 'auto',
      binary: tor.text('binary'),
      bridges,
      transportPlugins: tor.lines('transportPlugins'),
    },
    host: {
      enabled: overrides.host ?? host.flag('enabled') ?? false,
      alone: host.flag('alone') ?? false,
      quotaMib: host.number('quotaMib', 1, HOST_QUOTA_MAX_MIB, true) ?? HOST_QUOTA_MIB,
    },
    hosts: root.hosts('hosts'),
    unsafe: { torrcLines, mailboxSpeed: unsafe.number('mailboxSpeed', 1, MAILBOX_SPEED_MAX, false) },
  }
  for (const [option, path] of [
    ['--data-dir', dataDirectory],
    ['--socket', config.socketPath],
    ['--key-file', config.keyFile],
    ['--passphrase-file', config.passphraseFile],
  ] as const) {
    if (path !== undefined && !isAbsolute(path)) problems.push(`${option} must be an absolute path`)
  }
  return problems.length === 0 ? { ok: true, config } : { ok: false, problems }
}

/**
 * Reads and resolves the configuration. Without `--config` a missing default file means all defaults.
 * @throws {AppError} `CONFIG_UNREADABLE`, `CONFIG_SYNTAX`
 */
export function readConfig(overrides: ConfigOverrides, environment: ConfigEnvironment): ConfigResult {
  const path =
    overrides.configPath ??
    join(environment.XDG_CONFIG_HOME ?? join(environment.HOME ?? '/', '.config'), 'noctule', 'config.json')
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error: unknown) {
    const missing = error instanceof Error && 'code' in error && error.code === 'ENOENT'
    if (!missing || overrides.configPath !== undefined) throw daemonError('CONFIG_UNREADABLE', { cause: error })
    text = '{}'
  }
  let parsed: unknown
  try {
    parsed = JSON.parse(text)
  } catch (error: unknown) {
    throw daemonError('CONFIG_SYNTAX', { cause: error })
  }
  return resolveConfig(parsed, overrides, environment)
}
