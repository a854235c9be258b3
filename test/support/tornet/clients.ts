/**
 * Client tors of a network, the first ones and those that a test adds.
 * Never opens a TCP port for them.
 * @module
 */
import { join } from 'node:path'
import type { Run } from './run.ts'
import type { TorProcess } from './tor-process.ts'
import { findInfo, startTor } from './tor-process.ts'
import { clientTorrc } from './torrc.ts'
import type { TornetClient } from './types.ts'
import { waitFor } from './wait.ts'

export interface ClientPool {
  readonly clients: readonly TornetClient[]
  readonly directories: readonly string[]
  /** Resolves when the new client is bootstrapped. */
  add(deadlineMs: number, signal?: AbortSignal): Promise<TornetClient>
}

export interface ClientPoolOptions {
  /** Called for the first client, so that a run that needs none makes no directory. */
  readonly run: () => Run
  readonly prefix: readonly string[]
  readonly torrcLines: readonly string[]
}

export function createClientPool(options: ClientPoolOptions): ClientPool {
  // By number, whichever is ready first.
  const clients = new Map<number, TornetClient>()
  const directories: string[] = []
  let count = 0
  return {
    get clients() {
      return [...clients.entries()].toSorted(([a], [b]) => a - b).map(([, client]) => client)
    },
    directories,
    async add(deadlineMs, signal) {
      const number = count
      count += 1
      const name = `client-${String(number).padStart(2, '0')}`
      directories.push(join(options.run().directory, name))
      const tor = await startTor({
        run: options.run(),
        name,
        torrc: (directory) => clientTorrc(directory, process.pid, options.torrcLines),
        prefix: options.prefix,
        deadlineMs,
        signal,
      })
      await waitFor(() => isBootstrapped(tor), { what: `${name} to bootstrap`, deadlineMs, signal })
      const client = {
        controlPath: join(tor.directory, 'control'),
        socksPath: join(tor.directory, 'socks'),
        cookiePath: join(tor.directory, 'cookie'),
        pid: tor.pid,
        stop: () => tor.stop(),
      }
      clients.set(number, client)
      return client
    },
  }
}

async function isBootstrapped(tor: TorProcess): Promise<boolean> {
  const phase = await findInfo(tor.control, 'status/bootstrap-phase')
  return phase?.includes('PROGRESS=100 ') === true
}
