/** The record network in memory. @module */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { onionPublicKey, x25519PublicKey } from '../../../src/crypto/index.ts'
import { createMemoryRecordHub } from '../../../src/transport/index.ts'
import { LANE_RECORD_BYTES, onionAddress } from '../../../src/wire/index.ts'
import { describeRecordNetwork, openLinks } from '../../conformance/record-network.ts'
import { createVirtualClock } from '../../support/virtual-clock.ts'

function createHub(latencyMs: number) {
  const clock = createVirtualClock()
  const hub = createMemoryRecordHub({
    clock,
    latencyMs,
    addressOf: (secretKey) => onionAddress(onionPublicKey(secretKey)),
    clientPublicKeyOf: x25519PublicKey,
  })
  return { clock, hub, alice: hub.createNetwork(), bob: hub.createNetwork() }
}

describeRecordNetwork('memory', async () => {
  const { hub, alice, bob } = createHub(0)
  return { alice, bob, cut: hub.cut, tearDown: async () => undefined }
})

describe('memory record hub', () => {
  it('delivers by the clock alone, and counts links', async () => {
    const { clock, hub, alice, bob } = createHub(100)
    const opening = openLinks({ alice, bob })
    await clock.advance(200)
    const { near, far } = await opening
    assert.equal(hub.linkCount(), 1)
    let arrived = false
    const receiving = near.receive().then(() => {
      arrived = true
    })
    await far.send(new Uint8Array(LANE_RECORD_BYTES))
    await clock.advance(99)
    assert.equal(arrived, false)
    await clock.advance(1)
    await receiving
    await far.close()
    await clock.advance(100)
    await near.closed
    assert.equal(hub.linkCount(), 0)
  })

  it('refuses dials while unreachable, and keeps what is open', async () => {
    const { hub, alice, bob } = createHub(0)
    const { near, far } = await openLinks({ alice, bob })
    hub.setUnreachable(true)
    await assert.rejects(openLinks({ alice, bob }), { code: 'LINK_SETUP_FAILED' })
    await far.send(new Uint8Array(LANE_RECORD_BYTES))
    assert.ok((await near.receive()) !== undefined)
    hub.setUnreachable(false)
    await openLinks({ alice, bob })
  })
})
