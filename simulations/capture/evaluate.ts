/**
 * How well the best of some classifiers tells two classes of windows apart, with an interval and a p-value that know that
 * windows of one segment are alike and that the best was chosen. METADATA §6.
 * Never tests a window on what was learned from its own run or its own node (from its own node alone where there is one run).
 * @module
 */
import type { Random } from '../../src/ports/index.ts'
import type { Classifier } from './classifier.ts'
import { forest } from './forest.ts'
import { logistic } from './logistic.ts'
import { nearest } from './nearest.ts'

export const CLASSIFIERS: readonly Classifier[] = [logistic, nearest, forest]

/** One window as the observer has it. */
export interface Sample {
  readonly vector: Float64Array
  readonly isPositive: boolean
  readonly run: number
  readonly node: number
  readonly segment: number
}

export interface EvaluateOptions {
  /** Of the bootstrap and of the permutations, each. */
  readonly rounds: number
  readonly random: Random
  readonly classifiers?: readonly Classifier[]
}

export interface Evaluation {
  readonly positives: number
  readonly negatives: number
  readonly segments: number
  /** Of the best classifier. */
  readonly auc: number
  readonly classifier: string
  readonly aucs: Readonly<Record<string, number>>
  /** Two-sided, 95 %, bootstrap over the segments of each run, node and class. */
  readonly interval: readonly [number, number]
  /** One-sided, 95 %, for the best of all classifiers: the largest of their bounds, since any of them may be the best in truth. */
  readonly upper: number
  /** Of the largest AUC over all classifiers, labels permuted among the segments of each run and node. */
  readonly p: number
  readonly split: 'run and node' | 'node'
}

/** Parts that runs, and nodes, are dealt into; a test part is learned from neither its runs nor its nodes. */
const PARTS = 3

/** How many parts there are of runs and of nodes. */
interface Deal {
  readonly runs: number
  readonly nodes: number
}

interface Place {
  readonly run: number
  readonly node: number
}

/**
 * Whether the part at `test` learns from the part at `other`: never both from each other. Two parts that happen to be alike
 * would make both areas large, and chance would look rarer than it is (measured: 13 % of like with like below 5 %).
 */
function learnsFrom(test: Place, other: Place, { nodes, runs }: Deal): boolean {
  const isNextNode = other.node === (test.node + 1) % nodes && (nodes > 2 || test.node === 0)
  if (runs === 1) return isNextNode
  if (runs === 2) return other.run !== test.run && (nodes > 2 ? isNextNode : test.run === 0 && other.node !== test.node)
  return other.run === (test.run + 1) % runs && other.node !== test.node
}

interface Scored {
  /** Which test part a sample belongs to; -1 for those that are only learned from. */
  readonly part: Int32Array
  /** By classifier, then by sample. */
  readonly scores: readonly Float64Array[]
  readonly split: Evaluation['split']
}

/** @throws {Error} when there are too few nodes or a class is missing */
export function evaluate(given: readonly Sample[], options: EvaluateOptions): Evaluation {
  const classifiers = options.classifiers ?? CLASSIFIERS
  const { samples, ...scored } = onlyTested(given, scoreAll(given, classifiers, options.random))
  const labels = Uint8Array.from(samples, ({ isPositive }) => (isPositive ? 1 : 0))
  const rankings = scored.scores.map((scores) => rank(scores, scored.part))
  const ones = new Float64Array(samples.length).fill(1)
  const aucs = rankings.map((ranking) => areaOf(ranking, labels, ones))
  const best = aucs.indexOf(Math.max(...aucs))
  const auc = aucs[best]
  if (auc === undefined || Number.isNaN(auc)) {
    throw new Error('a class is missing on one side of every split')
  }
  const bootstrapped = bootstrap(samples, labels, rankings, options)
  const at = (share: number, which = best): number => {
    const areas = bootstrapped[which] ?? []
    return areas[Math.round(share * (areas.length - 1))] ?? auc
  }
  const positives = labels.reduce((sum, label) => sum + label, 0)
  return {
    positives,
    negatives: labels.length - positives,
    segments: new Set(samples.map(({ segment }) => segment)).size,
    auc,
    classifier: classifiers[best]?.name ?? '',
    aucs: Object.fromEntries(classifiers.map(({ name }, index) => [name, aucs[index] ?? Number.NaN])),
    interval: [at(0.025), at(0.975)],
    upper: Math.max(...rankings.map((_, which) => at(0.95, which))),
    p: permute(samples, rankings, auc, ones, options),
    split: scored.split,
  }
}

