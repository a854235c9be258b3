/**
 * Starts our own tor, waits until its control socket answers, and ends it again.
 * Never kills by name: only the process that it started, by its handle. Spec 07-tor §1.3.
 * @module
 */
import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import { rm, writeFile } from 'node:fs/promises'
import type { AppError } from '../../base/index.ts'
import { isAppError } from '../../base/index.ts'
import type { Clock } from '../../ports/index.ts'
import { atMost } from '../at-most.ts'
import type { ControlConnection, ProtocolInfo } from '../control/index.ts'
import { connectControl } from '../control/index.ts'
import { torError } from '../errors.ts'
import type { ChildTorOptions } from '../options.ts'
import { assertSocketPath } from '../options.ts'
import { makePrivateDirectory } from './directories.ts'
import type { ChildPaths } from './torrc.ts'
import { childPaths, childTorrc } from './torrc.ts'

export interface ManagedTor {
  readonly pid: number
  readonly control: ControlConnection
  readonly info: ProtocolInfo
  readonly socks: { readonly path: string }
  /** Resolves when the process has ended. */
  readonly exited: Promise<AppError>
  /** Ends the process: first politely, after a bound by force. Idempotent, joined. */
  stop(): Promise<void>
}

/** Pause between looks whether the control socket is there; it appears after 0.2 s on an idle machine. */
const POLL_MS = 25
const OUTPUT_MAX_BYTES = 4_096
/** How long an orphan may take to end; then the new tor waits for the directory by itself. */
const ORPHAN_END_MS = 5_000

interface Running {
  readonly process: ChildProcess
  readonly exited: Promise<AppError>
  stop(): Promise<void>
}

/** @throws {AppError} `TOR_BINARY_MISSING` when none of the names is a program */
async function spawnFirst(options: ChildTorOptions, args: readonly string[]): Promise<Running> {
  let cause: unknown
  for (const binary of options.binaries) {
    // A session of its own: Ctrl-C in a terminal reaches the daemon, which then ends tor in order.
    let child: ChildProcess
    try {
      child = spawn(binary, [...args], { stdio: ['ignore', 'pipe', 'ignore'], detached: true, cwd: '/' })
    } catch (error: unknown) {
      // No memory or not permitted; the other reasons come as an event.
      cause = error
      continue
    }
    const failure = await new Promise<Error | undefined>((resolve) => {
      child.once('spawn', () => resolve(undefined))
      child.once('error', resolve)
    })
    if (failure === undefined) return supervise(child, options.stopTimeoutMs)
    cause = failure
  }
  throw torError('TOR_BINARY_MISSING', { cause })
}

function supervise(child: ChildProcess, stopTimeoutMs: number): Running {
  let output = ''
  child.on('error', () => undefined)
  child.stdout?.setEncoding('latin1').on('data', (text: string) => {
    output = (output + text).slice(-OUTPUT_MAX_BYTES)
  })
  const exited = new Promise<AppError>((resolve) => {
    child.once('exit', (status, signalName) => {
      child.stdout?.destroy()
      const details = { status: status ?? -1, killed: signalName !== null }
      // tor's own words are for the debug log only: they may name paths and bridges.
      resolve(torError('TOR_CHILD_EXITED', { details, cause: new Error(output) }))
    })
  })
  let stopping: Promise<void> | undefined
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM')
    const timer = setTimeout(() => child.kill('SIGKILL'), stopTimeoutMs)
    await exited
    clearTimeout(timer)
  }
  return {
    process: child,
    exited,
    stop() {
      stopping ??= stop()
      return stopping
    },
  }
}

/**
 * Ends a tor that an earlier, killed daemon left behind, by the control socket in our own directory.
 * Without it the new one would find its data directory locked for up to 15 s.
 */
