/**
 * The secret inside an invite: it commits to the inviter's bundle and opens the way to it.
 * Never reused: one voucher belongs to one bundle, one rendezvous and one handshake. CRYPTO §2d, spec 06-identity §5.
 * @module
 */

import { concatBytes } from '../base/index.ts'
import {
  AEAD_KEY_BYTES,
  aeadOpen,
  aeadSeal,
  constantTimeEqual,
  framed,
  HASH_BYTES,
  hkdfSha256,
  KEY_BYTES,
  label,
  sha256,
  x25519PublicKey,
} from '../crypto/index.ts'
import { AEAD_NONCE_BYTES, PREKEY_BUNDLE_BYTES, SEALED_BUNDLE_BYTES, VOUCHER_SALT_BYTES } from '../wire/index.ts'
import { decodePrekeyBundle } from './prekeys.ts'
import type { KeyPair, PrekeyBundle } from './types.ts'

/** What both sides of a rendezvous derive from the voucher. All of it is secret and dies with the invite. */
export interface RendezvousKeys {
  /** Reads the onion service's descriptor; the listener admits its public half only. */
  readonly clientAuth: KeyPair
  /** Seeds of both sides' transport identities. */
  readonly listenerSeed: Uint8Array
  readonly dialerSeed: Uint8Array
  /** Seals the one bundle. */
  readonly bundleKey: Uint8Array
}

// One key seals one text: the voucher commits to the bundle. A repeated seal gives the same bytes.
const ZERO_NONCE = new Uint8Array(AEAD_NONCE_BYTES)
const NO_SALT = new Uint8Array(0)

/** 32 bytes that fix the bundle: nobody finds another one for them. The random salt keeps them from being guessed from the bundle. */
export function createVoucher(bundleBytes: Uint8Array, salt: Uint8Array): Uint8Array {
  if (salt.length !== VOUCHER_SALT_BYTES) throw new RangeError('voucher salt must have 16 bytes')
  return sha256(framed(label('voucher'), salt, bundleBytes))
}

/** The keys of the rendezvous that belongs to this voucher. */
export function deriveRendezvousKeys(voucher: Uint8Array): RendezvousKeys {
  if (voucher.length !== HASH_BYTES) throw new RangeError('voucher must have 32 bytes')
  const derive = (purpose: string, length: number): Uint8Array =>
    hkdfSha256(voucher, NO_SALT, label(`rendezvous/${purpose}`), length)
  const privateKey = derive('client-auth', KEY_BYTES)
  return {
    clientAuth: { privateKey, publicKey: x25519PublicKey(privateKey) },
    listenerSeed: derive('listener', KEY_BYTES),
    dialerSeed: derive('dialer', KEY_BYTES),
    bundleKey: derive('bundle', AEAD_KEY_BYTES),
  }
}

/** Always `SEALED_BUNDLE_BYTES` long: `salt || ciphertext || tag`. */
export function sealBundle(bundleKey: Uint8Array, salt: Uint8Array, bundleBytes: Uint8Array): Uint8Array {
  if (salt.length !== VOUCHER_SALT_BYTES) throw new RangeError('voucher salt must have 16 bytes')
  if (bundleBytes.length !== PREKEY_BUNDLE_BYTES) throw new RangeError('bundle has the wrong length')
  return concatBytes(salt, aeadSeal(bundleKey, ZERO_NONCE, framed(label('bundle'), salt), bundleBytes))
}

/** The bundle that the voucher's maker meant; undefined for every other, whoever sealed it. */
export function openBundle(voucher: Uint8Array, sealed: Uint8Array): PrekeyBundle | undefined {
  if (sealed.length !== SEALED_BUNDLE_BYTES) return undefined
  const salt = sealed.subarray(0, VOUCHER_SALT_BYTES)
  const { bundleKey } = deriveRendezvousKeys(voucher)
  const bundleBytes = aeadOpen(
    bundleKey,
    ZERO_NONCE,
    framed(label('bundle'), salt),
    sealed.subarray(VOUCHER_SALT_BYTES),
  )
  // Who stole the invite can seal a bundle of their own; the commitment is what stops them.
  if (bundleBytes === undefined || !constantTimeEqual(createVoucher(bundleBytes, salt), voucher)) return undefined
  return decodePrekeyBundle(bundleBytes)
}
