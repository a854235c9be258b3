/**
 * Builds a daemon out of its parts: the composition root.
 * Never decides anything a use-case should: it names adapters and the order in which they start and stop. HOUSE §4.2.
 * @module
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, isAbsolute, join } from 'node:path'
import { Sensitive } from '../base/index.ts'
import { onionPublicKey } from '../crypto/index.ts'
import { createMailboxClient, MAILBOX_PARAMETERS, type MailboxParameters, testParameters } from '../mailbox/index.ts'
import { type Messenger, openMessenger, SESSION_FUNCTIONS, type SessionFunctions } from '../messenger/index.ts'
import { createTrafficMeter } from '../padding/index.ts'
import type {
  BoxStore,
  Clock,
  KeyValueStore,
  Logger,
  Random,
  RecordNetwork,
  Startable,
  TorProvider,
} from '../ports/index.ts'
import { createRpcServer } from '../rpc/index.ts'
import { createMemoryStore, openStore, type StoreSecret } from '../store/index.ts'
import {
  CHILD_TOR_DEFAULTS,
  createTorProvider,
  type LocalTarget,
  parseTorEnvironment,
  TOR_DEFAULTS,
  type TorOptions,
} from '../tor/index.ts'
import { type createHostMesh, createRecordNetwork } from '../transport/index.ts'
import { onionAddress } from '../wire/index.ts'
import type { DaemonConfig } from './config.ts'
import { daemonError } from './errors.ts'
import { createFileAccess } from './file-access.ts'
import { composeHostRole, type HostRole } from './host-role.ts'
import { type DaemonRole, torForRole } from './role-tor.ts'

export interface DaemonDeps {
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly version: string
  /** Variables of the surroundings that concern tor. */
  readonly environment: Readonly<Record<string, string | undefined>>
  /** Asked for over the RPC. */
  readonly onShutdown: () => void
  /** A bug in a background task. */
  readonly onFailure: (error: unknown) => void
  /** Tests put observers in front of these. */
  readonly session?: SessionFunctions
  readonly wrapNetwork?: (network: RecordNetwork, role: DaemonRole) => RecordNetwork
  readonly wrapStore?: (store: KeyValueStore) => KeyValueStore
  readonly wrapBoxes?: (boxes: BoxStore) => BoxStore
  /** Or another mesh between hosts. */
  readonly createMesh?: typeof createHostMesh
  /** Or a tor of their own, which the daemon starts and stops. */
  readonly tor?: TorProvider
}

export interface Daemon extends Startable {
  readonly messenger: Messenger
}

/**
 * Opens the store and builds everything else; nothing touches the network before `start`.
 * @throws {AppError} `STORE_*`, `TOR_OPTION_INVALID`, `STATE_CORRUPT`
 */
export async function composeDaemon(config: DaemonConfig, deps: DaemonDeps): Promise<Daemon> {
  const { clock, random, logger } = deps
  const directory = makeDataDirectory(config)
  const removeDirectory = (): void => {
    if (config.ephemeral) rmSync(directory, { recursive: true, force: true })
  }
  let opened: KeyValueStore | undefined
  let host: HostRole | undefined
  try {
    opened = config.ephemeral
      ? createMemoryStore()
      : await openStore({
          directory: join(directory, 'store'),
          secret: storeSecret(config),
          create: 'if-missing',
          clock,
          logger: logger.child('store'),
        })
    const store = deps.wrapStore?.(opened) ?? opened
    const socketDirectory = join(directory, 'tor', 's')
    const tor =
      deps.tor ??
      createTorProvider(
        { clock, random, logger, addressOf: (secretKey) => onionAddress(onionPublicKey(secretKey)) },
        torOptions(config, directory, socketDirectory, deps.environment),
      )
    const networkOf = (role: DaemonRole): RecordNetwork => {
      const name = role === 'host' ? 'host-transport' : 'transport'
      const real = createRecordNetwork({ torProvider: torForRole(tor, role), logger: logger.child(name) })
      return deps.wrapNetwork?.(real, role) ?? real
    }
    const network = networkOf('profile')
    const parameters = mailboxParameters(config)
    const traffic = createTrafficMeter()
    const messenger = await openMessenger({
      clock,
      random,
      logger: logger.child('messenger'),
      store,
      files: createFileAccess(),
      tor,
      network,
      session: deps.session ?? SESSION_FUNCTIONS,
      traffic,
      mailbox: parameters,
      async createMailbox(owner) {
        const client = createMailboxClient({
          clock,
          random,
          logger: logger.child('mailbox'),
          store,
          network,
          parameters,
          traffic,
          owner,
          onFailure: deps.onFailure,
        })
        if (!config.host.alone && config.hosts.length > 0) await client.addHosts(config.hosts)
        return client
      },
      onFailure: deps.onFailure,
    })
    if (config.host.enabled) {
      host = await composeHostRole(
        {
          clock,
          random,
          logger,
          store,
          tor: torForRole(tor, 'host'),
          network: networkOf('host'),
          wrapBoxes: deps.wrapBoxes,
          createMesh: deps.createMesh,
          onFailure: deps.onFailure,
        },
        {
          boxDirectory: config.ephemeral ? undefined : join(directory, 'host', 'boxes'),
          quotaMib: config.host.quotaMib,
          parameters,
          entries: config.hosts,
        },
      )
    }
    const role = host
    const rpc = createRpcServer({
      messenger,
      ...(role === undefined ? {} : { host: role.face }),
      clock,
      logger: logger.child('rpc'),
      socketPath: config.socketPath,
      version: deps.version,
      onShutdown: deps.onShutdown,
    })
    return {
      messenger,
      async start() {
        // Front ends first: without a network, and while tor bootstraps, they still see what is going on.
        await rpc.start()
        await tor.start()
        await messenger.start()
        await role?.start()
      },
      async stop() {
        // Each has its turn whatever became of the others: nothing may stay open because of another's failure. What uses tor
        // ends beside it, the messenger first: it waits for nothing that a hung tor would owe it.
        const groups = [
          [() => rpc.stop()],
          [() => messenger.stop(), async () => role?.stop(), () => network.stop(), () => tor.stop()],
          [async () => role?.close(), () => store.close()],
          [async () => removeDirectory()],
        ]
        const failures: unknown[] = []
        for (const group of groups) {
          const results = await Promise.allSettled(group.map((stop) => stop()))
          for (const result of results) if (result.status === 'rejected') failures.push(result.reason)
        }
        if (failures.length > 0) throw failures[0]
      },
    }
  } catch (error: unknown) {
    await host?.close()
    await opened?.close()
    removeDirectory()
    throw error
  }
}

