/**
 * A real noctule daemon in a process of its own, as a front end meets it.
 * Never reaches into it: everything goes through the RPC socket, signals and exit codes.
 * @module
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { connectRpc, type RpcClient } from '../../src/rpc/index.ts'

const MAIN = fileURLToPath(new URL('../../dist/daemon/main.js', import.meta.url))

export interface DaemonProcessOptions {
  /** An own, short directory: sockets live below it. */
  readonly directory: string
  /** The `tor` part of the configuration. */
  readonly tor?: Readonly<Record<string, unknown>>
  /** Lines for the daemon's own tor: those of a private network. */
  readonly torrcLines?: readonly string[]
  /** Another program with the same command line, for instance one with an observer. */
  readonly main?: string
  /** What to run in front of node, for instance a namespace or a tracer. */
  readonly wrapper?: readonly string[]
  readonly logLevel?: string
  /** More of the configuration: hosts, the host role. */
  readonly config?: Readonly<Record<string, unknown>>
  /** More of its `unsafe` part. */
  readonly unsafe?: Readonly<Record<string, unknown>>
  readonly extraArguments?: readonly string[]
  readonly environment?: Readonly<Record<string, string>>
}

export interface DaemonProcess {
  readonly child: ChildProcess
  readonly rpc: RpcClient
  readonly socketPath: string
  /** Milliseconds from the start of the process until the RPC answered. */
  readonly readyMs: number
  /** What the daemon wrote to stderr so far. */
  log(): string
  /** SIGTERM; resolves with the exit code when the process is gone. */
  stop(): Promise<number | null>
  /** SIGKILL; resolves when the process is gone. */
  kill(): Promise<void>
  /** Resolves with the exit code when the process ends for whatever reason. */
  readonly exited: Promise<number | null>
}

export function writeDaemonConfig(options: DaemonProcessOptions): { configPath: string; socketPath: string } {
  mkdirSync(options.directory, { recursive: true, mode: 0o700 })
  const socketPath = join(options.directory, 'r', 'rpc.sock')
  const configPath = join(options.directory, 'config.json')
  const config = {
    dataDirectory: join(options.directory, 'd'),
    socketPath,
    keyFile: join(options.directory, 'key'),
    logLevel: options.logLevel ?? 'info',
    tor: options.tor ?? { mode: 'child' },
    ...options.config,
    unsafe: { torrcLines: options.torrcLines ?? [], ...options.unsafe },
  }
  writeFileSync(configPath, JSON.stringify(config, undefined, 2), { mode: 0o600 })
  return { configPath, socketPath }
}

/** Starts a daemon and resolves when its RPC answers; rejects with its log when it ends before. */
export async function startDaemon(options: DaemonProcessOptions): Promise<DaemonProcess> {
  const { configPath, socketPath } = writeDaemonConfig(options)
  const startedMs = performance.now()
  const argv = [
    ...(options.wrapper ?? []),
    process.execPath,
    options.main ?? MAIN,
    'daemon',
    '--config',
    configPath,
    ...(options.extraArguments ?? []),
  ]
  const child = spawn(argv[0] ?? '', argv.slice(1), {
    stdio: ['ignore', 'inherit', 'pipe'],
    env: { ...process.env, ...options.environment },
  })
  let log = ''
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    log += text
  })
  const exited = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code) => resolve(code))
  })
  let ended = false
  exited.then(
    () => (ended = true),
    () => (ended = true),
  )
  let rpc: RpcClient | undefined
  while (rpc === undefined) {
    if (ended) throw new Error(`the daemon ended before its RPC answered:\n${log}`)
    rpc = await connectRpc(socketPath).catch(() => undefined)
    if (rpc === undefined) await new Promise((resolve) => setTimeout(resolve, 10))
  }
  await rpc.call('version', {})
  const client = rpc
  return {
    child,
    rpc: client,
    socketPath,
    readyMs: performance.now() - startedMs,
    log: () => log,
    exited,
    stop() {
      child.kill('SIGTERM')
      return exited
    },
    async kill() {
      child.kill('SIGKILL')
      await exited
      void client.close()
    },
  }
}

/** Asks again until `probe` gives something; the condition decides, the limit only ends a test that hangs. */
export async function waitFor<T>(
  what: string,
  limitMs: number,
  probe: () => Promise<T | undefined>,
  pauseMs = 50,
): Promise<T> {
  const endMs = performance.now() + limitMs
  for (;;) {
    const found = await probe()
    if (found !== undefined) return found
    if (performance.now() > endMs) throw new Error(`gave up waiting for ${what} after ${limitMs} ms`)
    await new Promise((resolve) => setTimeout(resolve, pauseMs))
  }
}

/** Ends a wait for what several dials and their pauses may have to do with; the condition is what is waited for. */
export const NETWORK_LIMIT_MS = 600_000

/**
 * An invite whose rendezvous can be found. Who dials before that is refused by tor and comes back on the reconnect clock,
 * which is not what most tests are about.
 */
export async function createPublishedInvite(daemon: DaemonProcess): Promise<string> {
  const { uri, inviteId } = await daemon.rpc.call('createInvite', {})
  await waitFor('the rendezvous', NETWORK_LIMIT_MS, async () => {
    const invites = await daemon.rpc.call('listInvites', {})
    return invites.find((invite) => invite.inviteId === inviteId)?.published === true || undefined
  })
  return uri
}
