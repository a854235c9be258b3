/**
 * Hypothesis: whoever sees the records of one open lane cannot tell a minute in which messages are sent from one without.
 * Refuted by: an AUC away from one half by more than its error for any feature. Its control, a lane that flushes a message at once,
 * must be told apart. Runs the shipped schedule and queue in virtual time; the observer sees times and sizes only. METADATA §6.
 * @module
 */
import {
  applyAck,
  chooseForSlot,
  createLaneQueue,
  enqueue,
  type LaneQueue,
  startSchedule,
  takeSlot,
} from '../src/padding/index.ts'
import type { Random } from '../src/ports/index.ts'
import { LANE_RECORD_BYTES } from '../src/wire/index.ts'

/** All that an observer of the lane's circuit has. */
export interface LaneTrace {
  readonly records: readonly { readonly atMs: number; readonly bytes: number }[]
}

export interface LaneRun {
  readonly durationMs: number
  /** Mean time between two messages; undefined for a lane that is idle. */
  readonly messageEveryMs: number | undefined
  /** The control: a message leaves at once instead of in its slot. */
  readonly isFlushing: boolean
  /** How often the daemon looks at its clock. Coarse on purpose: lateness must not depend on the load. */
  readonly tickMs: number
}

/** Time until the other side's acknowledgement is in. */
const ACKNOWLEDGED_AFTER_MS = 2_000

export function simulateLane(run: LaneRun, random: Random, traffic: Random): LaneTrace {
  const records: { atMs: number; bytes: number }[] = []
  let queue: LaneQueue = createLaneQueue({ unacknowledged: [], lastSequence: 0, receivedBase: 0, receivedAhead: [] })
  let schedule = startSchedule(0, random)
  let nextMessageMs = drawMessage(0, run, traffic)
  const onTheWay: { readonly atMs: number; readonly sequence: number }[] = []
  for (let nowMs = 0; nowMs < run.durationMs; nowMs += run.tickMs) {
    if (nowMs >= nextMessageMs) {
      queue = enqueue(queue, queue.lastSequence + 1)
      nextMessageMs = drawMessage(nowMs, run, traffic)
      if (run.isFlushing) records.push({ atMs: nowMs, bytes: LANE_RECORD_BYTES })
    }
    while (onTheWay[0] !== undefined && onTheWay[0].atMs <= nowMs) {
      queue = applyAck(queue, onTheWay.shift()?.sequence ?? 0, 0).state
    }
    const decision = takeSlot(schedule, nowMs, random)
    schedule = decision.schedule
    if (!decision.due) continue
    const choice = chooseForSlot(queue, decision.slotIndex)
    queue = choice.state
    if (choice.sequence !== undefined) onTheWay.push({ atMs: nowMs + ACKNOWLEDGED_AFTER_MS, sequence: choice.sequence })
    records.push({ atMs: nowMs, bytes: LANE_RECORD_BYTES })
  }
  return { records }
}

function drawMessage(nowMs: number, run: LaneRun, traffic: Random): number {
  if (run.messageEveryMs === undefined) return Number.POSITIVE_INFINITY
  return nowMs - run.messageEveryMs * Math.log(1 - traffic.uniform())
}

/** What the observer computes of one window. */
const FEATURES = {
  count: (trace: LaneTrace) => trace.records.length,
  bytes: (trace: LaneTrace) => trace.records.reduce((sum, { bytes }) => sum + bytes, 0),
  shortestGap: (trace: LaneTrace) => Math.min(...gaps(trace)),
  longestGap: (trace: LaneTrace) => Math.max(...gaps(trace)),
  gapVariance: (trace: LaneTrace) => {
    const all = gaps(trace)
    const mean = all.reduce((sum, gap) => sum + gap, 0) / all.length
    return all.reduce((sum, gap) => sum + (gap - mean) ** 2, 0) / all.length
  },
} as const

export type Feature = keyof typeof FEATURES

function gaps({ records }: LaneTrace): readonly number[] {
  return records.slice(1).map(({ atMs }, index) => atMs - (records[index]?.atMs ?? 0))
}

/** Area under the ROC curve of one feature, as the probability that a positive ranks above a negative (ties count half). */
export function areaUnderCurve(positives: readonly number[], negatives: readonly number[]): number {
  const ranked = [
    ...positives.map((value) => ({ value, isPositive: true })),
    ...negatives.map((value) => ({ value, isPositive: false })),
  ].sort((a, b) => a.value - b.value)
  let rankSum = 0
  for (let start = 0; start < ranked.length; ) {
    let end = start
    while (ranked[end]?.value === ranked[start]?.value && end < ranked.length) end += 1
    const meanRank = (start + 1 + end) / 2
    for (let index = start; index < end; index += 1) if (ranked[index]?.isPositive === true) rankSum += meanRank
    start = end
  }
  const pairs = positives.length * negatives.length
  return (rankSum - (positives.length * (positives.length + 1)) / 2) / pairs
}

export interface ObserverResult {
  readonly windows: number
  /** Distance of the AUC from one half, doubled: 0 is a coin, 1 is certainty. By feature. */
  readonly advantage: Readonly<Record<Feature, number>>
  readonly worst: number
  /** Two-sided 99.9 % bound of the advantage of a coin over these windows and all features. */
  readonly bound: number
}

export interface ObserverOptions {
  readonly windows: number
  readonly isFlushing: boolean
  readonly randomFor: (stream: string) => Random
}

const WINDOW_MS = 60_000
const MESSAGE_EVERY_MS = 20_000
const TICK_MS = 5
/** Standard error of a coin's AUC is 0.408/√n (METADATA §6); 3.72 of them leave 0.1 % over five features, both sides. */
const COIN_ERROR = 0.408
const COIN_QUANTILE = 3.72

/** Plays `windows` minutes of an idle and of a busy lane each and lets the observer compare. */
export function observe(options: ObserverOptions): ObserverResult {
  const play = (kind: 'idle' | 'busy'): readonly LaneTrace[] =>
    Array.from({ length: options.windows }, (_, index) =>
      simulateLane(
        {
          durationMs: WINDOW_MS,
          messageEveryMs: kind === 'busy' ? MESSAGE_EVERY_MS : undefined,
          isFlushing: options.isFlushing,
          tickMs: TICK_MS,
        },
        options.randomFor(`${kind} slots ${index}`),
        options.randomFor(`${kind} traffic ${index}`),
      ),
    )
  const [idle, busy] = [play('idle'), play('busy')]
  const advantageOf = (feature: Feature): number =>
    Math.abs(2 * areaUnderCurve(busy.map(FEATURES[feature]), idle.map(FEATURES[feature])) - 1)
  const advantage = {
    count: advantageOf('count'),
    bytes: advantageOf('bytes'),
    shortestGap: advantageOf('shortestGap'),
    longestGap: advantageOf('longestGap'),
    gapVariance: advantageOf('gapVariance'),
  }
  return {
    windows: options.windows,
    advantage,
    worst: Math.max(...Object.values(advantage)),
    bound: (2 * COIN_QUANTILE * COIN_ERROR) / Math.sqrt(options.windows),
  }
}
