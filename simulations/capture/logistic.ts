/**
 * Logistic regression with a penalty on large weights, by gradient descent with momentum.
 * Never part of the product: a measuring tool.
 * @module
 */
import { type Classifier, createScaler } from './classifier.ts'

const STEPS = 300
const RATE = 0.1
const MOMENTUM = 0.9
/** Found on windows with known leaks: ten times less learns noise from some hundred windows of two hundred features. */
const PENALTY = 0.2

export const logistic: Classifier = {
  name: 'logistic',
  learn({ labels, vectors }) {
    const scale = createScaler(vectors)
    const width = vectors[0]?.length ?? 0
    const count = vectors.length
    // One row after the other: the loops below are most of what an analysis takes (measured).
    const rows = new Float64Array(count * width)
    for (const [index, vector] of vectors.entries()) rows.set(scale(vector), index * width)
    const weights = new Float64Array(width)
    const speeds = new Float64Array(width)
    const gradient = new Float64Array(width)
    let bias = 0
    for (let step = 0; step < STEPS; step += 1) {
      gradient.fill(0)
      let biasGradient = 0
      for (let index = 0; index < count; index += 1) {
        const from = index * width
        let sum = 0
        for (let at = 0; at < width; at += 1) sum += (weights[at] as number) * (rows[from + at] as number)
        const error = 1 / (1 + Math.exp(-bias - sum)) - (labels[index] as number)
        biasGradient += error
        for (let at = 0; at < width; at += 1) {
          gradient[at] = (gradient[at] as number) + error * (rows[from + at] as number)
        }
      }
      // Wide vectors make steep slopes: the step shrinks with them.
      const rate = RATE / Math.sqrt(width)
      for (let at = 0; at < width; at += 1) {
        const slope = (gradient[at] ?? 0) / count + PENALTY * (weights[at] ?? 0)
        speeds[at] = MOMENTUM * (speeds[at] ?? 0) - rate * slope
        weights[at] = (weights[at] ?? 0) + (speeds[at] ?? 0)
      }
      bias -= (RATE * biasGradient) / count
    }
    return (vector) => dot(weights, scale(vector)) + bias
  },
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0
  for (let at = 0; at < a.length; at += 1) sum += (a[at] ?? 0) * (b[at] ?? 0)
  return sum
}
