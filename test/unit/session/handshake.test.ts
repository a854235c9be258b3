import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { concatBytes } from '../../../src/base/index.ts'
import { aeadOpen, aeadSeal, kemDecapsulate, kemEncapsulate, wipe, x25519 } from '../../../src/crypto/index.ts'
import { createIdentityKeys, createPrekeys, prekeyBundle, publicIdentity } from '../../../src/identity/index.ts'
import { initiateHandshake, openEnvelope, respondHandshake, sealEnvelope } from '../../../src/session/index.ts'
import { deriveIdentityKey, IDENTITY_NONCE, offerHash } from '../../../src/session/key-agreement.ts'
import {
  decodeHandshakeRequest,
  ENVELOPE_BYTES,
  encodeHandshakeRequest,
  HANDSHAKE_REQUEST_BYTES,
  RENDEZVOUS_PAYLOAD_BYTES,
} from '../../../src/wire/index.ts'
import { bodyOf, createMeeting, createSessionPair, NOW_MS, opened } from '../../support/session-pair.ts'

function meet() {
  const meeting = createMeeting()
  const bundle = prekeyBundle(meeting.inviter, meeting.prekeys)
  const initiated = initiateHandshake({ own: meeting.acceptor, bundle, firstBody: bodyOf(7) })
  assert.ok(initiated.ok)
  const respond = (request: Uint8Array) =>
    respondHandshake({ own: meeting.inviter, prekeys: meeting.prekeys, request, nowMs: NOW_MS })
  return { ...meeting, bundle, initiated, respond }
}

/** The request with its sealed identity opened, edited and sealed again, as only the holder of the secrets can. */
function resealIdentity(
  { bundle, prekeys, initiated }: ReturnType<typeof meet>,
  edit: (identity: Uint8Array) => unknown,
): Uint8Array {
  const request = decodeHandshakeRequest(initiated.request)
  assert.ok(request !== undefined)
  const hash = offerHash({ bundle, ephemeralKey: request.ephemeralKey, kemCiphertext: request.kemCiphertext })
  const secret = x25519(prekeys.signedPrekey.privateKey, request.ephemeralKey)
  const kem = kemDecapsulate(prekeys.kemSeed, request.kemCiphertext)
  assert.ok(secret !== undefined && kem !== undefined)
  const key = deriveIdentityKey(secret, kem, hash)
  const identity = aeadOpen(key, IDENTITY_NONCE, hash, request.sealedIdentity)
  assert.ok(identity !== undefined)
  edit(identity)
  return encodeHandshakeRequest({ ...request, sealedIdentity: aeadSeal(key, IDENTITY_NONCE, hash, identity) })
}

