import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { concatBytes } from '../../../src/base/index.ts'
import {
  decodeHandshakeRequest,
  ENVELOPE_BYTES,
  encodeHandshakeRequest,
  HANDSHAKE_REQUEST_BYTES,
  RENDEZVOUS_PAYLOAD_BYTES,
  SEALED_IDENTITY_BYTES,
} from '../../../src/wire/index.ts'

const REQUEST = {
  ephemeralKey: new Uint8Array(32).fill(1),
  kemCiphertext: new Uint8Array(1088).fill(2),
  sealedIdentity: new Uint8Array(SEALED_IDENTITY_BYTES).fill(3),
  envelope: new Uint8Array(ENVELOPE_BYTES).fill(4),
}

describe('handshake request', () => {
  it('is the four fields in a row and fits a rendezvous record', () => {
    const bytes = encodeHandshakeRequest(REQUEST)
    assert.equal(bytes.length, HANDSHAKE_REQUEST_BYTES)
    assert.ok(HANDSHAKE_REQUEST_BYTES <= RENDEZVOUS_PAYLOAD_BYTES)
    assert.equal(SEALED_IDENTITY_BYTES, 80)
    assert.deepEqual(bytes, concatBytes(...Object.values(REQUEST)))
    assert.deepEqual(decodeHandshakeRequest(bytes), REQUEST)
  })

  it('refuses every other length; a field of another length is a bug', () => {
    const bytes = encodeHandshakeRequest(REQUEST)
    for (const other of [new Uint8Array(), bytes.subarray(1), concatBytes(bytes, Uint8Array.of(0))]) {
      assert.equal(decodeHandshakeRequest(other), undefined)
    }
    assert.throws(() => encodeHandshakeRequest({ ...REQUEST, ephemeralKey: new Uint8Array(33) }), RangeError)
    assert.throws(() => encodeHandshakeRequest({ ...REQUEST, envelope: new Uint8Array(1) }), RangeError)
  })
})
