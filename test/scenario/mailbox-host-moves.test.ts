import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { equalBytes, HOUR_MS, MINUTE_MS } from '../../src/base/index.ts'
import { deriveBoxKeys, type HostRecord, sealBox } from '../../src/mailbox/index.ts'
import { hostWorkPeriodEndMs } from '../../src/mailbox/work.ts'
import { BOX_BODY_BYTES } from '../../src/wire/index.ts'
import { type CourierProbe, openCourierProbe } from '../support/courier-probe.ts'
import { createHostWorld, type HostWorld } from '../support/mailbox-world.ts'
import { createSeededRandom } from '../support/seeded-random.ts'

const box = sealBox(deriveBoxKeys(new Uint8Array(32).fill(3)), new Uint8Array(BOX_BODY_BYTES))

/** A session with the first host, and its table. */
async function look(
  world: HostWorld,
  seed: number,
): Promise<{ readonly client: CourierProbe; readonly second: HostRecord }> {
  const { clock, parameters } = world
  const network = world.recordHub.createNetwork()
  const random = createSeededRandom(seed)
  const client = await world.run(openCourierProbe({ network, clock, random, parameters }, world.host(0).entry))
  assert.equal(await world.run(client.hello()), true)
  const table = await world.run(client.table())
  const second = table.find(({ descriptor }) => equalBytes(descriptor.hostKey, world.host(1).keys.hostKey))
  assert.ok(second !== undefined)
  return { client, second }
}

describe('a host that moves to its next work period', () => {
  it('is reached by whoever knows it by its former id, for hours and not for ever', async () => {
    const world = await createHostWorld({ hosts: 2 })
    try {
      const { descriptor } = (await look(world, 1)).second
      const endMs = hostWorkPeriodEndMs(descriptor.hostKey, descriptor.workPeriod)
      // Descriptors run out on the way; the hosts find each other again.
      world.clock.jumpWallClock(endMs - 3 * HOUR_MS - world.clock.nowMs())
      await world.clock.advance(90 * MINUTE_MS)
      await world.meet()
      const before = (await look(world, 2)).second
      await world.clock.advance(2 * HOUR_MS)
      const { client, second } = await look(world, 3)
      assert.ok(!equalBytes(second.hostId, before.hostId), 'control: it has moved')
      assert.equal((await world.run(client.store(before, box)))?.status, 'stored')
      await world.clock.advance(5 * HOUR_MS)
      const later = (await look(world, 4)).client
      assert.equal((await world.run(later.store(second, box)))?.status, 'stored')
      assert.equal(await world.run(later.store(before, box)), undefined, 'control: a route that nobody has is dropped')
      assert.deepEqual(world.failures, [])
    } finally {
      await world.stop()
    }
  })
})
