/**
 * Reads docs/spec/04-session.md a second time: the handshake and the first envelope of the frozen vectors, computed in
 * one straight line from private keys with the second implementation only.
 * Never calls `src/session` or `src/crypto`, so that a mistake there cannot hide in both.
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { chacha20poly1305 } from '@noble/ciphers/chacha.js'
import { oracle } from '../../support/oracle.ts'
import { hex, readVectors } from '../../support/vectors.ts'

interface Vectors {
  inviter: Record<'ed25519Seed' | 'x25519PrivateKey', string>
  acceptor: Record<'ed25519Seed' | 'x25519PrivateKey' | 'ed25519PublicKey' | 'x25519PublicKey', string>
  prekeys: Record<'signedPrekey' | 'oneTimePrekey' | 'kemSeed', string>
  handshake: Record<
    'firstBody' | 'offerHash' | 'transcript' | 'request' | 'laneSecret' | 'acceptorState' | 'inviterState',
    string
  >
}

const ZERO_SALT = new Uint8Array(32)
const ZERO_NONCE = new Uint8Array(12)

function join(...parts: Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts))
}

function label(purpose: string): Uint8Array {
  return new Uint8Array(Buffer.from(`noctule/v1/${purpose}`))
}

function framed(...fields: Uint8Array[]): Uint8Array {
  return join(
    ...fields.flatMap((field) => {
      const length = Buffer.alloc(4)
      length.writeUInt32BE(field.length)
      return [length, field]
    }),
  )
}

function agree(privateKey: Uint8Array, publicKey: Uint8Array): Uint8Array {
  const secret = oracle.x25519(privateKey, publicKey)
  assert.ok(secret !== undefined)
  return secret
}

describe('spec 04-session, read again', () => {
  it('§4 and §5 give the frozen handshake from the responder’s private keys', () => {
    const { inviter, acceptor, prekeys, handshake } = readVectors('session-v1') as Vectors
    const request = hex(handshake.request)
    const signed = hex(prekeys.signedPrekey)
    const oneTime = hex(prekeys.oneTimePrekey)
    const identity = hex(inviter.x25519PrivateKey)
    const ephemeral = request.slice(0, 32)
    const kemCiphertext = request.slice(32, 1120)
    const sealedIdentity = request.slice(1120, 1200)
    const envelope = request.slice(1200)

    // §4.1
    const offer = oracle.sha256(
      framed(
        label('handshake/offer'),
        label('suite/x25519+ml-kem-768/hkdf-sha-256/chacha20-poly1305'),
        oracle.ed25519PublicKey(hex(inviter.ed25519Seed)),
        oracle.x25519PublicKey(identity),
        oracle.x25519PublicKey(signed),
        oracle.x25519PublicKey(oneTime),
        oracle.kemKeyPair(hex(prekeys.kemSeed)).publicKey,
        ephemeral,
        kemCiphertext,
      ),
    )
    assert.deepEqual(offer, hex(handshake.offerHash))
    const kem = oracle.kemDecapsulate(hex(prekeys.kemSeed), kemCiphertext)
    const identityKey = oracle.hkdfSha256(
      join(agree(signed, ephemeral), kem),
      ZERO_SALT,
      framed(label('handshake/identity'), offer),
      32,
    )
    const remote = chacha20poly1305(identityKey, ZERO_NONCE, offer).decrypt(sealedIdentity)
    assert.deepEqual(remote, join(hex(acceptor.x25519PublicKey), hex(acceptor.ed25519PublicKey)))

    // §4.4
    const transcript = oracle.sha256(
      framed(label('handshake/transcript'), offer, remote.slice(32), remote.slice(0, 32)),
    )
    assert.deepEqual(transcript, hex(handshake.transcript))
    const secrets = join(
      new Uint8Array(32).fill(0xff),
      agree(signed, remote.slice(0, 32)),
      agree(identity, ephemeral),
      agree(signed, ephemeral),
      agree(oneTime, ephemeral),
      kem,
    )
    const laneSecret = oracle.hkdfSha256(secrets, ZERO_SALT, framed(label('handshake/lane'), transcript), 32)
    assert.deepEqual(laneSecret, hex(handshake.laneSecret))
    const session = oracle.hkdfSha256(secrets, ZERO_SALT, framed(label('handshake/session'), transcript), 160)
    const [rootKey, headerKey, boxKey, responderHeaderKey, responderBoxKey] = [0, 1, 2, 3, 4].map((index) =>
      session.slice(32 * index, 32 * index + 32),
    )
    assert.ok(rootKey && headerKey && boxKey && responderHeaderKey && responderBoxKey)

    // §5.2
    const sealedHeader = envelope.slice(0, 69)
    const header = chacha20poly1305(headerKey, sealedHeader.slice(0, 12), transcript).decrypt(sealedHeader.slice(12))
    assert.equal(header.length, 41)
    assert.deepEqual(header.slice(33), new Uint8Array(8), 'first envelope of the first chain')
    assert.equal(header[0], 0)
    // §5.1
    const step = oracle.hkdfSha256(agree(signed, header.slice(1, 33)), rootKey, label('ratchet/root'), 128)
    const chainKey = step.slice(32, 64)
    const messageKey = oracle.hmacSha256(chainKey, Uint8Array.of(1))
    const body = chacha20poly1305(messageKey, ZERO_NONCE, join(transcript, sealedHeader)).decrypt(envelope.slice(69))
    assert.deepEqual(body, hex(handshake.firstBody))

    // §7, the acceptor's state right after it sealed that envelope
    const state = hex(handshake.acceptorState)
    const field = (start: number, length: number): Uint8Array => state.slice(start, start + length)
    assert.deepEqual(field(0, 2), Uint8Array.of(1, 1))
    assert.deepEqual(field(2, 32), transcript)
    assert.deepEqual(field(34, 32), step.slice(0, 32), 'root key')
    assert.deepEqual(field(98, 32), header.slice(1, 33), 'ratchet public key')
    assert.deepEqual(field(134, 64), step.slice(64, 128), 'next header key and next box key of its direction')
    assert.deepEqual(field(198, 64), join(responderHeaderKey, responderBoxKey))
    assert.deepEqual(field(262, 32), oracle.x25519PublicKey(signed))
    assert.deepEqual(field(294, 64), join(headerKey, boxKey))
    assert.deepEqual(field(358, 32), oracle.hmacSha256(chainKey, Uint8Array.of(2)))
    assert.deepEqual(field(390, 4), Uint8Array.of(0, 0, 0, 1))
  })
})
