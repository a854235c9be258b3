import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { describe, it } from 'node:test'
import { areaUnderCurve, observe } from '../../../simulations/lane-observer.ts'
import { createSeededRandom } from '../../support/seeded-random.ts'

const randomFor = (stream: string) => createSeededRandom(createHash('sha256').update(stream).digest().readInt32BE())

describe('area under the curve', () => {
  it('is one half for the same, one for apart, and counts ties half', () => {
    assert.equal(areaUnderCurve([1, 2, 3], [1, 2, 3]), 0.5)
    assert.equal(areaUnderCurve([4, 5], [1, 2, 3]), 1)
    assert.equal(areaUnderCurve([1], [2, 3]), 0)
    assert.equal(areaUnderCurve([1, 1], [1]), 0.5)
  })
})

describe('the observer of one lane', () => {
  it('cannot tell minutes with messages from minutes without', () => {
    const { worst, bound } = observe({ windows: 400, isFlushing: false, randomFor })
    assert.ok(worst < bound)
  })

  it('control: tells a lane that flushes', () => {
    const { worst, bound } = observe({ windows: 400, isFlushing: true, randomFor })
    assert.ok(worst > 0.6 && worst > bound)
  })
})
