import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { MINUTE_MS } from '../../../src/base/index.ts'
import { COURIER_RECORD_BYTES } from '../../../src/wire/index.ts'
import { createTestClient, newBoxKeys, type TestClient } from '../../support/mailbox-client-world.ts'
import { createHostWorld, type HostWorld } from '../../support/mailbox-world.ts'

/** Deviations of a client from its rules, each of which an observer could see. */
type Fault =
  | 'none'
  /** What the user writes leaves at once. */
  | 'early-flush'
  /** What goes into a slot is drawn from the stream that the times come from. */
  | 'shares-random'

interface Run {
  /** When a record left, through which link, and how long it was. */
  readonly trace: readonly string[]
  /** Whom each link went to, in order. */
  readonly couriers: readonly string[]
  readonly stored: number
  readonly read: number
}

const RUN_MS = 36 * MINUTE_MS
const STEP_MS = MINUTE_MS / 2

/** Epochs are short so that several pairs of couriers are drawn in one run. */
const PARAMETERS = { epochMs: 12 * MINUTE_MS, epochOverlapMs: 3 * MINUTE_MS }

/** One client in a world that is the same each time; `isBusy` is the only thing in which twins differ. */
async function run(seed: number, isBusy: boolean, fault: Fault = 'none', runMs = RUN_MS): Promise<Run> {
  const world = await createHostWorld({ hosts: 6, seed, latencyMs: 150, parameters: PARAMETERS })
  const client = await createTestClient(world, { seed, sharesRandom: fault === 'shares-random' })
  try {
    for (let ms = 0; ms < runMs; ms += STEP_MS) {
      if (isBusy) await act(world, client, fault)
      await world.clock.advance(STEP_MS)
      // Twice in a run all circuits are lost.
      if (ms === 10 * MINUTE_MS || ms === 20 * MINUTE_MS) world.recordHub.cut()
    }
    assert.deepEqual(client.failures, [])
    const stored = client.results.filter(({ result }) => result.status === 'stored').length
    return { trace: [...client.trace], couriers: [...client.dialled], stored, read: client.boxes.length }
  } finally {
    await client.stop()
    await world.stop()
  }
}

async function act(_world: HostWorld, client: TestClient, fault: Fault): Promise<void> {
  const keys = client.write()
  client.watch(keys, false)
  for (let index = 0; index < 5; index += 1) client.watch(newBoxKeys(), index % 2 === 0)
  if (fault !== 'early-flush') return
  const [link] = client.links()
  await link?.send(new Uint8Array(COURIER_RECORD_BYTES)).catch(() => undefined)
}

describe('twin run of the mailbox client', () => {
  it('leaves the same trace through the same couriers with and without writes and watches', async () => {
    const idle = await run(5, false)
    const busy = await run(5, true)
    assert.deepEqual(busy.couriers, idle.couriers)
    assert.deepEqual(busy.trace, idle.trace)
    assert.deepEqual([...new Set(busy.trace.map((line) => line.split(' ')[2]))], [String(COURIER_RECORD_BYTES)])
    // The busy twin must have been busy, and have met lost links and new epochs.
    assert.ok(busy.stored > 20 && busy.read > 10, `${busy.stored} stored, ${busy.read} read`)
    assert.equal(idle.stored + idle.read, 0)
    assert.ok(idle.couriers.length >= 8, `${idle.couriers.length} links`)
    assert.ok(idle.trace.length > 200, `${idle.trace.length} records`)
  })

  it('leaves another trace for another seed', async () => {
    const [one, other] = [await run(5, false, 'none', 4 * MINUTE_MS), await run(6, false, 'none', 4 * MINUTE_MS)]
    assert.notDeepEqual(one.trace, other.trace)
  })

  for (const fault of ['early-flush', 'shares-random'] as const) {
    it(`control: ${fault} shows`, async () => {
      const idle = await run(5, false, fault, 8 * MINUTE_MS)
      const busy = await run(5, true, fault, 8 * MINUTE_MS)
      assert.notDeepEqual(busy.trace, idle.trace)
    })
  }
})
