/** The conformance suite of record links over real tors on the private network. @module */
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import type { Duplex } from 'node:stream'
import type { TorProvider } from '../../src/ports/index.ts'
import { createRecordNetwork } from '../../src/transport/index.ts'
import { describeRecordNetwork } from '../conformance/record-network.ts'
import { attachTor } from '../support/attached-tor.ts'
import { withDialsAgain } from '../support/dial-again.ts'
import { useTornet } from '../support/tornet/index.ts'
import { silentLogger } from '../unit/tor/support.ts'

const network = useTornet({ clients: 2 })

describeRecordNetwork('libp2p over tor', async () => {
  const tornet = network()
  const directory = await mkdtemp(`${tmpdir()}/nt-`)
  const streams = new Set<Duplex>()
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
  const [alice, bob] = await Promise.all([attach(0), attach(1)])
  return {
    alice: createRecordNetwork({ torProvider: alice, logger: silentLogger }),
    bob: withDialsAgain(createRecordNetwork({ torProvider: bob, logger: silentLogger })),
    cut() {
      // The dialer's end is enough: tor tells the other one.
      for (const stream of streams) stream.destroy()
    },
    async tearDown() {
      await Promise.all([alice.stop(), bob.stop()])
      await rm(directory, { recursive: true, force: true })
    },
  }
})
