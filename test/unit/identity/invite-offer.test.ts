import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { hexEncode } from '../../../src/base/index.ts'
import { deriveOnionKey } from '../../../src/crypto/index.ts'
import {
  createIdentityKeys,
  createInviteOffer,
  inviteId,
  openBundle,
  parseInvite,
  prekeyBundle,
  rendezvousOnionKey,
} from '../../../src/identity/index.ts'

const own = createIdentityKeys()
const hosts = [{ hostKey: new Uint8Array(32).fill(1), courierOnionKey: new Uint8Array(32).fill(2) }]
const options = { expiresAtMs: 1_800_000_000_000, rendezvous: true, hosts }
const offer = createInviteOffer(own, options)

describe('createInviteOffer', () => {
  it('makes an invite whose holder opens the bundle and finds the rendezvous', () => {
    const parsed = parseInvite(offer.uri)
    assert.ok(parsed.ok)
    assert.deepEqual(openBundle(parsed.invite.voucher, offer.sealedBundle), prekeyBundle(own, offer.prekeys))
    assert.ok(offer.onionSeed !== undefined)
    const { publicKey, secretKey } = deriveOnionKey(offer.onionSeed)
    assert.deepEqual(parsed.invite.rendezvousPublicKey, publicKey)
    assert.deepEqual(rendezvousOnionKey(offer.onionSeed), secretKey)
    assert.equal(parsed.invite.expiresAtMs, 1_800_000_000_000)
    assert.deepEqual(parsed.invite.hosts, hosts)
  })

  it('makes no rendezvous where none is asked for', () => {
    const { uri, onionSeed } = createInviteOffer(own, { ...options, rendezvous: false })
    const parsed = parseInvite(uri)
    assert.ok(parsed.ok)
    assert.equal(onionSeed, undefined)
    assert.equal(parsed.invite.rendezvousPublicKey, undefined)
  })

  it('shares nothing between two invites of one profile', () => {
    const other = createInviteOffer(own, options)
    for (const key of ['voucher', 'onionSeed', 'sealedBundle'] as const) assert.notDeepEqual(other[key], offer[key])
    assert.notDeepEqual(other.prekeys, offer.prekeys)
    // The sealed bundle does not show whose it is.
    assert.equal(hexEncode(offer.sealedBundle).includes(hexEncode(own.ed25519PublicKey)), false)
  })

  it('names an invite without giving its voucher away', () => {
    assert.match(inviteId(offer.voucher), /^[0-9a-f]{32}$/)
    assert.equal(inviteId(offer.voucher.slice()), inviteId(offer.voucher))
    assert.notEqual(inviteId(offer.voucher.with(0, (offer.voucher[0] ?? 0) ^ 1)), inviteId(offer.voucher))
    assert.equal(hexEncode(offer.voucher).includes(inviteId(offer.voucher)), false)
  })
})
