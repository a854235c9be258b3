/**
 * Sums of independent random delays: their means, spreads and quantiles.
 * Never draws anything: all of it is computed from the laws. Spec 02-padding §8.5.
 * @module
 */
import { EXPONENTIAL_CUT, LANE_SLOT_SPREAD } from './options.ts'
import type { Rhythm } from './profile.ts'

/** The mean of a delay and its second and third central moments, in powers of milliseconds. Those of a sum are the sums. */
export interface Cumulants {
  readonly mean: number
  readonly variance: number
  readonly third: number
}

/** Raw moments of the orders 1 to 4. */
export type Moments = readonly [number, number, number, number]

export const NO_DELAY: Cumulants = { mean: 0, variance: 0, third: 0 }

export function constantDelay(ms: number): Cumulants {
  return { ...NO_DELAY, mean: ms }
}

export function addDelays(...delays: readonly Cumulants[]): Cumulants {
  return delays.reduce(
    (sum, delay) => ({
      mean: sum.mean + delay.mean,
      variance: sum.variance + delay.variance,
      third: sum.third + delay.third,
    }),
    NO_DELAY,
  )
}

/** Sum of so many independent delays of one law. */
export function repeatDelay({ mean, variance, third }: Cumulants, count: number): Cumulants {
  return { mean: mean * count, variance: variance * count, third: third * count }
}

/** A delay that is taken off another one: the spreads add up, the means do not. */
export function negateDelay({ mean, variance, third }: Cumulants): Cumulants {
  return { mean: -mean, variance, third: -third }
}

export function cumulantsOf([m1, m2, m3]: Moments): Cumulants {
  return { mean: m1, variance: m2 - m1 ** 2, third: m3 - 3 * m2 * m1 + 2 * m1 ** 3 }
}

function momentsOf(moment: (order: number) => number): Moments {
  return [moment(1), moment(2), moment(3), moment(4)]
}

/** Of an exponential with this scale, cut at `EXPONENTIAL_CUT` times it. */
export function cutExponential(scaleMs: number): Moments {
  return momentsOf((order) => {
    // order · γ(order, cut), the incomplete gamma function of a whole number.
    let term = 1
    let tail = 0
    for (let index = 0; index < order; index += 1) {
      tail += term
      term *= EXPONENTIAL_CUT / (index + 1)
    }
    let factorial = 1
    for (let index = 2; index <= order; index += 1) factorial *= index
    return scaleMs ** order * factorial * (1 - Math.exp(-EXPONENTIAL_CUT) * tail)
  })
}

/** From one slot to the next. */
export function intervalMoments({ law, meanMs }: Rhythm): Moments {
  if (law === 'exponential') return cutExponential(meanMs / cutExponential(1)[0])
  return momentsOf((order) => {
    const [low, high] = [(1 - LANE_SLOT_SPREAD) ** (order + 1), (1 + LANE_SLOT_SPREAD) ** (order + 1)]
    return (meanMs ** order * (high - low)) / ((order + 1) * 2 * LANE_SLOT_SPREAD)
  })
}

/** One interval, or with probability `twiceShare` two of them: what is left where some slots do something else. */
export function thinned(interval: Moments, twiceShare: number): Moments {
  const [a, b, c, d] = interval
  const two: Moments = [2 * a, 2 * b + 2 * a ** 2, 2 * c + 6 * b * a, 2 * d + 8 * c * a + 6 * b ** 2]
  const mix = (one: number, both: number): number => (1 - twiceShare) * one + twiceShare * both
  return [mix(a, two[0]), mix(b, two[1]), mix(c, two[2]), mix(d, two[3])]
}

/** From any moment to the next slot, of which nothing else is known. The fourth moment is of no use here. */
export function untilNextSlot([m1, m2, m3, m4]: Moments): Moments {
  return [m2 / (2 * m1), m3 / (3 * m1), m4 / (4 * m1), 0]
}

/** There with this probability, else no delay. */
export function sometimes(probability: number, [m1, m2, m3, m4]: Moments): Moments {
  return [probability * m1, probability * m2, probability * m3, probability * m4]
}

/** By its median and the deviation of its logarithm. */
export function logNormal(medianMs: number, sigma: number): Moments {
  return momentsOf((order) => medianMs ** order * Math.exp((order * sigma) ** 2 / 2))
}

/** Of the part above 0, as if it were normal. */
function meanAboveZero(mean: number, variance: number): number {
  if (variance === 0) return Math.max(0, mean)
  const z = mean / Math.sqrt(variance)
  return mean * normalCdf(z) + Math.sqrt(variance / (2 * Math.PI)) * Math.exp(-(z ** 2) / 2)
}

/**
 * Until the last of `count` + 1 things has passed two stages that each take one at a time, counted from when the first has:
 * a walk's highest point, by Spitzer's identity with normal steps. The spread is that of the slower stage.
 */
export function throughTwoStages(first: Cumulants, second: Cumulants, count: number): Cumulants {
  const slower = repeatDelay(first.mean >= second.mean ? first : second, count)
  let waiting = 0
  for (let step = 1; step <= count; step += 1) {
    waiting += meanAboveZero(step * (first.mean - second.mean), step * (first.variance + second.variance)) / step
  }
  return { ...slower, mean: count * second.mean + waiting }
}

/** Abramowitz and Stegun 26.2.17; wrong by less than 10^-7. */
function normalCdf(z: number): number {
  const t = 1 / (1 + 0.231_641_9 * Math.abs(z))
  const coefficients = [0.319_381_53, -0.356_563_782, 1.781_477_937, -1.821_255_978, 1.330_274_429]
  const series = coefficients.reduceRight((sum, coefficient) => t * (coefficient + sum), 0)
  const tail = (series * Math.exp(-(z ** 2) / 2)) / Math.sqrt(2 * Math.PI)
  return z >= 0 ? 1 - tail : tail
}

/** Below which a delay stays with the probability whose normal quantile is `z`; by Cornish and Fisher's first term. */
export function quantileOf({ mean, variance, third }: Cumulants, z: number): number {
  if (variance === 0) return mean
  const skewness = third / variance ** 1.5
  return mean + Math.sqrt(variance) * (z + (skewness * (z ** 2 - 1)) / 6)
}
