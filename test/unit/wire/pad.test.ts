import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isAppError } from '../../../src/base/index.ts'
import { ENVELOPE_BODY_BYTES, ENVELOPE_CONTENT_BYTES, padBody, unpadBody } from '../../../src/wire/index.ts'

describe('padBody', () => {
  it('gives every length the same body length and the content back', () => {
    for (let length = 0; length <= ENVELOPE_CONTENT_BYTES; length++) {
      const content = new Uint8Array(length).fill(7)
      const body = padBody(content, ENVELOPE_BODY_BYTES)
      assert.equal(body.length, ENVELOPE_BODY_BYTES)
      assert.deepEqual(unpadBody(body), content)
    }
  })

  it('keeps zeros at the end of the content apart from padding', () => {
    assert.deepEqual(unpadBody(padBody(Uint8Array.of(1, 0, 0), 10)), Uint8Array.of(1, 0, 0))
  })

  it('refuses one byte too many with a documented code', () => {
    assert.throws(
      () => padBody(new Uint8Array(ENVELOPE_CONTENT_BYTES + 1), ENVELOPE_BODY_BYTES),
      (error: unknown) =>
        isAppError(error, 'WIRE_CONTENT_TOO_LONG') && error.details['room'] === ENVELOPE_CONTENT_BYTES,
    )
  })
})

describe('unpadBody', () => {
  it('refuses padding that is not zero, at every place', () => {
    const body = padBody(Uint8Array.of(1, 2, 3), 20)
    for (let index = 5; index < body.length; index++) {
      assert.equal(unpadBody(body.with(index, 1)), undefined)
    }
  })

  it('refuses a length that overruns, and bodies too short for a length', () => {
    assert.equal(unpadBody(Uint8Array.of(0, 2, 9)), undefined)
    assert.equal(unpadBody(Uint8Array.of(255, 255, 9)), undefined)
    assert.equal(unpadBody(Uint8Array.of(0)), undefined)
    assert.equal(unpadBody(new Uint8Array(0)), undefined)
  })
})
