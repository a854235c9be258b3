/**
 * The body of a content of type live: until when its sender agrees to an open lane.
 * Never finer than whole edges of a grid that is the same for everybody: it tells nothing of when it was made. Spec 10-messenger §7.
 * @module
 */
import { createByteReader, createByteWriter } from '../base/index.ts'

const LIVE_OFFER_VERSION = 1
const LIVE_OFFER_BYTES = 5

interface LiveOffer {
  /** Number of the edge, counted from the Unix epoch. One that has passed by then is no offer, or takes one back. */
  readonly untilEdge: number
}

/** u8 version, u32 edge. */
export function encodeLiveOffer({ untilEdge }: LiveOffer): Uint8Array {
  return createByteWriter(LIVE_OFFER_BYTES).u8(LIVE_OFFER_VERSION).u32(untilEdge).finish()
}

/** Undefined for anything that {@link encodeLiveOffer} would not write. */
export function decodeLiveOffer(bytes: Uint8Array): LiveOffer | undefined {
  if (bytes.length !== LIVE_OFFER_BYTES) return undefined
  const reader = createByteReader(bytes)
  if (reader.u8() !== LIVE_OFFER_VERSION) return undefined
  return { untilEdge: reader.u32() }
}
