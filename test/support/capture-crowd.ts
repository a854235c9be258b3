/**
 * Several shipped daemons in one process: hosts and contacts of a capture, which nobody observes. Arguments: the
 * configuration of each, with `=N` behind it for one whose clock runs N times as fast.
 * Never what a user runs, and never the daemon that is observed.
 * @module
 */
import {
  composeDaemon,
  createSystemClock,
  createSystemLogger,
  createSystemRandom,
  type Daemon,
  readConfig,
} from '../../src/daemon/index.ts'
import type { Clock } from '../../src/ports/index.ts'

/** Intervals pass faster; the wall clock, by which daemons understand each other, does not. */
function hurry(clock: Clock, factor: number): Clock {
  return {
    nowMs: () => clock.nowMs(),
    monotonicMs: () => clock.monotonicMs() * factor,
    sleep: (delayMs, signal) => clock.sleep(delayMs / factor, signal),
  }
}

process.umask(0o077)
const daemons: Daemon[] = []
const stop = async (): Promise<void> => {
  await Promise.allSettled(daemons.map((daemon) => daemon.stop()))
  process.exit()
}
process.on('SIGTERM', () => void stop())
const fail = (error: unknown): void => {
  process.stderr.write(`a daemon of the crowd failed: ${error instanceof Error ? (error.stack ?? '') : 'unknown'}\n`)
  process.exitCode = 1
  void stop()
}
for (const argument of process.argv.slice(2)) {
  const [configPath = '', factor = '1'] = argument.split('=')
  const result = readConfig({ configPath }, {})
  if (!result.ok) throw new Error(`${configPath}: ${result.problems.join('; ')}`)
  const daemon = await composeDaemon(result.config, {
    clock: hurry(createSystemClock(), Number(factor)),
    random: createSystemRandom(),
    logger: createSystemLogger(result.config.logLevel, (line) => void process.stderr.write(line)),
    version: 'crowd',
    environment: {},
    onShutdown: () => undefined,
    onFailure: fail,
  })
  daemons.push(daemon)
  void daemon.start().catch(fail)
}
