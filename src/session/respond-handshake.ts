/**
 * The inviter's half of the handshake: from a request to a session that can send, and the first body.
 * Never gives out anything before the first envelope opened, which proves the sender's identity key. CRYPTO §2d,
 * spec 04-session §4.3.
 * @module
 */
import { aeadOpen, importX25519Key, KEY_BYTES, kemDecapsulate, wipe, x25519 } from '../crypto/index.ts'
import { type IdentityKeys, type PrekeySecrets, type PublicIdentity, prekeyBundle } from '../identity/index.ts'
import { decodeHandshakeRequest, type HandshakeRequest } from '../wire/index.ts'
import {
  deriveIdentityKey,
  deriveSessionKeys,
  IDENTITY_NONCE,
  offerHash,
  transcriptHash,
  wipeSessionKeys,
} from './key-agreement.ts'
import { openEnvelope } from './open-envelope.ts'
import { isOwnIdentity } from './own-identity.ts'
import { startResponder } from './start.ts'
import type { SessionState } from './state.ts'
import { RATCHET_SUITE, type RatchetSuite } from './suite.ts'

export interface RespondOptions {
  readonly own: IdentityKeys
  /** Secrets of the one bundle that the request answers. The caller gives each bundle's secrets to one success only. */
  readonly prekeys: PrekeySecrets
  readonly request: Uint8Array
  readonly nowMs: number
}

export type RespondFailure =
  /** Not `HANDSHAKE_REQUEST_BYTES`. */
  | 'malformed'
  /** A key of low order. */
  | 'bad-key'
  /** The identity does not open: another bundle's request, or changed bytes. */
  | 'bad-identity'
  /** The request claims one of our own identity keys. */
  | 'own-identity'
  /** The first envelope does not open: the sender does not hold the identity key it claims, or changed bytes. */
  | 'bad-envelope'

export type RespondedHandshake =
  | {
      readonly ok: true
      readonly state: SessionState
      readonly firstBody: Uint8Array
      readonly laneSecret: Uint8Array
      /** Possession of the X25519 key is proved; the Ed25519 key is bound but not proved, spec 04-session §4.4. */
      readonly remote: PublicIdentity
      /** Wipe, together with the prekeys, when the state is stored; the first envelope's message key first. */
      readonly consumed: readonly Uint8Array[]
    }
  | { readonly ok: false; readonly reason: RespondFailure }

/** A session with the sender of the request, or why not. Keeps no memory: the caller sees to single use of the prekeys. */
export function respondHandshake(options: RespondOptions, suite: RatchetSuite = RATCHET_SUITE): RespondedHandshake {
  const { own, prekeys, nowMs } = options
  const request = decodeHandshakeRequest(options.request)
  if (request === undefined) return { ok: false, reason: 'malformed' }
  const kem = kemDecapsulate(prekeys.kemSeed, request.kemCiphertext)
  const signedPrekey = importX25519Key(prekeys.signedPrekey.privateKey)
  const ephemeralSigned = signedPrekey.agree(request.ephemeralKey)
  const ephemeralOneTime = x25519(prekeys.oneTimePrekey.privateKey, request.ephemeralKey)
  const ephemeralIdentity = x25519(own.x25519.privateKey, request.ephemeralKey)
  if (
    kem === undefined ||
    ephemeralSigned === undefined ||
    ephemeralOneTime === undefined ||
    ephemeralIdentity === undefined
  ) {
    return { ok: false, reason: 'bad-key' }
  }

  const { ephemeralKey, kemCiphertext } = request
  const offer = { bundle: prekeyBundle(own, prekeys), ephemeralKey, kemCiphertext }
  const remote = openIdentity(request, ephemeralSigned, kem, offerHash(offer))
  if (remote === undefined) return { ok: false, reason: 'bad-identity' }
  if (isOwnIdentity(own, remote)) return { ok: false, reason: 'own-identity' }
  const identitySigned = signedPrekey.agree(remote.x25519)
  if (identitySigned === undefined) return { ok: false, reason: 'bad-key' }
  const secrets = { identitySigned, ephemeralIdentity, ephemeralSigned, ephemeralOneTime, kem }
  const { keys, laneSecret } = deriveSessionKeys(secrets, transcriptHash(offer, remote))
  wipe(...Object.values(secrets))

  const started = startResponder(keys, prekeys.signedPrekey)
  wipeSessionKeys(keys)
  const opened = openEnvelope(started, request.envelope, nowMs, suite)
  if (!opened.ok) return { ok: false, reason: 'bad-envelope' }
  return { ok: true, state: opened.state, firstBody: opened.body, laneSecret, remote, consumed: opened.consumed }
}

function openIdentity(
  request: HandshakeRequest,
  ephemeralSigned: Uint8Array,
  kem: Uint8Array,
  associatedData: Uint8Array,
): PublicIdentity | undefined {
  const key = deriveIdentityKey(ephemeralSigned, kem, associatedData)
  const plain = aeadOpen(key, IDENTITY_NONCE, associatedData, request.sealedIdentity)
  wipe(key)
  return plain && { x25519: plain.slice(0, KEY_BYTES), ed25519: plain.slice(KEY_BYTES) }
}