function onlyTested(
  given: readonly Sample[],
  { part, scores, split }: Scored,
): Scored & { samples: readonly Sample[] } {
  const isTested = (index: number): boolean => (part[index] ?? -1) >= 0
  return {
    split,
    samples: given.filter((_, index) => isTested(index)),
    part: part.filter((at) => at >= 0),
    scores: scores.map((list) => list.filter((_, index) => isTested(index))),
  }
}

function scoreAll(samples: readonly Sample[], classifiers: readonly Classifier[], random: Random): Scored {
  const runs = [...new Set(samples.map(({ run }) => run))].sort((a, b) => a - b)
  const nodes = [...new Set(samples.map(({ node }) => node))].sort((a, b) => a - b)
  if (nodes.length < 2) throw new Error('windows of one node alone cannot be split')
  const deal: Deal = { runs: Math.min(PARTS, runs.length), nodes: Math.min(PARTS, nodes.length) }
  const places = samples.map(({ node, run }) => ({
    run: runs.indexOf(run) % deal.runs,
    node: nodes.indexOf(node) % deal.nodes,
  }))
  const part = new Int32Array(samples.length).fill(-1)
  const scores = classifiers.map(() => new Float64Array(samples.length).fill(Number.NaN))
  for (let at = 0; at < deal.runs * deal.nodes; at += 1) {
    const test: Place = { run: Math.floor(at / deal.nodes), node: at % deal.nodes }
    const learned = samples.filter((_, index) => learnsFrom(test, places[index] ?? test, deal))
    if (learned.length === 0) continue
    const labels = Uint8Array.from(learned, ({ isPositive }) => (isPositive ? 1 : 0))
    if (!labels.includes(1) || !labels.includes(0)) throw new Error('a class is missing in what is learned from')
    const vectors = learned.map(({ vector }) => vector)
    for (const [which, { learn }] of classifiers.entries()) {
      const score = learn({ vectors, labels }, random)
      for (const [index, { vector }] of samples.entries()) {
        const place = places[index]
        const list = scores[which]
        if (place?.run !== test.run || place.node !== test.node || list === undefined) continue
        part[index] = at
        list[index] = score(vector)
      }
    }
  }
  return { part, scores, split: deal.runs > 1 ? 'run and node' : 'node' }
}

/** Samples in order of score, part by part; scores of different parts come from different classifiers. */
interface Ranking {
  readonly order: Int32Array
  /** For each place in `order`: true when the score or part is another than before. */
  readonly isNew: Uint8Array
  readonly isNewPart: Uint8Array
}

function rank(scores: Float64Array, part: Int32Array): Ranking {
  const order = Int32Array.from(scores, (_, index) => index).sort(
    (a, b) => (part[a] ?? 0) - (part[b] ?? 0) || (scores[a] ?? 0) - (scores[b] ?? 0) || a - b,
  )
  const isNewPart = Uint8Array.from(order, (index, place) =>
    place === 0 || part[index] !== part[order[place - 1] ?? 0] ? 1 : 0,
  )
  const isNew = Uint8Array.from(order, (index, place) =>
    isNewPart[place] === 1 || scores[index] !== scores[order[place - 1] ?? 0] ? 1 : 0,
  )
  return { order, isNew, isNewPart }
}

/**
 * The probability that a positive ranks above a negative of its part, ties count half, over all parts together; each sample
 * counts as often as its weight says.
 */
function areaOf({ isNew, isNewPart, order }: Ranking, labels: Uint8Array, weights: Float64Array): number {
  let area = 0
  let pairs = 0
  let [negatives, positives, below] = [0, 0, 0]
  let [tiedNegatives, tiedPositives] = [0, 0]
  const closeTie = (): void => {
    area += tiedPositives * (below + tiedNegatives / 2)
    below += tiedNegatives
    negatives += tiedNegatives
    positives += tiedPositives
    tiedNegatives = 0
    tiedPositives = 0
  }
  for (let place = 0; place < order.length; place += 1) {
    const index = order[place] as number
    if (isNew[place] === 1) closeTie()
    if (isNewPart[place] === 1) {
      pairs += negatives * positives
      negatives = 0
      positives = 0
      below = 0
    }
    const weight = weights[index] ?? 0
    if (labels[index] === 1) tiedPositives += weight
    else tiedNegatives += weight
  }
  closeTie()
  pairs += negatives * positives
  return area / pairs
}

