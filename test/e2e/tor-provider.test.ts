/** The conformance suite over real tors on the private network: Alice attached to one, Bob with his own. */
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { CHILD_TOR_DEFAULTS, createTorProvider, TOR_DEFAULTS, type TorOptions } from '../../src/tor/index.ts'
import { describeTorProvider } from '../conformance/tor-provider.ts'
import { TEST_DIAL_TIMEOUT_MS, TEST_PUBLISH_SETTLE_MS, TOR_LIMIT_MS } from '../support/attached-tor.ts'
import { sharedTornet } from '../support/tornet/index.ts'
import { addressOf, clientKey, onionKey, silentLogger, systemClock, systemRandom } from '../unit/tor/support.ts'

const deps = { clock: systemClock, random: systemRandom, logger: silentLogger, addressOf }

describeTorProvider(
  'real tor, attached and own',
  async () => {
    const tornet = await sharedTornet({ clients: 1 })
    const directory = await mkdtemp(`${tmpdir()}/nt-`)
    const client = tornet.clients[0]
    assert.ok(client !== undefined)
    const common = {
      ...TOR_DEFAULTS,
      retryMs: { first: 20, longest: 500 },
      dialTimeoutMs: TEST_DIAL_TIMEOUT_MS,
      publishSettleMs: TEST_PUBLISH_SETTLE_MS,
      child: {
        ...CHILD_TOR_DEFAULTS,
        directory: `${directory}/tor`,
        extraLines: tornet.clientTorrcLines(),
      },
    }
    const attached: TorOptions = {
      ...common,
      mode: 'attach',
      control: { path: client.controlPath },
      onionTarget: 'unix',
      socketDirectory: `${directory}/a`,
    }
    const own: TorOptions = { ...common, mode: 'child', socketDirectory: `${directory}/b` }
    const alice = createTorProvider(deps, attached)
    const bob = createTorProvider(deps, own)
    await Promise.all([alice.start(), bob.start()])
    return {
      alice,
      bob,
      newOnionKey: () => onionKey(),
      addressOf,
      newClientKey: () => clientKey(),
      async restartBob() {
        const lost = new Promise<void>((resolve) => {
          const off = bob.onStatus((status) => {
            if (status.stage !== 'lost') return
            off()
            resolve()
          })
        })
        process.kill(bob.childPid() ?? assert.fail('no child'), 'SIGKILL')
        await lost
      },
      async tearDown() {
        await Promise.all([alice.stop(), bob.stop()])
        await tornet.stop()
        await rm(directory, { recursive: true, force: true })
      },
    }
  },
  TOR_LIMIT_MS,
)
