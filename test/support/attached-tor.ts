/**
 * The Tor port over a client of the private network, for tests that use it without a daemon.
 * Never stops what it has started: whoever asked for it does.
 * @module
 */
import { CHILD_TOR_DEFAULTS, createTorProvider, type RealTorProvider, TOR_DEFAULTS } from '../../src/tor/index.ts'
import { addressOf, silentLogger, systemClock, systemRandom } from '../unit/tor/support.ts'
import type { TornetClient } from './tornet/index.ts'

/** Ends a wait that would never end; conditions are what tests wait for. */
export const TOR_LIMIT_MS = 180_000

/**
 * `published` waits so long for the last directory of a descriptor, where the default is content with fewer: a dial that
 * asks one of the others is told that there is no such onion.
 */
export const TEST_PUBLISH_SETTLE_MS = 60_000

/** For one dial: tor finds after half a minute that a rendezvous was lost (three times `CircuitBuildTimeout`), and makes another. */
export const TEST_DIAL_TIMEOUT_MS = 45_000

/** Attached to `client`, started and ready; its sockets lie in `directory`/`name`. */
export async function attachTor(client: TornetClient, directory: string, name: string): Promise<RealTorProvider> {
  const provider = createTorProvider(
    { clock: systemClock, random: systemRandom, logger: silentLogger, addressOf },
    {
      ...TOR_DEFAULTS,
      mode: 'attach',
      control: { path: client.controlPath },
      socks: { path: client.socksPath },
      child: { ...CHILD_TOR_DEFAULTS, directory: `${directory}/unused` },
      socketDirectory: `${directory}/${name}`,
      onionTarget: 'unix',
      publishSettleMs: TEST_PUBLISH_SETTLE_MS,
    },
  )
  await provider.start()
  await provider.whenReady(AbortSignal.timeout(TOR_LIMIT_MS))
  return provider
}
