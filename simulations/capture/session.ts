/**
 * One session of captures as it is kept, and several sessions as one: few classes at a time fit a machine, and all are judged
 * together.
 * Never puts sessions together that differ in what was observed.
 * @module
 */
import type { CaptureClass, NodeCapture } from './trace.ts'

export interface CaptureConfig {
  readonly profile: string
  /** How much faster than for people everything on the node's own clock ran; tor was as slow as ever. */
  readonly speed: number
  readonly hosts: number
  readonly clients: number
  readonly contacts: number
  readonly contactHaste: number
  readonly runs: number
  readonly windowVirtualMs: number
  readonly windowsPerSegment: number
  readonly classes: readonly CaptureClass[]
  readonly minutes: number
  readonly cores: number
  /** Of the machine over the captures, in the mean; with more than all cores busy, times are the scheduler's. */
  readonly loadPerCore: number
}

/** What is said of a session in the report. */
export interface SessionHead {
  readonly config: CaptureConfig
  readonly seed: number
  readonly startedAt: string
}

/** What is kept beside the traces, and what the report is made of. */
export interface CaptureSession extends SessionHead {
  readonly commit: string
  readonly captures: readonly NodeCapture[]
  /** Of clients without padding. */
  readonly unpadded: readonly NodeCapture[]
  /** Segments that were given up, by what did not happen in time. */
  readonly failures: readonly string[]
}

export interface JoinedSessions extends Omit<CaptureSession, keyof SessionHead> {
  readonly heads: readonly SessionHead[]
  /** Of the first session: good for what all have in common. */
  readonly config: CaptureConfig
}

/** What must be the same in all sessions that are judged together. */
const SAME = ['profile', 'speed', 'contactHaste', 'windowVirtualMs'] as const

/**
 * Runs are numbered through.
 * @throws {RangeError} when there is no session, or when commit, profile, speed, haste or window differ
 */
export function joinSessions(sessions: readonly CaptureSession[]): JoinedSessions {
  const first = sessions[0]
  if (first === undefined) throw new RangeError('there are no captures')
  let runs = 0
  const captures: NodeCapture[] = []
  const unpadded: NodeCapture[] = []
  for (const session of sessions) {
    if (session.commit !== first.commit) throw new RangeError('captures of two commits cannot be judged together')
    for (const name of SAME) {
      if (session.config[name] !== first.config[name]) throw new RangeError(`captures differ in ${name}`)
    }
    const before = runs
    const renumber = (capture: NodeCapture): NodeCapture => ({
      ...capture,
      run: before + capture.run,
      segments: capture.segments.map((segment) => ({ ...segment, run: before + segment.run })),
    })
    captures.push(...session.captures.map(renumber))
    unpadded.push(...session.unpadded.map(renumber))
    runs += session.config.runs
  }
  return {
    heads: sessions.map(({ config, seed, startedAt }) => ({ config, seed, startedAt })),
    config: first.config,
    commit: first.commit,
    captures,
    unpadded,
    failures: sessions.flatMap(({ failures }) => failures),
  }
}
