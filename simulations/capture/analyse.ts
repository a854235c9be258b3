/**
 * From captures to the figures of `privacy-report.json`: every class against its baseline, the calibration, the controls.
 * Never calls a result one whose controls did not fire.
 * @module
 */
import type { Random } from '../../src/ports/index.ts'
import { type Evaluation, evaluate, type Sample } from './evaluate.ts'
import { featuresOf } from './features.ts'
import { injectLeak, LEAKS } from './leaks.ts'
import { baselineOf, type CaptureClass, cutWindows, type NodeCapture } from './trace.ts'

/** METADATA §6: what is aimed at, and the windows of each class without which it cannot be said to be reached. */
export const GOAL_UPPER = 0.53
export const GOAL_WINDOWS = 2_004
export const PADDING_OFF_AUC = 0.8
const LEVEL = 0.05
/** A control fires by chance once in a hundred captures: more often, and it would say little about the instrument. */
const CONTROL_LEVEL = 0.01
/** Where something real leaves; leaks are put into these. */
const SENDERS: readonly CaptureClass[] = ['sending', 'burst']
const CALIBRATION_COUNT = 20
/** So many deviations above the mean may comparisons of like with like fall below the level: 4 of 20, once in 390 captures. */
const CALIBRATION_DEVIATIONS = 2.6

export interface AnalyseOptions {
  readonly windowMs: number
  /** How long a courier holds its answers, in the time of the traces. */
  readonly holdMs: number
  readonly rounds: number
  /** A stream for each question: what one draws never shifts another. */
  readonly randomFor: (stream: string) => Random
  /** Default 20. */
  readonly calibrations?: number
  readonly report?: (line: string) => void
}

export interface ClassResult extends Evaluation {
  readonly baseline: CaptureClass
  /** What a front end was told of, in the mean of its windows: messages that left or came, requests, contacts; none means that nothing was looked for, and reaches no goal. */
  readonly realPerWindow: number
  readonly goalReached: boolean
  /** The same question of the first window of each segment alone, where what has just begun would show. */
  readonly first: Evaluation
}

export interface Control {
  readonly name: string
  readonly expected: string
  /** Undefined when there was too little to look at; `reason` says so. */
  readonly got: { readonly auc: number; readonly interval: readonly [number, number]; readonly p: number } | undefined
  readonly reason?: string
  readonly n: number
  /** Moments at which the trace was changed; all of a real run. */
  readonly changes?: number
  readonly fired: boolean
}

export interface Calibration {
  readonly comparisons: number
  readonly rejected: number
  readonly meanAuc: number
  /** Of the comparisons, those whose upper bound keeps to the goal: where this is small, a class that misses it says little. */
  readonly withinGoal: number
  /** Windows of the smaller side, in the mean; a class with as many has the same chance. */
  readonly meanWindows: number
  readonly isSound: boolean
}

export interface Analysis {
  readonly classes: Partial<Record<CaptureClass, ClassResult>>
  readonly calibration: Calibration
  readonly controls: readonly Control[]
  /** Classes with too few windows to be split, and why. */
  readonly tooFew: Readonly<Record<string, string>>
}

interface LabelledSample extends Sample {
  readonly label: CaptureClass
  readonly real: number
  readonly isFirst: boolean
}

function samplesOf(captures: readonly NodeCapture[], windowMs: number): readonly LabelledSample[] {
  return cutWindows(captures, windowMs).map((window, index, all) => ({
    vector: featuresOf(window),
    isPositive: false,
    run: window.run,
    node: window.node,
    segment: window.segment,
    label: window.label,
    real: window.moments.length,
    isFirst: window.segment !== all[index - 1]?.segment,
  }))
}

/**
 * Windows of the labels and of their baseline, from the runs that played both: another run is another network, and telling
 * networks apart is not what is asked.
 */
function against(
  samples: readonly LabelledSample[],
  labels: readonly CaptureClass[],
  baseline: CaptureClass,
): readonly LabelledSample[] {
  const runsOf = (wanted: readonly CaptureClass[]): ReadonlySet<number> =>
    new Set(samples.filter(({ label }) => wanted.includes(label)).map(({ run }) => run))
  const [withLabel, withBaseline] = [runsOf(labels), runsOf([baseline])]
  return samples
    .filter(({ run }) => withLabel.has(run) && withBaseline.has(run))
    .filter(({ label }) => label === baseline || labels.includes(label))
    .map((sample) => ({ ...sample, isPositive: sample.label !== baseline }))
}

/** A class in which nothing was done is told from idle by nobody, and says nothing. */
export function isGoalReached(upper: number, windows: number, realPerWindow: number): boolean {
  return realPerWindow > 0 && upper <= GOAL_UPPER && windows >= GOAL_WINDOWS
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length)
}

