/**
 * What one side of a conversation remembers of its boxes, and the step of a box chain.
 * Never holds a key from which a box could be derived that was written or read before. Spec 03-mailbox §7.1.
 * @module
 */
import { hmacSha256, label } from '../crypto/index.ts'

/** Where the next box of this side goes. */
export interface SendBoxChain {
  readonly chainKey: Uint8Array
  /** Boxes that were taken from this chain. */
  readonly index: number
  /** Boxes that were taken from the chain before. */
  readonly previousBoxes: number
}

/** A box that was passed over and may still come. */
export interface MissingBox {
  readonly index: number
  readonly seed: Uint8Array
}

/** Boxes of one chain of the other side. */
export interface ReceiveBoxChain {
  /** Counts the chains of the other side from 0, on this side alone. */
  readonly number: number
  /** Gives box `index`; undefined when every box of the chain has been passed. */
  readonly chainKey: Uint8Array | undefined
  /** One above the highest box that was read. */
  readonly index: number
  /** How many boxes the other side put into the chain, once a box of the next chain said so. */
  readonly limit: number | undefined
  /** Below `index`, ascending. */
  readonly missing: readonly MissingBox[]
}

/** A chain that the other side has left. */
export interface PastBoxChain extends ReceiveBoxChain {
  readonly leftAtMs: number
}

export interface ReceiveSequence {
  readonly current: ReceiveBoxChain | undefined
  /** Agreed one DH step ahead; the other side may be in it already. */
  readonly next: ReceiveBoxChain | undefined
  /** Oldest first; none of them without a box to look for. */
  readonly past: readonly PastBoxChain[]
}

/** Secret throughout; store it under the erasure key. Never changed in place. */
export interface BoxSequences {
  /** Undefined until the session can send. */
  readonly send: SendBoxChain | undefined
  readonly receive: ReceiveSequence
}

const CHAIN_INPUT = label('box-chain/next')
const SEED_INPUT = label('box-chain/seed')

/** The seed of the box at this place, and the chain key of the place after it. */
export function deriveBoxStep(chainKey: Uint8Array): { seed: Uint8Array; chainKey: Uint8Array } {
  return { seed: hmacSha256(chainKey, SEED_INPUT), chainKey: hmacSha256(chainKey, CHAIN_INPUT) }
}
