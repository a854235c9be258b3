import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { hexEncode } from '../../../src/base/index.ts'
import { x25519PublicKey } from '../../../src/crypto/index.ts'
import { deriveLaneKeys, LANE_WINDOW_MS, laneWindow } from '../../../src/identity/index.ts'
import { onionPublicKey, parseOnionAddress } from '../../../src/wire/index.ts'

const laneSecret = new Uint8Array(32).fill(8)

describe('laneWindow', () => {
  it('changes on six-hour edges of UTC', () => {
    assert.equal(LANE_WINDOW_MS, 21_600_000)
    assert.equal(laneWindow(Date.UTC(2026, 0, 1, 5, 59, 59, 999)) + 1, laneWindow(Date.UTC(2026, 0, 1, 6)))
    assert.equal(laneWindow(Date.UTC(2026, 0, 1, 6)), laneWindow(Date.UTC(2026, 0, 1, 11, 59, 59, 999)))
    assert.equal(laneWindow(0), 0)
  })
})

describe('deriveLaneKeys', () => {
  it('gives both ends the same keys, and an address that fits its key', () => {
    const keys = deriveLaneKeys(laneSecret, 82_000)
    assert.deepEqual(deriveLaneKeys(laneSecret.slice(), 82_000), keys)
    assert.equal(parseOnionAddress(keys.address), keys.address)
    assert.deepEqual(onionPublicKey(keys.address), keys.onion.publicKey)
    assert.deepEqual(keys.clientAuth.publicKey, x25519PublicKey(keys.clientAuth.privateKey))
  })

  it('gives nothing in common to two windows, two secrets, or two purposes', () => {
    const sets = [
      deriveLaneKeys(laneSecret, 1),
      deriveLaneKeys(laneSecret, 2),
      deriveLaneKeys(laneSecret.with(0, 9), 1),
    ]
    const all = sets.flatMap((keys) =>
      [keys.onion.secretKey, keys.onion.publicKey, keys.clientAuth.privateKey, keys.listenerSeed, keys.dialerSeed].map(
        hexEncode,
      ),
    )
    assert.equal(new Set(all).size, all.length)
  })

  it('derives what spec 06-identity §9 prints', () => {
    const keys = deriveLaneKeys(laneSecret, 82_000)
    assert.equal(hexEncode(keys.listenerSeed), 'ea9968d49a916a890af8dcfebae22b58fb78b4a201a6b57378a7fe1f1e802dfc')
    assert.equal(hexEncode(keys.dialerSeed), 'a24761e468801c03fdb411aa28cfb9d62ac144669779d0c880841bddedd044e4')
    assert.equal(
      hexEncode(keys.clientAuth.privateKey),
      '714f64380c0ce11f55361b643dfaab9d3a6a663445fe1a088c384d20024fedef',
    )
    assert.equal(keys.address, '7acy6y5b4ppnpimmoyozjzvgb6wz4ddlt4xongs6vdx6sf4x3hth2tqd')
  })

  it('refuses secrets of another length and windows before the epoch', () => {
    assert.throws(() => deriveLaneKeys(laneSecret.slice(1), 1), RangeError)
    assert.throws(() => deriveLaneKeys(laneSecret, -1), RangeError)
  })
})