function mailboxParameters(config: DaemonConfig): MailboxParameters {
  const { mailboxSpeed } = config.unsafe
  return mailboxSpeed === undefined ? MAILBOX_PARAMETERS : testParameters(mailboxSpeed)
}

function makeDataDirectory(config: DaemonConfig): string {
  if (config.ephemeral) return asDirectoryError(() => mkdtempSync(join(tmpdir(), 'noctule-')))
  asDirectoryError(() => makeDirectory(config.dataDirectory))
  return config.dataDirectory
}

/** @throws {AppError} `DAEMON_DIRECTORY` */
function asDirectoryError<T>(make: () => T): T {
  try {
    return make()
  } catch (error: unknown) {
    throw daemonError('DAEMON_DIRECTORY', { cause: error })
  }
}

/** Node's own recursive form loops for ever below /proc, where a parent exists and takes no children. */
function makeDirectory(path: string): void {
  try {
    mkdirSync(path, { mode: 0o700 })
  } catch (error: unknown) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (code === 'EEXIST') return
    if (code !== 'ENOENT' || dirname(path) === path) throw error
    makeDirectory(dirname(path))
    mkdirSync(path, { mode: 0o700 })
  }
}

function storeSecret(config: DaemonConfig): StoreSecret {
  if (config.passphraseFile === undefined) {
    asDirectoryError(() => makeDirectory(dirname(config.keyFile)))
    return { type: 'key-file', path: config.keyFile }
  }
  return { type: 'passphrase', passphrase: new Sensitive(readFirstLine(config.passphraseFile)) }
}

const LINE_FEED = 0x0a
const CARRIAGE_RETURN = 0x0d

function readFirstLine(path: string): Uint8Array {
  let bytes: Buffer
  try {
    bytes = readFileSync(path)
  } catch (error: unknown) {
    throw daemonError('DAEMON_SECRET_FILE', { cause: error })
  }
  const lineFeed = bytes.indexOf(LINE_FEED)
  let end = lineFeed < 0 ? bytes.length : lineFeed
  if (end > 0 && bytes[end - 1] === CARRIAGE_RETURN) end -= 1
  if (end === 0) throw daemonError('DAEMON_SECRET_FILE')
  return new Uint8Array(bytes.subarray(0, end))
}

function torOptions(
  config: DaemonConfig,
  directory: string,
  socketDirectory: string,
  environment: DaemonDeps['environment'],
): TorOptions {
  const { tor } = config
  const password =
    tor.passwordFile === undefined ? undefined : new TextDecoder().decode(readFirstLine(tor.passwordFile))
  return {
    ...TOR_DEFAULTS,
    mode: tor.mode,
    onionTarget: tor.onionTarget,
    ...(tor.control === undefined ? {} : { control: parseTarget(tor.control) }),
    ...(tor.socks === undefined ? {} : { socks: parseTarget(tor.socks) }),
    ...(password === undefined ? {} : { credentials: { password } }),
    environment: parseTorEnvironment(environment),
    socketDirectory,
    child: {
      ...CHILD_TOR_DEFAULTS,
      ...(tor.binary === undefined ? {} : { binaries: [tor.binary] }),
      directory: join(directory, 'tor'),
      bridges: tor.bridges,
      transportPlugins: tor.transportPlugins,
      extraLines: config.unsafe.torrcLines,
    },
  }
}

/** The form was checked by the configuration. */
function parseTarget(text: string): LocalTarget {
  return isAbsolute(text) ? { path: text } : { host: '127.0.0.1', port: Number(text.slice(text.indexOf(':') + 1)) }
}
