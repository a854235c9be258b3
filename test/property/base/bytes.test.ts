import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import {
  base32Decode,
  base32Encode,
  concatBytes,
  equalBytes,
  hexDecode,
  hexEncode,
  utf8Decode,
  utf8Encode,
} from '../../../src/base/index.ts'

const bytes = fc.uint8Array({ maxLength: 200 })

describe('text forms of bytes', () => {
  it('come back as the same bytes', () => {
    fc.assert(
      fc.property(bytes, (value) => {
        assert.deepEqual(base32Decode(base32Encode(value)), value)
        assert.deepEqual(hexDecode(hexEncode(value)), value)
      }),
    )
  })

  it('have one spelling: whatever is accepted is what would be written', () => {
    let accepted = 0
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'abcmz2457AM=018f '), maxLength: 24 }), (text) => {
        const base32 = base32Decode(text)
        const hex = hexDecode(text)
        if (base32 !== undefined) assert.equal(base32Encode(base32), text)
        if (hex !== undefined) assert.equal(hexEncode(hex), text)
        if (base32 !== undefined && text !== '') accepted += 1
      }),
      { numRuns: 2_000 },
    )
    assert.ok(accepted > 10, `${accepted} texts were accepted: the property looked at nothing`)
  })

  it('agree with the implementation of Node', () => {
    fc.assert(
      fc.property(bytes, (value) => {
        assert.equal(hexEncode(value), Buffer.from(value).toString('hex'))
        assert.equal(base32Encode(value).length, Math.ceil((value.length * 8) / 5))
      }),
    )
  })

  it('utf8: well-formed text comes back, and every accepted text is canonical', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        assert.equal(utf8Decode(utf8Encode(text)), text.toWellFormed())
      }),
    )
    fc.assert(
      fc.property(bytes, (value) => {
        const text = utf8Decode(value)
        if (text !== undefined) assert.deepEqual(utf8Encode(text), value)
      }),
    )
  })
})

describe('concatBytes and equalBytes', () => {
  it('agree with Buffer', () => {
    fc.assert(
      fc.property(fc.array(bytes, { maxLength: 8 }), bytes, bytes, (parts, left, right) => {
        assert.deepEqual(Buffer.from(concatBytes(...parts)), Buffer.concat(parts))
        assert.equal(equalBytes(left, right), Buffer.compare(left, right) === 0)
        assert.equal(equalBytes(left, left.slice()), true)
      }),
    )
  })
})
