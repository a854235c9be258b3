/**
 * Starts one tor and owns it through its control connection, so that it ends when we do.
 * Never speaks the control protocol itself: that is the client of src/tor.
 * @module
 */
import { spawn } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { isAppError } from '../../../src/base/index.ts'
import type { ControlConnection } from '../../../src/tor/index.ts'
import { connectControl } from '../../../src/tor/index.ts'
import type { Run } from './run.ts'
import { EMPTY_FILE } from './torrc.ts'
import type { WaitOptions } from './wait.ts'
import { waitFor } from './wait.ts'

export interface TorProcess {
  readonly directory: string
  readonly pid: number
  readonly control: ControlConnection
  /** Kills it and waits for its end. Idempotent. */
  stop(): Promise<void>
}

export interface StartTorOptions {
  readonly run: Run
  /** Name of its directory in that of the run. */
  readonly name: string
  /** Given the directory, which exists by then. */
  readonly torrc: (directory: string) => string
  /** What stands in front of the command, to run it in a namespace. */
  readonly prefix: readonly string[]
  readonly deadlineMs: number
  readonly signal?: AbortSignal | undefined
}

/** Last lines of a tor's log. */
export async function readLogTail(directory: string, lineCount: number): Promise<string> {
  try {
    const text = await readFile(join(directory, 'log'), 'utf8')
    return text
      .split('\n')
      .slice(-lineCount - 1)
      .join('\n')
  } catch {
    // It ended before it opened its log.
    return ''
  }
}

/** Starts a tor; resolves when its control connection is authenticated and has taken ownership. */
export async function startTor(options: StartTorOptions): Promise<TorProcess> {
  options.signal?.throwIfAborted()
  const directory = join(options.run.directory, options.name)
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  const empty = join(directory, EMPTY_FILE)
  const torrc = join(directory, 'torrc')
  writeFileSync(empty, '')
  writeFileSync(torrc, options.torrc(directory))
  const torArgs = ['--defaults-torrc', empty, '-f', torrc, '--hush']
  const line: readonly string[] = [...options.prefix, 'tor', ...torArgs]
  const [command = 'tor', ...args] = line
  // A session of its own: a Ctrl-C reaches us alone, and we end tor.
  const child = spawn(command, args, { stdio: 'ignore', detached: true })
  options.run.adopt(child)
  let failure: Error | undefined
  child.once('error', (cause) => {
    failure = new Error(`cannot run ${command}: is tor installed?`, { cause })
  })
  const exited = new Promise<void>((resolve) => {
    child.once('exit', (status, signalName) => {
      failure ??= new Error(`${options.name} ended with ${status ?? signalName}`)
      resolve()
    })
  })
  const wait: WaitOptions = { ...options, what: `the control socket of ${options.name}` }
  const control = await waitFor(() => {
    if (failure !== undefined) throw failure
    return connectIfThere(join(directory, 'control'), options.signal)
  }, wait)
  await control.authenticate()
  await control.command('TAKEOWNERSHIP')
  return {
    directory,
    pid: child.pid ?? 0,
    control,
    async stop() {
      child.kill('SIGKILL')
      await exited
      await control.close()
    },
  }
}

async function connectIfThere(path: string, signal?: AbortSignal): Promise<ControlConnection | undefined> {
  try {
    return await connectControl({ path }, signal === undefined ? {} : { signal })
  } catch (error: unknown) {
    if (isAppError(error, 'TOR_CONTROL_UNREACHABLE')) return undefined
    throw error
  }
}

/** The value of a GETINFO key; undefined when tor has none yet. */
export async function findInfo(control: ControlConnection, key: string): Promise<string | undefined> {
  const reply = await control.request(`GETINFO ${key}`)
  const line = reply.lines[0]
  if (reply.status !== 250 || line === undefined) return undefined
  return line.data ?? line.text.slice(key.length + 1)
}
