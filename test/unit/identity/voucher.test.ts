import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { hexEncode } from '../../../src/base/index.ts'
import { x25519PublicKey } from '../../../src/crypto/index.ts'
import {
  createIdentityKeys,
  createPrekeys,
  createVoucher,
  deriveRendezvousKeys,
  encodePrekeyBundle,
  openBundle,
  prekeyBundle,
  sealBundle,
} from '../../../src/identity/index.ts'
import { SEALED_BUNDLE_BYTES } from '../../../src/wire/index.ts'

const salt = new Uint8Array(16).fill(3)
const bundle = prekeyBundle(createIdentityKeys(), createPrekeys())
const bundleBytes = encodePrekeyBundle(bundle)
const voucher = createVoucher(bundleBytes, salt)
const { bundleKey } = deriveRendezvousKeys(voucher)
const sealed = sealBundle(bundleKey, salt, bundleBytes)

describe('voucher', () => {
  it('opens the bundle it was made for', () => {
    assert.equal(sealed.length, SEALED_BUNDLE_BYTES)
    assert.deepEqual(openBundle(voucher, sealed), bundle)
  })

  it('refuses a bundle that somebody else with the invite sealed', () => {
    const malloryBytes = encodePrekeyBundle(prekeyBundle(createIdentityKeys(), createPrekeys()))
    for (const otherSalt of [salt, new Uint8Array(16).fill(4)]) {
      assert.equal(openBundle(voucher, sealBundle(bundleKey, otherSalt, malloryBytes)), undefined)
    }
    // Control: the same attack succeeds against the voucher that commits to it, so the commitment is what refuses.
    const malloryVoucher = createVoucher(malloryBytes, salt)
    const malloryKey = deriveRendezvousKeys(malloryVoucher).bundleKey
    assert.ok(openBundle(malloryVoucher, sealBundle(malloryKey, salt, malloryBytes)) !== undefined)
  })

  it('refuses another voucher, salt, length, and a bundle of another version that it commits to', () => {
    assert.equal(openBundle(voucher.with(0, (voucher[0] ?? 0) ^ 1), sealed), undefined)
    assert.equal(openBundle(voucher, sealed.with(0, 9)), undefined)
    assert.equal(openBundle(voucher, sealed.slice(1)), undefined)
    assert.equal(openBundle(voucher, new Uint8Array([...sealed, 0])), undefined)
    const newer = bundleBytes.with(0, 2)
    const newerVoucher = createVoucher(newer, salt)
    assert.equal(
      openBundle(newerVoucher, sealBundle(deriveRendezvousKeys(newerVoucher).bundleKey, salt, newer)),
      undefined,
    )
  })

  it('hides which bundle it stands for: another salt, another voucher', () => {
    assert.notDeepEqual(createVoucher(bundleBytes, new Uint8Array(16)), voucher)
  })

  it('gives keys that have nothing in common', () => {
    const keys = deriveRendezvousKeys(voucher)
    const all = [keys.clientAuth.privateKey, keys.listenerSeed, keys.dialerSeed, keys.bundleKey, voucher].map(hexEncode)
    assert.equal(new Set(all).size, 5)
    assert.deepEqual(keys.clientAuth.publicKey, x25519PublicKey(keys.clientAuth.privateKey))
  })

  it('derives what spec 06-identity §9 prints', () => {
    const keys = deriveRendezvousKeys(new Uint8Array(32).fill(7))
    assert.equal(
      hexEncode(keys.clientAuth.privateKey),
      '877b49daef816bd77970653dd16918d970fe3591ea6784095f73c19ba702157a',
    )
    assert.equal(hexEncode(keys.listenerSeed), 'f810dcb2a0ae4f2f6ebdfaab35f9541d3de36036ec7efc364b0abe05042841fd')
    assert.equal(hexEncode(keys.dialerSeed), '8e826d373a4a2afaf4c043d233a1e0fd62551910abbc1937444445a980fca776')
    assert.equal(hexEncode(keys.bundleKey), '8c856210dcd84585288e4d5247a06d55ba06789bbbb1b464960942d098334a0e')
    const fixed = createVoucher(new Uint8Array(1313).fill(1), new Uint8Array(16).fill(2))
    assert.equal(hexEncode(fixed), '9247997db428fdda7a60b78102f86b5438107a202cb518e44170c80f60361992')
  })

  it('refuses wrong lengths of ours loudly', () => {
    assert.throws(() => createVoucher(bundleBytes, salt.slice(1)), RangeError)
    assert.throws(() => sealBundle(bundleKey, salt.slice(1), bundleBytes), RangeError)
    assert.throws(() => sealBundle(bundleKey, salt, bundleBytes.slice(1)), RangeError)
    assert.throws(() => deriveRendezvousKeys(voucher.slice(1)), RangeError)
  })
})
