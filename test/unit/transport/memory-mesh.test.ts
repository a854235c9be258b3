/** The mesh of hosts in memory, in virtual time. @module */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { HostMesh } from '../../../src/ports/index.ts'
import { createMemoryMeshHub } from '../../../src/transport/index.ts'
import { MESH_BACKOFF_MAX_FACTOR } from '../../../src/transport/mesh/options.ts'
import { createHostKeys, describeHostMesh, TEST_RULES, testRecord } from '../../conformance/host-mesh.ts'
import { createVirtualClock } from '../../support/virtual-clock.ts'

const TIMEOUT_MS = 10_000
const never = new AbortController().signal

function createHub(latencyMs: number) {
  const clock = createVirtualClock()
  const hub = createMemoryMeshHub({ clock, latencyMs })
  const pass = async <T>(task: Promise<T>): Promise<T> => {
    let ended = false
    const end = (): void => {
      ended = true
    }
    task.then(end, end)
    await clock.advanceUntil(() => ended, 10 * TIMEOUT_MS)
    return task
  }
  return { clock, hub, pass }
}

for (const latencyMs of [0, 40]) {
  describeHostMesh(`memory with a latency of ${latencyMs} ms`, async () => {
    const { clock, hub, pass } = createHub(latencyMs)
    return {
      createMesh: async (keys, rules) => hub.createMesh({ ...keys, ...rules, meshTimeoutMs: TIMEOUT_MS }),
      pass,
      passBackoff: () => clock.advance(MESH_BACKOFF_MAX_FACTOR * TIMEOUT_MS),
      cut: hub.cut,
      tearDown: async () => assert.equal(clock.sleepers(), 0, 'a timer was left behind'),
    }
  })
}

describe('memory mesh hub', () => {
  const open = async (hub: ReturnType<typeof createHub>['hub'], count: number) => {
    const hosts = Array.from({ length: count }, () => {
      const keys = createHostKeys()
      const mesh = hub.createMesh({ ...keys, ...TEST_RULES, meshTimeoutMs: TIMEOUT_MS })
      mesh.serve(async ({ body }) => body)
      return { mesh, keys }
    })
    for (const { mesh } of hosts) {
      await mesh.start()
      for (const { keys } of hosts) mesh.addPeer(keys)
    }
    const [alice, bob] = hosts
    assert.ok(alice !== undefined && bob !== undefined)
    const ask = (operation = 1): Promise<Uint8Array> =>
      alice.mesh.request(bob.keys.hostKey, operation, new Uint8Array(1), never)
    return { hosts, alice, bob, ask }
  }

  it('takes the latency: twice for a dial, twice for a request', async () => {
    const { clock, hub } = createHub(100)
    const { ask } = await open(hub, 2)
    const took = async (): Promise<number> => {
      const startMs = clock.monotonicMs()
      let endMs: number | undefined
      const asking = ask().then(() => {
        endMs = clock.monotonicMs()
      })
      await clock.advance(1_000)
      await asking
      return (endMs ?? Number.NaN) - startMs
    }
    assert.equal(await took(), 400)
    assert.equal(hub.connectionCount(), 1)
    assert.equal(await took(), 200)
  })

  it('lets a host be down: a timeout for the dial, then a backoff, then no more', async () => {
    const { clock, hub, pass } = createHub(10)
    const { bob, ask } = await open(hub, 2)
    await pass(ask())
    hub.setFaults(bob.keys.hostKey, { down: true })
    assert.equal(hub.connectionCount(), 0)
    const startMs = clock.monotonicMs()
    await assert.rejects(pass(ask()), { code: 'MESH_UNREACHABLE' })
    assert.ok(clock.monotonicMs() - startMs >= TIMEOUT_MS)
    // No time passes for this one.
    await assert.rejects(ask(), { code: 'MESH_UNREACHABLE' })
    hub.setFaults(bob.keys.hostKey, {})
    await assert.rejects(ask(), { code: 'MESH_UNREACHABLE' })
    await clock.advance(TIMEOUT_MS)
    await pass(ask())
  })

  it('loses what is under way to a host that goes down', async () => {
    const { clock, hub, pass } = createHub(100)
    const { bob, ask } = await open(hub, 2)
    await pass(ask())
    const asking = ask()
    const outcome = assert.rejects(asking, { code: 'MESH_UNREACHABLE' })
    await clock.advance(150)
    hub.setFaults(bob.keys.hostKey, { down: true })
    await clock.advance(1)
    await outcome
  })

  it('lets a host be slow, and drop what a test picks', async () => {
    const { clock, hub, pass } = createHub(10)
    const { bob, ask } = await open(hub, 2)
    await pass(ask())
    hub.setFaults(bob.keys.hostKey, { slowMs: 3_000, drops: ({ operation }) => operation === 9 })
    const startMs = clock.monotonicMs()
    await pass(ask())
    assert.ok(clock.monotonicMs() - startMs >= 3_020)
    await assert.rejects(pass(ask(9)), { code: 'MESH_TIMED_OUT' })
    hub.setFaults(bob.keys.hostKey, { slowMs: 2 * TIMEOUT_MS })
    await assert.rejects(pass(ask()), { code: 'MESH_TIMED_OUT' })
  })

  it('keeps records and finds hosts though some are down', async () => {
    const { hub, pass } = createHub(5)
    const { hosts, alice } = await open(hub, 30)
    const { hostKey } = alice.keys
    await pass(alice.mesh.putRecord(hostKey, testRecord(hostKey, 3), never))
    for (const { keys } of hosts.slice(0, 28)) hub.setFaults(keys.hostKey, { down: true })
    const last = hosts[29]?.mesh as HostMesh
    assert.deepEqual(await pass(last.getRecord(hostKey, never)), testRecord(hostKey, 3))
    assert.equal((await pass(last.crawl(never))).length, 1)
    for (const { keys } of hosts) hub.setFaults(keys.hostKey, {})
    const seen = new Set<string>()
    for (let crawl = 0; crawl < 3; crawl += 1) {
      const found = await pass(last.crawl(never))
      assert.equal(found.length, 20)
      for (const peer of found) seen.add(Buffer.from(peer.hostKey).toString('hex'))
    }
    assert.equal(seen.size, 29)
  })
})
