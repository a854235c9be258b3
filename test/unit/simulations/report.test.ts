/** The verdict of a capture, by what was found and by whether the instrument works. @module */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Analysis, ClassResult, Control } from '../../../simulations/capture/analyse.ts'
import type { Evaluation } from '../../../simulations/capture/evaluate.ts'
import { describeReport, notesOf, type PrivacyReport, verdictOf } from '../../../simulations/capture/report.ts'

const evaluation: Evaluation = {
  positives: 2_100,
  negatives: 2_100,
  segments: 350,
  auc: 0.507,
  classifier: 'forest',
  aucs: { forest: 0.507 },
  interval: [0.495, 0.519],
  upper: 0.517,
  p: 0.4,
  split: 'run and node',
}
const quiet: ClassResult = {
  ...evaluation,
  baseline: 'idle',
  realPerWindow: 1,
  goalReached: true,
  first: evaluation,
}
const control: Control = {
  name: 'padding-off',
  expected: 'AUC of at least 0.8',
  got: { auc: 0.97, interval: [0.95, 0.99], p: 0.001 },
  n: 60,
  fired: true,
}
const sound: Analysis = {
  classes: { sending: quiet },
  controls: [control],
  tooFew: {},
  calibration: { comparisons: 20, rejected: 1, meanAuc: 0.51, withinGoal: 13, meanWindows: 1_050, isSound: true },
}

describe('the verdict', () => {
  it('is void when a control did not fire, when like was told from like, or when nothing was looked at', () => {
    const broken: readonly Partial<Analysis>[] = [
      { controls: [control, { ...control, fired: false }] },
      { controls: [] },
      { classes: {} },
      { calibration: { ...sound.calibration, isSound: false } },
    ]
    for (const part of broken) assert.equal(verdictOf({ ...sound, ...part }), 'void')
  })

  it('names a leak, and corrects for the count of looks', () => {
    for (const told of [
      { ...quiet, p: 0.02 },
      { ...quiet, first: { ...evaluation, p: 0.02 } },
    ]) {
      assert.equal(verdictOf({ ...sound, classes: { sending: told } }), 'leak found')
      assert.equal(verdictOf({ ...sound, classes: { sending: told, burst: quiet } }), 'goal reached')
    }
  })

  it('does not claim the goal for a class without enough windows', () => {
    const few = { ...quiet, goalReached: false }
    assert.equal(verdictOf({ ...sound, classes: { sending: quiet, flood: few } }), 'nothing found, goal not reached')
    const leftOut = { flood: 'windows of one node alone' }
    assert.equal(verdictOf({ ...sound, tooFew: leftOut }), 'nothing found, goal not reached')
    assert.equal(verdictOf(sound), 'goal reached')
  })
})

describe('the summary', () => {
  it('says every class, every control, what was left out and the verdict', () => {
    const config = {
      profile: 'balanced',
      speed: 20,
      hosts: 4,
      clients: 9,
      contacts: 3,
      contactHaste: 2,
      runs: 3,
      windowVirtualMs: 60_000,
      windowsPerSegment: 12,
      classes: ['idle', 'sending', 'attachment'],
      minutes: 45,
      cores: 2,
      loadPerCore: 0.7,
    } as const
    const report: PrivacyReport = {
      ...sound,
      classes: { sending: { ...quiet, first: { ...evaluation, positives: 175, auc: 0.611 } } },
      sessions: [{ config, seed: 7, startedAt: '2026-11-21T17:00:00.000Z' }],
      controls: [
        control,
        { name: 'late-reply', expected: '', got: undefined, reason: 'too little', n: 0, fired: false },
      ],
      commit: 'c0ffee',
      node: '24.0.0',
      goal: { upperBound: 0.53, windows: 2_004 },
      n: { idle: 2_100, sending: 2_100 },
      tooFew: { attachment: 'windows of one node alone' },
      failures: ['flood: gave up'],
      notes: notesOf(config),
      verdict: 'void',
    }
    const text = describeReport(report)
    for (const part of [
      'sending',
      '0.507',
      '0.611',
      '13 of 20 within the goal',
      '2100',
      'padding-off',
      'fired',
      'late-reply',
      'too little',
      'DID NOT FIRE',
    ]) {
      assert.ok(text.includes(part), part)
    }
    assert.ok(text.includes('attachment   left out: windows of one node alone') && text.includes('verdict: void'))
    assert.ok(report.notes.some((note) => note.includes('3.00 s each')))
  })
})