describe('handshake', () => {
  it('agrees on session, lane secret, identities and the first body, in one request of fixed size', () => {
    const { acceptor, initiated, respond } = meet()
    assert.equal(initiated.request.length, HANDSHAKE_REQUEST_BYTES)
    assert.ok(HANDSHAKE_REQUEST_BYTES <= RENDEZVOUS_PAYLOAD_BYTES, 'does not fit one rendezvous record')
    const responded = respond(initiated.request)
    assert.ok(responded.ok)
    assert.deepEqual(responded.firstBody, bodyOf(7))
    assert.deepEqual(responded.remote, publicIdentity(acceptor))
    assert.deepEqual(responded.laneSecret, initiated.laneSecret)
    assert.deepEqual(responded.state.transcript, initiated.state.transcript)
    assert.deepEqual(responded.consumed[0], initiated.consumed[0], 'message key of the first envelope')
  })

  it('lets both sides send at once, before either has heard more', () => {
    const { acceptor, inviter } = createSessionPair()
    const fromAcceptor = sealEnvelope(acceptor, bodyOf(1))
    const fromInviter = sealEnvelope(inviter, bodyOf(2))
    assert.deepEqual(opened(openEnvelope(fromInviter.state, fromAcceptor.envelope, NOW_MS)).body, bodyOf(1))
    assert.deepEqual(opened(openEnvelope(fromAcceptor.state, fromInviter.envelope, NOW_MS)).body, bodyOf(2))
  })

  it('agrees on the first box keys of both directions, and no two secrets are the same', () => {
    const { acceptor, inviter } = createSessionPair()
    assert.deepEqual(acceptor.sending?.boxKey, inviter.receiving?.boxKey)
    assert.deepEqual(acceptor.nextReceiving.boxKey, inviter.sending?.boxKey)
    assert.deepEqual(acceptor.nextSending.boxKey, inviter.nextReceiving.boxKey)
    const secrets = [
      acceptor.sending?.boxKey,
      acceptor.sending?.headerKey,
      acceptor.nextReceiving.boxKey,
      acceptor.nextReceiving.headerKey,
      acceptor.nextSending.boxKey,
      acceptor.nextSending.headerKey,
      acceptor.rootKey,
    ].map((secret) => Buffer.from(secret ?? []).toString('hex'))
    assert.equal(new Set(secrets).size, secrets.length)
  })

  it('is different every time, and two requests to one bundle have nothing in common', () => {
    const { acceptor, bundle, initiated } = meet()
    const again = initiateHandshake({ own: acceptor, bundle, firstBody: bodyOf(7) })
    assert.ok(again.ok)
    assert.notDeepEqual(again.laneSecret, initiated.laneSecret)
    const windows = new Set<string>()
    for (const request of [initiated.request, again.request]) {
      for (let at = 0; at + 16 <= request.length; at++) {
        windows.add(Buffer.from(request.subarray(at, at + 16)).toString('latin1'))
      }
    }
    assert.equal(windows.size, 2 * (HANDSHAKE_REQUEST_BYTES - 15))
  })

  it('shows neither identity: no window of the request is a window of a public identity key', () => {
    const { acceptor, inviter, initiated } = meet()
    for (const identity of [publicIdentity(acceptor), publicIdentity(inviter)]) {
      for (const key of [identity.ed25519, identity.x25519]) {
        assert.equal(Buffer.from(initiated.request).includes(Buffer.from(key.subarray(0, 8))), false)
      }
    }
  })

  it('owns its memory: wiping every input afterwards harms neither session', () => {
    const { acceptor, inviter, prekeys, bundle, initiated, respond } = meet()
    const responded = respond(initiated.request)
    assert.ok(responded.ok)
    wipe(...initiated.consumed, ...responded.consumed, initiated.request, prekeys.kemSeed, prekeys.kemEncapsulationKey)
    for (const pair of [prekeys.signedPrekey, prekeys.oneTimePrekey, acceptor.x25519, inviter.x25519]) {
      wipe(pair.privateKey, pair.publicKey)
    }
    wipe(bundle.signedPrekey, bundle.identity.ed25519)
    const reply = sealEnvelope(responded.state, bodyOf(3))
    assert.deepEqual(opened(openEnvelope(initiated.state, reply.envelope, NOW_MS)).body, bodyOf(3))
  })
})

