/**
 * Seals one body into an envelope.
 * Never changes the state it is given; the caller stores the new one before the envelope may leave, because the same
 * state sealed twice would use a message key twice. Signal Double Ratchet §4.4, spec 04-session §5.4.
 * @module
 */
import { concatBytes, InternalError } from '../base/index.ts'
import { aeadSeal } from '../crypto/index.ts'
import { AEAD_NONCE_BYTES, ENVELOPE_BODY_BYTES } from '../wire/index.ts'
import { sealHeader } from './header-seal.ts'
import { deriveChainStep } from './kdf.ts'
import type { SessionState } from './state.ts'
import { RATCHET_SUITE, type RatchetSuite } from './suite.ts'

/** A message key seals one body and is gone, so its nonce is constant. */
export const BODY_NONCE = new Uint8Array(AEAD_NONCE_BYTES)

export interface SealedEnvelope {
  readonly state: SessionState
  /** Always `ENVELOPE_BYTES`; to everybody else as good as random. */
  readonly envelope: Uint8Array
  /** What no longer belongs to the state: the message key first. Wipe when the new state is stored. */
  readonly consumed: readonly Uint8Array[]
}

/**
 * The next envelope of the session and the state after it.
 * @throws {RangeError} for a body of another length than `ENVELOPE_BODY_BYTES`
 */
export function sealEnvelope(
  state: SessionState,
  body: Uint8Array,
  suite: RatchetSuite = RATCHET_SUITE,
): SealedEnvelope {
  const { sending, transcript, previousCount } = state
  if (body.length !== ENVELOPE_BODY_BYTES) throw new RangeError(`body must have ${ENVELOPE_BODY_BYTES} bytes`)
  if (sending === undefined) throw new InternalError('a responder cannot send before the first envelope opened')
  const { messageKey, chainKey } = deriveChainStep(sending.chainKey)
  const header = { ratchetKey: state.ratchetKey.publicKey, previousCount, number: sending.number }
  const sealedHeader = sealHeader(sending.headerKey, transcript, header, suite.random)
  const sealedBody = aeadSeal(messageKey, BODY_NONCE, concatBytes(transcript, sealedHeader), body)
  return {
    state: { ...state, sending: { ...sending, chainKey, number: sending.number + 1 } },
    envelope: concatBytes(sealedHeader, sealedBody),
    consumed: [messageKey, sending.chainKey],
  }
}
