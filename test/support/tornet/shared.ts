/**
 * One network for many test files: attach to the one that the runner has started, else start one.
 * Never stops a network that somebody else started.
 * @module
 */
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before } from 'node:test'
import { exitStatus } from '../netns.ts'
import { createClientPool } from './clients.ts'
import { DESCRIPTION_FILE, parseDescription } from './description.ts'
import type { Run } from './run.ts'
import { createRun } from './run.ts'
import { startTornet } from './start.ts'
import { readLogTail } from './tor-process.ts'
import type { Tornet, TornetClient, TornetOptions } from './types.ts'

/** Holds the directory of the network to use. */
export const TORNET_VARIABLE = 'NOCTULE_TORNET'

const ADD_TIMEOUT_MS = 60_000

/**
 * Joins the network in `directory`. Clients that it adds are its own; `stop` ends those and leaves the rest.
 *
 * @throws {Error} when there is no network
 */
export function attachTornet(directory: string): Tornet {
  const description = parseDescription(readFileSync(join(directory, DESCRIPTION_FILE), 'utf8'))
  let run: Run | undefined
  const ownRun = (): Run => {
    run ??= createRun({ keepDirectory: false, handleSignals: true })
    return run
  }
  const { prefix, torrcLines } = description
  const pool = createClientPool({ run: ownRun, prefix, torrcLines })
  const sharedClients: TornetClient[] = description.clients.map((client) => ({
    ...client,
    stop: () => Promise.reject(new Error('a client of a shared network is not ours to stop: use addClient')),
  }))
  return {
    directory,
    get clients() {
      return [...sharedClients, ...pool.clients]
    },
    timings: description.timings,
    clientTorrcLines: () => [...torrcLines],
    addClient: (signal) => pool.add(performance.now() + ADD_TIMEOUT_MS, signal),
    commandInside: (argv) => [...prefix, ...argv],
    async logs() {
      const tails = await Promise.all(pool.directories.map((path) => readLogTail(path, 15)))
      return tails.join('\n')
    },
    async stop() {
      await run?.end()
    },
  }
}

/** The network of `NOCTULE_TORNET` where it is set and fits, with at least `options.clients` clients; else a new one. */
export async function sharedTornet(options: TornetOptions = {}): Promise<Tornet> {
  const directory = process.env[TORNET_VARIABLE]
  if (directory === undefined || directory === '' || options.namespace === 'quickack') return startTornet(options)
  const tornet = attachTornet(directory)
  while (tornet.clients.length < (options.clients ?? 2)) await tornet.addClient(options.signal)
  return tornet
}

/** For the top of a test file: the network is there in every test, and gone after the last. */
export function useTornet(options: TornetOptions = {}): () => Tornet {
  let tornet: Tornet | undefined
  before(async () => {
    tornet = await sharedTornet(options)
  })
  after(async () => {
    await tornet?.stop()
  })
  return () => {
    if (tornet === undefined) throw new Error('the private Tor network is there within tests only')
    return tornet
  }
}

/** Runs a command with a network of its own in `NOCTULE_TORNET`; gives its exit status. */
export async function runWithTornet(argv: readonly string[], options: TornetOptions = {}): Promise<number> {
  const tornet = await startTornet(options)
  try {
    const [command = '', ...args] = argv
    const env = { ...process.env, [TORNET_VARIABLE]: tornet.directory }
    const child = spawn(command, args, { stdio: 'inherit', env })
    return await exitStatus(child)
  } finally {
    await tornet.stop()
  }
}
