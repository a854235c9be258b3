import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { hexDecode, utf8Encode } from '../../../src/base/index.ts'
import { createIdentityKeys, publicIdentity, safetyNumber } from '../../../src/identity/index.ts'
import { numericFingerprint } from '../../../src/identity/safety-number.ts'

const alice = publicIdentity(createIdentityKeys())
const bob = publicIdentity(createIdentityKeys())

describe('numericFingerprint', () => {
  // Published vectors of the algorithm: signalapp/libsignal, rust/protocol/src/fingerprint.rs, version 1.
  it('gives the published digits', () => {
    const vectors = [
      [
        '+14152222222',
        '0506863bc66d02b40d27b8d49ca7c09e9239236f9d7d25d6fcca5ce13c7064d868',
        '300354477692869396892869876765',
      ],
      [
        '+14153333333',
        '05f781b6fb32fed9ba1cf2de978d4d5da28dc34046ae814402b5c0dbd96fda907b',
        '458257569162576843440918079131',
      ],
    ] as const
    for (const [stableId, key, digits] of vectors) {
      assert.equal(numericFingerprint(utf8Encode(stableId), hexDecode(key) ?? new Uint8Array(0)), digits)
    }
  })
})

describe('safetyNumber', () => {
  it('is twelve groups of five digits and the same on both sides', () => {
    assert.match(safetyNumber(alice, bob), /^\d{5}( \d{5}){11}$/)
    assert.equal(safetyNumber(alice, bob), safetyNumber(bob, alice))
  })

  it('changes with either key of either side', () => {
    const number = safetyNumber(alice, bob)
    const other = publicIdentity(createIdentityKeys())
    assert.notEqual(safetyNumber(alice, { ...bob, ed25519: other.ed25519 }), number)
    assert.notEqual(safetyNumber(alice, { ...bob, x25519: other.x25519 }), number)
    assert.notEqual(safetyNumber({ ...alice, x25519: other.x25519 }, bob), number)
  })

  it('is the one that spec 06-identity §8 prints', () => {
    const a = { ed25519: new Uint8Array(32).fill(1), x25519: new Uint8Array(32).fill(2) }
    const b = { ed25519: new Uint8Array(32).fill(3), x25519: new Uint8Array(32).fill(4) }
    assert.equal(safetyNumber(a, b), '72463 73429 92187 71889 40038 83803 87325 55591 45399 07147 57448 32727')
  })
})
