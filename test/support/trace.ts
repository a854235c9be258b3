/**
 * Shows which sockets a program uses: runs it under strace and reads the log; and a probe that tries to escape.
 * Never takes silence for proof: a log that does not end with the end of the program is reported as incomplete.
 * @module
 */
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { exitStatus } from './netns.ts'
import { waitFor } from './tornet/index.ts'

/** The command line that runs `argv` traced. The program keeps the process number, so that signals reach it. */
export function traceCommand(logPath: string, argv: readonly string[]): string[] {
  // -D: the tracer is the grandchild. -q: without the chatter, but with the exits.
  return ['strace', '-D', '-f', '-q', '-e', 'trace=%net', '-e', 'signal=none', '-o', logPath, ...argv]
}

/** Whether strace is installed and allowed to trace here. */
export async function canTrace(): Promise<boolean> {
  return (await exitStatus(spawn('strace', ['-o', '/dev/null', 'true'], { stdio: 'ignore' }))) === 0
}

/** One use of an address or the making of a socket. */
export interface SocketUse {
  /** For instance `socket`, `connect`, `bind`, `sendto`. */
  readonly call: string
  /** For instance `AF_UNIX`. */
  readonly family: string
  /** Path of a unix socket, or what strace wrote between the braces for others; undefined where there is none. */
  readonly address: string | undefined
}

export interface Trace {
  readonly uses: readonly SocketUse[]
  readonly families: ReadonlySet<string>
  /** Paths of the unix sockets that were connected to or bound. */
  readonly unixPaths: ReadonlySet<string>
  /** System calls in the log. A gate must see more than none. */
  readonly callCount: number
  /** Every process in the log has ended in it. */
  readonly complete: boolean
}

const LINE = /^([0-9]+) +(.*)$/
const CALL = /^(?:<\.\.\. )?([a-z0-9_]+)(?:\(| resumed>)/
const MADE = /^(socket|socketpair)\((AF_[A-Z0-9_]+|0x[0-9a-f]+|[0-9]+)/
const ADDRESS = /\{sa_family=(AF_[A-Z0-9_]+|0x[0-9a-f]+|[0-9]+)(?:, ([^}]*))?\}/g
const PATH = /^sun_path=(@?"(?:[^"\\]|\\.)*")/
const EXIT = /^\+\+\+ (?:exited|killed) /

/** Reads a log of {@link traceCommand}. */
export function parseTrace(text: string): Trace {
  const uses: SocketUse[] = []
  const running = new Set<string>()
  let seen = 0
  let callCount = 0
  for (const line of text.split('\n')) {
    const [, pid, rest] = LINE.exec(line) ?? []
    if (pid === undefined || rest === undefined) continue
    seen += 1
    if (EXIT.test(rest)) {
      running.delete(pid)
      continue
    }
    running.add(pid)
    const call = CALL.exec(rest)?.[1]
    if (call === undefined) continue
    callCount += 1
    const made = MADE.exec(rest)?.[2]
    if (made !== undefined) uses.push({ call, family: made, address: undefined })
    for (const [, family, detail] of rest.matchAll(ADDRESS)) {
      if (family !== undefined) uses.push({ call, family, address: readAddress(detail) })
    }
  }
  const unix = uses.filter((use) => use.family === 'AF_UNIX').map((use) => use.address)
  return {
    uses,
    families: new Set(uses.map((use) => use.family)),
    unixPaths: new Set(unix.filter((path) => path !== undefined)),
    callCount,
    complete: seen > 0 && running.size === 0,
  }
}

function readAddress(detail: string | undefined): string | undefined {
  const path = PATH.exec(detail ?? '')?.[1]
  return path === undefined ? detail : path.replace(/^(@?)"(.*)"$/s, '$1$2')
}

/** The log of a program that has ended. The tracer ends a little later, so this waits until the log is complete. */
export function readTrace(logPath: string): Promise<Trace> {
  return waitFor(
    () => {
      const trace = parseTrace(readFileSync(logPath, 'utf8'))
      return trace.complete && trace
    },
    { what: 'the end of the trace', deadlineMs: performance.now() + 10_000 },
  )
}

/** What became of each attempt to get out: `ok`, or an error code. */
export interface EscapeReport {
  readonly tcp: string
  readonly udp: string
  readonly lookup: string
}

/**
 * A program that tries TCP and UDP to a port of 127.0.0.1 and a name look-up, and prints an {@link EscapeReport}.
 * It goes no further than this machine: the look-up is for a name under `.invalid`.
 */
export function escapeProbe(port: number): string[] {
  const source = `
import { connect } from 'node:net'
import { createSocket } from 'node:dgram'
import { lookup } from 'node:dns/promises'
const attempt = (run) => new Promise((resolve) => run(() => resolve('ok'), (error) => resolve(error.code ?? 'error')))
const tcp = await attempt((done, fail) => {
  const socket = connect({ host: '127.0.0.1', port: ${port} }, () => { socket.destroy(); done() }).on('error', fail)
})
const udp = await attempt((done, fail) => {
  const socket = createSocket('udp4').on('error', (error) => { socket.close(); fail(error) })
  socket.send('escape', ${port}, '127.0.0.1', (error) => { socket.close(); error ? fail(error) : done() })
})
const name = await lookup('probe.invalid').then(() => 'ok', (error) => error.code)
process.stdout.write(JSON.stringify({ tcp, udp, lookup: name }))
`
  return [process.execPath, '--input-type=module', '--eval', source]
}

/** Runs a command line to its end; gives its status and output. */
export async function runToEnd(argv: readonly string[]): Promise<{ status: number; output: string }> {
  const [command = '', ...args] = argv
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  const chunks: Buffer[] = []
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk))
  const closed = new Promise((resolve) => child.once('close', resolve))
  const status = await exitStatus(child)
  await closed
  return { status, output: Buffer.concat(chunks).toString() }
}
