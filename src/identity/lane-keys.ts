/**
 * The keys of a lane, fresh for every window and known to its two ends alone.
 * Never linked across windows for anybody without the lane secret. DESIGN §6, spec 06-identity §7.
 * @module
 */
import { createByteWriter, HOUR_MS } from '../base/index.ts'
import { deriveOnionKey, framed, hkdfSha256, KEY_BYTES, label, x25519PublicKey } from '../crypto/index.ts'
import type { OnionAddress, OnionSecretKey } from '../ports/index.ts'
import { onionAddress } from '../wire/index.ts'
import type { KeyPair } from './types.ts'

/**
 * How long a lane keeps its onion address. Guessed: short enough that an address seen once says little the next day,
 * long enough that descriptors are published four times a day only.
 */
export const LANE_WINDOW_MS = 6 * HOUR_MS

/** Everything both ends need for one window. All of it is secret. */
export interface LaneKeys {
  readonly onion: { readonly secretKey: OnionSecretKey; readonly publicKey: Uint8Array }
  readonly address: OnionAddress
  readonly clientAuth: KeyPair
  readonly listenerSeed: Uint8Array
  readonly dialerSeed: Uint8Array
}

const LANE_SECRET_BYTES = 32
const NO_SALT = new Uint8Array(0)

/** Number of the window that holds this time; the same for everybody, from the Unix epoch in UTC. */
export function laneWindow(nowMs: number): number {
  return Math.floor(nowMs / LANE_WINDOW_MS)
}

/** The keys of one window: any two windows' keys are independent for whoever lacks the secret. */
export function deriveLaneKeys(laneSecret: Uint8Array, window: number): LaneKeys {
  if (laneSecret.length !== LANE_SECRET_BYTES) throw new RangeError('lane secret must have 32 bytes')
  const windowBytes = createByteWriter(8).u64(window).finish()
  const derive = (purpose: string): Uint8Array =>
    hkdfSha256(laneSecret, NO_SALT, framed(label(`lane/${purpose}`), windowBytes), KEY_BYTES)
  const onion = deriveOnionKey(derive('onion'))
  const privateKey = derive('client-auth')
  return {
    onion,
    address: onionAddress(onion.publicKey),
    clientAuth: { privateKey, publicKey: x25519PublicKey(privateKey) },
    listenerSeed: derive('listener'),
    dialerSeed: derive('dialer'),
  }
}
