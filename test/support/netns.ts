/**
 * Network namespaces for tests: an empty one to prove that nothing is needed, a quick one to measure in.
 * Never changes the network of the host: everything happens in a namespace that ends with its last process.
 * @module
 */
import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'

/** Brings lo up; local TCP acknowledges at once, which takes 40 ms steps out of every figure (TORNET §1.3). */
const QUICKACK_SETUP = [
  'ip link set lo up',
  'ip route change local 127.0.0.0/8 dev lo table local proto kernel scope host src 127.0.0.1 quickack 1',
  'ip route change local 127.0.0.1 dev lo table local proto kernel scope host src 127.0.0.1 quickack 1',
].join(' && ')

async function succeeds(command: string, args: readonly string[]): Promise<boolean> {
  const child = spawn(command, [...args], { stdio: 'ignore' })
  return new Promise((resolve) => {
    child.once('error', () => resolve(false))
    child.once('exit', (status) => resolve(status === 0))
  })
}

/** The command that enters a new network namespace here: as root, else as root of a user namespace; undefined if neither. */
export async function findUnshare(): Promise<readonly string[] | undefined> {
  for (const flags of ['-n', '-rn']) {
    if (await succeeds('unshare', [flags, 'true'])) return ['unshare', flags]
  }
  return undefined
}

/** The exit status of a child; 127 when it could not be started, 128 + 15 when a signal ended it. */
export function exitStatus(child: ChildProcess): Promise<number> {
  return new Promise((resolve) => {
    child.once('error', () => resolve(127))
    child.once('exit', (status) => resolve(status ?? 128 + 15))
  })
}

async function requireUnshare(): Promise<readonly string[]> {
  const command = await findUnshare()
  if (command === undefined) throw new Error('no right to make a network namespace (root or user namespaces needed)')
  return command
}

/** The command line that runs `argv` without any network: even lo is down. */
export async function emptyNetnsCommand(argv: readonly string[]): Promise<string[]> {
  return [...(await requireUnshare()), ...argv]
}

/** The command line that runs `argv` with a loopback of its own that acknowledges at once. */
async function quickackNetnsCommand(argv: readonly string[]): Promise<string[]> {
  return [...(await requireUnshare()), 'sh', '-c', `${QUICKACK_SETUP} && exec "$@"`, 'sh', ...argv]
}

/** Runs `argv` in a quickack namespace with our own input and output; gives its exit status. */
export async function runInPrivateNetns(
  argv: readonly string[],
  options: { readonly env?: NodeJS.ProcessEnv } = {},
): Promise<number> {
  const [command = '', ...args] = await quickackNetnsCommand(argv)
  const child = spawn(command, args, { stdio: 'inherit', env: options.env ?? process.env })
  return exitStatus(child)
}

/** A quickack namespace that stays while its holder does; the holder ends with us, however we end. */
export interface Netns {
  readonly holder: ChildProcess
  /** Put in front of a command line to run it inside. The process number stays that of the command. */
  readonly prefix: readonly string[]
}

/** @throws {Error} where namespaces are not allowed or `ip` (package iproute2) is missing */
export async function openQuickackNetns(): Promise<Netns> {
  const command = await requireUnshare()
  const script = `${QUICKACK_SETUP} && echo ready && exec cat`
  // cat ends when our end of its input closes: also after kill -9.
  const holder = spawn(command[0] ?? '', [...command.slice(1), 'sh', '-c', script], {
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: true,
  })
  const complaint: Buffer[] = []
  holder.stderr.on('data', (chunk: Buffer) => complaint.push(chunk))
  holder.stdin.on('error', () => undefined)
  const ready = await new Promise<boolean>((resolve) => {
    holder.stdout.once('data', () => resolve(true))
    holder.once('error', () => resolve(false))
    holder.once('close', () => resolve(false))
  })
  if (!ready) throw new Error(`no network namespace: ${Buffer.concat(complaint).toString().trim()}`)
  return { holder, prefix: netnsPrefix(holder.pid ?? 0, command.includes('-rn')) }
}

function netnsPrefix(pid: number, userNamespace: boolean): string[] {
  const flags = userNamespace ? ['--user', '--preserve-credentials'] : []
  return ['nsenter', ...flags, '--net', `--target=${pid}`, '--']
}
