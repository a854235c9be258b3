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
    const width = vectors[0]?.length ?? 0
    const rows = new Float64Array(vectors.length * width)
    for (const [index, vector] of vectors.entries()) rows.set(scale(vector), index * width)
    const count = Math.min(NEIGHBOURS, vectors.length)
    return (vector) => {
      const own = scale(vector)
      /** Of the nearest so far, the farthest first. */
      const distances = new Float64Array(count).fill(Number.POSITIVE_INFINITY)
      const votes = new Uint8Array(count)
      for (let index = 0; index < vectors.length; index += 1) {
        const limit = distances[0] ?? 0
        const distance = squaredDistance(own, rows, index * width, limit)
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

/** So many features are added up before it is asked whether that is too far already. */
const STRIDE = 16

/** From `own` to the row that begins at `from`. Exact below `limit`; any number from it on when the distance is larger. */
function squaredDistance(own: Float64Array, rows: Float64Array, from: number, limit: number): number {
  let sum = 0
  for (let start = 0; start < own.length; start += STRIDE) {
    const end = Math.min(own.length, start + STRIDE)
    for (let at = start; at < end; at += 1) {
      const difference = (own[at] as number) - (rows[from + at] as number)
      sum += difference * difference
    }
    if (sum >= limit) return sum
  }
  return sum
}
