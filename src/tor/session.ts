/**
 * Finds a tor, authenticates, and holds the one connection that everything else uses.
 * Never tries another address than the configured one, when one is configured. DESIGN §4, spec 07-tor §1.
 * @module
 */
import type { AppError } from '../base/index.ts'
import { isAppError } from '../base/index.ts'
import type { Clock, TorStage } from '../ports/index.ts'
import { launchTor } from './child/index.ts'
import type { ControlConnection, ControlCredentials, LocalTarget } from './control/index.ts'
import { connectControl, parseKeyValues } from './control/index.ts'
import { torError } from './errors.ts'
import type { TorOptions } from './options.ts'

/** One authenticated tor, until it ends. */
export interface TorSession {
  readonly mode: 'attached' | 'child'
  readonly control: ControlConnection
  readonly socks: LocalTarget
  readonly version: string | undefined
  /** Process id of our own tor. */
  readonly pid: number | undefined
  /** Resolves once, with why it ended; undefined after `close`. */
  readonly ended: Promise<AppError | undefined>
  /** Ends the connection, and the process when it is ours. Idempotent, joined. */
  close(): Promise<void>
}

const DEFAULT_SOCKS: LocalTarget = { host: '127.0.0.1', port: 9050 }

/** The first listener in a `net/listeners/socks` answer that is a unix socket or on 127.0.0.1. */
export function parseSocksListeners(text: string): LocalTarget | undefined {
  const parsed = parseKeyValues(text)
  const listed = [parsed?.pairs.get('net/listeners/socks') ?? '', ...(parsed?.words ?? [])]
  for (const entry of listed) {
    if (/^unix:\/[^\s"\p{Cc}]+$/u.test(entry)) return { path: Buffer.from(entry.slice(5), 'latin1').toString('utf8') }
    const port = /^127\.0\.0\.1:([1-9][0-9]{0,4})$/.exec(entry)?.[1]
    if (port !== undefined && Number(port) < 65_536) return { host: '127.0.0.1', port: Number(port) }
  }
  return undefined
}

async function findSocks(options: TorOptions, control: ControlConnection): Promise<LocalTarget> {
  const known = options.socks ?? options.environment?.socks
  if (known !== undefined) return known
  const reply = await control.request('GETINFO net/listeners/socks')
  const listener = reply.status === 250 ? parseSocksListeners(reply.lines[0]?.text ?? '') : undefined
  return listener ?? DEFAULT_SOCKS
}

async function attach(
  target: LocalTarget,
  credentials: ControlCredentials,
  options: TorOptions,
  report: (stage: TorStage) => void,
  signal: AbortSignal,
): Promise<TorSession> {
  const control = await connectControl(target, { signal })
  const onAbort = (): void => void control.close()
  signal.addEventListener('abort', onAbort, { once: true })
  if (signal.aborted) onAbort()
  try {
    report('authenticating')
    const info = await control.authenticate(credentials)
    const socks = await findSocks(options, control)
    signal.throwIfAborted()
    return {
      mode: 'attached',
      control,
      socks,
      version: info.version,
      pid: undefined,
      ended: control.closed,
      close: () => control.close(),
    }
  } catch (error: unknown) {
    await control.close()
    signal.throwIfAborted()
    throw error
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}

async function launch(options: TorOptions, clock: Clock, signal: AbortSignal): Promise<TorSession> {
  const tor = await launchTor(options.child, options.socketDirectory, clock, signal)
  // Owned by this connection, tor ends with it; and its exit says more than the closed connection does.
  const ended = tor.control.closed.then(async (reason) => {
    if (reason === undefined) return undefined
    await tor.stop()
    return tor.exited
  })
  return {
    mode: 'child',
    control: tor.control,
    socks: tor.socks,
    version: tor.info.version,
    pid: tor.pid,
    ended,
    close: () => tor.stop(),
  }
}

/**
 * Attaches to the first tor that lets us in, or starts our own.
 *
 * @throws {AppError} why the last thing tried did not work; `AbortError`
 */
export async function openTorSession(
  options: TorOptions,
  clock: Clock,
  report: (stage: TorStage) => void,
  signal: AbortSignal,
): Promise<TorSession> {
  report('searching')
  const configured = options.control ?? options.environment?.control
  const credentials = { ...options.environment?.credentials, ...options.credentials }
  if (options.mode !== 'child' && configured !== undefined) {
    return attach(configured, credentials, options, report, signal)
  }
  let refusal: unknown = torError('TOR_CONTROL_UNREACHABLE')
  for (const target of options.mode === 'child' ? [] : options.candidates) {
    try {
      return await attach(target, credentials, options, report, signal)
    } catch (error: unknown) {
      if (!isAppError(error)) throw error
      // Something that answers and does not let us in says more than something that is not there.
      if (error.code !== 'TOR_CONTROL_UNREACHABLE') refusal = error
    }
  }
  if (options.mode === 'attach') throw refusal
  report('launching')
  return launch(options, clock, signal)
}
