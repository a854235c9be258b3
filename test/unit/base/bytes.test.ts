import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
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

const ascii = (text: string): Uint8Array => Uint8Array.from(text, (character) => character.charCodeAt(0))

describe('base32', () => {
  /** RFC 4648 §10, in our form: lower case, no padding. */
  const vectors = [
    ['', ''],
    ['f', 'my'],
    ['fo', 'mzxq'],
    ['foo', 'mzxw6'],
    ['foob', 'mzxw6yq'],
    ['fooba', 'mzxw6ytb'],
    ['foobar', 'mzxw6ytboi'],
  ] as const

  for (const [plain, encoded] of vectors) {
    it(`agrees with RFC 4648 on "${plain}"`, () => {
      assert.equal(base32Encode(ascii(plain)), encoded)
      assert.deepEqual(base32Decode(encoded), ascii(plain))
    })
  }

  it('refuses upper case, padding, digits outside the alphabet, white space and other characters', () => {
    for (const text of ['MY', 'My', 'my======', 'm1', 'm0', 'm8', 'm9', 'm y', 'my\n', 'mü', 'm=', 'mý', '💀']) {
      assert.equal(base32Decode(text), undefined, text)
    }
  })

  it('refuses lengths that no whole number of bytes has', () => {
    for (const length of [1, 3, 6, 9, 11, 14]) assert.equal(base32Decode('a'.repeat(length)), undefined, `${length}`)
    for (const length of [2, 4, 5, 7, 8, 10]) assert.ok(base32Decode('a'.repeat(length)), `${length}`)
  })

  it('refuses bits that are left over and not zero', () => {
    assert.deepEqual(base32Decode('me'), ascii('a'))
    for (const text of ['mf', 'mg', 'mh', 'mn', 'mt']) assert.equal(base32Decode(text), undefined, text)
    assert.equal(base32Decode('mzxr'), undefined)
    assert.equal(base32Decode('mzxw7'), undefined)
  })
})

describe('hex', () => {
  it('writes two lower-case digits a byte, of a view as of a whole buffer', () => {
    assert.equal(hexEncode(Uint8Array.of(0, 1, 0xab, 0xff)), '0001abff')
    assert.equal(hexEncode(Uint8Array.of(1, 2, 3, 4).subarray(1, 3)), '0203')
    assert.equal(hexEncode(new Uint8Array(0)), '')
  })

  it('refuses upper case, half bytes and anything that is not a digit', () => {
    assert.deepEqual(hexDecode('00ff'), Uint8Array.of(0, 255))
    for (const text of ['0', '000', 'AB', 'aB', '0g', ' 00', '00 ', '0x00', '00\n', 'zz', '－1']) {
      assert.equal(hexDecode(text), undefined, text)
    }
  })
})

describe('utf8', () => {
  it('keeps a byte order mark, so that what decodes encodes to the same bytes', () => {
    const bytes = Uint8Array.of(0xef, 0xbb, 0xbf, 0x61)
    assert.deepEqual(utf8Encode(utf8Decode(bytes) ?? ''), bytes)
  })

  it('refuses what is not well-formed', () => {
    const malformed = [
      [0x80],
      [0xc3],
      [0xc0, 0xaf],
      [0xe0, 0x80, 0xaf],
      [0xed, 0xa0, 0x80],
      [0xf4, 0x90, 0x80, 0x80],
      [0xff],
      [0x61, 0xf0, 0x9f, 0x92],
    ]
    for (const bytes of malformed) assert.equal(utf8Decode(Uint8Array.from(bytes)), undefined, bytes.join())
  })
})

describe('concatBytes and equalBytes', () => {
  it('join in order, into bytes of their own', () => {
    const part = Uint8Array.of(1, 2)
    const joined = concatBytes(part, new Uint8Array(0), Uint8Array.of(3))
    part[0] = 9
    assert.deepEqual(joined, Uint8Array.of(1, 2, 3))
    assert.deepEqual(concatBytes(), new Uint8Array(0))
  })

  it('compare length and every byte', () => {
    const one = Uint8Array.of(1, 2, 3)
    assert.equal(equalBytes(one, Uint8Array.of(1, 2, 3)), true)
    assert.equal(equalBytes(new Uint8Array(0), new Uint8Array(0)), true)
    assert.equal(equalBytes(one, Uint8Array.of(1, 2)), false)
    assert.equal(equalBytes(Uint8Array.of(1, 2), one), false)
    for (let index = 0; index < one.length; index++) assert.equal(equalBytes(one, one.with(index, 0)), false)
  })
})
