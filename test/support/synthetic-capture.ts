/**
 * Traces of a client that was never there: records on a jittered clock and their answers, as real ones look on a guard link,
 * with a leak of a known kind where a test asks for one.
 * Never meant to be exact: what is known about them is which classes differ and in what.
 * @module
 */
import type { CaptureClass, NodeCapture, Read, RealMoment, Segment } from '../../simulations/capture/trace.ts'
import { createSeededRandom } from './seeded-random.ts'

/** Windows are a second long, as at 60 times the speed. */
export const WINDOW_MS = 1_000
export const HOLD_MS = 70
const RECORD_BYTES = 2_182
const SLOT_MS = 150

export interface SyntheticOptions {
  readonly seed: number
  readonly runs: number
  readonly nodes: number
  readonly segments: number
  readonly windows: number
  readonly classes: readonly CaptureClass[]
  /** Records leave only in classes other than idle. */
  readonly isUnpadded?: boolean
}

export function syntheticCaptures(options: SyntheticOptions): readonly NodeCapture[] {
  const captures: NodeCapture[] = []
  for (let run = 0; run < options.runs; run += 1) {
    for (let node = 0; node < options.nodes; node += 1) captures.push(captureOf(options, run, node))
  }
  return captures
}

function captureOf(options: SyntheticOptions, run: number, node: number): NodeCapture {
  const { uniform } = createSeededRandom(options.seed + run * 1_000 + node)
  const reads: Read[] = []
  const moments: RealMoment[] = []
  const segments: Segment[] = []
  // Circuits differ from node to node and from run to run.
  const tripMs = 10 + 20 * uniform()
  let nowMs = 1_000
  for (let round = 0; round < options.segments; round += 1) {
    for (const label of options.classes) {
      const startMs = nowMs
      const endMs = startMs + options.windows * WINDOW_MS
      segments.push({ label, run, node, startMs, endMs })
      for (let atMs = startMs + SLOT_MS * uniform(); atMs < endMs; atMs += SLOT_MS * (0.5 + uniform())) {
        const isReal = label !== 'idle' && uniform() < 0.2
        if (options.isUnpadded === true && !isReal) continue
        reads.push({ atMs, isUp: true, bytes: RECORD_BYTES })
        reads.push({ atMs: atMs + HOLD_MS + tripMs * (0.8 + 0.4 * uniform()), isUp: false, bytes: RECORD_BYTES })
        if (isReal) moments.push({ atMs: atMs + 3, kind: 'sent' })
      }
      nowMs = endMs + WINDOW_MS
    }
  }
  return { run, node, segments, moments, reads: reads.sort((a, b) => a.atMs - b.atMs) }
}
