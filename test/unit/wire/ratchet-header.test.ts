import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { concatBytes } from '../../../src/base/index.ts'
import { decodeRatchetHeader, encodeRatchetHeader, RATCHET_HEADER_BYTES } from '../../../src/wire/index.ts'

const HEADER = { ratchetKey: new Uint8Array(32).fill(7), previousCount: 0x0102_0304, number: 0xffff_fffe }

describe('ratchet header', () => {
  it('has the layout flags, key, previous count, number', () => {
    const bytes = encodeRatchetHeader(HEADER)
    assert.equal(bytes.length, RATCHET_HEADER_BYTES)
    const counters = Uint8Array.of(1, 2, 3, 4, 255, 255, 255, 254)
    assert.deepEqual(bytes, concatBytes(Uint8Array.of(0), HEADER.ratchetKey, counters))
    assert.deepEqual(decodeRatchetHeader(bytes), HEADER)
  })

  it('refuses unknown flags and other lengths', () => {
    const bytes = encodeRatchetHeader(HEADER)
    for (let bit = 0; bit < 8; bit++) {
      const flagged = bytes.slice()
      flagged[0] = 1 << bit
      assert.equal(decodeRatchetHeader(flagged), undefined)
    }
    assert.equal(decodeRatchetHeader(bytes.subarray(1)), undefined)
    assert.equal(decodeRatchetHeader(concatBytes(bytes, Uint8Array.of(0))), undefined)
  })

  it('a number that does not fit is a bug', () => {
    assert.throws(() => encodeRatchetHeader({ ...HEADER, number: 2 ** 32 }), RangeError)
    assert.throws(() => encodeRatchetHeader({ ...HEADER, ratchetKey: new Uint8Array(31) }), RangeError)
  })
})
