import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { concatBytes, equalBytes, utf8Encode } from '../../../src/base/index.ts'
import {
  deriveBoxKeys,
  inviteBoxSeed,
  openBox,
  sealBox,
  signTombstone,
  verifyBox,
  verifyTombstone,
} from '../../../src/mailbox/index.ts'
import { BOX_BODY_BYTES, BOX_CIPHERTEXT_BYTES } from '../../../src/wire/index.ts'
import { oracle } from '../../support/oracle.ts'
import { createSeededRandom } from '../../support/seeded-random.ts'

const random = createSeededRandom(31)
const seed = random.bytes(32)
const keys = deriveBoxKeys(seed)
const other = deriveBoxKeys(random.bytes(32))
const body = random.bytes(BOX_BODY_BYTES)
const box = sealBox(keys, body)

/** Written from the specification, without `src/crypto`. */
function framed(...fields: Uint8Array[]): Uint8Array {
  return concatBytes(...fields.flatMap((field) => [Uint8Array.of(0, 0, field.length >> 8, field.length & 255), field]))
}
const label = (purpose: string): Uint8Array => utf8Encode(`noctule/v1/${purpose}`)
const NONE = new Uint8Array()

describe('box keys', () => {
  it('are what a second implementation derives', () => {
    const output = oracle.hkdfSha256(seed, NONE, label('box/keys'), 64)
    assert.deepEqual(keys.signingSeed, output.slice(0, 32))
    assert.deepEqual(keys.bodyKey, output.slice(32))
    assert.deepEqual(keys.boxId, oracle.ed25519PublicKey(keys.signingSeed))
  })

  it('of an invite: two seeds from one voucher', () => {
    const voucher = random.bytes(32)
    for (const which of ['bundle', 'request'] as const) {
      const expected = oracle.hkdfSha256(voucher, NONE, label(`invite-box/${which}`), 32)
      assert.deepEqual(inviteBoxSeed(voucher, which), expected)
    }
    assert.notDeepEqual(inviteBoxSeed(voucher, 'bundle'), inviteBoxSeed(voucher, 'request'))
    assert.throws(() => inviteBoxSeed(voucher.slice(1), 'bundle'), RangeError)
  })
})

describe('box', () => {
  it('is what a second implementation seals and signs', () => {
    const context = framed(label('box/body'), keys.boxId)
    const ciphertext = oracle.aeadSeal(keys.bodyKey, new Uint8Array(12), context, body)
    const statement = framed(label('box/signature'), oracle.sha256(ciphertext))
    assert.deepEqual(box, {
      boxId: keys.boxId,
      signature: oracle.ed25519Sign(keys.signingSeed, statement),
      ciphertext,
    })
    assert.equal(box.ciphertext.length, BOX_CIPHERTEXT_BYTES)
  })

  it('is the same when the same body is sealed again, and opens', () => {
    assert.deepEqual(sealBox(keys, body), box)
    assert.deepEqual(openBox(keys, box), body)
    assert.ok(verifyBox(box))
    assert.throws(() => sealBox(keys, body.slice(1)), RangeError)
  })

  it('does not hold when any part is changed, cut, or another’s', () => {
    for (const field of ['signature', 'ciphertext'] as const) {
      for (const at of [0, 31, 63]) {
        const changed = { ...box, [field]: box[field].with(at, (box[field][at] ?? 0) ^ 1) }
        assert.equal(verifyBox(changed), false)
        assert.equal(openBox(keys, changed), undefined)
      }
      assert.equal(verifyBox({ ...box, [field]: box[field].slice(1) }), false)
      assert.equal(verifyBox({ ...box, [field]: NONE }), false)
    }
    assert.equal(verifyBox({ ...box, boxId: other.boxId }), false)
    assert.equal(verifyBox({ ...box, boxId: new Uint8Array(32) }), false)
    assert.equal(verifyBox({ ...box, boxId: NONE }), false)
    assert.equal(openBox(other, box), undefined)
  })

  it('of the right signature and a body that was not sealed with its key does not open', () => {
    const foreign = sealBox({ ...keys, bodyKey: other.bodyKey }, body)
    assert.ok(verifyBox(foreign), 'hosts keep it')
    assert.equal(openBox(keys, foreign), undefined)
  })
})

describe('tombstone', () => {
  it('is what a second implementation signs, and belongs to one box', () => {
    const signature = signTombstone(keys)
    assert.deepEqual(signature, oracle.ed25519Sign(keys.signingSeed, framed(label('tombstone'), keys.boxId)))
    assert.ok(verifyTombstone(keys.boxId, signature))
    assert.equal(verifyTombstone(other.boxId, signature), false)
    assert.equal(verifyTombstone(keys.boxId, signature.with(5, (signature[5] ?? 0) ^ 1)), false)
    for (const wrong of [NONE, new Uint8Array(64), signature.slice(1)]) {
      assert.equal(verifyTombstone(keys.boxId, wrong), false)
    }
  })

  it('is not the signature of a box, nor the other way round', () => {
    assert.equal(verifyTombstone(keys.boxId, box.signature), false)
    assert.equal(verifyBox({ ...box, signature: signTombstone(keys) }), false)
    assert.ok(!equalBytes(box.signature, signTombstone(keys)))
  })
})
