import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { observeBoxReads } from '../../../simulations/box-store-timing.ts'
import { createSetClock } from '../../support/box-store.ts'
import { createSeededRandom } from '../../support/seeded-random.ts'
import { silentLogger } from '../../support/silent-logger.ts'

describe('the observer of box reads', () => {
  // The verdict is the simulation's: a machine that is busy with a test run is no place to judge times.
  it('reads hits and misses alike from the store and from the control', async () => {
    let stream = 0
    const result = await observeBoxReads({
      boxes: 300,
      reads: 100,
      clock: createSetClock(),
      logger: silentLogger,
      randomFor: () => createSeededRandom((stream += 1)),
    })
    for (const { advantage, hitMedianUs, missMedianUs } of [result.store, result.control]) {
      assert.ok(advantage >= 0 && advantage <= 1)
      assert.ok(hitMedianUs > 0 && missMedianUs > 0)
    }
  })
})
