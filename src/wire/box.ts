/**
 * A box as hosts store it, and the body that a conversation puts in one.
 * Never tells its writer or its reader: a one-time key, a signature by it, and ciphertext of one size. Spec 03-mailbox §2.
 * @module
 */
import { createByteReader, createByteWriter } from '../base/index.ts'
import { KEY_BYTES } from '../crypto/index.ts'
import {
  BOX_BODY_BYTES,
  BOX_BYTES,
  BOX_CIPHERTEXT_BYTES,
  BOX_ENVELOPES_MAX_COUNT,
  ENVELOPE_BYTES,
  FILE_CHUNK_BYTES,
  SIGNATURE_BYTES,
} from './geometry.ts'
import { isZero } from './pad.ts'

export interface Box {
  /** One-time Ed25519 public key; names the box. 32 bytes. */
  readonly boxId: Uint8Array
  /** By the one-time key over the ciphertext. 64 bytes. */
  readonly signature: Uint8Array
  /** `BOX_CIPHERTEXT_BYTES`. */
  readonly ciphertext: Uint8Array
}

/** Always `BOX_BYTES` long. A part of another length is a bug and throws `RangeError`. */
export function encodeBox(box: Box): Uint8Array {
  if (box.boxId.length !== KEY_BYTES || box.signature.length !== SIGNATURE_BYTES)
    throw new RangeError('a box has an id of 32 bytes and a signature of 64')
  return createByteWriter(BOX_BYTES).bytes(box.boxId).bytes(box.signature).bytes(box.ciphertext).finish()
}

/** Undefined for every other length. Says nothing of the signature. */
export function decodeBox(bytes: Uint8Array): Box | undefined {
  const reader = createByteReader(bytes)
  const boxId = reader.bytes(KEY_BYTES)
  const signature = reader.bytes(SIGNATURE_BYTES)
  const ciphertext = reader.bytes(BOX_CIPHERTEXT_BYTES)
  return reader.end() ? { boxId, signature, ciphertext } : undefined
}

const KIND_CONVERSATION = 1
const KIND_PAYLOAD = 2
const KIND_LOOP = 3
const KIND_CHUNK = 4

/** What a box says to the other side of a conversation. */
export interface ConversationBody {
  readonly kind: 'conversation'
  /** As in lane records: every envelope up to this sequence has been received and stored. */
  readonly ackBase: number
  /** Bit i says that sequence `ackBase + 1 + i` has been received as well; bit 0 is always 0. */
  readonly ackBits: number
  /** How many boxes the sender put into the chain before this one; where the reader may stop looking. */
  readonly previousBoxes: number
  readonly envelopes: readonly { readonly sequence: number; readonly envelope: Uint8Array }[]
}

/** What an invite's boxes carry: the sealed bundle, then the handshake request. The length is known to both. */
export interface PayloadBody {
  readonly kind: 'payload'
  readonly payload: Uint8Array
}

/** A box for ourselves. */
export interface LoopBody {
  readonly kind: 'loop'
}

/** A piece of a file (attachment.ts); it fills the box. */
export interface ChunkBody {
  readonly kind: 'chunk'
  /** Place in the file, from 0. */
  readonly index: number
  /** `FILE_CHUNK_BYTES`. */
  readonly bytes: Uint8Array
}

export type BoxBody = ConversationBody | PayloadBody | LoopBody | ChunkBody

/** Always `BOX_BODY_BYTES` long. Fields out of range are a bug and throw `RangeError`. */
export function encodeBoxBody(body: BoxBody): Uint8Array {
  if (body.kind === 'loop') return padded(Uint8Array.of(KIND_LOOP))
  if (body.kind === 'payload') {
    const { payload } = body
    const writer = createByteWriter(1 + 2 + payload.length)
    return padded(writer.u8(KIND_PAYLOAD).u16(payload.length).bytes(payload).finish())
  }
  if (body.kind === 'chunk') {
    if (body.bytes.length !== FILE_CHUNK_BYTES) throw new RangeError('a chunk fills its box')
    return createByteWriter(BOX_BODY_BYTES).u8(KIND_CHUNK).u16(body.index).bytes(body.bytes).finish()
  }
  const { envelopes } = body
  if ((body.ackBits & 1) !== 0) throw new RangeError('bit 0 of the acknowledgement bits belongs to the base')
  if (envelopes.length > BOX_ENVELOPES_MAX_COUNT) throw new RangeError('too many envelopes for a box')
  const writer = createByteWriter(1 + 4 + 4 + 4 + 1 + envelopes.length * (4 + ENVELOPE_BYTES))
    .u8(KIND_CONVERSATION)
    .u32(body.ackBase)
    .u32(body.ackBits)
    .u32(body.previousBoxes)
    .u8(envelopes.length)
  for (const { sequence, envelope } of envelopes) {
    if (sequence === 0 || envelope.length !== ENVELOPE_BYTES) throw new RangeError('envelope has a wrong form')
    writer.u32(sequence).bytes(envelope)
  }
  return padded(writer.finish())
}

function padded(bytes: Uint8Array): Uint8Array {
  if (bytes.length > BOX_BODY_BYTES) throw new RangeError('body is too long for a box')
  const body = new Uint8Array(BOX_BODY_BYTES)
  body.set(bytes)
  return body
}

/** Undefined for every other length, unknown kinds, non-canonical fields and padding that is not zero. */
export function decodeBoxBody(bytes: Uint8Array): BoxBody | undefined {
  if (bytes.length !== BOX_BODY_BYTES) return undefined
  const reader = createByteReader(bytes)
  const body = readBody(reader, reader.u8())
  const padding = reader.bytes(reader.remaining())
  return body !== undefined && reader.end() && isZero(padding) ? body : undefined
}

function readBody(reader: ReturnType<typeof createByteReader>, kind: number): BoxBody | undefined {
  if (kind === KIND_LOOP) return { kind: 'loop' }
  if (kind === KIND_PAYLOAD) return { kind: 'payload', payload: reader.bytes(reader.u16()) }
  if (kind === KIND_CHUNK) return { kind: 'chunk', index: reader.u16(), bytes: reader.bytes(FILE_CHUNK_BYTES) }
  if (kind !== KIND_CONVERSATION) return undefined
  const ackBase = reader.u32()
  const ackBits = reader.u32()
  const previousBoxes = reader.u32()
  const count = reader.u8()
  if ((ackBits & 1) !== 0 || count > BOX_ENVELOPES_MAX_COUNT) return undefined
  const envelopes = []
  for (let index = 0; index < count; index += 1) {
    const sequence = reader.u32()
    const envelope = reader.bytes(ENVELOPE_BYTES)
    if (sequence === 0) return undefined
    envelopes.push({ sequence, envelope })
  }
  return { kind: 'conversation', ackBase, ackBits, previousBoxes, envelopes }
}
