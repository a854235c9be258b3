/**
 * Keeps the links between the servers of a private network from being idle, as those of the real network never are.
 * Never uses a client or its link, nor the control connection by which a server is owned.
 * @module
 */
import { join } from 'node:path'
import { shuffled } from '../../../src/mailbox/client/shuffled.ts'
import type { ControlConnection } from '../../../src/tor/index.ts'
import { connectControl } from '../../../src/tor/index.ts'
import { createSeededRandom } from '../seeded-random.ts'

/** One circuit through all servers each time: of the ten links of five servers it uses four, both ways. */
const PULSE_MS = 1_000
/** Hops; tor itself makes none longer than eight. */
const PATH_MAX_LENGTH = 7

export interface PulsedServer {
  readonly directory: string
  readonly nickname: string
}

interface Source {
  readonly nickname: string
  readonly control: ControlConnection
  circuit: string | undefined
}

export interface Pulse {
  stop(): Promise<void>
}

/** Builds a circuit from a server drawn at random through all others in a random order, once a second. */
export async function startPulse(servers: readonly PulsedServer[]): Promise<Pulse> {
  const sources = await Promise.all(
    servers.map(async ({ directory, nickname }): Promise<Source> => {
      const control = await connectControl({ path: join(directory, 'control') })
      await control.authenticate()
      return { nickname, control, circuit: undefined }
    }),
  )
  const random = createSeededRandom(process.pid)
  const pulse = async (): Promise<void> => {
    const [from, ...others] = shuffled(sources, random)
    if (from === undefined) return
    const path = others.map(({ nickname }) => nickname)
    if (from.circuit !== undefined) await from.control.request(`CLOSECIRCUIT ${from.circuit}`)
    const { lines } = await from.control.request(`EXTENDCIRCUIT 0 ${path.slice(0, PATH_MAX_LENGTH).join(',')}`)
    from.circuit = /^EXTENDED (\d+)$/.exec(lines[0]?.text ?? '')?.[1]
  }
  let isBusy = false
  const timer = setInterval(() => {
    if (isBusy) return
    isBusy = true
    // A server that is gone or halted has no links to keep busy.
    void pulse()
      .catch(() => undefined)
      .finally(() => {
        isBusy = false
      })
  }, PULSE_MS)
  timer.unref()
  return {
    async stop() {
      clearInterval(timer)
      await Promise.all(sources.map(({ control }) => control.close()))
    },
  }
}
