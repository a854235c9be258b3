/** Hosts of one process find and ask each other. @module */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createDirectMeshHub } from '../../support/direct-mesh.ts'
import { createVirtualClock } from '../../support/virtual-clock.ts'

const peer = (byte: number) => ({
  hostKey: new Uint8Array(32).fill(byte),
  meshOnionKey: new Uint8Array(32).fill(byte + 1),
})
const never = new AbortController().signal

describe('the direct mesh', () => {
  it('brings a request to its host and the answer back, each a latency later', async () => {
    const clock = createVirtualClock()
    const hub = createDirectMeshHub(clock, () => 7)
    const [alice, bob] = [hub.createMesh(peer(1)), hub.createMesh(peer(2))]
    bob.serve(async ({ body, hostKey, operation }) =>
      operation === 9 ? undefined : Uint8Array.of(hostKey[0] ?? 0, operation, ...body),
    )
    await Promise.all([alice.start(), bob.start()])
    const startMs = clock.monotonicMs()
    const [answer] = await Promise.all([alice.request(peer(2).hostKey, 3, Uint8Array.of(5), never), clock.advance(14)])
    assert.deepEqual(answer, Uint8Array.of(1, 3, 5))
    assert.equal(clock.monotonicMs() - startMs, 14)
    const refused = alice.request(peer(2).hostKey, 9, new Uint8Array(), never)
    await Promise.all([assert.rejects(refused, { code: 'MESH_REFUSED' }), clock.advance(14)])
    await bob.stop()
    await assert.rejects(alice.request(peer(2).hostKey, 3, new Uint8Array(), never), { code: 'MESH_UNREACHABLE' })
  })

  it('keeps records, and knows who is there', async () => {
    const hub = createDirectMeshHub(createVirtualClock(), () => 0)
    const [alice, bob] = [hub.createMesh(peer(1)), hub.createMesh(peer(2))]
    await Promise.all([alice.start(), bob.start()])
    await alice.putRecord(peer(1).hostKey, Uint8Array.of(4), never)
    assert.deepEqual(await bob.getRecord(peer(1).hostKey, never), Uint8Array.of(4))
    assert.equal(await bob.getRecord(peer(3).hostKey, never), undefined)
    assert.deepEqual(
      (await bob.crawl(never)).map(({ hostKey }) => hostKey[0]),
      [1],
    )
    alice.addPeer(peer(2))
    assert.equal(alice.peers().length, 1)
  })
})
