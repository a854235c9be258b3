/**
 * k nearest neighbours: the share of the class among the windows that are most alike.
 * Never part of the product: a measuring tool.
 * @module
 */
import { type Classifier, createScaler } from './classifier.ts'

/** Odd, and enough that scores have many values. */
const NEIGHBOURS = 25

export const nearest: Classifier = {
  name: 'nearest',
  learn({ labels, vectors }) {
    const scale = createScaler(vectors)
    const scaled = vectors.map(scale)
    const count = Math.min(NEIGHBOURS, scaled.length)
    return (vector) => {
      const own = scale(vector)
      /** Of the nearest so far, the farthest first. */
      const distances = new Float64Array(count).fill(Number.POSITIVE_INFINITY)
      const votes = new Uint8Array(count)
      for (const [index, other] of scaled.entries()) {
        const limit = distances[0] ?? 0
        const distance = squaredDistance(own, other, limit)
        if (distance >= limit) continue
        let at = 1
        for (; at < count && (distances[at] ?? 0) > distance; at += 1) {
          distances[at - 1] = distances[at] ?? 0
          votes[at - 1] = votes[at] ?? 0
        }
        distances[at - 1] = distance
        votes[at - 1] = labels[index] ?? 0
      }
      // Nearer ones count a little more, which also breaks ties.
      let score = 0
      for (let at = 0; at < count; at += 1) score += ((votes[at] ?? 0) * 2 - 1) / (1 + Math.sqrt(distances[at] ?? 0))
      return score
    }
  },
}

/** Exact below `limit`; any number from it on when the distance is larger. */
function squaredDistance(a: Float64Array, b: Float64Array, limit: number): number {
  let sum = 0
  for (let at = 0; at < a.length; at += 1) {
    sum += ((a[at] ?? 0) - (b[at] ?? 0)) ** 2
    if (sum >= limit) return sum
  }
  return sum
}