/** `unpadded` are captures of a client whose padding is off. @throws {Error} when a class has too few windows to be split */
export function analyse(
  captures: readonly NodeCapture[],
  unpadded: readonly NodeCapture[],
  options: AnalyseOptions,
): Analysis {
  const { randomFor, report = () => undefined, rounds, windowMs } = options
  const compare = (stream: string, samples: readonly Sample[]): Evaluation =>
    evaluate(samples, { rounds, random: randomFor(stream) })
  const samples = samplesOf(captures, windowMs)
  const present = new Set(samples.map(({ label }) => label))

  const classes: Partial<Record<CaptureClass, ClassResult>> = {}
  const tooFew: Record<string, string> = {}
  for (const label of present) {
    const baseline = baselineOf(label)
    if (label === baseline || label === 'returned' || !present.has(baseline)) continue
    const compared = against(samples, [label], baseline)
    let found: Evaluation
    let first: Evaluation
    try {
      found = compare(`class ${label}`, compared)
      first = compare(
        `first of ${label}`,
        compared.filter(({ isFirst }) => isFirst),
      )
    } catch (error: unknown) {
      tooFew[label] = error instanceof Error ? error.message : 'unknown'
      continue
    }
    const n = Math.min(found.positives, found.negatives)
    const realPerWindow = mean(samples.filter((sample) => sample.label === label).map(({ real }) => real))
    classes[label] = {
      ...found,
      baseline,
      realPerWindow,
      goalReached: isGoalReached(found.upper, n, realPerWindow),
      first,
    }
    report(`${label}: AUC ${found.auc.toFixed(3)} of ${found.classifier}`)
  }

  const controls: Control[] = LEAKS.map((leak) => {
    const leaked = captures.map((capture) =>
      injectLeak(capture, {
        leak,
        holdMs: options.holdMs,
        random: randomFor(`leak ${leak} ${capture.run}/${capture.node}`),
      }),
    )
    const changed = samplesOf(
      leaked.map(({ capture }) => capture),
      windowMs,
    )
    const compared = against(changed, SENDERS, 'idle')
    const changes = leaked.reduce((sum, { count }) => sum + count, 0)
    const expected = `p below ${CONTROL_LEVEL}`
    const isFound = ({ p }: Evaluation): boolean => p < CONTROL_LEVEL
    return { ...toControl(leak, expected, isFound, () => compare(`control ${leak}`, compared)), changes }
  })
  controls.unshift(paddingOff(unpadded, options))
  for (const { fired, got, name } of controls) {
    report(`control ${name}: AUC ${got?.auc.toFixed(3)}, p ${got?.p.toFixed(3)}, ${fired ? 'fired' : 'DID NOT FIRE'}`)
  }
  return { classes, controls, tooFew, calibration: calibrate(samples, options) }
}

/** A client whose records leave only when there is something to say: must be told apart, or nothing here can be. */
export function paddingOff(captures: readonly NodeCapture[], { randomFor, rounds, windowMs }: AnalyseOptions): Control {
  const samples = against(samplesOf(captures, windowMs), ['sending'], 'idle')
  const isFound = ({ auc }: Evaluation): boolean => auc >= PADDING_OFF_AUC
  return toControl('padding-off', `AUC of at least ${PADDING_OFF_AUC}`, isFound, () =>
    evaluate(samples, { rounds, random: randomFor('padding off') }),
  )
}

/** What cannot be looked at has not fired. */
function toControl(
  name: string,
  expected: string,
  isFound: (found: Evaluation) => boolean,
  look: () => Evaluation,
): Control {
  try {
    const found = look()
    const { auc, interval, negatives, p, positives } = found
    return { name, expected, got: { auc, interval, p }, n: Math.min(positives, negatives), fired: isFound(found) }
  } catch (error: unknown) {
    const reason = error instanceof Error ? error.message : 'unknown'
    return { name, expected, got: undefined, reason, n: 0, fired: false }
  }
}

function rejectedMax(comparisons: number): number {
  const deviation = Math.sqrt(comparisons * LEVEL * (1 - LEVEL))
  return Math.ceil(comparisons * LEVEL + CALIBRATION_DEVIATIONS * deviation)
}

/** Idle against idle, segments dealt out at random: nothing is there to be found. */
function calibrate(samples: readonly LabelledSample[], options: AnalyseOptions): Calibration {
  const { calibrations = CALIBRATION_COUNT, randomFor, rounds } = options
  const idle = samples.filter(({ label }) => label === 'idle')
  const results: Evaluation[] = []
  for (let round = 0; round < calibrations; round += 1) {
    const random = randomFor(`calibration ${round}`)
    const sides = new Map<number, boolean>()
    for (const node of new Set(idle.map(({ node: each }) => each))) {
      const segments = [...new Set(idle.filter((each) => each.node === node).map(({ segment }) => segment))]
      const keyed = segments.map((segment) => ({ segment, key: random.uniform() })).sort((a, b) => a.key - b.key)
      const first = random.uniform() < 0.5 ? 0 : 1
      for (const [at, { segment }] of keyed.entries()) sides.set(segment, at % 2 === first)
    }
    const dealt = idle.map((sample) => ({ ...sample, isPositive: sides.get(sample.segment) === true }))
    try {
      results.push(evaluate(dealt, { rounds, random }))
    } catch {
      // Too few segments to be dealt out; what is left says how many there were.
    }
  }
  const rejected = results.filter(({ p }) => p < LEVEL).length
  return {
    comparisons: results.length,
    rejected,
    meanAuc: mean(results.map(({ auc }) => auc)),
    withinGoal: results.filter(({ upper }) => upper <= GOAL_UPPER).length,
    meanWindows: mean(results.map(({ negatives, positives }) => Math.min(negatives, positives))),
    isSound: results.length === calibrations && rejected <= rejectedMax(calibrations),
  }
}
