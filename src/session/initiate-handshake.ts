/**
 * The acceptor's half of the handshake: from a bundle to a session that can send, and the one message it takes.
 * Never shows the acceptor's identity to anybody but the holder of the bundle's secrets. CRYPTO §2d, spec 04-session §4.2.
 * @module
 */
import { concatBytes } from '../base/index.ts'
import { aeadSeal, type KemEncapsulation, kemEncapsulate, wipe, x25519 } from '../crypto/index.ts'
import { type IdentityKeys, type PrekeyBundle, publicIdentity } from '../identity/index.ts'
import { encodeHandshakeRequest } from '../wire/index.ts'
import {
  deriveIdentityKey,
  deriveSessionKeys,
  IDENTITY_NONCE,
  offerHash,
  transcriptHash,
  wipeSessionKeys,
} from './key-agreement.ts'
import { isOwnIdentity } from './own-identity.ts'
import { sealEnvelope } from './seal-envelope.ts'
import { startInitiator } from './start.ts'
import type { SessionState } from './state.ts'
import { createKeyPair, RATCHET_SUITE, type RatchetSuite } from './suite.ts'

/** A suite and the encapsulation, whose coins a known-answer test must choose. */
export interface HandshakeSuite extends RatchetSuite {
  readonly encapsulate: (encapsulationKey: Uint8Array) => KemEncapsulation | undefined
}

const HANDSHAKE_SUITE: HandshakeSuite = { ...RATCHET_SUITE, encapsulate: kemEncapsulate }

export interface InitiateOptions {
  readonly own: IdentityKeys
  /** The inviter's bundle; the caller has verified its commitment. */
  readonly bundle: PrekeyBundle
  /** Padded body of the first envelope, `ENVELOPE_BODY_BYTES`. */
  readonly firstBody: Uint8Array
}

export type InitiatedHandshake =
  | {
      readonly ok: true
      readonly state: SessionState
      /** Always `HANDSHAKE_REQUEST_BYTES`. */
      readonly request: Uint8Array
      readonly laneSecret: Uint8Array
      /** Wipe when the state is stored; the first envelope's message key first. */
      readonly consumed: readonly Uint8Array[]
    }
  | {
      readonly ok: false
      /** `bad-bundle`: a key of low order or an encapsulation key that is none. `own-identity`: the bundle is our own. */
      readonly reason: 'bad-bundle' | 'own-identity'
    }

/**
 * A session with the owner of the bundle, and the request to send once. The state can send more at once.
 * @throws {RangeError} for a body of another length than `ENVELOPE_BODY_BYTES`
 */
export function initiateHandshake(
  options: InitiateOptions,
  suite: HandshakeSuite = HANDSHAKE_SUITE,
): InitiatedHandshake {
  const { own, bundle, firstBody } = options
  if (isOwnIdentity(own, bundle.identity)) return { ok: false, reason: 'own-identity' }
  const encapsulated = suite.encapsulate(bundle.kemEncapsulationKey)
  if (encapsulated === undefined) return { ok: false, reason: 'bad-bundle' }
  const { ciphertext: kemCiphertext, sharedSecret: kem } = encapsulated
  const { pair: ephemeral, key } = createKeyPair(suite.random)
  const identitySigned = x25519(own.x25519.privateKey, bundle.signedPrekey)
  const ephemeralIdentity = key.agree(bundle.identity.x25519)
  const ephemeralSigned = key.agree(bundle.signedPrekey)
  const ephemeralOneTime = key.agree(bundle.oneTimePrekey)
  wipe(ephemeral.privateKey)
  if (
    identitySigned === undefined ||
    ephemeralIdentity === undefined ||
    ephemeralSigned === undefined ||
    ephemeralOneTime === undefined
  ) {
    return { ok: false, reason: 'bad-bundle' }
  }

  const offer = { bundle, ephemeralKey: ephemeral.publicKey, kemCiphertext }
  const initiator = publicIdentity(own)
  const associatedData = offerHash(offer)
  const identityKey = deriveIdentityKey(ephemeralSigned, kem, associatedData)
  const plainIdentity = concatBytes(initiator.x25519, initiator.ed25519)
  const sealedIdentity = aeadSeal(identityKey, IDENTITY_NONCE, associatedData, plainIdentity)
  const secrets = { identitySigned, ephemeralIdentity, ephemeralSigned, ephemeralOneTime, kem }
  const { keys, laneSecret } = deriveSessionKeys(secrets, transcriptHash(offer, initiator))
  wipe(identityKey, ...Object.values(secrets))

  const started = startInitiator(keys, bundle.signedPrekey, suite)
  wipeSessionKeys(keys)
  if (started === undefined) return { ok: false, reason: 'bad-bundle' }
  const { state, envelope, consumed } = sealEnvelope(started, firstBody, suite)
  const request = encodeHandshakeRequest({ ephemeralKey: ephemeral.publicKey, kemCiphertext, sealedIdentity, envelope })
  return { ok: true, state, request, laneSecret, consumed }
}
