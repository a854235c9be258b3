/**
 * The one directory of a run, named after its owner, so that it can be swept when the owner is dead.
 * Never removes the directory of a living process, of another user or of another process namespace.
 * @module
 */
import { lstatSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import type { ProcessIdentity } from './process-identity.ts'
import { bootTag, findProcess, isAlive, killQuietly, pidNamespaceTag, processesOf } from './process-identity.ts'

const PREFIX = 'noctule-tornet'
// The owner is part of the name, not a file inside: so there is no moment in which the directory has no owner.
const OWNED = new RegExp(`^${PREFIX}-([0-9]+)-([0-9]+)-([0-9a-f]{6})-([0-9a-f]{6})-[A-Za-z0-9]{6}$`)
/** `sun_path` of Linux holds 107 characters and a zero; this is what a run adds to the temporary directory. */
const LONGEST_TAIL = `${PREFIX}-4194304-999999999999-ffffff-ffffff-XXXXXX/relay-00/control`

/** The directory for temporary files, or /tmp where that one is too long for unix sockets. */
export function temporaryRoot(): string {
  const root = tmpdir()
  return join(root, LONGEST_TAIL).length <= 107 ? root : '/tmp'
}

/** Directories of dead owners that were removed, and processes of theirs that were ended. */
export interface Swept {
  readonly directories: number
  readonly processes: number
}

/** Removes what runs that were killed have left in `root`. */
export function sweepDeadRuns(root: string = temporaryRoot()): Swept {
  let directories = 0
  let processes = 0
  for (const name of readdirSync(root)) {
    const owned = OWNED.exec(name)
    if (owned === null || isOwnerAlive(owned) !== false) continue
    const directory = join(root, name)
    if (lstatSync(directory, { throwIfNoEntry: false })?.uid !== process.getuid?.()) continue
    for (const pid of processesOf(directory)) {
      killQuietly(pid)
      processes += 1
    }
    removeDirectory(directory)
    directories += 1
  }
  return { directories, processes }
}

/** Undefined when it cannot be known from here. */
function isOwnerAlive(owned: RegExpExecArray): boolean | undefined {
  const identity: ProcessIdentity = { pid: Number(owned[1]), startTicks: Number(owned[2]) }
  if (owned[3] !== bootTag()) return false
  if (owned[4] !== pidNamespaceTag()) return undefined
  return isAlive(identity)
}

/** Sweeps, then makes a directory of mode 0700 that belongs to this process. */
export function createRunDirectory(root: string = temporaryRoot()): string {
  sweepDeadRuns(root)
  const own = findProcess(process.pid)
  if (own === undefined) throw new Error('the private Tor network needs /proc')
  return mkdtempSync(join(root, `${PREFIX}-${own.pid}-${own.startTicks}-${bootTag()}-${pidNamespaceTag()}-`))
}

/** Whether `directory` has the name of a run directory. */
export function isRunDirectory(directory: string): boolean {
  return OWNED.test(basename(directory))
}

/** Synchronous, because it also runs in the last moment of a process. */
export function removeDirectory(directory: string): void {
  // A process that was killed an instant ago may still create a file: then rmdir fails once.
  rmSync(directory, { recursive: true, force: true, maxRetries: 10, retryDelay: 20 })
}
