/**
 * `noctule daemon`: from the command line to a clean end.
 * Never leaves anything open: a stop is joined, and a second signal forces what a first one could not. Spec 08-rpc §8.
 * @module
 */
import { parseArgs } from 'node:util'
import { AppError } from '../base/index.ts'
import type { LogWord } from '../ports/index.ts'
import { composeDaemon, type Daemon } from './compose.ts'
import { type ConfigOverrides, type DaemonConfig, readConfig } from './config.ts'
import { daemonError } from './errors.ts'
import { createSystemClock, createSystemLogger, createSystemRandom, type LogLevel } from './system.ts'

/** Exit codes after sysexits.h, so that service managers know what to do. */
const EXIT = { ok: 0, usage: 64, data: 65, internal: 70, temporary: 75, permission: 77, config: 78 } as const

export interface DaemonIo {
  readonly out: (text: string) => void
  readonly err: (text: string) => void
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly version: string
  /** Calls `listener` for SIGINT and SIGTERM; returns the function that stops it. */
  readonly onSignal: (listener: () => void) => () => void
  /** Ends the process at once; for the second signal and for a stop that hangs. */
  readonly force: (exitCode: number) => void
}

const DAEMON_USAGE = `Usage: noctule daemon [options]

Runs the daemon in the foreground until SIGINT, SIGTERM or \`noctule shutdown\`.

  --config FILE           configuration (default: $XDG_CONFIG_HOME/noctule/config.json, if there is one)
  --check-config          say whether the configuration is accepted, and exit
  --data-dir DIR          where the sealed store and tor's state live
  --socket PATH           where the RPC listens
  --passphrase-file FILE  open the store with the passphrase on the first line of FILE
  --key-file FILE         open the store with FILE (made when missing; the default)
  --ephemeral             keep everything in memory
  --host                  be a host as well: keep boxes of others (for machines that stay on)
  --log-level LEVEL       debug, info, warn or error
  --help                  this text
`

/** A graceful stop takes at most this; issue 2 and service managers count on 5 s. */
const STOP_LIMIT_MS = 4_500

/** Runs until it is asked to stop; gives the exit code. `compose` is replaced by tests only. */
export async function runDaemon(
  argv: readonly string[],
  io: DaemonIo,
  compose: typeof composeDaemon = composeDaemon,
): Promise<number> {
  let config: DaemonConfig
  try {
    const { overrides, checkOnly, help } = parseCommandLine(argv)
    if (help) {
      io.out(DAEMON_USAGE)
      return EXIT.ok
    }
    const result = readConfig(overrides, io.environment)
    if (!result.ok) {
      io.err('The configuration is not accepted:\n')
      for (const problem of result.problems) io.err(`  ${problem}\n`)
      return EXIT.config
    }
    if (checkOnly) {
      io.out('The configuration is accepted.\n')
      return EXIT.ok
    }
    config = result.config
  } catch (error: unknown) {
    return explain(error, io)
  }
  return serve(config, io, compose)
}

function parseCommandLine(argv: readonly string[]): {
  readonly overrides: ConfigOverrides
  readonly checkOnly: boolean
  readonly help: boolean
} {
  let values: Record<string, string | boolean | undefined>
  try {
    values = parseArgs({
      args: [...argv],
      strict: true,
      allowPositionals: false,
      options: {
        config: { type: 'string' },
        'check-config': { type: 'boolean' },
        'data-dir': { type: 'string' },
        socket: { type: 'string' },
        'passphrase-file': { type: 'string' },
        'key-file': { type: 'string' },
        ephemeral: { type: 'boolean' },
        host: { type: 'boolean' },
        'log-level': { type: 'string' },
        help: { type: 'boolean', short: 'h' },
      },
    }).values
  } catch (error: unknown) {
    throw daemonError('DAEMON_USAGE', { cause: error })
  }
  const text = (option: string, name: keyof ConfigOverrides): ConfigOverrides => {
    const value = values[option]
    return typeof value === 'string' ? { [name]: value } : {}
  }
  return {
    overrides: {
      ...text('config', 'configPath'),
      ...text('data-dir', 'dataDirectory'),
      ...text('socket', 'socketPath'),
      ...text('passphrase-file', 'passphraseFile'),
      ...text('key-file', 'keyFile'),
      ...text('log-level', 'logLevel'),
      ...(values['ephemeral'] === true ? { ephemeral: true } : {}),
      ...(values['host'] === true ? { host: true } : {}),
    },
    checkOnly: values['check-config'] === true,
    help: values['help'] === true,
  }
}

