/**
 * A profile's own keys and the identity that others see.
 * Never signs content and never derives an onion address: what is said stays deniable, where it came from unknown.
 * CRYPTO §2c, spec 06-identity §2.
 * @module
 */
import { createByteReader, createByteWriter } from '../base/index.ts'
import {
  createEd25519Seed,
  createX25519KeyPair,
  ed25519PublicKey,
  framed,
  KEY_BYTES,
  label,
  sha256,
  x25519PublicKey,
} from '../crypto/index.ts'
import type { IdentityKeys, PublicIdentity } from './types.ts'

const STORED_VERSION = 1
const STORED_BYTES = 1 + 2 * KEY_BYTES

/** Two fresh, independent key pairs: X25519 for key agreement, Ed25519 kept for device lists. */
export function createIdentityKeys(): IdentityKeys {
  const ed25519Seed = createEd25519Seed()
  return { ed25519Seed, ed25519PublicKey: ed25519PublicKey(ed25519Seed), x25519: createX25519KeyPair() }
}

/** For the sealed store only; a copy to wipe. Layout: `version:u8 || ed25519Seed:32 || x25519Private:32`. */
export function encodeIdentityKeys(keys: IdentityKeys): Uint8Array {
  return createByteWriter(STORED_BYTES)
    .u8(STORED_VERSION)
    .bytes(keys.ed25519Seed)
    .bytes(keys.x25519.privateKey)
    .finish()
}

/** Undefined for another length or version. The public halves are derived again, so they cannot disagree. */
export function decodeIdentityKeys(bytes: Uint8Array): IdentityKeys | undefined {
  const reader = createByteReader(bytes)
  const version = reader.u8()
  const ed25519Seed = reader.bytes(KEY_BYTES)
  const privateKey = reader.bytes(KEY_BYTES)
  if (!reader.end() || version !== STORED_VERSION) return undefined
  const x25519 = { privateKey, publicKey: x25519PublicKey(privateKey) }
  return { ed25519Seed, ed25519PublicKey: ed25519PublicKey(ed25519Seed), x25519 }
}

/** What a contact gets to know of these keys. */
export function publicIdentity(keys: IdentityKeys): PublicIdentity {
  return { ed25519: keys.ed25519PublicKey, x25519: keys.x25519.publicKey }
}

/** The 32 bytes that stand for an identity wherever one is named; binds both keys. Spec 06-identity §2. */
export function identityHash(identity: PublicIdentity): Uint8Array {
  return sha256(framed(label('identity'), identity.ed25519, identity.x25519))
}
