/**
 * What a run holds: its directory and its processes, and how they go when the run ends in any way that can be noticed.
 * Never touches a process that this run did not start.
 * @module
 */
import type { ChildProcess } from 'node:child_process'
import { createRunDirectory, removeDirectory } from './run-directory.ts'

export interface RunOptions {
  readonly keepDirectory: boolean
  readonly handleSignals: boolean
}

export interface Run {
  readonly directory: string
  /** Takes responsibility for a child process. */
  adopt(child: ChildProcess): void
  /** Ends every process, waits for them, removes the directory. Idempotent. */
  end(): Promise<void>
}

interface ActiveRun {
  readonly handleSignals: boolean
  /** The same as `end`, at once and without waiting. */
  endNow(): void
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
// The one piece of state of the module: what must still be cleaned up when the process ends.
const active = new Set<ActiveRun>()

function onExit(): void {
  for (const run of active) run.endNow()
}

function onSignal(signal: NodeJS.Signals): void {
  for (const run of active) if (run.handleSignals) run.endNow()
  process.removeListener(signal, onSignal)
  // With nobody else listening the signal gets the effect that it would have had without us.
  if (process.listenerCount(signal) === 0) process.kill(process.pid, signal)
}

function watch(run: ActiveRun): void {
  if (active.size === 0) {
    process.on('exit', onExit)
    for (const signal of SIGNALS) process.on(signal, onSignal)
  }
  active.add(run)
}

function unwatch(run: ActiveRun): void {
  active.delete(run)
  if (active.size > 0) return
  process.removeListener('exit', onExit)
  for (const signal of SIGNALS) process.removeListener(signal, onSignal)
}

function isRunning(child: ChildProcess): boolean {
  return child.pid !== undefined && child.exitCode === null && child.signalCode === null
}

export function createRun(options: RunOptions): Run {
  const directory = createRunDirectory()
  const children = new Set<ChildProcess>()
  let ended = false
  let ending: Promise<void> | undefined

  // SIGKILL, because nothing that a tor of this network could still write down is worth waiting for.
  const killAll = (): void => {
    ended = true
    for (const child of children) if (isRunning(child)) child.kill('SIGKILL')
  }
  const removeUnlessKept = (): void => {
    if (!options.keepDirectory) removeDirectory(directory)
  }
  const self: ActiveRun = {
    handleSignals: options.handleSignals,
    endNow() {
      killAll()
      removeUnlessKept()
    },
  }
  const end = async (): Promise<void> => {
    killAll()
    await Promise.all(
      [...children].filter(isRunning).map((child) => new Promise((resolve) => child.once('exit', resolve))),
    )
    removeUnlessKept()
    unwatch(self)
  }
  watch(self)
  return {
    directory,
    adopt(child) {
      children.add(child)
      child.once('exit', () => children.delete(child))
      // Started while a signal was ending the run.
      if (ended) child.kill('SIGKILL')
    },
    end() {
      ending ??= end()
      return ending
    },
  }
}
