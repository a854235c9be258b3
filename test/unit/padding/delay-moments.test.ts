import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  addDelays,
  type Cumulants,
  constantDelay,
  cumulantsOf,
  cutExponential,
  intervalMoments,
  logNormal,
  NO_DELAY,
  negateDelay,
  quantileOf,
  repeatDelay,
  sometimes,
  thinned,
  throughTwoStages,
  untilNextSlot,
} from '../../../src/padding/delay-moments.ts'
import { nextSlotDelayMs, type Rhythm } from '../../../src/padding/index.ts'
import { createSeededRandom } from '../../support/seeded-random.ts'

const COUNT = 200_000
const LAWS: readonly Rhythm[] = [
  { meanMs: 10, law: 'jittered' },
  { meanMs: 10, law: 'exponential' },
]

function measure(values: readonly number[]): Cumulants {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length
  const central = (order: number): number =>
    values.reduce((sum, value) => sum + (value - mean) ** order, 0) / values.length
  return { mean, variance: central(2), third: central(3) }
}

/** Within 1 % of the mean, 3 % of the spread, and 0.1 of skewness: what 200,000 draws can tell. */
function isClose(computed: Cumulants, values: readonly number[]): boolean {
  const measured = measure(values)
  return (
    Math.abs(computed.mean - measured.mean) <= 0.01 * measured.mean &&
    Math.abs(Math.sqrt(computed.variance) - Math.sqrt(measured.variance)) <= 0.03 * Math.sqrt(measured.variance) &&
    Math.abs(computed.third - measured.third) <= 0.1 * measured.variance ** 1.5
  )
}

function drawn(rhythm: Rhythm, seed: number): number[] {
  const random = createSeededRandom(seed)
  return Array.from({ length: COUNT }, () => nextSlotDelayMs(random, rhythm))
}

/** From random moments to the next slot. */
function drawnResiduals(intervals: readonly number[], seed: number): number[] {
  const random = createSeededRandom(seed)
  const residuals: number[] = []
  let offset = 0
  for (const interval of intervals) {
    // One look in each three of the mean, at a place that has nothing to do with the slots.
    for (; offset < interval; offset += 30 + 5 * random.uniform()) residuals.push(interval - offset)
    offset -= interval
  }
  return residuals
}

describe('moments of delays', () => {
  it('are those of what is drawn', () => {
    for (const rhythm of LAWS) {
      const interval = intervalMoments(rhythm)
      const values = drawn(rhythm, 1)
      assert.ok(isClose(cumulantsOf(interval), values), rhythm.law)
      assert.ok(isClose(cumulantsOf(untilNextSlot(interval)), drawnResiduals(values, 2)), rhythm.law)
      const pairs = values.slice(1).map((value, index) => value + (values[index] ?? 0))
      assert.ok(isClose(repeatDelay(cumulantsOf(interval), 2), pairs), rhythm.law)
      const random = createSeededRandom(3)
      const thin = values.map((value, index) => value + (random.uniform() < 0.2 ? (values.at(index - 1) ?? 0) : 0))
      assert.ok(isClose(cumulantsOf(thinned(interval, 0.2)), thin), rhythm.law)
      const some = values.map((value) => (random.uniform() < 0.3 ? value : 0))
      assert.ok(isClose(cumulantsOf(sometimes(0.3, interval)), some), rhythm.law)
    }
  })

  it('are those of a courier and of an onion', () => {
    const random = createSeededRandom(4)
    const cut = Array.from({ length: COUNT }, () => 7 * Math.min(4, -Math.log1p(-random.uniform())))
    assert.ok(isClose(cumulantsOf(cutExponential(7)), cut))
    const onion = Array.from({ length: COUNT }, () => {
      const radius = Math.sqrt(-2 * Math.log1p(-random.uniform()))
      return 350 * Math.exp(0.25 * radius * Math.cos(2 * Math.PI * random.uniform()))
    })
    assert.ok(isClose(cumulantsOf(logNormal(350, 0.25)), onion))
  })

  it('control: what is compared here tells another law, another mean and a whole interval from a part', () => {
    const [jittered, exponential] = LAWS
    assert.ok(jittered !== undefined && exponential !== undefined)
    const values = drawn(jittered, 1)
    assert.equal(isClose(cumulantsOf(intervalMoments(exponential)), values), false)
    assert.equal(isClose(cumulantsOf(intervalMoments({ ...jittered, meanMs: 10.2 })), values), false)
    assert.equal(isClose(cumulantsOf(untilNextSlot(intervalMoments(jittered))), values), false)
  })

  it('add up', () => {
    const interval = cumulantsOf(intervalMoments({ meanMs: 10, law: 'exponential' }))
    assert.deepEqual(addDelays(), NO_DELAY)
    assert.deepEqual(addDelays(interval, constantDelay(5)), { ...interval, mean: 15 })
    const { mean, third, variance } = addDelays(interval, negateDelay(interval))
    assert.deepEqual([mean, third], [0, 0])
    assert.equal(variance, 2 * interval.variance)
  })
})

describe('quantiles', () => {
  it('are below and above what is drawn as often as they say', () => {
    for (const rhythm of LAWS) {
      const sum = repeatDelay(cumulantsOf(intervalMoments(rhythm)), 4)
      const values = drawn(rhythm, 5)
      const sums = Array.from({ length: COUNT / 4 }, (_, index) =>
        values.slice(4 * index, 4 * index + 4).reduce((total, value) => total + value, 0),
      )
      const below = (z: number): number => sums.filter((value) => value < quantileOf(sum, z)).length / sums.length
      assert.ok(Math.abs(below(1.645) - 0.95) < 0.015, `${rhythm.law} ${below(1.645)}`)
      assert.ok(Math.abs(below(-1.645) - 0.05) < 0.015, `${rhythm.law} ${below(-1.645)}`)
    }
    assert.equal(quantileOf(constantDelay(3), 1.645), 3)
  })
})

describe('two stages', () => {
  it('take as long as the slower one, and longer where they are alike', () => {
    const stage = (meanMs: number): Cumulants => cumulantsOf(intervalMoments({ meanMs, law: 'exponential' }))
    assert.deepEqual(throughTwoStages(stage(10), stage(10), 0), NO_DELAY)
    const far = throughTwoStages(stage(100), stage(1), 20).mean
    assert.ok(far >= 2000 && far < 2020, `${far}`)
    const alike = throughTwoStages(stage(10), stage(10), 20).mean
    assert.ok(alike > 230 && alike < 270, `${alike}`)
    assert.equal(throughTwoStages(constantDelay(3), constantDelay(2), 10).mean, 30)
    assert.equal(throughTwoStages(constantDelay(2), constantDelay(3), 10).mean, 30)
  })
})
