/**
 * `npm run privacy:capture [-- --minutes M --speed S --clients N --runs R --goal G --seed X --out FILE --traces DIR]`: captures guard
 * links on a private Tor network while clients do this and that, lets classifiers try to tell what, and writes
 * privacy-report.json. `--classes A,B/C,D` names what is played, session after session; all are judged together. `--analyse
 * DIR[,DIR...]` reads kept traces instead, of several captures where they are of one commit.
 * Never ends well when a control did not fire.
 * @module
 */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism, loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { type Analysis, analyse, GOAL_UPPER, GOAL_WINDOWS } from '../simulations/capture/analyse.ts'
import { describeReport, notesOf, type PrivacyReport, verdictOf } from '../simulations/capture/report.ts'
import { type CaptureSession, joinSessions } from '../simulations/capture/session.ts'
import { CAPTURE_CLASSES, type CaptureClass, type NodeCapture } from '../simulations/capture/trace.ts'
import { profileOf } from '../src/padding/index.ts'
import { captureRun } from '../test/support/capture-run.ts'
import { createSeededRandom } from '../test/support/seeded-random.ts'

const MINUTE_MS = 60_000
const ROUNDS = 1_000
/** Of the whole time: the sums at the end, 91 s of one core for 2,004 windows a class (measured on synthetic traces). */
const ANALYSIS_SHARE = 0.07
/** More than the goal, because the split of a run leaves windows over. */
const GOAL_SURPLUS = 1.02

/**
 * Few classes at a time: all at once, with those that restart daemons and make contacts, are more than two cores can play at
 * this speed. With these 14 clients they are three quarters busy.
 */
const SESSIONS = 'idle,sending,receiving,flood/idle,adding,attachment/returning,returned'

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '85' },
    speed: { type: 'string', default: '32' },
    clients: { type: 'string', default: '14' },
    unpadded: { type: 'string', default: '2' },
    contacts: { type: 'string', default: '3' },
    haste: { type: 'string', default: '2' },
    hosts: { type: 'string', default: '4' },
    runs: { type: 'string', default: '2' },
    windows: { type: 'string', default: '8' },
    goal: { type: 'string', default: String(GOAL_WINDOWS) },
    seed: { type: 'string', default: '20261121' },
    classes: { type: 'string', default: SESSIONS },
    out: { type: 'string', default: 'privacy-report.json' },
    traces: { type: 'string' },
    analyse: { type: 'string' },
  },
})

/** Names of kept traces begin so. */
const KEPT_PREFIX = 'captures'

const startedMs = performance.now()

function say(line: string): void {
  process.stderr.write(`[${((performance.now() - startedMs) / 1000).toFixed(0).padStart(5)} s] ${line}\n`)
}

function whole(name: string, text: string): number {
  const value = Number(text)
  if (!Number.isInteger(value) || value < 1) {
    process.stderr.write(`--${name} must be a whole number of at least 1.\n`)
    process.exit(2)
  }
  return value
}

interface Plan {
  readonly classes: readonly CaptureClass[]
  /** From the start of the program. */
  readonly untilMs: number
  readonly seed: number
}

/** Every session has its share of what is left of the time, by how many classes it plays. */
async function captureAll(): Promise<readonly CaptureSession[]> {
  const captureMs = (1 - ANALYSIS_SHARE) * whole('minutes', values.minutes) * MINUTE_MS
  const asked = values.classes.split('/').map((part) => {
    const labels = part.split(',')
    const known = CAPTURE_CLASSES.filter((label) => labels.includes(label))
    if (known.length === labels.length) return known
    process.stderr.write(`--classes must be names of ${CAPTURE_CLASSES.join(', ')}, each once a session.\n`)
    process.exit(2)
  })
  const sessions: CaptureSession[] = []
  for (const [index, classes] of asked.entries()) {
    const passedMs = performance.now() - startedMs
    const share = classes.length / asked.slice(index).reduce((sum, each) => sum + each.length, 0)
    const untilMs = passedMs + share * (captureMs - passedMs)
    say(`session ${index + 1} of ${asked.length}: ${classes.join(', ')}`)
    const session = await capture({ classes, untilMs, seed: whole('seed', values.seed) + index })
    sessions.push(session)
    if (values.traces !== undefined) {
      mkdirSync(values.traces, { recursive: true })
      writeFileSync(join(values.traces, `${KEPT_PREFIX}-${index + 1}.json`), JSON.stringify(session))
    }
  }
  return sessions
}

