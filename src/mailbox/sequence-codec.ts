/**
 * Sequences as bytes for the store.
 * Never reads what it would not write: each value has one encoding, and nothing else decodes. Spec 03-mailbox §7.1.
 * @module
 */
import { type ByteReader, type ByteWriter, createByteReader, createByteWriter } from '../base/index.ts'
import { KEY_BYTES } from '../crypto/index.ts'
import { MISSING_BOX_MAX_COUNT, PAST_BOX_CHAIN_MAX_COUNT } from './options.ts'
import type { BoxSequences, MissingBox, PastBoxChain, ReceiveBoxChain } from './sequence-state.ts'

const VERSION = 1

/** Bits of the byte that says which chains are there. */
const HAS = { send: 1, current: 2, next: 4 } as const
/** Bits of the byte in front of each chain of the other side. */
const CHAIN_HAS = { chainKey: 1, limit: 2 } as const

const SEND_BYTES = KEY_BYTES + 4 + 4
const MISSING_BYTES = 4 + KEY_BYTES
const LEFT_AT_BYTES = 8

function chainBytes(chain: ReceiveBoxChain): number {
  const key = chain.chainKey === undefined ? 0 : KEY_BYTES
  return 1 + 4 + 4 + key + (chain.limit === undefined ? 0 : 4) + 1 + chain.missing.length * MISSING_BYTES
}

/** The one encoding; at most 17 KB. */
export function encodeSequences(sequences: BoxSequences): Uint8Array {
  const { send } = sequences
  const { current, next, past } = sequences.receive
  let length = 1 + 1 + 1
  if (send !== undefined) length += SEND_BYTES
  for (const chain of [current, next]) if (chain !== undefined) length += chainBytes(chain)
  for (const chain of past) length += chainBytes(chain) + LEFT_AT_BYTES
  const flags =
    (send === undefined ? 0 : HAS.send) |
    (current === undefined ? 0 : HAS.current) |
    (next === undefined ? 0 : HAS.next)
  const writer = createByteWriter(length).u8(VERSION).u8(flags)
  if (send !== undefined) writer.bytes(send.chainKey).u32(send.index).u32(send.previousBoxes)
  for (const chain of [current, next]) if (chain !== undefined) writeChain(writer, chain)
  writer.u8(past.length)
  for (const chain of past) {
    writeChain(writer, chain)
    writer.u64(chain.leftAtMs)
  }
  return writer.finish()
}

function writeChain(writer: ByteWriter, chain: ReceiveBoxChain): void {
  const { chainKey, limit, missing } = chain
  writer.u8((chainKey === undefined ? 0 : CHAIN_HAS.chainKey) | (limit === undefined ? 0 : CHAIN_HAS.limit))
  writer.u32(chain.number).u32(chain.index)
  if (chainKey !== undefined) writer.bytes(chainKey)
  if (limit !== undefined) writer.u32(limit)
  writer.u8(missing.length)
  for (const box of missing) writer.u32(box.index).bytes(box.seed)
}

/** Undefined for an unknown version, truncation, trailing bytes, and everything {@link encodeSequences} cannot write. */
export function decodeSequences(bytes: Uint8Array): BoxSequences | undefined {
  const reader = createByteReader(bytes)
  if (reader.u8() !== VERSION) return undefined
  const flags = reader.u8()
  if (flags > (HAS.send | HAS.current | HAS.next)) return undefined
  const send =
    (flags & HAS.send) === 0
      ? undefined
      : { chainKey: reader.bytes(KEY_BYTES), index: reader.u32(), previousBoxes: reader.u32() }
  const current = (flags & HAS.current) === 0 ? undefined : readChain(reader)
  const next = (flags & HAS.next) === 0 ? undefined : readChain(reader)
  const past = readPast(reader)
  if (!reader.end() || !isConsistent(past, current, next)) return undefined
  return { send, receive: { current, next, past } }
}

/** Each chain is newer than the one before it, and a past one has something left in it. */
function isConsistent(
  past: readonly PastBoxChain[],
  current: ReceiveBoxChain | undefined,
  next: ReceiveBoxChain | undefined,
): boolean {
  let before = -1
  for (const chain of [...past, current, next]) {
    if (chain === undefined) continue
    if (chain.number <= before) return false
    before = chain.number
  }
  if (current !== undefined && next !== undefined && next.number !== current.number + 1) return false
  return past.every((chain) => chain.chainKey !== undefined || chain.missing.length > 0)
}

function readChain(reader: ByteReader): ReceiveBoxChain {
  const flags = reader.u8()
  const number = reader.u32()
  const index = reader.u32()
  const chainKey = (flags & CHAIN_HAS.chainKey) === 0 ? undefined : reader.bytes(KEY_BYTES)
  const limit = (flags & CHAIN_HAS.limit) === 0 ? undefined : reader.u32()
  const isClosed = limit !== undefined && index >= limit
  if (flags > (CHAIN_HAS.chainKey | CHAIN_HAS.limit) || isClosed !== (chainKey === undefined)) reader.fail()
  const missing = readMissing(reader)
  const last = missing.at(-1)
  if (last !== undefined && last.index >= Math.min(index, limit ?? index)) reader.fail()
  return { number, chainKey, index, limit, missing }
}

function readMissing(reader: ByteReader): readonly MissingBox[] {
  const count = reader.u8()
  // Checked before the loop, so that a hostile count costs nothing.
  if (count > MISSING_BOX_MAX_COUNT || count * MISSING_BYTES > reader.remaining()) {
    reader.fail()
    return []
  }
  const missing: MissingBox[] = []
  for (let at = 0; at < count; at += 1) {
    const box = { index: reader.u32(), seed: reader.bytes(KEY_BYTES) }
    if (box.index <= (missing.at(-1)?.index ?? -1)) reader.fail()
    missing.push(box)
  }
  return missing
}

function readPast(reader: ByteReader): readonly PastBoxChain[] {
  const count = reader.u8()
  if (count > PAST_BOX_CHAIN_MAX_COUNT) {
    reader.fail()
    return []
  }
  const past: PastBoxChain[] = []
  for (let at = 0; at < count; at += 1) past.push({ ...readChain(reader), leftAtMs: reader.u64() })
  return past
}
