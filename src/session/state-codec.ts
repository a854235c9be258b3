/**
 * Session states as bytes for the store.
 * Never reads what it would not write: each state has one encoding, and nothing else decodes. Spec 04-session §7.
 * @module
 */
import { type ByteReader, type ByteWriter, createByteReader, createByteWriter } from '../base/index.ts'
import { HASH_BYTES, KEY_BYTES } from '../crypto/index.ts'
import { SESSION_LIMITS } from './options.ts'
import type { DirectionKeys, PastChain, ReceivingChain, SendingChain, SessionState, SkippedKey } from './state.ts'

const VERSION = 1

/** How far the session has come, which says what is there. */
const STAGE = { awaitingFirst: 0, sendingOnly: 1, both: 2 } as const

const SKIPPED_KEY_BYTES = 4 + KEY_BYTES + 8
const CHAIN_BYTES = 3 * KEY_BYTES + 4
const FIXED_BYTES = 1 + 1 + HASH_BYTES + 3 * KEY_BYTES + 4 + 4 * KEY_BYTES

function skippedBytes(keys: readonly SkippedKey[]): number {
  return 2 + keys.length * SKIPPED_KEY_BYTES
}

function encodedBytes(state: SessionState): number {
  let length = FIXED_BYTES
  if (state.sending !== undefined) length += KEY_BYTES + CHAIN_BYTES
  if (state.receiving !== undefined) length += CHAIN_BYTES + skippedBytes(state.receiving.skipped) + 1
  for (const chain of state.past) length += KEY_BYTES + skippedBytes(chain.skipped)
  return length
}

/** The one encoding of the state; layout in spec 04-session §7. */
export function encodeSessionState(state: SessionState): Uint8Array {
  const { sending, receiving, remoteRatchetKey } = state
  const writer = createByteWriter(encodedBytes(state))
  const started = sending !== undefined && remoteRatchetKey !== undefined
  const stage = !started ? STAGE.awaitingFirst : receiving === undefined ? STAGE.sendingOnly : STAGE.both
  writer.u8(VERSION).u8(stage).bytes(state.transcript).bytes(state.rootKey)
  writer.bytes(state.ratchetKey.privateKey).bytes(state.ratchetKey.publicKey).u32(state.previousCount)
  writeDirection(writer, state.nextSending)
  writeDirection(writer, state.nextReceiving)
  if (started) {
    writer.bytes(remoteRatchetKey)
    writeChain(writer, sending)
  }
  if (receiving !== undefined) {
    writeChain(writer, receiving)
    writeSkipped(writer, receiving.skipped)
    writer.u8(state.past.length)
    for (const chain of state.past) {
      writer.bytes(chain.headerKey)
      writeSkipped(writer, chain.skipped)
    }
  }
  return writer.finish()
}

function writeDirection(writer: ByteWriter, keys: DirectionKeys): void {
  writer.bytes(keys.headerKey).bytes(keys.boxKey)
}

function writeChain(writer: ByteWriter, chain: SendingChain): void {
  writeDirection(writer, chain)
  writer.bytes(chain.chainKey).u32(chain.number)
}

function writeSkipped(writer: ByteWriter, keys: readonly SkippedKey[]): void {
  writer.u16(keys.length)
  for (const key of keys) writer.u32(key.number).bytes(key.messageKey).u64(key.storedAtMs)
}

/** Undefined for an unknown version, truncation, trailing bytes, and everything {@link encodeSessionState} cannot write. */
export function decodeSessionState(bytes: Uint8Array): SessionState | undefined {
  const reader = createByteReader(bytes)
  if (reader.u8() !== VERSION) return undefined
  const stage = reader.u8()
  if (stage > STAGE.both) return undefined
  const transcript = reader.bytes(HASH_BYTES)
  const rootKey = reader.bytes(KEY_BYTES)
  const ratchetKey = { privateKey: reader.bytes(KEY_BYTES), publicKey: reader.bytes(KEY_BYTES) }
  const previousCount = reader.u32()
  const nextSending = readDirection(reader)
  const nextReceiving = readDirection(reader)
  const remoteRatchetKey = stage === STAGE.awaitingFirst ? undefined : reader.bytes(KEY_BYTES)
  const sending = stage === STAGE.awaitingFirst ? undefined : readChain(reader)
  const receiving = stage === STAGE.both ? readReceiving(reader) : undefined
  const past = stage === STAGE.both ? readPast(reader) : []
  if (!reader.end()) return undefined
  let stored = receiving?.skipped.length ?? 0
  for (const chain of past) stored += chain.skipped.length
  if (stored > SESSION_LIMITS.storedSkippedKeys) return undefined
  return {
    transcript,
    rootKey,
    ratchetKey,
    previousCount,
    nextSending,
    nextReceiving,
    sending,
    remoteRatchetKey,
    receiving,
    past,
  }
}

function readDirection(reader: ByteReader): DirectionKeys {
  return { headerKey: reader.bytes(KEY_BYTES), boxKey: reader.bytes(KEY_BYTES) }
}

function readChain(reader: ByteReader): SendingChain {
  return { ...readDirection(reader), chainKey: reader.bytes(KEY_BYTES), number: reader.u32() }
}

function readReceiving(reader: ByteReader): ReceivingChain {
  const chain = readChain(reader)
  const skipped = readSkipped(reader)
  const last = skipped.at(-1)
  if (last !== undefined && last.number >= chain.number) reader.fail()
  return { ...chain, skipped }
}

function readSkipped(reader: ByteReader): readonly SkippedKey[] {
  const count = reader.u16()
  // Checked before the loop, so that a hostile count costs nothing.
  if (count > SESSION_LIMITS.storedSkippedKeys || count * SKIPPED_KEY_BYTES > reader.remaining()) {
    reader.fail()
    return []
  }
  const keys: SkippedKey[] = []
  for (let index = 0; index < count; index++) {
    const key = { number: reader.u32(), messageKey: reader.bytes(KEY_BYTES), storedAtMs: reader.u64() }
    if (key.number <= (keys.at(-1)?.number ?? -1)) reader.fail()
    keys.push(key)
  }
  return keys
}

function readPast(reader: ByteReader): readonly PastChain[] {
  const count = reader.u8()
  if (count > SESSION_LIMITS.pastChains) reader.fail()
  const chains: PastChain[] = []
  for (let index = 0; index < Math.min(count, SESSION_LIMITS.pastChains); index++) {
    const chain = { headerKey: reader.bytes(KEY_BYTES), skipped: readSkipped(reader) }
    if (chain.skipped.length === 0) reader.fail()
    chains.push(chain)
  }
  return chains
}
