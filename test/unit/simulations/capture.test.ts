/** The whole way from traces to a verdict, on traces of which it is known what differs. @module */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { describe, it } from 'node:test'
import {
  type AnalyseOptions,
  analyse,
  GOAL_UPPER,
  GOAL_WINDOWS,
  isGoalReached,
} from '../../../simulations/capture/analyse.ts'
import { featuresOf } from '../../../simulations/capture/features.ts'
import { injectLeak, LEAKS } from '../../../simulations/capture/leaks.ts'
import { type CaptureSession, joinSessions } from '../../../simulations/capture/session.ts'
import { cutWindows, type NodeCapture, parseTrace } from '../../../simulations/capture/trace.ts'
import { createSeededRandom } from '../../support/seeded-random.ts'
import { HOLD_MS, syntheticCaptures, WINDOW_MS } from '../../support/synthetic-capture.ts'

const randomFor = (stream: string) => createSeededRandom(createHash('sha256').update(stream).digest().readInt32BE())
const options: AnalyseOptions = { windowMs: WINDOW_MS, holdMs: HOLD_MS, rounds: 120, calibrations: 5, randomFor }
const shape = { runs: 2, nodes: 3, segments: 4, windows: 6, classes: ['idle', 'sending'] } as const

describe('traces', () => {
  it('are read as the tap wrote them, and nothing else is', () => {
    assert.deepEqual(parseTrace('1000000 u 543\n2500000 d 1086\n'), [
      { atMs: 1, isUp: true, bytes: 543 },
      { atMs: 2.5, isUp: false, bytes: 1_086 },
    ])
    for (const line of ['1 x 3', 'a u 3', '1 u', '1 u -4', 'u 1 4']) assert.throws(() => parseTrace(line), line)
  })

  it('are cut into whole windows inside segments', () => {
    const reads = Array.from({ length: 100 }, (_, index) => ({ atMs: index, isUp: true, bytes: index }))
    const capture: NodeCapture = {
      run: 0,
      node: 0,
      reads,
      moments: [{ atMs: 25, kind: 'sent' }],
      segments: [
        { label: 'idle', run: 0, node: 0, startMs: 10, endMs: 35 },
        { label: 'sending', run: 0, node: 0, startMs: 50, endMs: 60 },
      ],
    }
    const windows = cutWindows([capture], 10)
    assert.deepEqual(
      windows.map(({ label, moments, segment, startMs }) => [label, segment, startMs, moments.length]),
      [
        ['idle', 0, 10, 0],
        ['idle', 0, 20, 1],
        ['sending', 1, 50, 0],
      ],
    )
    assert.deepEqual(
      windows[1]?.reads.map(({ atMs }) => atMs),
      [20, 21, 22, 23, 24, 25, 26, 27, 28, 29],
    )
  })
})

describe('features', () => {
  const [window] = cutWindows(syntheticCaptures({ ...shape, seed: 1 }), WINDOW_MS)
  it('are finite, always as many, also of a window in which nothing happens', () => {
    assert.ok(window !== undefined)
    const full = featuresOf(window)
    const empty = featuresOf({ ...window, reads: [] })
    assert.equal(empty.length, full.length)
    for (const vector of [full, empty]) assert.ok(vector.every(Number.isFinite))
  })

  it('do not depend on when the window was, and on nothing but its reads', () => {
    assert.ok(window !== undefined)
    const later = {
      ...window,
      label: 'flood',
      node: 7,
      moments: [],
      startMs: window.startMs + 4_096,
      reads: window.reads.map((read) => ({ ...read, atMs: read.atMs + 4_096 })),
    } as const
    const [before, after] = [featuresOf(window), featuresOf(later)]
    assert.ok(before.every((value, at) => Math.abs(value - (after[at] ?? 0)) < 1e-6 * (1 + Math.abs(value))))
  })

  it('change with one cell and with one late answer', () => {
    assert.ok(window !== undefined)
    const before = featuresOf(window)
    const change = (at: number, by: { atMs?: number; bytes?: number }): boolean => {
      const reads = window.reads.map((read, index) =>
        index === at ? { ...read, atMs: read.atMs + (by.atMs ?? 0), bytes: read.bytes + (by.bytes ?? 0) } : read,
      )
      return featuresOf({ ...window, reads }).some((value, index) => value !== before[index])
    }
    assert.ok(change(2, { bytes: 514 }))
    assert.ok(change(2, { atMs: 5 }))
    assert.ok(!change(2, {}))
  })
})

describe('known leaks', () => {
  const [capture] = syntheticCaptures({ ...shape, seed: 2 })
  it('are put where something real left, and nowhere else', () => {
    assert.ok(capture !== undefined)
    for (const leak of LEAKS) {
      const leaked = injectLeak(capture, { leak, holdMs: HOLD_MS, random: createSeededRandom(1) })
      assert.ok(leaked.count > 3, leak)
      assert.notDeepEqual(leaked.capture.reads, capture.reads)
      const quiet = injectLeak({ ...capture, moments: [] }, { leak, holdMs: HOLD_MS, random: createSeededRandom(1) })
      assert.equal(quiet.count, 0)
      assert.deepEqual(quiet.capture.reads, capture.reads)
    }
  })
})

