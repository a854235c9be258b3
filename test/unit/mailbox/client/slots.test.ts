import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isAbortError } from '../../../../src/base/index.ts'
import type { ReadyCourier } from '../../../../src/mailbox/client/epochs.ts'
import { createPendingRequests } from '../../../../src/mailbox/client/pending-requests.ts'
import { runSlotLane, type SlotLaneOptions } from '../../../../src/mailbox/client/slots.ts'
import { prepareLeadMs } from '../../../../src/padding/index.ts'
import { createSeededRandom } from '../../../support/seeded-random.ts'
import { createVirtualClock } from '../../../support/virtual-clock.ts'

const MEAN_MS = 10_000
const COURIER: ReadyCourier = {
  link: { hostKey: '', send: () => true },
  pending: createPendingRequests(''),
  cursors: [],
  root: undefined,
  hostCount: 0,
}

/** A lane that says what became of each record that was made. */
function start(more: Partial<SlotLaneOptions> = {}) {
  const clock = createVirtualClock()
  const stopper = new AbortController()
  const fates: string[] = []
  let nextMs = 0
  const done = runSlotLane(
    { clock, random: createSeededRandom(1) },
    {
      rhythm: { meanMs: MEAN_MS, law: 'jittered' },
      ready: () => [COURIER],
      prepare(slotIndex) {
        const at = fates.push(`made ${slotIndex}`) - 1
        const tell = (fate: string): void => {
          fates[at] = fates[at] === `made ${slotIndex}` ? `${fate} ${slotIndex}` : `${fates[at]}, ${fate}`
        }
        return { send: () => tell('sent'), drop: () => tell('dropped') }
      },
      onPlanned: (slotMs) => {
        nextMs = slotMs
      },
      ...more,
    },
    stopper.signal,
  ).catch((error: unknown) => {
    if (!isAbortError(error)) throw error
  })
  return {
    clock,
    fates,
    nextMs: () => nextMs,
    async stop() {
      stopper.abort()
      await done
    },
  }
}

describe('runSlotLane', () => {
  it('sends what was made when its slot comes, one for each', async () => {
    const lane = start()
    await lane.clock.advance(20 * MEAN_MS)
    await lane.stop()
    assert.ok(lane.fates.length > 15)
    for (const [index, fate] of lane.fates.slice(0, -1).entries()) assert.equal(fate, `sent ${index}`)
  })

  it('drops what was made when there is no courier', async () => {
    const lane = start({ ready: () => [] })
    await lane.clock.advance(5 * MEAN_MS)
    await lane.stop()
    assert.ok(lane.fates.length >= 3)
    assert.ok(lane.fates.every((fate) => fate.startsWith('dropped')))
  })

  it('gives back what was made for a slot that the end of the lane takes away', async () => {
    const lane = start()
    await lane.clock.advance(0)
    await lane.clock.advance(lane.nextMs() - prepareLeadMs({ meanMs: MEAN_MS, law: 'jittered' }) / 2)
    assert.deepEqual(lane.fates, ['made 0'], 'the lane ends between the making and the slot')
    await lane.stop()
    assert.deepEqual(lane.fates, ['dropped 0'])
  })
})
