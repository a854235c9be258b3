/**
 * Several shipped daemons in one process: hosts and contacts of a capture, which nobody observes. Argument: milliseconds that a
 * message between two of its hosts takes in the mean. Each line of its input is the configuration of one more daemon, with
 * `=N` behind it for one whose clock runs N times as fast; with its input it ends. Hosts of one crowd meet in memory, and
 * all keep there what they store; everything that clients and couriers say to each other goes through tor.
 * Never what a user runs, and never the daemon that is observed.
 * @module
 */
import { createInterface } from 'node:readline'
import { ed25519PublicKey, onionPublicKey } from '../../src/crypto/index.ts'
import {
  composeDaemon,
  createSystemClock,
  createSystemLogger,
  createSystemRandom,
  type Daemon,
  readConfig,
} from '../../src/daemon/index.ts'
import type { BoxStore, Clock, Random } from '../../src/ports/index.ts'
import { createMemoryBoxStore, createMemoryStore } from '../../src/store/index.ts'
import { createDirectMeshHub } from './direct-mesh.ts'

const QUOTA_BYTES = 2 ** 26

/** Intervals pass faster; the wall clock, by which daemons understand each other, does not. */
function hurry(clock: Clock, factor: number): Clock {
  return {
    nowMs: () => clock.nowMs(),
    monotonicMs: () => clock.monotonicMs() * factor,
    sleep: (delayMs, signal) => clock.sleep(delayMs / factor, signal),
  }
}

process.umask(0o077)
// Every deadline that is not needed any more ends with an error that nobody looks at.
Error.stackTraceLimit = 0
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
const meshMs = Number(process.argv[2])
// Nobody observes these: what only has to be spread needs no unpredictable numbers, which cost more.
const random: Random = { bytes: createSystemRandom().bytes, uniform: Math.random }
const hub = createDirectMeshHub(createSystemClock(), () => meshMs * (0.5 + Math.random()))

/** Boxes in memory, in place of those on disk, which are closed. */
function inMemory(boxes: BoxStore, clock: Clock): BoxStore {
  void boxes.close().catch(fail)
  return createMemoryBoxStore({ quotaBytes: QUOTA_BYTES, clock })
}

async function join(line: string): Promise<void> {
  const [configPath = '', factor = '1'] = line.split('=')
  const result = readConfig({ configPath }, {})
  if (!result.ok) throw new Error(`${configPath}: ${result.problems.join('; ')}`)
  const clock = hurry(createSystemClock(), Number(factor))
  const daemon = await composeDaemon(result.config, {
    clock,
    random,
    createMesh: async (deps) =>
      hub.createMesh({
        hostKey: ed25519PublicKey(deps.hostSeed),
        meshOnionKey: onionPublicKey(deps.meshOnionSecretKey),
      }),
    wrapStore(store) {
      void store.close().catch(fail)
      return createMemoryStore()
    },
    wrapBoxes: (boxes) => inMemory(boxes, clock),
    logger: createSystemLogger(result.config.logLevel, (text) => void process.stderr.write(text)),
    version: 'crowd',
    environment: {},
    onShutdown: () => undefined,
    onFailure: fail,
  })
  daemons.push(daemon)
  await daemon.start()
}

const lines = createInterface({ input: process.stdin })
lines.on('line', (line) => void join(line).catch(fail))
lines.on('close', () => void stop())
