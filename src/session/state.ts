/**
 * What one side of a session remembers, and how the skipped message keys in it age.
 * Never changed in place: every step gives a new value and names what is to be wiped. Spec 04-session §5.3.
 * @module
 */
import type { X25519KeyPair } from '../crypto/index.ts'
import { SESSION_LIMITS } from './options.ts'

/** Keys of one direction that are agreed one DH step before they are used. */
export interface DirectionKeys {
  readonly headerKey: Uint8Array
  /** First box key of the direction's mailbox chain while it is current; nothing reads it before the mailboxes do. */
  readonly boxKey: Uint8Array
}

export interface SendingChain extends DirectionKeys {
  readonly chainKey: Uint8Array
  /** Number of the next envelope. */
  readonly number: number
}

export interface SkippedKey {
  readonly number: number
  readonly messageKey: Uint8Array
  readonly storedAtMs: number
}

export interface ReceivingChain extends DirectionKeys {
  readonly chainKey: Uint8Array
  /** Number of the first envelope that has not been derived. */
  readonly number: number
  /** Keys of envelopes below `number` that have not arrived; numbers ascend, and so do the times. */
  readonly skipped: readonly SkippedKey[]
}

/** A chain that the other side has left, kept while keys of its late envelopes are. */
export interface PastChain {
  readonly headerKey: Uint8Array
  readonly skipped: readonly SkippedKey[]
}

/**
 * A session between two identities. Secret throughout; store it under the erasure key.
 * The fields follow the Signal specification §4.2 (DHs, DHr, RK, CKs, CKr, Ns, Nr, PN, HKs, HKr, NHKs, NHKr, MKSKIPPED).
 */
export interface SessionState {
  /** Hash of the handshake with both identities in it; associated data of everything sealed. 32 bytes. */
  readonly transcript: Uint8Array
  readonly rootKey: Uint8Array
  readonly ratchetKey: X25519KeyPair
  readonly previousCount: number
  readonly nextSending: DirectionKeys
  readonly nextReceiving: DirectionKeys
  /** Undefined, like `remoteRatchetKey`, only inside the responder's handshake, before its first envelope opened. */
  readonly sending: SendingChain | undefined
  readonly remoteRatchetKey: Uint8Array | undefined
  /** Undefined until the first envelope of the other side opened. */
  readonly receiving: ReceivingChain | undefined
  /** Oldest first; none of them is without skipped keys. */
  readonly past: readonly PastChain[]
}

/** Drops skipped keys whose envelope never came, header keys that no skipped key needs, and says what to wipe. */
export function dropExpiredKeys(
  state: SessionState,
  nowMs: number,
): { state: SessionState; consumed: readonly Uint8Array[] } {
  const { receiving } = state
  const consumed: Uint8Array[] = []
  const fresh = (keys: readonly SkippedKey[]): readonly SkippedKey[] =>
    keys.filter((key) => {
      const kept = nowMs - key.storedAtMs < SESSION_LIMITS.skippedKeyLifetimeMs
      if (!kept) consumed.push(key.messageKey)
      return kept
    })
  const past = state.past.map((chain) => ({ ...chain, skipped: fresh(chain.skipped) }))
  const current = receiving === undefined ? undefined : { ...receiving, skipped: fresh(receiving.skipped) }
  if (consumed.length === 0) return { state, consumed }
  return { state: { ...state, receiving: current, past: dropEmptyChains(past, consumed) }, consumed }
}

/** Past chains that still wait for an envelope; the header keys of the others go to `consumed`. */
export function dropEmptyChains(chains: readonly PastChain[], consumed: Uint8Array[]): readonly PastChain[] {
  return chains.filter((chain) => {
    if (chain.skipped.length === 0) consumed.push(chain.headerKey)
    return chain.skipped.length > 0
  })
}

/**
 * Holds the limits on past chains and stored keys: first in, first out. Chains are in the order in which they were left
 * and a chain gains no key after that, so the oldest key is always the first of the first chain.
 */
export function enforceLimits(state: SessionState, consumed: Uint8Array[]): SessionState {
  const overdue = Math.max(0, state.past.length - SESSION_LIMITS.pastChains)
  for (const chain of state.past.slice(0, overdue)) {
    consumed.push(chain.headerKey, ...chain.skipped.map((key) => key.messageKey))
  }
  const kept = state.past.slice(overdue)
  const current = state.receiving?.skipped ?? []
  let excess = current.length - SESSION_LIMITS.storedSkippedKeys
  for (const chain of kept) excess += chain.skipped.length
  if (overdue === 0 && excess <= 0) return state

  const trim = (keys: readonly SkippedKey[]): readonly SkippedKey[] => {
    const count = Math.min(keys.length, Math.max(0, excess))
    excess -= count
    consumed.push(...keys.slice(0, count).map((key) => key.messageKey))
    return keys.slice(count)
  }
  const past = dropEmptyChains(
    kept.map((chain) => ({ ...chain, skipped: trim(chain.skipped) })),
    consumed,
  )
  const receiving = state.receiving === undefined ? undefined : { ...state.receiving, skipped: trim(current) }
  return { ...state, past, receiving }
}
