/**
 * Opens one envelope.
 * Never changes the state it is given: all steps happen on a new value, which the caller gets only when the body opened.
 * Signal Double Ratchet §4.4, spec 04-session §5.5.
 * @module
 */
import { concatBytes, equalBytes } from '../base/index.ts'
import { aeadOpen } from '../crypto/index.ts'
import { ENVELOPE_BYTES, type RatchetHeader, SEALED_HEADER_BYTES } from '../wire/index.ts'
import { findHeader } from './header-seal.ts'
import { deriveChainStep } from './kdf.ts'
import { dhStep, skipTo } from './ratchet-step.ts'
import { BODY_NONCE } from './seal-envelope.ts'
import { dropEmptyChains, dropExpiredKeys, enforceLimits, type SessionState, type SkippedKey } from './state.ts'
import { RATCHET_SUITE, type RatchetSuite } from './suite.ts'

export type OpenFailure =
  /** Not `ENVELOPE_BYTES`, or a header of the peer's with flags of another version. */
  | 'malformed'
  /** No header key opens it: foreign, changed, older than five chains, or two DH steps ahead. */
  | 'unknown-header'
  /** Its message key was used or has expired. */
  | 'replayed'
  /** It would need more message keys ahead than the limit allows. */
  | 'skip-limit'
  /** The peer's header contradicts what the peer sent before, or its ratchet key is of low order. */
  | 'inconsistent'
  /** The header opens but the body does not. */
  | 'bad-body'

export type OpenedEnvelope =
  | {
      readonly ok: true
      readonly state: SessionState
      readonly body: Uint8Array
      /** What no longer belongs to the state: the message key first. Wipe when the new state is stored. */
      readonly consumed: readonly Uint8Array[]
    }
  | { readonly ok: false; readonly reason: OpenFailure }

interface Prepared {
  readonly state: SessionState
  readonly messageKey: Uint8Array
}

/** The body and the state after it, or why not. A failure is never answered: the reason is for counters and tests. */
export function openEnvelope(
  state: SessionState,
  envelope: Uint8Array,
  nowMs: number,
  suite: RatchetSuite = RATCHET_SUITE,
): OpenedEnvelope {
  if (envelope.length !== ENVELOPE_BYTES) return { ok: false, reason: 'malformed' }
  const sealedHeader = envelope.subarray(0, SEALED_HEADER_BYTES)
  const current = dropExpiredKeys(state, nowMs)
  const consumed = [...current.consumed]
  const prepared = prepare(current.state, sealedHeader, nowMs, suite, consumed)
  if (typeof prepared === 'string') return { ok: false, reason: prepared }
  const associatedData = concatBytes(state.transcript, sealedHeader)
  const body = aeadOpen(prepared.messageKey, BODY_NONCE, associatedData, envelope.subarray(SEALED_HEADER_BYTES))
  if (body === undefined) return { ok: false, reason: 'bad-body' }
  const after = enforceLimits(prepared.state, consumed)
  return { ok: true, state: after, body, consumed: [prepared.messageKey, ...consumed] }
}

function prepare(
  state: SessionState,
  sealedHeader: Uint8Array,
  nowMs: number,
  suite: RatchetSuite,
  consumed: Uint8Array[],
): Prepared | OpenFailure {
  const found = findHeader(state, sealedHeader)
  if (found === 'unknown') return 'unknown-header'
  if (found === 'malformed') return 'malformed'
  const { header } = found
  if (found.chain === 'past') {
    const taken = takeSkipped(found.past.skipped, header.number)
    if (taken === undefined) return 'replayed'
    const past = state.past.map((chain) => (chain === found.past ? { ...chain, skipped: taken.rest } : chain))
    return { state: { ...state, past: dropEmptyChains(past, consumed) }, messageKey: taken.messageKey }
  }
  if (found.chain === 'next') {
    const stepped = stepToNext(state, header, nowMs, suite, consumed)
    return typeof stepped === 'string' ? stepped : advance(stepped, header, nowMs, consumed)
  }
  // A header key belongs to one ratchet key for its whole life; the specification leaves this unchecked.
  if (state.remoteRatchetKey === undefined || !equalBytes(header.ratchetKey, state.remoteRatchetKey)) {
    return 'inconsistent'
  }
  return advance(state, header, nowMs, consumed)
}

/** Stores the keys of what is missing from the chain being left, then takes the DH step. */
function stepToNext(
  state: SessionState,
  header: RatchetHeader,
  nowMs: number,
  suite: RatchetSuite,
  consumed: Uint8Array[],
): SessionState | OpenFailure {
  if (header.previousCount < (state.receiving?.number ?? 0)) return 'inconsistent'
  let left = state.receiving
  if (left === undefined) {
    if (header.previousCount !== 0) return 'inconsistent'
  } else {
    left = skipTo(left, header.previousCount, nowMs, consumed)
    if (left === undefined) return 'skip-limit'
  }
  return dhStep({ ...state, receiving: left }, header.ratchetKey, suite, consumed) ?? 'inconsistent'
}

/** The message key of `header.number` in the current chain, from the stored ones or by moving the chain. */
function advance(
  state: SessionState,
  header: RatchetHeader,
  nowMs: number,
  consumed: Uint8Array[],
): Prepared | OpenFailure {
  const { receiving } = state
  if (receiving === undefined) return 'inconsistent'
  if (header.number < receiving.number) {
    const taken = takeSkipped(receiving.skipped, header.number)
    if (taken === undefined) return 'replayed'
    return { state: { ...state, receiving: { ...receiving, skipped: taken.rest } }, messageKey: taken.messageKey }
  }
  const chain = skipTo(receiving, header.number, nowMs, consumed)
  if (chain === undefined) return 'skip-limit'
  const { messageKey, chainKey } = deriveChainStep(chain.chainKey)
  consumed.push(chain.chainKey)
  return { state: { ...state, receiving: { ...chain, chainKey, number: chain.number + 1 } }, messageKey }
}

function takeSkipped(
  keys: readonly SkippedKey[],
  number: number,
): { messageKey: Uint8Array; rest: readonly SkippedKey[] } | undefined {
  const key = keys.find((candidate) => candidate.number === number)
  return key && { messageKey: key.messageKey, rest: keys.filter((candidate) => candidate !== key) }
}
