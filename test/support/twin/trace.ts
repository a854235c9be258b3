/**
 * What leaves a node, as its guard and its couriers together could write it down, and where two such traces part.
 * Never holds a time, a size or a destination that was rounded: what differs in the last bit differs.
 * @module
 */
import { createHash } from 'node:crypto'

/** `dial`, `listen`: to which of the hosts or services, by order of appearance. Others: which link, by order of dials. */
export const TRACE_KINDS = ['dial', 'record', 'close', 'listen', 'unlisten'] as const
export type TraceKind = (typeof TRACE_KINDS)[number]

export interface TraceEvent {
  readonly atMs: number
  readonly kind: TraceKind
  /** Bytes of the record, or of each record of the link that is dialled. */
  readonly bytes: number
  /** The destination's class: a number by order of appearance. */
  readonly place: number
  /** First byte of a record, which its courier sees: hello, write, read or table. 0 for others. */
  readonly detail: number
}

export interface Trace {
  note(event: TraceEvent): void
  readonly length: number
  /** Records among the events. */
  readonly records: number
  at(index: number): TraceEvent | undefined
  /** Hash chain: one 64-character value after every `CHECKPOINT_EVENTS`, each over the one before, and one at the end. */
  checkpoints(): readonly string[]
  /** All events, to be given to another thread. */
  bytes(): Uint8Array<ArrayBuffer>
}

export const CHECKPOINT_EVENTS = 1_000
const EVENT_BYTES = 8 + 4 + 2 + 1 + 1

export function createTrace(from: Uint8Array = new Uint8Array(0)): Trace {
  let buffer = new Uint8Array(Math.max(1 << 16, from.length))
  buffer.set(from)
  let view = new DataView(buffer.buffer)
  let length = from.length / EVENT_BYTES
  let records = 0
  const trace: Trace = {
    get length() {
      return length
    },
    get records() {
      return records
    },
    note({ atMs, kind, bytes, place, detail }) {
      const offset = length * EVENT_BYTES
      if (offset + EVENT_BYTES > buffer.length) {
        const larger = new Uint8Array(2 * buffer.length)
        larger.set(buffer)
        buffer = larger
        view = new DataView(buffer.buffer)
      }
      view.setFloat64(offset, atMs)
      view.setUint32(offset + 8, place)
      view.setUint16(offset + 12, bytes)
      view.setUint8(offset + 14, TRACE_KINDS.indexOf(kind))
      view.setUint8(offset + 15, detail)
      length += 1
      if (kind === 'record') records += 1
    },
    at(index) {
      const offset = index * EVENT_BYTES
      const kind = index < length ? TRACE_KINDS[view.getUint8(offset + 14)] : undefined
      if (kind === undefined) return undefined
      return {
        atMs: view.getFloat64(offset),
        kind,
        bytes: view.getUint16(offset + 12),
        place: view.getUint32(offset + 8),
        detail: view.getUint8(offset + 15),
      }
    },
    checkpoints() {
      const hashes: string[] = []
      let before = ''
      for (let first = 0; first < length; first += CHECKPOINT_EVENTS) {
        const end = Math.min(length, first + CHECKPOINT_EVENTS)
        const chunk = buffer.subarray(first * EVENT_BYTES, end * EVENT_BYTES)
        before = createHash('sha256').update(before).update(chunk).digest('hex')
        hashes.push(before)
      }
      return hashes
    },
    bytes: () => buffer.slice(0, length * EVENT_BYTES),
  }
  for (let index = 0; index < length; index += 1) if (trace.at(index)?.kind === 'record') records += 1
  return trace
}

export interface Difference {
  /** Number of the first event that is not the same, from 0. */
  readonly index: number
  readonly one: TraceEvent | undefined
  readonly other: TraceEvent | undefined
  /** Both, in words. */
  readonly text: string
}

/** Where the traces part; undefined when they are the same to the last byte. */
export function firstDifference(one: Trace, other: Trace): Difference | undefined {
  const [a, b] = [one.checkpoints(), other.checkpoints()]
  const chunk = Array.from({ length: Math.max(a.length, b.length) }).findIndex((_, index) => a[index] !== b[index])
  if (chunk < 0) return undefined
  for (let index = chunk * CHECKPOINT_EVENTS; ; index += 1) {
    const [left, right] = [one.at(index), other.at(index)]
    if (left !== undefined && right !== undefined && describe(left) === describe(right)) continue
    return { index, one: left, other: right, text: `event ${index}: ${describe(left)} | ${describe(right)}` }
  }
}

function describe(event: TraceEvent | undefined): string {
  if (event === undefined) return 'nothing'
  const { atMs, bytes, detail, kind, place } = event
  return `${kind} ${detail} of ${bytes} bytes to ${place} at ${atMs} ms`
}