async function haltOrphan(paths: ChildPaths, clock: Clock, signal: AbortSignal): Promise<void> {
  let control: ControlConnection
  try {
    control = await connectControl(
      { path: paths.control },
      { connectTimeoutMs: 1_000, requestTimeoutMs: 3_000, signal },
    )
  } catch (error: unknown) {
    if (isAppError(error, 'TOR_CONTROL_UNREACHABLE')) return
    throw error
  }
  const unbind = closeOnAbort(control, signal)
  try {
    await control.authenticate({ cookiePath: paths.cookie })
    await control.request('SIGNAL HALT')
    await atMost(clock, ORPHAN_END_MS, control.closed)
  } catch (error: unknown) {
    // It went away meanwhile, or is not ours to end; then tor itself says that the directory is in use.
    if (!isAppError(error)) throw error
  } finally {
    unbind()
    await control.close()
  }
}

/** So that a tor which accepts connections and says nothing cannot hold up a stop. Returns the function that ends it. */
function closeOnAbort(control: ControlConnection, signal: AbortSignal): () => void {
  const onAbort = (): void => void control.close()
  signal.addEventListener('abort', onAbort, { once: true })
  if (signal.aborted) onAbort()
  return () => signal.removeEventListener('abort', onAbort)
}

async function prepare(
  options: ChildTorOptions,
  socketDirectory: string,
  clock: Clock,
  signal: AbortSignal,
): Promise<ChildPaths> {
  const paths = childPaths(options, socketDirectory)
  assertSocketPath(paths.control)
  for (const directory of [options.directory, paths.data, socketDirectory]) await makePrivateDirectory(directory)
  await haltOrphan(paths, clock, signal)
  signal.throwIfAborted()
  try {
    for (const path of [paths.control, paths.socks]) await rm(path, { force: true })
    await writeFile(paths.defaults, '', { mode: 0o600 })
    await writeFile(paths.torrc, childTorrc(options, paths, process.pid), { mode: 0o600 })
  } catch (cause: unknown) {
    throw torError('TOR_DIRECTORY_UNUSABLE', { cause })
  }
  return paths
}

async function connectWhenListening(
  paths: ChildPaths,
  running: Running,
  deadlineMs: number,
  clock: Clock,
  signal: AbortSignal,
): Promise<ControlConnection> {
  let exit: AppError | undefined
  void running.exited.then((error) => {
    exit = error
  })
  for (;;) {
    try {
      return await connectControl({ path: paths.control }, { signal })
    } catch (error: unknown) {
      if (!isAppError(error, 'TOR_CONTROL_UNREACHABLE')) throw error
    }
    if (exit !== undefined) throw torError('TOR_CHILD_FAILED', { details: exit.details, cause: exit.cause })
    if (clock.monotonicMs() > deadlineMs) throw torError('TOR_CHILD_FAILED')
    await clock.sleep(POLL_MS, signal)
  }
}

/**
 * Starts tor and returns when its control connection is authenticated and owns it.
 *
 * @throws {AppError} `TOR_BINARY_MISSING`, `TOR_CHILD_FAILED`, `TOR_DIRECTORY_UNUSABLE`, `TOR_SOCKET_PATH_TOO_LONG`,
 *   `TOR_CONTROL_*`, `TOR_AUTHENTICATION_*`; `AbortError`. Whatever it throws, the process has ended.
 */
export async function launchTor(
  options: ChildTorOptions,
  socketDirectory: string,
  clock: Clock,
  signal: AbortSignal,
): Promise<ManagedTor> {
  const paths = await prepare(options, socketDirectory, clock, signal)
  const running = await spawnFirst(options, ['--defaults-torrc', paths.defaults, '-f', paths.torrc])
  let control: ControlConnection | undefined
  let unbind: (() => void) | undefined
  try {
    const deadlineMs = clock.monotonicMs() + options.launchTimeoutMs
    control = await connectWhenListening(paths, running, deadlineMs, clock, signal)
    unbind = closeOnAbort(control, signal)
    const info = await control.authenticate({ cookiePath: paths.cookie })
    // From here on tor ends with this connection, so also when we are killed.
    await control.command('TAKEOWNERSHIP')
    const owned = control
    return {
      pid: running.process.pid ?? 0,
      control,
      info,
      socks: { path: paths.socks },
      exited: running.exited,
      async stop() {
        await owned.close()
        await running.stop()
      },
    }
  } catch (error: unknown) {
    await control?.close()
    await running.stop()
    throw error
  } finally {
    unbind?.()
  }
}
