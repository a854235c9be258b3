import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { concatBytes, equalBytes, hexEncode, utf8Encode } from '../../../src/base/index.ts'
import {
  deriveBoxKeys,
  inviteBoxSeed,
  openBox,
  sealBox,
  signTombstone,
  verifyBox,
  verifyTombstone,
} from '../../../src/mailbox/index.ts'
import { BOX_BODY_BYTES, BOX_CIPHERTEXT_BYTES, type Box } from '../../../src/wire/index.ts'
import { oracle } from '../../support/oracle.ts'
import { createSeededRandom } from '../../support/seeded-random.ts'

const random = createSeededRandom(31)
const seed = random.bytes(32)
const keys = deriveBoxKeys(seed)
const other = deriveBoxKeys(random.bytes(32))
const body = random.bytes(BOX_BODY_BYTES)
const nonce = random.bytes(12)
const box = sealBox(keys, body, nonce)

/** Written from the specification, without `src/crypto`. */
function framed(...fields: Uint8Array[]): Uint8Array {
  return concatBytes(...fields.flatMap((field) => [Uint8Array.of(0, 0, field.length >> 8, field.length & 255), field]))
}
const label = (purpose: string): Uint8Array => utf8Encode(`noctule/v1/${purpose}`)
const NONE = new Uint8Array()

function xor(a: Uint8Array = NONE, b: Uint8Array = NONE): Uint8Array {
  return a.map((byte, index) => byte ^ (b[index] ?? 0))
}

function countEqual(a: Uint8Array, b: Uint8Array): number {
  return a.filter((byte, index) => byte === b[index]).length
}

/** What the holder of the seed can sign, whether it opens or not. */
function signed(ciphertext: Uint8Array): Box {
  const statement = framed(label('box/signature'), oracle.sha256(ciphertext))
  return { boxId: keys.boxId, signature: oracle.ed25519Sign(keys.signingSeed, statement), ciphertext }
}

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
    const ciphertext = concatBytes(nonce, oracle.aeadSeal(keys.bodyKey, nonce, context, body))
    const statement = framed(label('box/signature'), oracle.sha256(ciphertext))
    assert.deepEqual(box, {
      boxId: keys.boxId,
      signature: oracle.ed25519Sign(keys.signingSeed, statement),
      ciphertext,
    })
    assert.equal(box.ciphertext.length, BOX_CIPHERTEXT_BYTES)
  })

  it('opens, and takes no body or nonce of another length', () => {
    assert.deepEqual(openBox(keys, box), body)
    assert.ok(verifyBox(box))
    for (const wrong of [body.slice(1), concatBytes(body, Uint8Array.of(0)), NONE]) {
      assert.throws(() => sealBox(keys, wrong), RangeError)
    }
    for (const wrong of [nonce.slice(1), concatBytes(nonce, Uint8Array.of(0)), NONE]) {
      assert.throws(() => sealBox(keys, body, wrong), RangeError)
    }
  })

  it('is another each time, also of the same body, and each opens', () => {
    const boxes = Array.from({ length: 20 }, () => sealBox(keys, body))
    for (const each of boxes) {
      assert.deepEqual(openBox(keys, each), body)
      assert.equal(each.ciphertext.length, BOX_CIPHERTEXT_BYTES)
    }
    for (const part of [(each: Box) => each.ciphertext.slice(0, 12), (each: Box) => each.ciphertext.slice(12)]) {
      assert.equal(new Set(boxes.map((each) => hexEncode(part(each)))).size, boxes.length)
    }
    assert.deepEqual(sealBox(keys, body, nonce), box, 'control: the nonce is all that differs')
  })

  it('has no key stream in common with another box of its key: two may accept one invite', () => {
    const second = random.bytes(BOX_BODY_BYTES)
    const sealed = (from: Box): Uint8Array => from.ciphertext.slice(12, 12 + BOX_BODY_BYTES)
    const streams = [sealBox(keys, body), sealBox(keys, second)].map(sealed)
    const shared = countEqual(xor(streams[0], body), xor(streams[1], second))
    assert.ok(shared < BOX_BODY_BYTES / 16, `${shared} bytes of the stream are the same`)
    // Control: under one nonce all of them are, and the two ciphertexts show how the two bodies differ.
    const fixed = [sealBox(keys, body, nonce), sealBox(keys, second, nonce)].map(sealed)
    assert.equal(countEqual(xor(fixed[0], body), xor(fixed[1], second)), BOX_BODY_BYTES)
    assert.deepEqual(xor(fixed[0], fixed[1]), xor(body, second))
  })

  it('does not hold when any byte is changed, or any part is cut or another’s', () => {
    for (const field of ['signature', 'ciphertext'] as const) {
      for (let at = 0; at < box[field].length; at += 1) {
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

  it('does not open when a byte was changed and signed again: the tag covers nonce, body and itself', () => {
    const { length } = box.ciphertext
    // All of the nonce and the tag, and the body here and there: each box is a signature.
    const places = Array.from({ length }, (_, at) => at).filter((at) => at < 12 || at >= length - 16 || at % 53 === 0)
    assert.ok(places.length > 50)
    for (const at of places) {
      const changed = signed(box.ciphertext.with(at, (box.ciphertext[at] ?? 0) ^ 1))
      assert.ok(verifyBox(changed), 'hosts keep it')
      assert.equal(openBox(keys, changed), undefined, `byte ${at}`)
    }
    assert.deepEqual(openBox(keys, signed(box.ciphertext)), body, 'control')
  })

  it('does not open under another id: the seal says whose body it is', () => {
    const moved = sealBox({ ...other, bodyKey: keys.bodyKey }, body)
    assert.ok(verifyBox(moved))
    assert.deepEqual(openBox({ ...other, bodyKey: keys.bodyKey }, moved), body, 'control')
    const signature = signed(moved.ciphertext).signature
    assert.equal(openBox(keys, { boxId: keys.boxId, signature, ciphertext: moved.ciphertext }), undefined)
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
