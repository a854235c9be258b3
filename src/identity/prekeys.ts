/**
 * The keys of one invite: what its maker keeps, and the bundle that its taker gets.
 * Never signed: the voucher in the invite vouches for the bundle. CRYPTO §2c, spec 06-identity §4.
 * @module
 */
import { createByteReader, createByteWriter } from '../base/index.ts'
import {
  createKemKeyPair,
  createX25519KeyPair,
  KEM_ENCAPSULATION_KEY_BYTES,
  KEM_SEED_BYTES,
  KEY_BYTES,
  kemEncapsulationKey,
  x25519PublicKey,
} from '../crypto/index.ts'
import { PREKEY_BUNDLE_BYTES } from '../wire/index.ts'
import { publicIdentity } from './keys.ts'
import type { IdentityKeys, KeyPair, PrekeyBundle, PrekeySecrets } from './types.ts'

const STORED_VERSION = 1
const STORED_BYTES = 1 + 2 * KEY_BYTES + KEM_SEED_BYTES
const BUNDLE_VERSION = 1

/** Fresh secrets for one invite; to be wiped after the one handshake that uses them. */
export function createPrekeys(): PrekeySecrets {
  const { seed, encapsulationKey } = createKemKeyPair()
  return {
    signedPrekey: createX25519KeyPair(),
    oneTimePrekey: createX25519KeyPair(),
    kemSeed: seed,
    kemEncapsulationKey: encapsulationKey,
  }
}

/** For the sealed store only; a copy to wipe. Layout: `version:u8 || signedPrekey:32 || oneTimePrekey:32 || kemSeed:64`. */
export function encodePrekeys(prekeys: PrekeySecrets): Uint8Array {
  return createByteWriter(STORED_BYTES)
    .u8(STORED_VERSION)
    .bytes(prekeys.signedPrekey.privateKey)
    .bytes(prekeys.oneTimePrekey.privateKey)
    .bytes(prekeys.kemSeed)
    .finish()
}

function keyPair(privateKey: Uint8Array): KeyPair {
  return { privateKey, publicKey: x25519PublicKey(privateKey) }
}

/** Undefined for another length or version. The public halves are derived again, so they cannot disagree. */
export function decodePrekeys(bytes: Uint8Array): PrekeySecrets | undefined {
  const reader = createByteReader(bytes)
  const version = reader.u8()
  const signedPrekey = reader.bytes(KEY_BYTES)
  const oneTimePrekey = reader.bytes(KEY_BYTES)
  const kemSeed = reader.bytes(KEM_SEED_BYTES)
  if (!reader.end() || version !== STORED_VERSION) return undefined
  return {
    signedPrekey: keyPair(signedPrekey),
    oneTimePrekey: keyPair(oneTimePrekey),
    kemSeed,
    kemEncapsulationKey: kemEncapsulationKey(kemSeed),
  }
}

/** The public halves, under the identity that hands them out. */
export function prekeyBundle(own: IdentityKeys, prekeys: PrekeySecrets): PrekeyBundle {
  return {
    identity: publicIdentity(own),
    signedPrekey: prekeys.signedPrekey.publicKey,
    oneTimePrekey: prekeys.oneTimePrekey.publicKey,
    kemEncapsulationKey: prekeys.kemEncapsulationKey,
  }
}

/** Always `PREKEY_BUNDLE_BYTES` long. Layout: spec 06-identity §4. */
export function encodePrekeyBundle(bundle: PrekeyBundle): Uint8Array {
  return createByteWriter(PREKEY_BUNDLE_BYTES)
    .u8(BUNDLE_VERSION)
    .bytes(bundle.identity.ed25519)
    .bytes(bundle.identity.x25519)
    .bytes(bundle.signedPrekey)
    .bytes(bundle.oneTimePrekey)
    .bytes(bundle.kemEncapsulationKey)
    .finish()
}

/** Undefined for another length or version. Whether the keys are good ones shows when they are used. */
export function decodePrekeyBundle(bytes: Uint8Array): PrekeyBundle | undefined {
  const reader = createByteReader(bytes)
  const version = reader.u8()
  const identity = { ed25519: reader.bytes(KEY_BYTES), x25519: reader.bytes(KEY_BYTES) }
  const signedPrekey = reader.bytes(KEY_BYTES)
  const oneTimePrekey = reader.bytes(KEY_BYTES)
  const encapsulationKey = reader.bytes(KEM_ENCAPSULATION_KEY_BYTES)
  if (!reader.end() || version !== BUNDLE_VERSION) return undefined
  return { identity, signedPrekey, oneTimePrekey, kemEncapsulationKey: encapsulationKey }
}
