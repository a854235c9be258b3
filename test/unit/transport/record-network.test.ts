/** The record network over libp2p, on real sockets without Tor. @module */

import { createRecordNetwork } from '../../../src/transport/index.ts'
import { describeRecordNetwork } from '../../conformance/record-network.ts'
import { createLoopbackTor } from '../../support/loopback-tor.ts'
import { silentLogger } from '../../support/silent-logger.ts'

describeRecordNetwork('libp2p', async () => {
  const tor = await createLoopbackTor()
  const create = () => createRecordNetwork({ torProvider: tor.createProvider(), logger: silentLogger })
  return {
    alice: create(),
    bob: create(),
    cut() {
      for (const { socket } of tor.taps) socket.destroy()
    },
    tearDown: tor.stop,
  }
})
