import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { base32Encode, concatBytes, utf8Decode, utf8Encode } from '../../src/base/index.ts'
import { framed, label, sha256 } from '../../src/crypto/index.ts'
import * as identity from '../../src/identity/index.ts'
import { createSeededRandom } from '../support/seeded-random.ts'
import { fuzzDecoder } from '../support/strict-decoder.ts'

const random = createSeededRandom(43)
const SEED = 4712
const own = identity.createIdentityKeys()
const prekeys = identity.createPrekeys()
const bundleBytes = identity.encodePrekeyBundle(identity.prekeyBundle(own, prekeys))
const invite = {
  version: identity.INVITE_VERSION,
  expiresAtMs: 1_800_000_000_000,
  voucher: random.bytes(32),
  rendezvousPublicKey: random.bytes(32),
  hosts: [{ hostKey: random.bytes(32), courierOnionKey: random.bytes(32) }],
}

describe('identity decoders', () => {
  it('stored identity keys: no throw, canonical or refused', () => {
    const valid = [identity.encodeIdentityKeys(own)]
    const { decodeIdentityKeys: decode, encodeIdentityKeys: encode } = identity
    const { tried, accepted } = fuzzDecoder({ valid, decode, encode, rounds: 300, flipsPerByte: 2 }, SEED)
    assert.ok(accepted > 1 && accepted < tried)
  })

  it('stored prekeys: no throw, canonical or refused', () => {
    const valid = [identity.encodePrekeys(prekeys)]
    const { decodePrekeys: decode, encodePrekeys: encode } = identity
    const { tried, accepted } = fuzzDecoder({ valid, decode, encode, rounds: 200, flipsPerByte: 1 }, SEED)
    assert.ok(accepted > 1 && accepted < tried)
  })

  it('prekey bundle: no throw, canonical or refused', () => {
    const { decodePrekeyBundle: decode, encodePrekeyBundle: encode } = identity
    const { tried, accepted } = fuzzDecoder({ valid: [bundleBytes], decode, encode, flipsPerByte: 2 }, SEED)
    assert.ok(accepted > 1 && accepted < tried)
  })

  it('sealed bundle: nothing but the one that the voucher commits to', () => {
    const salt = random.bytes(16)
    const voucher = identity.createVoucher(bundleBytes, salt)
    const sealed = identity.sealBundle(identity.deriveRendezvousKeys(voucher).bundleKey, salt, bundleBytes)
    const decode = (bytes: Uint8Array) => identity.openBundle(voucher, bytes)
    const { tried, accepted } = fuzzDecoder(
      { valid: [sealed], decode, encode: () => sealed, rounds: 200, flipsPerByte: 1 },
      SEED,
    )
    assert.ok(tried > 2000)
    assert.equal(accepted, 1)
  })

  it('invite text: what is accepted is what would be written, in some case', () => {
    const uri = utf8Encode(identity.encodeInvite(invite))
    const decode = (bytes: Uint8Array): identity.Invite | undefined => {
      const text = utf8Decode(bytes)
      const result = text === undefined ? undefined : identity.parseInvite(text)
      return result?.ok === true && text === text?.toLowerCase().trim() ? result.invite : undefined
    }
    const { accepted } = fuzzDecoder(
      { valid: [uri], decode, encode: (value) => utf8Encode(identity.encodeInvite(value)), rounds: 3000 },
      SEED,
    )
    assert.equal(accepted, 1)
  })

  it('invite body under a right checksum: no throw, canonical or refused', () => {
    const uriOf = (body: Uint8Array): string => {
      const checksum = sha256(framed(label('invite-checksum'), body)).slice(0, 4)
      return `noctule:${base32Encode(concatBytes(body, checksum))}`
    }
    const body = concatBytes(
      Uint8Array.of(0x6e, 1, 1, 0x6b, 0x49, 0xd2, 0),
      invite.voucher,
      invite.rendezvousPublicKey,
      Uint8Array.of(1),
      ...invite.hosts.flatMap(({ hostKey, courierOnionKey }) => [hostKey, courierOnionKey]),
    )
    assert.equal(uriOf(body), identity.encodeInvite(invite))
    const { tried, accepted } = fuzzDecoder(
      {
        valid: [body],
        decode: (bytes) => {
          const result = identity.parseInvite(uriOf(bytes))
          return result.ok ? { bytes, invite: result.invite } : undefined
        },
        // Canonical here means: the text that was accepted is the text of the invite it was read as.
        encode: ({ bytes, invite: read }) => (identity.encodeInvite(read) === uriOf(bytes) ? bytes : new Uint8Array(0)),
        rounds: 3000,
      },
      SEED,
    )
    assert.ok(accepted > 100 && accepted < tried)
  })
})
