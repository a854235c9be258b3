/**
 * Key schedule of the handshake: transcript, identity key, session keys, lane secret.
 * Never signs anything: both sides could have made every byte, which keeps a conversation deniable. CRYPTO §2d,
 * spec 04-session §4.
 * @module
 */
import { concatBytes } from '../base/index.ts'
import { framed, hkdfSha256, KEY_BYTES, label, sha256, wipe } from '../crypto/index.ts'
import type { PrekeyBundle, PublicIdentity } from '../identity/index.ts'
import { AEAD_NONCE_BYTES } from '../wire/index.ts'
import type { SessionKeys } from './start.ts'

/** Names the algorithms inside every transcript; another suite is another version of the protocol. */
const SUITE = label('suite/x25519+ml-kem-768/hkdf-sha-256/chacha20-poly1305')

/** X3DH's and PQXDH's prefix, which keeps the input apart from that of X25519-based signatures. */
const PREFIX = new Uint8Array(KEY_BYTES).fill(0xff)

const ZERO_SALT = new Uint8Array(KEY_BYTES)

/** The identity key seals once, so its nonce is constant. */
export const IDENTITY_NONCE = new Uint8Array(AEAD_NONCE_BYTES)

/** What both sides know before the initiator's identity is. */
export interface HandshakeOffer {
  readonly bundle: PrekeyBundle
  readonly ephemeralKey: Uint8Array
  readonly kemCiphertext: Uint8Array
}

function bundleFields(bundle: PrekeyBundle): readonly Uint8Array[] {
  const { identity } = bundle
  return [identity.ed25519, identity.x25519, bundle.signedPrekey, bundle.oneTimePrekey, bundle.kemEncapsulationKey]
}

/** Associated data of the sealed identity: the suite, the whole bundle, and both of the initiator's fresh values. */
export function offerHash(offer: HandshakeOffer): Uint8Array {
  const { bundle, ephemeralKey, kemCiphertext } = offer
  return sha256(framed(label('handshake/offer'), SUITE, ...bundleFields(bundle), ephemeralKey, kemCiphertext))
}

/** Associated data of the whole session: {@link offerHash} and the initiator's two identity keys. */
export function transcriptHash(offer: HandshakeOffer, initiator: PublicIdentity): Uint8Array {
  return sha256(framed(label('handshake/transcript'), offerHash(offer), initiator.ed25519, initiator.x25519))
}

/** K0: seals the initiator's identity for whoever holds the bundle's secrets. */
export function deriveIdentityKey(ephemeralSigned: Uint8Array, kemSecret: Uint8Array, offer: Uint8Array): Uint8Array {
  const input = concatBytes(ephemeralSigned, kemSecret)
  const key = hkdfSha256(input, ZERO_SALT, framed(label('handshake/identity'), offer), KEY_BYTES)
  wipe(input)
  return key
}

/** The secrets of PQXDH §3.3 in its order; each named initiator's key, then responder's key. */
export interface AgreedSecrets {
  readonly identitySigned: Uint8Array
  readonly ephemeralIdentity: Uint8Array
  readonly ephemeralSigned: Uint8Array
  readonly ephemeralOneTime: Uint8Array
  readonly kem: Uint8Array
}

/** HKDF over all secrets, as X3DH §2.2 and PQXDH §2.2 have it. */
export function expandSecrets(secrets: AgreedSecrets, info: Uint8Array, lengthBytes: number): Uint8Array {
  const input = concatBytes(
    PREFIX,
    secrets.identitySigned,
    secrets.ephemeralIdentity,
    secrets.ephemeralSigned,
    secrets.ephemeralOneTime,
    secrets.kem,
  )
  const output = hkdfSha256(input, ZERO_SALT, info, lengthBytes)
  wipe(input)
  return output
}

/** First states' keys and the lane secret, under two labels. */
export function deriveSessionKeys(
  secrets: AgreedSecrets,
  transcript: Uint8Array,
): { keys: SessionKeys; laneSecret: Uint8Array } {
  const output = expandSecrets(secrets, framed(label('handshake/session'), transcript), 5 * KEY_BYTES)
  const laneSecret = expandSecrets(secrets, framed(label('handshake/lane'), transcript), KEY_BYTES)
  const key = (index: number): Uint8Array => output.slice(index * KEY_BYTES, (index + 1) * KEY_BYTES)
  const keys: SessionKeys = {
    transcript,
    rootKey: key(0),
    initiator: { headerKey: key(1), boxKey: key(2) },
    responder: { headerKey: key(3), boxKey: key(4) },
  }
  wipe(output)
  return { keys, laneSecret }
}

/** The session keys live on as copies in a state; these do not. */
export function wipeSessionKeys(keys: SessionKeys): void {
  wipe(keys.rootKey)
  for (const direction of [keys.initiator, keys.responder]) wipe(direction.headerKey, direction.boxKey)
}
