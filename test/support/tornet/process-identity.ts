/**
 * Names a process so that a later process with the same number is not taken for it.
 * Never signals anything but processes whose command line names the given directory. Linux only (/proc).
 * @module
 */
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'

/** Process number and start time; start times are clock ticks since boot. */
export interface ProcessIdentity {
  readonly pid: number
  readonly startTicks: number
}

function readProc(path: string): string | undefined {
  try {
    return readFileSync(`/proc/${path}`, 'utf8')
  } catch {
    // The process ended, or is none of ours: either way there is nothing to read.
    return undefined
  }
}

/** The identity of a running process; undefined when there is none with this number, or only its zombie. */
export function findProcess(pid: number): ProcessIdentity | undefined {
  const stat = readProc(`${pid}/stat`)
  // The second field is the name in parentheses and may hold both blanks and parentheses.
  const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ')
  const startTicks = Number(fields?.[19])
  if (fields === undefined || fields[0] === 'Z' || !Number.isSafeInteger(startTicks)) return undefined
  return { pid, startTicks }
}

export function isAlive(identity: ProcessIdentity): boolean {
  return findProcess(identity.pid)?.startTicks === identity.startTicks
}

function tag(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 6)
}

/** Six characters for this boot of the machine: process numbers of another boot mean nothing. */
export function bootTag(): string {
  return tag(readFileSync('/proc/sys/kernel/random/boot_id', 'utf8'))
}

/** Six characters for our process namespace: containers that share /tmp do not see each other's processes. */
export function pidNamespaceTag(): string {
  return tag(readlinkSync('/proc/self/ns/pid'))
}

/** Processes one of whose arguments is a path in `directory`; the name of the directory must be unique. */
export function processesOf(directory: string): number[] {
  const found: number[] = []
  for (const name of readdirSync('/proc')) {
    if (!/^[0-9]+$/.test(name) || Number(name) === process.pid) continue
    const argv = readProc(`${name}/cmdline`)?.split('\0') ?? []
    if (argv.some((argument) => argument.startsWith(`${directory}/`))) found.push(Number(name))
  }
  return found
}

/** Kills a process; one that has ended already is fine. */
export function killQuietly(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch (error: unknown) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error
  }
}
