/**
 * The two key derivations of the Double Ratchet.
 * Never keeps an input alive: the caller wipes what the new keys replace. Signal Double Ratchet rev 3 §4.3 and §7.2,
 * spec 04-session §5.1.
 * @module
 */
import { hkdfSha256, hmacSha256, KEY_BYTES, label, wipe } from '../crypto/index.ts'

/** `info` of the root step. Vectors of other protocols put theirs in its place, see spec 04-session §9.2. */
export const ROOT_INFO = label('ratchet/root')

const MESSAGE_KEY_INPUT = Uint8Array.of(1)
const CHAIN_KEY_INPUT = Uint8Array.of(2)

export interface RootStep {
  readonly rootKey: Uint8Array
  readonly chainKey: Uint8Array
  /** Becomes the header key of this direction one DH step later. */
  readonly nextHeaderKey: Uint8Array
  /** Becomes the seed of this direction's mailbox boxes one DH step later. */
  readonly nextBoxKey: Uint8Array
}

/** KDF_RK_HE with a fourth output: HKDF-SHA-256 with the root key as salt over the DH secret. */
export function deriveRootStep(rootKey: Uint8Array, sharedSecret: Uint8Array, info: Uint8Array): RootStep {
  const output = hkdfSha256(sharedSecret, rootKey, info, 4 * KEY_BYTES)
  const key = (index: number): Uint8Array => output.slice(index * KEY_BYTES, (index + 1) * KEY_BYTES)
  const step = { rootKey: key(0), chainKey: key(1), nextHeaderKey: key(2), nextBoxKey: key(3) }
  wipe(output)
  return step
}

/** KDF_CK: the message key of this place in the chain, and the chain key of the next. */
export function deriveChainStep(chainKey: Uint8Array): { messageKey: Uint8Array; chainKey: Uint8Array } {
  return { messageKey: hmacSha256(chainKey, MESSAGE_KEY_INPUT), chainKey: hmacSha256(chainKey, CHAIN_KEY_INPUT) }
}
