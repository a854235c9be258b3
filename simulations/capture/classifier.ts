/**
 * What every classifier is: learns from labelled vectors, then gives any vector a score. And the scaling that two of them need.
 * Never sees a vector of the test side while it learns.
 * @module
 */
import type { Random } from '../../src/ports/index.ts'

export interface Samples {
  readonly vectors: readonly Float64Array[]
  /** 1 for the class that is looked for, 0 for the baseline. */
  readonly labels: Uint8Array
}

/** Higher for what looks more like the class. */
export type Score = (vector: Float64Array) => number

export interface Classifier {
  readonly name: string
  readonly learn: (samples: Samples, random: Random) => Score
}

/** Brings every feature to mean 0 and deviation 1 of the samples; features that never change become 0. */
export function createScaler(vectors: readonly Float64Array[]): (vector: Float64Array) => Float64Array {
  const width = vectors[0]?.length ?? 0
  const means = new Float64Array(width)
  const factors = new Float64Array(width)
  for (const vector of vectors) for (let at = 0; at < width; at += 1) means[at] = (means[at] ?? 0) + (vector[at] ?? 0)
  for (let at = 0; at < width; at += 1) means[at] = (means[at] ?? 0) / vectors.length
  for (const vector of vectors) {
    for (let at = 0; at < width; at += 1) {
      factors[at] = (factors[at] ?? 0) + ((vector[at] ?? 0) - (means[at] ?? 0)) ** 2
    }
  }
  for (let at = 0; at < width; at += 1) {
    const deviation = Math.sqrt((factors[at] ?? 0) / vectors.length)
    factors[at] = deviation > 1e-12 ? 1 / deviation : 0
  }
  // One strange window must not rule: beyond a few deviations it counts as being there.
  const limit = 5
  return (vector) =>
    vector.map((value, at) => Math.max(-limit, Math.min(limit, (value - (means[at] ?? 0)) * (factors[at] ?? 0))))
}
