import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { hexEncode } from '../../../src/base/index.ts'
import { decodeLiveOffer, encodeLiveOffer } from '../../../src/wire/index.ts'
import { fuzzDecoder } from '../../support/strict-decoder.ts'

describe('what is said of a lane', () => {
  it('is five bytes: a version and an edge', () => {
    assert.equal(hexEncode(encodeLiveOffer({ untilEdge: 0x01020304 })), '0101020304')
    assert.deepEqual(decodeLiveOffer(encodeLiveOffer({ untilEdge: 2 ** 32 - 1 })), { untilEdge: 2 ** 32 - 1 })
  })

  it('is refused in any other form', () => {
    for (const bytes of [[], [1], [0, 0, 0, 0, 1], [2, 0, 0, 0, 1], [1, 0, 0, 1], [1, 0, 0, 0, 1, 0]]) {
      assert.equal(decodeLiveOffer(Uint8Array.from(bytes)), undefined)
    }
    const valid = [0, 1, 2_000_000].map((untilEdge) => encodeLiveOffer({ untilEdge }))
    const { tried } = fuzzDecoder({ valid, decode: decodeLiveOffer, encode: encodeLiveOffer }, 1)
    assert.ok(tried > 1_000)
  })
})