function bySegment(samples: readonly Sample[]): readonly (readonly number[])[] {
  const segments = new Map<number, number[]>()
  for (const [index, { segment }] of samples.entries()) {
    const list = segments.get(segment)
    if (list === undefined) segments.set(segment, [index])
    else list.push(index)
  }
  return [...segments.values()]
}

/**
 * The segments of each class, by run and node: what differs from one client to the next is in both of its classes and is no
 * uncertainty about what tells them apart. A segment that is alone is put with the others of its class that are.
 */
function strataOf(samples: readonly Sample[]): readonly (readonly (readonly number[])[])[] {
  const strata = new Map<string, (readonly number[])[]>()
  const add = (name: string, list: readonly number[]): void =>
    void strata.set(name, [...(strata.get(name) ?? []), list])
  for (const list of bySegment(samples)) {
    const first = samples[list[0] ?? 0]
    add(`${first?.isPositive} ${first?.run}/${first?.node}`, list)
  }
  for (const [name, lists] of [...strata]) {
    if (lists.length > 1) continue
    strata.delete(name)
    for (const list of lists) add(name.startsWith('true') ? 'alone, true' : 'alone, false', list)
  }
  return [...strata.values()]
}

/**
 * Areas of resampled segments by ranking, in ascending order. Of the m segments of a stratum m − 1 are drawn and weigh
 * m / (m − 1), since m of m would make few segments look surer than they are (Rao and Wu 1988, resampling inference with
 * complex survey data).
 */
function bootstrap(
  samples: readonly Sample[],
  labels: Uint8Array,
  rankings: readonly Ranking[],
  { random, rounds }: EvaluateOptions,
): readonly Float64Array[] {
  const strata = strataOf(samples)
  const areas = rankings.map((): number[] => [])
  const weights = new Float64Array(samples.length)
  for (let round = 0; round < rounds; round += 1) {
    weights.fill(0)
    for (const stratum of strata) {
      const draws = Math.max(1, stratum.length - 1)
      for (let draw = 0; draw < draws; draw += 1) {
        const list = stratum[Math.floor(random.uniform() * stratum.length)] ?? []
        for (const index of list) weights[index] = (weights[index] ?? 0) + stratum.length / draws
      }
    }
    for (const [which, ranking] of rankings.entries()) {
      const area = areaOf(ranking, labels, weights)
      if (!Number.isNaN(area)) areas[which]?.push(area)
    }
  }
  return areas.map((list) => Float64Array.from(list).sort())
}

/** Share of relabellings whose largest area is at least what was seen. */
function permute(
  samples: readonly Sample[],
  rankings: readonly Ranking[],
  seen: number,
  ones: Float64Array,
  { random, rounds }: EvaluateOptions,
): number {
  const blocks = new Map<string, (readonly number[])[]>()
  for (const list of bySegment(samples)) {
    const first = samples[list[0] ?? 0]
    const name = `${first?.run}/${first?.node}`
    blocks.set(name, [...(blocks.get(name) ?? []), list])
  }
  let reached = 0
  const labels = new Uint8Array(samples.length)
  for (let round = 0; round < rounds; round += 1) {
    for (const block of blocks.values()) {
      const drawn = block.map((list) => (samples[list[0] ?? 0]?.isPositive === true ? 1 : 0))
      for (let at = drawn.length - 1; at > 0; at -= 1) {
        const other = Math.floor(random.uniform() * (at + 1))
        const [own = 0, theirs = 0] = [drawn[at], drawn[other]]
        drawn[at] = theirs
        drawn[other] = own
      }
      for (const [at, list] of block.entries()) for (const index of list) labels[index] = drawn[at] ?? 0
    }
    const areas = rankings.map((ranking) => areaOf(ranking, labels, ones))
    if (Math.max(...areas) >= seen - 1e-12) reached += 1
  }
  return (reached + 1) / (rounds + 1)
}
