/** Classifiers find what is known to be there, and nothing in noise. @module */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Classifier, Samples } from '../../../simulations/capture/classifier.ts'
import { CLASSIFIERS } from '../../../simulations/capture/evaluate.ts'
import { areaUnderCurve } from '../../../simulations/lane-observer.ts'
import { createSeededRandom } from '../../support/seeded-random.ts'

const WIDTH = 20

/** `label` shapes the vector; the rest is noise. */
function draw(count: number, seed: number, shape: (vector: Float64Array, label: number) => void): Samples {
  const { uniform } = createSeededRandom(seed)
  const labels = Uint8Array.from({ length: count }, (_, index) => index % 2)
  const vectors = [...labels].map((label) => {
    const vector = Float64Array.from({ length: WIDTH }, () => uniform() + uniform() + uniform() - 1.5)
    shape(vector, label)
    return vector
  })
  return { vectors, labels }
}

function areaOf({ learn }: Classifier, shape: (vector: Float64Array, label: number) => void, seed = 1): number {
  const score = learn(draw(400, seed, shape), createSeededRandom(3))
  const { labels, vectors } = draw(400, seed + 1, shape)
  const scores = vectors.map(score)
  const of = (label: number): readonly number[] => scores.filter((_, index) => labels[index] === label)
  return areaUnderCurve(of(1), of(0))
}

const shift = (vector: Float64Array, label: number): void => {
  vector[4] = (vector[4] ?? 0) + 1.2 * label
}
/** Neither feature alone says anything. */
const crossed = (vector: Float64Array, label: number): void => {
  if ((vector[2] ?? 0) * (vector[7] ?? 0) > 0 !== (label === 1)) vector[7] = -(vector[7] ?? 0)
}

for (const classifier of CLASSIFIERS) {
  describe(`the classifier ${classifier.name}`, () => {
    it('finds one feature that is shifted among others that are not', () => {
      // The best possible is 0.95.
      assert.ok(areaOf(classifier, shift) > (classifier.name === 'nearest' ? 0.75 : 0.9))
    })
    it('finds nothing where there is nothing', () => {
      const areas = [10, 20, 30, 40].map((seed) => areaOf(classifier, () => undefined, seed))
      const middle = areas.reduce((sum, area) => sum + area, 0) / areas.length
      assert.ok(Math.abs(middle - 0.5) < 0.04, `mean ${middle}`)
    })
    it('gives the same scores for the same seed', () => {
      assert.equal(areaOf(classifier, shift), areaOf(classifier, shift))
    })
  })
}

describe('the classifiers together', () => {
  it('find two features that say something only together, as a linear one cannot', () => {
    const areas = CLASSIFIERS.map((classifier) => areaOf(classifier, crossed))
    assert.ok((areas[0] ?? 1) < 0.6, 'the linear one is no control')
    assert.ok(Math.max(...areas) > 0.65, areas.join(' '))
  })
})
