/**
 * Dials that outlast what relays do: one that was lost is made again, and said.
 * Never makes a dial again that the other side, or our own tor, has answered.
 * @module
 */
import { isAppError } from '../../src/base/index.ts'
import type { RecordNetwork } from '../../src/ports/index.ts'
import type { TorErrorCode } from '../../src/tor/index.ts'

/** How a dial to an onion service that is there can end when a relay halts or loses a cell. */
const LOST_DIALS: ReadonlySet<string> = new Set<TorErrorCode>([
  'TOR_DIAL_TIMEOUT',
  'TOR_ONION_INTRO_FAILED',
  'TOR_ONION_INTRO_TIMEOUT',
  'TOR_ONION_RENDEZVOUS_FAILED',
  'TOR_ONION_UNREACHABLE',
])
const DIALS_MAX_COUNT = 3

/** True for what is no answer of the other side, so that dialling again may give one. */
export const isLostDial = (error: unknown): boolean => isAppError(error) && LOST_DIALS.has(error.code)

const sayAloud = (line: string): void => {
  process.stderr.write(`${line}\n`)
}

/**
 * Runs `dial` until it opens or fails for another reason than a lost dial, at most three times; what is lost is said.
 */
export async function dialAgain<T>(dial: () => Promise<T>, say: (line: string) => void = sayAloud): Promise<T> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await dial()
    } catch (error: unknown) {
      if (!isLostDial(error) || attempt + 1 >= DIALS_MAX_COUNT) throw error
      say(`a dial was lost and is made again: ${isAppError(error) ? error.code : ''}`)
    }
  }
}

/** The same network, whose dials are made again when they were lost. */
export function withDialsAgain(network: RecordNetwork, say = sayAloud): RecordNetwork {
  return { ...network, dial: (options) => dialAgain(() => network.dial(options), say) }
}
