/** The conformance suite of the mesh of hosts over real tors on the private network. @module */
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import type { Duplex } from 'node:stream'
import type { TorProvider } from '../../src/ports/index.ts'
import { createHostMesh } from '../../src/transport/index.ts'
import { MESH_BACKOFF_MAX_FACTOR } from '../../src/transport/mesh/options.ts'
import { describeHostMesh } from '../conformance/host-mesh.ts'
import { attachTor, TEST_DIAL_TIMEOUT_MS } from '../support/attached-tor.ts'
import { useTornet } from '../support/tornet/index.ts'
import { silentLogger, systemClock } from '../unit/tor/support.ts'

const network = useTornet({ clients: 3 })

describeHostMesh('libp2p over tor', async () => {
  const tornet = network()
  const directory = await mkdtemp(`${tmpdir()}/nt-`)
  const streams = new Set<Duplex>()
  let skippedMs = 0
  let used = 0
  // Backoffs are long: time is added to the real one.
  const clock = { ...systemClock, monotonicMs: () => systemClock.monotonicMs() + skippedMs }
  const attach = async (index: number): Promise<TorProvider> => {
    const client = tornet.clients[index]
    assert.ok(client !== undefined)
    const provider = await attachTor(client, directory, String(index))
    return {
      ...provider,
      async connect(...dial) {
        const stream = await provider.connect(...dial)
        streams.add(stream)
        return stream
      },
    }
  }
  const providers = await Promise.all([attach(0), attach(1), attach(2)])
  return {
    createMesh: async ({ hostSeed, meshOnionSecretKey }, rules) => {
      const torProvider = providers[used % providers.length]
      assert.ok(torProvider !== undefined)
      used += 1
      return createHostMesh({
        ...rules,
        torProvider,
        logger: silentLogger,
        clock,
        hostSeed,
        meshOnionSecretKey,
        meshTimeoutMs: TEST_DIAL_TIMEOUT_MS,
      })
    },
    pass: (task) => task,
    async passBackoff() {
      skippedMs += MESH_BACKOFF_MAX_FACTOR * TEST_DIAL_TIMEOUT_MS
    },
    cut() {
      // The dialer's end is enough: tor tells the other one.
      for (const stream of streams) stream.destroy()
    },
    async tearDown() {
      await Promise.all(providers.map((provider) => provider.stop()))
      await rm(directory, { recursive: true, force: true })
    },
  }
})