async function serve(config: DaemonConfig, io: DaemonIo, compose: typeof composeDaemon): Promise<number> {
  const logger = createSystemLogger(config.logLevel satisfies LogLevel, io.err)
  let exitCode: number = EXIT.ok
  let askToStop: () => void = () => undefined
  const stopAsked = new Promise<void>((resolve) => {
    askToStop = resolve
  })
  let signals = 0
  const stopListening = io.onSignal(() => {
    signals += 1
    if (signals > 1) io.force(EXIT.internal)
    askToStop()
  })
  let daemon: Daemon | undefined
  try {
    const clock = createSystemClock()
    daemon = await compose(config, {
      clock,
      random: createSystemRandom(),
      logger,
      version: io.version,
      environment: io.environment,
      onShutdown: askToStop,
      onFailure: (error) => {
        logger.error('background task failed', codeOf(error), error)
        exitCode = EXIT.internal
        askToStop()
      },
    })
    await daemon.start()
    logger.info('ready', {
      torrc_overridden: config.unsafe.torrcLines.length > 0,
      mailbox_speed: config.unsafe.mailboxSpeed ?? 1,
      ephemeral: config.ephemeral,
      host: config.host.enabled,
    })
    await stopAsked
  } catch (error: unknown) {
    exitCode = explain(error, io)
  }
  try {
    // Does not keep the process alive, and is not cleared: it ends a process that something forgotten keeps alive.
    setTimeout(() => {
      logger.error('stop took too long')
      io.force(EXIT.internal)
    }, STOP_LIMIT_MS).unref()
    await daemon?.stop()
    logger.info('stopped')
  } catch (error: unknown) {
    logger.error('stop failed', codeOf(error), error)
    exitCode = EXIT.internal
  }
  stopListening()
  return exitCode
}

function codeOf(error: unknown): { code: LogWord } {
  // Codes come from our own tables, names of other errors from their classes: neither holds data.
  const word = error instanceof AppError ? error.code : error instanceof Error ? error.name : 'unknown'
  return { code: word as LogWord }
}

const EXIT_BY_CODE: Readonly<Record<string, number>> = {
  DAEMON_USAGE: EXIT.usage,
  CONFIG_UNREADABLE: EXIT.config,
  CONFIG_SYNTAX: EXIT.config,
  CONFIG_INVALID: EXIT.config,
  DAEMON_DIRECTORY: EXIT.config,
  TOR_OPTION_INVALID: EXIT.config,
  STORE_CORRUPT: EXIT.data,
  STORE_TOO_NEW: EXIT.data,
  STATE_CORRUPT: EXIT.data,
  STORE_LOCKED: EXIT.temporary,
  RPC_SOCKET_IN_USE: EXIT.temporary,
  STORE_WRONG_PASSPHRASE: EXIT.permission,
  STORE_WRONG_KEY_FILE: EXIT.permission,
  STORE_PERMISSIONS: EXIT.permission,
}

/** Says in two sentences what went wrong and what to do, and picks the exit code. */
function explain(error: unknown, io: DaemonIo): number {
  if (error instanceof AppError) {
    io.err(`${error.message}\n${error.remedy}\n[${error.code}]\n`)
    return EXIT_BY_CODE[error.code] ?? (error.kind === 'user' ? EXIT.config : EXIT.temporary)
  }
  io.err(`noctule failed in an unforeseen way (${error instanceof Error ? error.name : 'unknown'}).\n`)
  return EXIT.internal
}
