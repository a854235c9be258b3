/**
 * The steps of the receiving side: deriving ahead over missing envelopes, and the DH step.
 * Never commits: each gives a new state that the caller keeps only when the body opens. Signal Double Ratchet §4.4,
 * spec 04-session §5.5.
 * @module
 */
import { wipe, x25519 } from '../crypto/index.ts'
import { deriveChainStep, deriveRootStep } from './kdf.ts'
import { SESSION_LIMITS } from './options.ts'
import { dropEmptyChains, type ReceivingChain, type SessionState, type SkippedKey } from './state.ts'
import { createKeyPair, type RatchetSuite } from './suite.ts'

/** The chain moved forward to envelope `until`, with the keys in between stored; undefined beyond the skip limit. */
export function skipTo(
  chain: ReceivingChain,
  until: number,
  nowMs: number,
  consumed: Uint8Array[],
): ReceivingChain | undefined {
  if (until - chain.number > SESSION_LIMITS.skipPerStep) return undefined
  if (until === chain.number) return chain
  const skipped: SkippedKey[] = [...chain.skipped]
  let chainKey = chain.chainKey
  for (let number = chain.number; number < until; number++) {
    const step = deriveChainStep(chainKey)
    skipped.push({ number, messageKey: step.messageKey, storedAtMs: nowMs })
    consumed.push(chainKey)
    chainKey = step.chainKey
  }
  return { ...chain, chainKey, number: until, skipped }
}

/**
 * DHRatchetHE: the state after the other side's new ratchet key, with a fresh pair of our own and both chains new.
 * Undefined when the key gives an all-zero secret.
 */
export function dhStep(
  state: SessionState,
  remoteRatchetKey: Uint8Array,
  suite: RatchetSuite,
  consumed: Uint8Array[],
): SessionState | undefined {
  const { sending, receiving, nextSending, nextReceiving } = state
  const receivingSecret = x25519(state.ratchetKey.privateKey, remoteRatchetKey)
  if (receivingSecret === undefined) return undefined
  const { pair: ratchetKey, key } = createKeyPair(suite.random)
  const sendingSecret = key.agree(remoteRatchetKey)
  if (sendingSecret === undefined) return undefined
  const first = deriveRootStep(state.rootKey, receivingSecret, suite.rootInfo)
  const second = deriveRootStep(first.rootKey, sendingSecret, suite.rootInfo)
  wipe(receivingSecret, sendingSecret, first.rootKey)

  consumed.push(state.rootKey, state.ratchetKey.privateKey)
  if (sending !== undefined) consumed.push(sending.chainKey, sending.headerKey, sending.boxKey)
  if (receiving !== undefined) consumed.push(receiving.chainKey, receiving.boxKey)
  const left = receiving === undefined ? [] : [{ headerKey: receiving.headerKey, skipped: receiving.skipped }]
  return {
    transcript: state.transcript,
    rootKey: second.rootKey,
    ratchetKey,
    previousCount: sending?.number ?? 0,
    sending: { ...nextSending, chainKey: second.chainKey, number: 0 },
    nextSending: { headerKey: second.nextHeaderKey, boxKey: second.nextBoxKey },
    remoteRatchetKey,
    receiving: { ...nextReceiving, chainKey: first.chainKey, number: 0, skipped: [] },
    nextReceiving: { headerKey: first.nextHeaderKey, boxKey: first.nextBoxKey },
    past: dropEmptyChains([...state.past, ...left], consumed),
  }
}