async function capture({ classes, seed, untilMs }: Plan): Promise<CaptureSession> {
  const clients = whole('clients', values.clients)
  const unpadded = whole('unpadded', values.unpadded)
  const runs = whole('runs', values.runs)
  const speed = whole('speed', values.speed)
  const goal = GOAL_SURPLUS * whole('goal', values.goal)
  const fixed = {
    seed,
    clients: clients + unpadded,
    unpadded,
    speed,
    hosts: whole('hosts', values.hosts),
    contacts: whole('contacts', values.contacts),
    contactHaste: whole('haste', values.haste),
    windows: whole('windows', values.windows),
    classes,
    report: say,
  }
  const captures: NodeCapture[] = []
  const withoutPadding: NodeCapture[] = []
  const failures: string[] = []
  const loads: number[] = []
  const startedAt = new Date().toISOString()
  const beganMs = performance.now()
  for (let run = 0; run < runs; run += 1) {
    say(`run ${run + 1} of ${runs}`)
    const directory = mkdtempSync(join(tmpdir(), 'ncap-'))
    const watching = setInterval(() => loads.push(loadavg()[0] ?? 0), 10_000)
    // What earlier runs did not need of the time, or did not reach of the goal, is there for later ones.
    const counts = countWindows(captures, MINUTE_MS / speed)
    const fewest = Math.min(...classes.map((label) => counts[label] ?? 0))
    const goalWindows = Math.ceil((goal - fewest) / (runs - run))
    const runMs = (untilMs - (performance.now() - startedMs)) / (runs - run)
    try {
      const result = await captureRun({ ...fixed, run, directory, goalWindows, untilMs: runMs })
      captures.push(...result.captures)
      withoutPadding.push(...result.unpadded)
      failures.push(...result.failures)
    } catch (error: unknown) {
      // What the other runs have seen is not lost with it; it counts among what was given up.
      failures.push(`run ${run + 1}: ${error instanceof Error ? error.message : 'unknown'}`)
      say(failures.at(-1) ?? '')
    } finally {
      clearInterval(watching)
      rmSync(directory, { recursive: true, force: true })
    }
  }
  const { contactHaste, contacts, hosts, windows } = fixed
  return {
    config: {
      profile: 'balanced',
      speed,
      hosts,
      clients,
      contacts,
      contactHaste,
      runs,
      windowVirtualMs: MINUTE_MS,
      windowsPerSegment: windows,
      classes,
      minutes: Math.round((performance.now() - beganMs) / MINUTE_MS),
      cores: availableParallelism(),
      loadPerCore: loads.reduce((sum, load) => sum + load, 0) / Math.max(1, loads.length) / availableParallelism(),
    },
    seed,
    commit: execFileSync('git', ['rev-parse', 'HEAD'], { encoding: 'utf8' }).trim(),
    startedAt,
    captures,
    unpadded: withoutPadding,
    failures,
  }
}

function countWindows(
  captures: readonly NodeCapture[],
  windowMs: number,
): Readonly<Partial<Record<CaptureClass, number>>> {
  const counts: Partial<Record<CaptureClass, number>> = {}
  for (const { segments } of captures) {
    for (const { endMs, label, startMs } of segments) {
      counts[label] = (counts[label] ?? 0) + Math.floor((endMs - startMs) / windowMs + 1e-6)
    }
  }
  return counts
}

function judge(sessions: readonly CaptureSession[]): PrivacyReport {
  const { captures, commit, config, failures, heads, unpadded } = joinSessions(sessions)
  const windowMs = config.windowVirtualMs / config.speed
  const n = countWindows(captures, windowMs)
  const seed = heads.map((head) => head.seed).join('+')
  say(`windows: ${JSON.stringify(n)}`)
  const found: Analysis = analyse(captures, unpadded, {
    windowMs,
    holdMs: profileOf('balanced', config.speed).courierHoldMs,
    rounds: ROUNDS,
    randomFor: (stream) => createSeededRandom(createHash('sha256').update(`${seed}/${stream}`).digest().readInt32BE()),
    report: say,
  })
  return {
    verdict: verdictOf(found),
    sessions: heads,
    commit,
    node: process.versions.node,
    goal: { upperBound: GOAL_UPPER, windows: GOAL_WINDOWS },
    n,
    ...found,
    failures,
    notes: notesOf(config),
  }
}

/** Of all that was kept in a directory, in order. */
function readKept(directory: string): readonly CaptureSession[] {
  return readdirSync(directory)
    .filter((name) => name.startsWith(KEPT_PREFIX) && name.endsWith('.json'))
    .sort()
    .map((name) => JSON.parse(readFileSync(join(directory, name), 'utf8')) as CaptureSession)
}

const sessions = values.analyse === undefined ? await captureAll() : values.analyse.split(',').flatMap(readKept)
const report = judge(sessions)
writeFileSync(values.out, `${JSON.stringify(report, undefined, 2)}\n`)
process.stdout.write(`${describeReport(report)}\nwritten to ${values.out}\n`)
process.exitCode = report.verdict === 'void' ? 1 : 0