describe('the analysis', () => {
  it('tells a client without padding apart, finds every leak, and nothing else', () => {
    const { calibration, classes, controls } = analyse(
      syntheticCaptures({ ...shape, seed: 3 }),
      syntheticCaptures({ ...shape, seed: 4, runs: 1, isUnpadded: true }),
      options,
    )
    assert.deepEqual(
      controls.map(({ fired, name }) => [name, fired]),
      [
        ['padding-off', true],
        ['extra-cell', true],
        ['real-only-retry', true],
        ['late-reply', true],
      ],
    )
    assert.ok((classes.sending?.p ?? 0) > 0.05, 'noise was taken for a leak')
    assert.ok((classes.sending?.realPerWindow ?? 0) > 0.5)
    assert.equal(classes.sending?.goalReached, false, 'so few windows cannot reach the goal')
    assert.ok(calibration.isSound)
  })

  it('lets a class reach the goal by its bound, with enough windows, in which something was done', () => {
    assert.ok(isGoalReached(GOAL_UPPER, GOAL_WINDOWS, 0.1))
    assert.ok(!isGoalReached(GOAL_UPPER + 0.001, GOAL_WINDOWS, 0.1))
    assert.ok(!isGoalReached(GOAL_UPPER, GOAL_WINDOWS - 1, 0.1))
    assert.ok(!isGoalReached(GOAL_UPPER, GOAL_WINDOWS, 0), 'nothing was done, and nothing found')
  })

  it('looks at the beginnings of segments apart', () => {
    const shown = syntheticCaptures({ ...shape, segments: 8, seed: 10 })
    const begun = shown.map((capture) => {
      const starts = capture.segments.filter(({ label }) => label === 'sending').map(({ startMs }) => startMs)
      const isBeginning = (atMs: number): boolean => starts.some((start) => atMs >= start && atMs < start + WINDOW_MS)
      return {
        ...capture,
        reads: capture.reads.map((read) => (isBeginning(read.atMs) ? { ...read, bytes: read.bytes + 514 } : read)),
      }
    })
    const firstOf = (captures: readonly NodeCapture[]) =>
      analyse(captures, [], { ...options, calibrations: 1 }).classes.sending?.first
    const found = firstOf(begun)
    assert.ok((found?.auc ?? 0) > 0.9)
    assert.ok((found?.p ?? 1) < 0.01)
    assert.equal(found?.positives, shape.runs * shape.nodes * 8, 'one window of each segment')
    assert.ok((firstOf(shown)?.p ?? 0) > 0.05, 'noise was taken for a leak')
  })

  it('compares a class with the baseline of its own runs only', () => {
    const own = syntheticCaptures({ ...shape, seed: 6 })
    // As idle as the others, in a network where answers come later.
    const other = syntheticCaptures({ ...shape, seed: 7, classes: ['idle'] }).map((capture) => ({
      ...capture,
      run: capture.run + shape.runs,
      segments: capture.segments.map((segment) => ({ ...segment, run: segment.run + shape.runs })),
      reads: capture.reads.map((read) => ({ ...read, atMs: read.atMs + (read.isUp ? 0 : 60) })),
    }))
    const { classes } = analyse([...own, ...other], [], options)
    assert.ok((classes.sending?.p ?? 0) > 0.05, 'two networks were told apart, not what was done in them')
    assert.equal(
      classes.sending?.negatives,
      classes.sending?.positives,
      'windows of runs that never played the class were counted',
    )
  })

  it('finds no control in padded traces: what fires there must come from the leak', () => {
    const padded = syntheticCaptures({ ...shape, seed: 5 })
    const silent = padded.map((capture) => ({ ...capture, moments: [] }))
    const { controls } = analyse(silent, padded, options)
    assert.deepEqual(
      controls.map(({ fired }) => fired),
      [false, false, false, false],
    )
  })
})

describe('sessions that are judged together', () => {
  const config = {
    profile: 'balanced',
    speed: 60,
    hosts: 3,
    clients: 3,
    contacts: 1,
    contactHaste: 2,
    runs: 2,
    windowVirtualMs: 60_000,
    windowsPerSegment: 6,
    classes: ['idle', 'sending'],
    minutes: 5,
    cores: 2,
    loadPerCore: 0.5,
  } as const
  const session = (part: Partial<CaptureSession>): CaptureSession => ({
    config,
    seed: 1,
    commit: 'c0ffee',
    startedAt: '2026-11-29T08:00:00.000Z',
    captures: syntheticCaptures({ ...shape, seed: 8 }),
    unpadded: syntheticCaptures({ ...shape, seed: 9, isUnpadded: true }),
    failures: ['sending: gave up'],
    ...part,
  })

  it('keep their runs apart', () => {
    const joined = joinSessions([
      session({}),
      session({ seed: 2, config: { ...config, classes: ['idle', 'flood'], windowsPerSegment: 10 } }),
    ])
    for (const list of [joined.captures, joined.unpadded]) {
      assert.deepEqual([...new Set(list.map(({ run }) => run))], [0, 1, 2, 3])
      for (const { run, segments } of list) assert.ok(segments.every((segment) => segment.run === run))
    }
    assert.equal(joined.failures.length, 2)
    assert.deepEqual(
      joined.heads.map(({ seed }) => seed),
      [1, 2],
    )
  })

  it('are of one commit, one profile and one clock', () => {
    assert.throws(() => joinSessions([]), RangeError)
    for (const other of [
      session({ commit: 'decade' }),
      session({ config: { ...config, speed: 33 } }),
      session({ config: { ...config, profile: 'fast' } }),
      session({ config: { ...config, contactHaste: 1 } }),
      session({ config: { ...config, windowVirtualMs: 30_000 } }),
    ]) {
      assert.throws(() => joinSessions([session({}), other]), RangeError)
    }
  })
})
