/**
 * The one thing that travels on a lane: an acknowledgement, and an envelope or as many zeros.
 * Never differs in length between cover and envelope; the link encrypts both alike. Spec 01-wire §3.
 * @module
 */
import { createByteReader, createByteWriter } from '../base/index.ts'
import { ENVELOPE_BYTES, LANE_RECORD_BYTES } from './geometry.ts'
import { isZero } from './pad.ts'

const KIND_COVER = 0
const KIND_ENVELOPE = 1

/** Highest sequence of a lane direction; at one record a second it lasts 136 years. */
export const LANE_SEQUENCE_MAX = 0xffff_ffff

interface LaneAck {
  /** Every sequence up to this one has been received and stored; 0 for none. */
  readonly ackBase: number
  /** Bit i (of 32) says that sequence `ackBase + 1 + i` has been received as well; bit 0 is therefore always 0. */
  readonly ackBits: number
}

/** Nothing to say; tells an observer exactly as much as an {@link EnvelopeRecord}. */
export interface CoverRecord extends LaneAck {
  readonly kind: 'cover'
  readonly sequence: 0
}

/** Carries the envelope with this sequence, for the first time or again, byte for byte the same. */
export interface EnvelopeRecord extends LaneAck {
  readonly kind: 'envelope'
  /** From 1, without gaps, over the whole life of a contact. */
  readonly sequence: number
  readonly envelope: Uint8Array
}

export type LaneRecord = CoverRecord | EnvelopeRecord

/** Always `LANE_RECORD_BYTES` long. Fields out of range are a bug and throw `RangeError`. */
export function encodeLaneRecord(record: LaneRecord): Uint8Array {
  if ((record.ackBits & 1) !== 0) throw new RangeError('bit 0 of the acknowledgement bits belongs to the base')
  const isCover = record.kind === 'cover'
  if (isCover !== (record.sequence === 0)) throw new RangeError('an envelope has a sequence from 1, a cover has none')
  return createByteWriter(LANE_RECORD_BYTES)
    .u8(isCover ? KIND_COVER : KIND_ENVELOPE)
    .u32(record.ackBase)
    .u32(record.ackBits)
    .u32(record.sequence)
    .bytes(isCover ? new Uint8Array(ENVELOPE_BYTES) : record.envelope)
    .finish()
}

/** Undefined for every other length, unknown kinds, a cover that is not all zeros, and non-canonical fields. */
export function decodeLaneRecord(bytes: Uint8Array): LaneRecord | undefined {
  const reader = createByteReader(bytes)
  const kind = reader.u8()
  const ackBase = reader.u32()
  const ackBits = reader.u32()
  const sequence = reader.u32()
  const envelope = reader.bytes(ENVELOPE_BYTES)
  if (!reader.end() || (ackBits & 1) !== 0) return undefined
  if (kind === KIND_COVER) {
    return sequence === 0 && isZero(envelope) ? { kind: 'cover', ackBase, ackBits, sequence } : undefined
  }
  return kind === KIND_ENVELOPE && sequence !== 0
    ? { kind: 'envelope', ackBase, ackBits, sequence, envelope }
    : undefined
}
