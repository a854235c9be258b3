import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { concatBytes, hexEncode } from '../../../src/base/index.ts'
import {
  BOX_BODY_BYTES,
  BOX_BYTES,
  BOX_CIPHERTEXT_BYTES,
  BOX_ENVELOPES_MAX_COUNT,
  type BoxBody,
  type ConversationBody,
  decodeBox,
  decodeBoxBody,
  ENVELOPE_BYTES,
  encodeBox,
  encodeBoxBody,
  FILE_CHUNK_BYTES,
  HANDSHAKE_REQUEST_BYTES,
  SEALED_BUNDLE_BYTES,
} from '../../../src/wire/index.ts'

const BOX = {
  boxId: new Uint8Array(32).fill(1),
  signature: new Uint8Array(64).fill(2),
  ciphertext: new Uint8Array(BOX_CIPHERTEXT_BYTES).fill(3),
}

const envelopes = Array.from({ length: BOX_ENVELOPES_MAX_COUNT }, (_, index) => ({
  sequence: index + 1,
  envelope: new Uint8Array(ENVELOPE_BYTES).fill(0xa0 + index),
}))
const FULL: ConversationBody = {
  kind: 'conversation',
  ackBase: 0x0102_0304,
  ackBits: 0xf0e0_d0c0,
  previousBoxes: 0x0506_0708,
  envelopes,
}

describe('box', () => {
  it('is id, signature and ciphertext in a row', () => {
    const bytes = encodeBox(BOX)
    assert.equal(bytes.length, BOX_BYTES)
    assert.deepEqual(bytes, concatBytes(BOX.boxId, BOX.signature, BOX.ciphertext))
    assert.deepEqual(decodeBox(bytes), BOX)
  })

  it('refuses every other length; a field of another length is a bug', () => {
    const bytes = encodeBox(BOX)
    for (const other of [new Uint8Array(), bytes.subarray(1), concatBytes(bytes, Uint8Array.of(0))]) {
      assert.equal(decodeBox(other), undefined)
    }
    assert.throws(() => encodeBox({ ...BOX, ciphertext: BOX.ciphertext.slice(1) }), RangeError)
    // Lengths that make up for each other.
    const shifted = { ...BOX, boxId: new Uint8Array(31), signature: new Uint8Array(65) }
    assert.throws(() => encodeBox(shifted), RangeError)
  })
})

describe('body of a box', () => {
  it('has the layout of spec 03-mailbox §2.4', () => {
    const bytes = encodeBoxBody(FULL)
    assert.equal(bytes.length, BOX_BODY_BYTES)
    const head = '01' + '01020304' + 'f0e0d0c0' + '05060708' + '03' + '00000001' + 'a0a0'
    assert.equal(hexEncode(bytes.subarray(0, head.length / 2)), head)
    const used = 14 + 3 * (4 + ENVELOPE_BYTES)
    assert.equal(bytes[used - 1], 0xa2)
    assert.ok(bytes.subarray(used).every((byte) => byte === 0))
  })

  it('has one length whatever it says, and reads back', () => {
    const bodies: BoxBody[] = [
      FULL,
      { ...FULL, ackBase: 0, ackBits: 0, previousBoxes: 0, envelopes: [] },
      { ...FULL, ackBase: 2 ** 32 - 1, previousBoxes: 2 ** 32 - 1, envelopes: envelopes.slice(1, 2) },
      { kind: 'payload', payload: new Uint8Array() },
      { kind: 'payload', payload: new Uint8Array(SEALED_BUNDLE_BYTES).fill(4) },
      { kind: 'payload', payload: new Uint8Array(HANDSHAKE_REQUEST_BYTES).fill(5) },
      { kind: 'payload', payload: new Uint8Array(BOX_BODY_BYTES - 3).fill(6) },
      { kind: 'loop' },
      { kind: 'chunk', index: 0, bytes: new Uint8Array(FILE_CHUNK_BYTES) },
      { kind: 'chunk', index: 2 ** 16 - 1, bytes: new Uint8Array(FILE_CHUNK_BYTES).fill(7) },
    ]
    for (const body of bodies) {
      const bytes = encodeBoxBody(body)
      assert.equal(bytes.length, BOX_BODY_BYTES)
      assert.deepEqual(decodeBoxBody(bytes), body)
    }
  })

  it('is filled by a chunk to the last byte', () => {
    const bytes = encodeBoxBody({ kind: 'chunk', index: 0x0102, bytes: new Uint8Array(FILE_CHUNK_BYTES).fill(7) })
    assert.equal(hexEncode(bytes.subarray(0, 4)), '04010207')
    assert.equal(bytes.at(-1), 7)
    assert.equal(FILE_CHUNK_BYTES, 1_641)
  })

  it('refuses padding that is not zero in every kind', () => {
    for (const body of [FULL, { kind: 'loop' }, { kind: 'payload', payload: Uint8Array.of(1) }] as const) {
      const bytes = encodeBoxBody(body)
      assert.ok(decodeBoxBody(bytes) !== undefined)
      assert.equal(decodeBoxBody(bytes.with(BOX_BODY_BYTES - 1, 1)), undefined)
    }
  })

  it('refuses unknown kinds, other lengths, envelopes without sequence, too many of them, and a set bit 0', () => {
    const bytes = encodeBoxBody({ ...FULL, ackBits: 0, envelopes: envelopes.slice(0, 1) })
    for (const kind of [0, 5, 255]) assert.equal(decodeBoxBody(bytes.with(0, kind)), undefined)
    assert.equal(decodeBoxBody(bytes.subarray(1)), undefined)
    assert.equal(decodeBoxBody(concatBytes(bytes, Uint8Array.of(0))), undefined)
    assert.equal(decodeBoxBody(bytes.with(17, 0)), undefined)
    assert.equal(decodeBoxBody(bytes.with(13, BOX_ENVELOPES_MAX_COUNT + 1)), undefined)
    assert.equal(decodeBoxBody(bytes.with(8, 1)), undefined)
    const payload = encodeBoxBody({ kind: 'payload', payload: new Uint8Array(BOX_BODY_BYTES - 3).fill(6) })
    assert.equal(decodeBoxBody(payload.with(2, (payload[2] ?? 0) + 1)), undefined, 'a payload beyond the end')
  })

  it('does not write what it would not read', () => {
    const [envelope] = envelopes
    assert.ok(envelope !== undefined)
    assert.throws(() => encodeBoxBody({ ...FULL, ackBits: 1 }), RangeError)
    assert.throws(() => encodeBoxBody({ ...FULL, previousBoxes: 2 ** 32 }), RangeError)
    assert.throws(() => encodeBoxBody({ ...FULL, envelopes: [...envelopes, envelope] }), RangeError)
    assert.throws(() => encodeBoxBody({ ...FULL, envelopes: [{ ...envelope, sequence: 0 }] }), RangeError)
    assert.throws(
      () => encodeBoxBody({ ...FULL, envelopes: [{ ...envelope, envelope: new Uint8Array(1) }] }),
      RangeError,
    )
    assert.throws(() => encodeBoxBody({ kind: 'payload', payload: new Uint8Array(BOX_BODY_BYTES - 2) }), RangeError)
    const chunk = { kind: 'chunk', index: 0, bytes: new Uint8Array(FILE_CHUNK_BYTES) } as const
    assert.throws(() => encodeBoxBody({ ...chunk, bytes: new Uint8Array(FILE_CHUNK_BYTES - 1) }), RangeError)
    assert.throws(() => encodeBoxBody({ ...chunk, index: 2 ** 16 }), RangeError)
  })
})
