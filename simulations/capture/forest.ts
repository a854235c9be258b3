/**
 * A random forest: trees over bootstrap samples, each split the best of a few features drawn at random, by Gini impurity.
 * Never part of the product: a measuring tool.
 * @module
 */
import type { Random } from '../../src/ports/index.ts'
import type { Classifier, Samples } from './classifier.ts'

const TREES = 60
const DEPTH = 8
const LEAF_COUNT = 5
/** Thresholds that a feature is cut at; quantiles of the samples. */
const CUTS = 31

interface Leaf {
  readonly score: number
}
interface Split {
  readonly feature: number
  readonly threshold: number
  readonly low: Node
  readonly high: Node
}
type Node = Leaf | Split

export const forest: Classifier = {
  name: 'forest',
  learn(samples, random) {
    const thresholds = cutsOf(samples)
    const { labels, vectors } = samples
    const bins = thresholds.map((cuts, feature) =>
      Uint8Array.from(vectors, (vector) => binOf(vector[feature] ?? 0, cuts)),
    )
    const trees = Array.from({ length: TREES }, () => {
      const chosen = Int32Array.from(labels, () => Math.floor(random.uniform() * labels.length))
      return grow(chosen, { bins, labels, thresholds, random }, 0)
    })
    return (vector) => trees.reduce((sum, tree) => sum + scoreOf(tree, vector), 0) / trees.length
  },
}

interface Ground {
  /** By feature, then by sample: in which interval between the feature's thresholds it lies. */
  readonly bins: readonly Uint8Array[]
  readonly labels: Uint8Array
  readonly thresholds: readonly (readonly number[])[]
  readonly random: Random
}

function cutsOf({ vectors }: Samples): readonly (readonly number[])[] {
  const width = vectors[0]?.length ?? 0
  return Array.from({ length: width }, (_, feature) => {
    const sorted = Float64Array.from(vectors, (vector) => vector[feature] ?? 0).sort()
    const cuts = new Set<number>()
    for (let cut = 1; cut <= CUTS; cut += 1) {
      const at = Math.floor((cut * sorted.length) / (CUTS + 1))
      const [below = 0, above = 0] = [sorted[at - 1], sorted[at]]
      if (below < above) cuts.add((below + above) / 2)
      else if (below > (sorted[0] ?? 0)) cuts.add(below - Math.abs(below) * 1e-9)
    }
    return [...cuts].sort((a, b) => a - b)
  })
}

function binOf(value: number, thresholds: readonly number[]): number {
  let bin = 0
  while (bin < thresholds.length && value > (thresholds[bin] ?? 0)) bin += 1
  return bin
}

function grow(chosen: Int32Array, ground: Ground, depth: number): Node {
  const { bins, labels, random, thresholds } = ground
  const positives = chosen.reduce((sum, index) => sum + (labels[index] ?? 0), 0)
  const leaf: Leaf = { score: (positives + 0.5) / (chosen.length + 1) }
  if (depth >= DEPTH || chosen.length < 2 * LEAF_COUNT || positives === 0 || positives === chosen.length) return leaf
  const width = thresholds.length
  let best = { gain: 0, feature: -1, cut: -1 }
  for (let draw = 0; draw < Math.ceil(Math.sqrt(width)); draw += 1) {
    const feature = Math.floor(random.uniform() * width)
    const cuts = thresholds[feature]?.length ?? 0
    const column = bins[feature] ?? new Uint8Array()
    const counts = new Float64Array(cuts + 1)
    const hits = new Float64Array(cuts + 1)
    for (let at = 0; at < chosen.length; at += 1) {
      const index = chosen[at] as number
      const bin = column[index] as number
      counts[bin] = (counts[bin] as number) + 1
      hits[bin] = (hits[bin] as number) + (labels[index] as number)
    }
    let [lowCount, lowHits] = [0, 0]
    for (let cut = 0; cut < cuts; cut += 1) {
      lowCount += counts[cut] ?? 0
      lowHits += hits[cut] ?? 0
      const highCount = chosen.length - lowCount
      if (lowCount < LEAF_COUNT || highCount < LEAF_COUNT) continue
      const highHits = positives - lowHits
      const gain =
        (lowHits * lowHits) / lowCount + (highHits * highHits) / highCount - (positives * positives) / chosen.length
      if (gain > best.gain + 1e-12) best = { gain, feature, cut }
    }
  }
  if (best.feature < 0) return leaf
  const column = bins[best.feature] ?? new Uint8Array()
  const isLow = (index: number): boolean => (column[index] ?? 0) <= best.cut
  return {
    feature: best.feature,
    threshold: thresholds[best.feature]?.[best.cut] ?? 0,
    low: grow(chosen.filter(isLow), ground, depth + 1),
    high: grow(
      chosen.filter((index) => !isLow(index)),
      ground,
      depth + 1,
    ),
  }
}

function scoreOf(tree: Node, vector: Float64Array): number {
  let node = tree
  while ('feature' in node) node = (vector[node.feature] ?? 0) > node.threshold ? node.high : node.low
  return node.score
}
