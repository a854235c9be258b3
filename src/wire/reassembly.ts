/**
 * Puts the parts of one message together again, in whatever order they come.
 * Never holds more than `MAX_TEXT_BYTES` for a message, and never lets a later part change an earlier one. Spec 01-wire §6.
 * @module
 */
import { concatBytes, equalBytes } from '../base/index.ts'
import type { Content, ContentPart } from './content.ts'

/** The parts of one message that have come so far, by part index. A plain value: the caller keeps and bounds how many it has. */
export interface Reassembly {
  readonly messageId: Uint8Array
  readonly timestampMs: number
  readonly type: number
  readonly chunks: readonly (Uint8Array | undefined)[]
}

export type ReassemblyStep =
  | { readonly state: 'pending'; readonly reassembly: Reassembly }
  | { readonly state: 'complete'; readonly content: Content }
  /** The part contradicts what came before; what came before stays as it is. */
  | { readonly state: 'conflict' }

function start(part: ContentPart): Reassembly {
  const { messageId, timestampMs, type, partCount } = part
  return { messageId, timestampMs, type, chunks: new Array<Uint8Array | undefined>(partCount).fill(undefined) }
}

function belongs(part: ContentPart, reassembly: Reassembly): boolean {
  const held = reassembly.chunks[part.partIndex]
  return (
    equalBytes(part.messageId, reassembly.messageId) &&
    part.partCount === reassembly.chunks.length &&
    part.timestampMs === reassembly.timestampMs &&
    part.type === reassembly.type &&
    (held === undefined || equalBytes(held, part.chunk))
  )
}

/**
 * Adds a part to what is there of its message (undefined for its first part). The same part twice changes nothing.
 * Pure: the given value is not touched.
 */
export function addContentPart(reassembly: Reassembly | undefined, part: ContentPart): ReassemblyStep {
  const before = reassembly ?? start(part)
  if (!belongs(part, before)) return { state: 'conflict' }
  const chunks = before.chunks.with(part.partIndex, part.chunk)
  const whole = chunks.filter((chunk) => chunk !== undefined)
  if (whole.length < chunks.length) return { state: 'pending', reassembly: { ...before, chunks } }
  const { messageId, timestampMs, type } = before
  return { state: 'complete', content: { messageId, timestampMs, type, body: concatBytes(...whole) } }
}
