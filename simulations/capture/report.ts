/**
 * `privacy-report.json` and its summary for people: what was captured, what was found, and whether that says anything.
 * Never gives a verdict on the clock when a control did not fire: then the instrument is broken, and says so.
 * @module
 */
import { type Analysis, GOAL_UPPER, GOAL_WINDOWS } from './analyse.ts'
import type { CaptureConfig, SessionHead } from './session.ts'

export interface PrivacyReport extends Analysis {
  /** Captured one after the other and judged together. */
  readonly sessions: readonly SessionHead[]
  readonly commit: string
  readonly node: string
  readonly goal: { readonly upperBound: number; readonly windows: number }
  /** Windows of each class in the captures. */
  readonly n: Readonly<Record<string, number>>
  /** Segments that were given up, by what did not happen in time. */
  readonly failures: readonly string[]
  readonly notes: readonly string[]
  readonly verdict: Verdict
}

export type Verdict =
  /** A control did not fire, or like was told from like: nothing else counts. */
  | 'void'
  /** Some class is told apart beyond chance. */
  | 'leak found'
  /** Every class that was captured is within the goal, with enough windows. */
  | 'goal reached'
  /** Nothing was found, with fewer windows or wider intervals than the goal asks for. */
  | 'nothing found, goal not reached'

/** Below this a class counts as told apart: each p-value that is looked at, of all windows and of first ones, gets its share of 5 %. */
const FAMILY_LEVEL = 0.05

export function verdictOf({ calibration, classes, controls, tooFew }: Analysis): Verdict {
  const results = Object.values(classes)
  if (controls.length === 0 || results.length === 0 || !calibration.isSound) return 'void'
  if (!controls.every(({ fired }) => fired)) return 'void'
  const looks = results.flatMap(({ first, p }) => [p, first.p])
  if (looks.some((p) => p < FAMILY_LEVEL / looks.length)) return 'leak found'
  const isAllLookedAt = Object.keys(tooFew).length === 0
  const isReached = isAllLookedAt && results.every(({ goalReached }) => goalReached)
  return isReached ? 'goal reached' : 'nothing found, goal not reached'
}

/** What the figures are and are not; part of every report. */
export function notesOf({ contactHaste, speed }: CaptureConfig): readonly string[] {
  return [
    `Windows are one minute of the profile's clock, which ran ${speed} times as fast: ${(60 / speed).toFixed(2)} s each. Tor, the machine and the network did not: their delays weigh ${speed} times as much as they would.`,
    'The tap sees times, directions and sizes of what passes between a client and its guard on loopback: no jitter of a wide network hides anything.',
    `Contacts are not observed; their clocks run ${contactHaste} times as fast as those of clients. A flood asks for a message each second of the profile's clock; what reaches the client is what fits the contact's own slots.`,
    "Hosts are not observed; they talk with each other in memory, 300 ms of the profile's clock a message in the mean, so that how long their mesh takes over tor is not in the times of answers. Between client and courier everything goes through tor.",
    'A class is compared with its baseline in the runs that played both; runs of different sessions are different networks.',
    'Returning clients are compared with clients that came back to nothing after as long a time: starting the daemon is visible, and is not what is asked.',
    'Extra cells, retries and late replies (150 ms of real time) were put into captured traces where front ends were told that something had left; padding-off is a client of the same runs whose records leave only when there is something to say.',
    'Intervals come from a bootstrap over the segments of each run, client and class, with the classifiers as they were learned, upper bounds from the largest one of all classifiers; p-values from labels permuted among the segments of each node and run, for the largest AUC of all classifiers.',
  ]
}

/** For the terminal. */
export function describeReport(report: PrivacyReport): string {
  const figure = (value: number): string => value.toFixed(3)
  const range = ([low, high]: readonly [number, number]): string => `${figure(low)}-${figure(high)}`
  const lines = [
    `captured at commit ${report.commit}:`,
    ...report.sessions.map(
      ({ config, seed }) =>
        `  ${config.classes.join(', ')}: ${config.speed} times the speed, ${config.clients} clients, ${config.runs} runs, ${config.windowsPerSegment} windows a segment, seed ${seed}, load ${config.loadPerCore.toFixed(2)} a core`,
    ),
    '',
    'class        n      AUC    95 %         upper  p      best       events/window',
  ]
  for (const [label, found] of Object.entries(report.classes)) {
    const n = Math.min(found.positives, found.negatives)
    const fields = [
      label.padEnd(12),
      String(n).padEnd(6),
      figure(found.auc),
      ` ${range(found.interval)} `,
      figure(found.upper),
      ` ${figure(found.p)}`,
      ` ${found.classifier.padEnd(10)}`,
      found.realPerWindow.toFixed(2),
      found.goalReached ? ' goal reached' : '',
    ]
    lines.push(fields.join(' '))
  }
  for (const [label, reason] of Object.entries(report.tooFew)) lines.push(`${label.padEnd(12)} left out: ${reason}`)
  lines.push('', 'control          n      AUC    95 %          p')
  for (const { fired, got, n, name, reason } of report.controls) {
    const figures = got === undefined ? [reason ?? ''] : [figure(got.auc), ` ${range(got.interval)} `, figure(got.p)]
    const fields = [name.padEnd(16), String(n).padEnd(6), ...figures]
    lines.push(`${fields.join(' ')}  ${fired ? 'fired' : 'DID NOT FIRE'}`)
  }
  lines.push('', 'first windows    n      AUC    95 %          p')
  for (const [label, { first }] of Object.entries(report.classes)) {
    const n = Math.min(first.positives, first.negatives)
    const figures = [figure(first.auc), ` ${range(first.interval)} `, figure(first.p)]
    lines.push([label.padEnd(16), String(n).padEnd(6), ...figures].join(' '))
  }
  const { comparisons, isSound, meanAuc, meanWindows, rejected, withinGoal } = report.calibration
  lines.push(
    '',
    `idle against idle: ${rejected} of ${comparisons} below 0.05, mean AUC ${figure(meanAuc)}${isSound ? '' : ', NOT SOUND'}`,
    `  ${withinGoal} of ${comparisons} within the goal, ${meanWindows.toFixed(0)} windows a side`,
    '',
    `goal: upper bound at most ${GOAL_UPPER} at ${GOAL_WINDOWS} windows a class`,
    `segments given up: ${report.failures.length}`,
    `verdict: ${report.verdict}`,
  )
  return lines.join('\n')
}