describe('handshake: refusals of the responder', () => {
  it('every single flipped bit, one per byte of the request', () => {
    const { initiated, respond } = meet()
    for (let at = 0; at < initiated.request.length; at += 3) {
      const changed = initiated.request.slice()
      changed[at] = (changed[at] ?? 0) ^ (1 << (at % 8))
      const result = respond(changed)
      // RFC 7748 §5 ignores the top bit of a public key, but the transcript does not.
      assert.equal(result.ok, false, `byte ${at}`)
    }
    const topBit = initiated.request.slice()
    topBit[31] = (topBit[31] ?? 0) ^ 0x80
    assert.deepEqual(respond(topBit), { ok: false, reason: 'bad-identity' })
    assert.ok(respond(initiated.request).ok)
  })

  it('other lengths', () => {
    const { initiated, respond } = meet()
    for (const request of [
      new Uint8Array(),
      initiated.request.subarray(1),
      initiated.request.subarray(0, -1),
      concatBytes(initiated.request, Uint8Array.of(0)),
    ]) {
      assert.deepEqual(respond(request), { ok: false, reason: 'malformed' })
    }
  })

  it('an ephemeral key of low order', () => {
    const { initiated, respond } = meet()
    const request = concatBytes(new Uint8Array(32), initiated.request.subarray(32))
    assert.deepEqual(respond(request), { ok: false, reason: 'bad-key' })
  })

  it('another bundle, another owner', () => {
    const { inviter, prekeys, initiated } = meet()
    const { request } = initiated
    const otherPrekeys = respondHandshake({ own: inviter, prekeys: createPrekeys(), request, nowMs: NOW_MS })
    assert.deepEqual(otherPrekeys, { ok: false, reason: 'bad-identity' })
    const otherOwner = respondHandshake({ own: createIdentityKeys(), prekeys, request, nowMs: NOW_MS })
    assert.deepEqual(otherOwner, { ok: false, reason: 'bad-identity' })
  })

  it('one changed key of the bundle, each in turn: the transcript holds all of it', () => {
    const { inviter, prekeys, acceptor, bundle } = meet()
    const other = createPrekeys()
    const stranger = publicIdentity(createIdentityKeys())
    const variants = [
      { ...bundle, identity: { ...bundle.identity, ed25519: stranger.ed25519 } },
      { ...bundle, identity: { ...bundle.identity, x25519: stranger.x25519 } },
      { ...bundle, signedPrekey: other.signedPrekey.publicKey },
      { ...bundle, oneTimePrekey: other.oneTimePrekey.publicKey },
      { ...bundle, kemEncapsulationKey: other.kemEncapsulationKey },
    ]
    for (const [index, variant] of variants.entries()) {
      const initiated = initiateHandshake({ own: acceptor, bundle: variant, firstBody: bodyOf(0) })
      assert.ok(initiated.ok)
      const result = respondHandshake({ own: inviter, prekeys, request: initiated.request, nowMs: NOW_MS })
      assert.deepEqual(result, { ok: false, reason: 'bad-identity' }, `variant ${index}`)
    }
  })

  it('a sender who claims another one’s identity key without its private half', () => {
    const { acceptor, bundle, respond } = meet()
    const victim = publicIdentity(createIdentityKeys())
    // Own keys that announce the victim's public keys, which is all that an impostor can do.
    for (const impostor of [
      { ...acceptor, x25519: { ...acceptor.x25519, publicKey: victim.x25519 } },
      { ...acceptor, x25519: { ...acceptor.x25519, publicKey: victim.x25519 }, ed25519PublicKey: victim.ed25519 },
    ]) {
      const initiated = initiateHandshake({ own: impostor, bundle, firstBody: bodyOf(0) })
      assert.ok(initiated.ok)
      assert.deepEqual(respond(initiated.request), { ok: false, reason: 'bad-envelope' })
    }
  })

  it('an Ed25519 key exchanged after the transcript was made', () => {
    const met = meet()
    const changed = resealIdentity(met, (identity) => identity.fill(1, 32))
    assert.deepEqual(met.respond(changed), { ok: false, reason: 'bad-envelope' })
    assert.ok(met.respond(resealIdentity(met, (identity) => identity)).ok, 'the control: resealed unchanged, it opens')
  })

  it('an identity key of low order, which would make the proof of possession worthless', () => {
    const { bundle, respond, acceptor } = meet()
    const ephemeral = acceptor.x25519
    const encapsulated = kemEncapsulate(bundle.kemEncapsulationKey)
    const secret = x25519(ephemeral.privateKey, bundle.signedPrekey)
    assert.ok(encapsulated !== undefined && secret !== undefined)
    const { ciphertext: kemCiphertext, sharedSecret } = encapsulated
    const hash = offerHash({ bundle, ephemeralKey: ephemeral.publicKey, kemCiphertext })
    const key = deriveIdentityKey(secret, sharedSecret, hash)
    const request = encodeHandshakeRequest({
      ephemeralKey: ephemeral.publicKey,
      kemCiphertext,
      sealedIdentity: aeadSeal(key, IDENTITY_NONCE, hash, new Uint8Array(64)),
      envelope: new Uint8Array(ENVELOPE_BYTES),
    })
    assert.deepEqual(respond(request), { ok: false, reason: 'bad-key' })
  })

  it('its own identity', () => {
    const met = meet()
    const { inviter, bundle } = met
    assert.deepEqual(initiateHandshake({ own: inviter, bundle, firstBody: bodyOf(0) }), {
      ok: false,
      reason: 'own-identity',
    })
    for (const [offset, key] of [
      [0, inviter.x25519.publicKey],
      [32, inviter.ed25519PublicKey],
    ] as const) {
      const changed = resealIdentity(met, (identity) => identity.set(key, offset))
      assert.deepEqual(met.respond(changed), { ok: false, reason: 'own-identity' })
    }
  })
})

describe('handshake: refusals of the initiator', () => {
  it('keys of low order and encapsulation keys that are none', () => {
    const { acceptor, bundle } = meet()
    const low = new Uint8Array(32)
    const variants = [
      { ...bundle, identity: { ...bundle.identity, x25519: low } },
      { ...bundle, signedPrekey: low },
      { ...bundle, oneTimePrekey: low },
      { ...bundle, kemEncapsulationKey: new Uint8Array(1184).fill(0xff) },
    ]
    for (const [index, variant] of variants.entries()) {
      const result = initiateHandshake({ own: acceptor, bundle: variant, firstBody: bodyOf(0) })
      assert.deepEqual(result, { ok: false, reason: 'bad-bundle' }, `variant ${index}`)
    }
  })

  it('a body of another length is a bug', () => {
    const { acceptor, bundle } = meet()
    assert.throws(() => initiateHandshake({ own: acceptor, bundle, firstBody: new Uint8Array(3) }), RangeError)
  })
})
