/**
 * Known leaks, put into captured traces at the moments when something real left: what the classifiers must find, or their
 * silence about the real traces says nothing. METADATA §6a.
 * Never part of the daemon: no production code can leak in these ways, the traces are changed afterwards.
 * @module
 */
import type { Random } from '../../src/ports/index.ts'
import type { NodeCapture, Read } from './trace.ts'

export const LEAKS = ['extra-cell', 'real-only-retry', 'late-reply'] as const
export type Leak = (typeof LEAKS)[number]

const CELL_BYTES = 514
const RECORD_BYTES_MIN = 3 * CELL_BYTES
/** Reads of one record lie closer together than this. */
const TOGETHER_MS = 10
/** An event reaches a front end so long after its record at most. */
const TOLD_WITHIN_MS = 1_000
const RETRY_SHARE = 0.3
const LATE_MS = 150
/** How long a reply may take beyond the courier's hold. */
const REPLY_WITHIN_MS = 600

export interface LeakOptions {
  readonly leak: Leak
  /** How long a courier holds its answer, in the time of the trace. */
  readonly holdMs: number
  readonly random: Random
}

export interface Leaked {
  readonly capture: NodeCapture
  /** Moments at which something was changed. */
  readonly count: number
}

interface Change {
  readonly read: Read
  readonly bytes: number
  readonly atMs: number
}

/** The capture as it would look if the client had this leak. */
export function injectLeak(capture: NodeCapture, { holdMs, leak, random }: LeakOptions): Leaked {
  const { moments } = capture
  const changes = new Map<Read, Change>()
  const added: Read[] = []
  let count = 0
  const records = { up: recordsOf(capture.reads, true), down: recordsOf(capture.reads, false) }
  for (const { atMs, kind } of moments) {
    if (kind !== 'sent') continue
    const up = records.up.findLast(({ startMs }) => startMs <= atMs && startMs > atMs - TOLD_WITHIN_MS)
    const last = up?.reads.at(-1)
    if (up === undefined || last === undefined) continue
    // Answers leave a courier one hold after their records; a little less here, because the clocks of two processes tick apart.
    const dueMs = up.startMs + 0.9 * holdMs
    const down = records.down.find(({ startMs }) => startMs >= dueMs && startMs < dueMs + REPLY_WITHIN_MS)
    switch (leak) {
      case 'extra-cell':
        changes.set(last, { read: last, atMs: last.atMs, bytes: last.bytes + CELL_BYTES })
        break
      case 'real-only-retry': {
        if (random.uniform() >= RETRY_SHARE) continue
        // Some time later, as after a lost answer.
        const shiftMs = holdMs * (1 + 2 * random.uniform())
        for (const read of [...up.reads, ...(down?.reads ?? [])]) added.push({ ...read, atMs: read.atMs + shiftMs })
        break
      }
      case 'late-reply':
        if (down === undefined) continue
        for (const read of down.reads) changes.set(read, { read, bytes: read.bytes, atMs: read.atMs + LATE_MS })
    }
    count += 1
  }
  const reads = capture.reads.map((read) => {
    const change = changes.get(read)
    return change === undefined ? read : { ...read, atMs: change.atMs, bytes: change.bytes }
  })
  return { count, capture: { ...capture, reads: [...reads, ...added].sort((a, b) => a.atMs - b.atMs) } }
}

interface TracedRecord {
  readonly startMs: number
  readonly reads: readonly Read[]
}

/** Bursts of one direction that are large enough for a record, in order. */
function recordsOf(reads: readonly Read[], isUp: boolean): readonly TracedRecord[] {
  const bursts: Read[][] = []
  for (const read of reads) {
    if (read.isUp !== isUp) continue
    const current = bursts.at(-1)
    const lastMs = current?.at(-1)?.atMs ?? Number.NEGATIVE_INFINITY
    if (current !== undefined && read.atMs - lastMs <= TOGETHER_MS) current.push(read)
    else bursts.push([read])
  }
  return bursts
    .filter((burst) => burst.reduce((sum, { bytes }) => sum + bytes, 0) >= RECORD_BYTES_MIN)
    .map((burst) => ({ startMs: burst[0]?.atMs ?? 0, reads: burst }))
}
