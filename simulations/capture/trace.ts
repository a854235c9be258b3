/**
 * Traces of a guard link, and the labelled windows that are cut out of them.
 * Never cuts a window that touches another segment: what was done in one is not in the other's windows.
 * @module
 */

/** What may go on at a client while it is observed. */
export const CAPTURE_CLASSES = [
  'idle',
  'sending',
  'burst',
  'receiving',
  'adding',
  'flood',
  'attachment',
  'returning',
  'returned',
] as const
export type CaptureClass = (typeof CAPTURE_CLASSES)[number]

/** What each class is compared with: a client that came back with one that came back to nothing. */
export function baselineOf(label: CaptureClass): CaptureClass {
  return label === 'returning' ? 'returned' : 'idle'
}

/** One read of the tap; times are milliseconds of the machine's monotonic clock. */
export interface Read {
  readonly atMs: number
  /** From the client to its guard, or back. */
  readonly isUp: boolean
  readonly bytes: number
}

/** A labelled stretch of one client's time, all of it to be cut into windows. */
export interface Segment {
  readonly label: CaptureClass
  readonly run: number
  readonly node: number
  readonly startMs: number
  readonly endMs: number
}

/** A moment at which a front end learned that a message of this client left, that one came, or of a request or a contact. */
export interface RealMoment {
  readonly atMs: number
  readonly kind: 'sent' | 'received' | 'contact'
}

/** Everything of one client in one run. */
export interface NodeCapture {
  readonly run: number
  readonly node: number
  readonly reads: readonly Read[]
  readonly segments: readonly Segment[]
  readonly moments: readonly RealMoment[]
}

export interface Window {
  readonly label: CaptureClass
  readonly run: number
  readonly node: number
  /** Windows with the same number belong to one segment. */
  readonly segment: number
  readonly startMs: number
  readonly lengthMs: number
  readonly reads: readonly Read[]
  readonly moments: readonly RealMoment[]
}

/** Lines of `guard-tap-child.ts`: `ns direction bytes`. @throws {Error} for anything else */
export function parseTrace(text: string): readonly Read[] {
  const reads: Read[] = []
  for (const line of text.split('\n')) {
    if (line === '') continue
    const [ns = '', direction, bytes = ''] = line.split(' ')
    const read = { atMs: Number(ns) / 1e6, isUp: direction === 'u', bytes: Number(bytes) }
    if (!(read.atMs > 0) || !(read.bytes > 0) || (direction !== 'u' && direction !== 'd')) {
      throw new Error('a line of the trace is not one of the tap')
    }
    reads.push(read)
  }
  return reads
}

/** Index of the first read at or after `atMs`, of reads in order of time. */
function firstAt(list: readonly { readonly atMs: number }[], atMs: number): number {
  let low = 0
  let high = list.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((list[middle]?.atMs ?? 0) < atMs) low = middle + 1
    else high = middle
  }
  return low
}

/** Whole windows only, in order. Segments of all captures are numbered through. */
export function cutWindows(captures: readonly NodeCapture[], lengthMs: number): readonly Window[] {
  const windows: Window[] = []
  let segmentNumber = 0
  for (const { moments, reads, segments } of captures) {
    for (const { endMs, label, node, run, startMs } of segments) {
      for (let fromMs = startMs; fromMs + lengthMs <= endMs + 1e-6; fromMs += lengthMs) {
        const within = <T extends { readonly atMs: number }>(list: readonly T[]): readonly T[] =>
          list.slice(firstAt(list, fromMs), firstAt(list, fromMs + lengthMs))
        windows.push({
          label,
          run,
          node,
          segment: segmentNumber,
          startMs: fromMs,
          lengthMs,
          reads: within(reads),
          moments: within(moments),
        })
      }
      segmentNumber += 1
    }
  }
  return windows
}
