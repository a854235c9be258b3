/** The mesh of hosts over libp2p, on real sockets without Tor. @module */
import { createHostMesh } from '../../../src/transport/index.ts'
import { MESH_BACKOFF_MAX_FACTOR } from '../../../src/transport/mesh/options.ts'
import { describeHostMesh } from '../../conformance/host-mesh.ts'
import { createLoopbackTor } from '../../support/loopback-tor.ts'
import { silentLogger } from '../../support/silent-logger.ts'
import { systemClock } from '../tor/support.ts'

/** Far more than anything takes, and one test waits for all of it. */
const TIMEOUT_MS = 5_000

describeHostMesh('libp2p', async () => {
  const tor = await createLoopbackTor()
  let skippedMs = 0
  // Backoffs are long: time is added to the real one.
  const clock = { ...systemClock, monotonicMs: () => systemClock.monotonicMs() + skippedMs }
  return {
    createMesh: ({ hostSeed, meshOnionSecretKey }, rules) =>
      createHostMesh({
        ...rules,
        torProvider: tor.createProvider(),
        logger: silentLogger,
        clock,
        hostSeed,
        meshOnionSecretKey,
        meshTimeoutMs: TIMEOUT_MS,
      }),
    pass: (task) => task,
    async passBackoff() {
      skippedMs += MESH_BACKOFF_MAX_FACTOR * TIMEOUT_MS
    },
    cut() {
      for (const { socket } of tor.taps) socket.destroy()
    },
    tearDown: tor.stop,
  }
})
