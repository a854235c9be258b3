import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { hexDecode, hexEncode } from '../../../src/base/index.ts'
import { createPacked, type ShapeValue, shape } from '../../../src/wire/index.ts'

const sampleShape = shape.record({
  name: shape.text(20),
  count: shape.integer(-10, Number.MAX_SAFE_INTEGER),
  key: shape.bytes(3),
  state: shape.oneOf('open', 'closed'),
  note: shape.optional(shape.text(5)),
  flags: shape.list(shape.boolean(), 3),
  inner: shape.record({ blob: shape.bytesBetween(1, 4) }),
})
const sample: ShapeValue<typeof sampleShape> = {
  name: 'Zoë',
  count: 2 ** 40,
  key: Uint8Array.of(1, 2, 3),
  state: 'open',
  note: undefined,
  flags: [true, false],
  inner: { blob: Uint8Array.of(9) },
}
const packed = createPacked(sampleShape)

function bytes(hex: string): Uint8Array {
  const out = hexDecode(hex)
  assert.ok(out !== undefined)
  return out
}

describe('createPacked', () => {
  it('writes records as arrays in the order of their fields', () => {
    assert.equal(hexEncode(packed.encode(sample)), '97a45a6fc3abcb4270000000000000c403010203a46f70656ec092c3c291c40109')
  })

  it('reads back what it wrote, in plain values', () => {
    const value = packed.decode(packed.encode(sample))
    assert.deepEqual(value, sample)
    assert.equal(Object.getPrototypeOf(value), Object.prototype)
    assert.equal(value?.key.constructor, Uint8Array)
  })

  it('gives values of their own: neither input nor output is shared', () => {
    const encoded = packed.encode(sample)
    const value = packed.decode(encoded)
    encoded.fill(0)
    assert.deepEqual(value, sample)
    const again = packed.encode(sample)
    packed.encode({ ...sample, name: 'other' })
    assert.deepEqual(packed.decode(again), sample)
  })

  it('throws RangeError for values of ours that do not fit', () => {
    const misfits: unknown[] = [
      { ...sample, name: 'x'.repeat(21) },
      { ...sample, name: '\ud800' },
      { ...sample, count: -11 },
      { ...sample, count: 0.5 },
      { ...sample, count: Number.NaN },
      { ...sample, key: Uint8Array.of(1) },
      { ...sample, key: [1, 2, 3] },
      { ...sample, state: 'ajar' },
      { ...sample, note: 'too long' },
      { ...sample, note: null },
      { ...sample, flags: [true, true, true, true] },
      { ...sample, extra: 1 },
      { ...sample, inner: { blob: new Uint8Array(0) } },
    ]
    for (const value of misfits) assert.throws(() => packed.encode(value as typeof sample), RangeError)
  })

  it('refuses well-formed values of another shape', () => {
    const others = [
      createPacked(shape.record({ name: shape.text(20) })).encode({ name: 'Zoë' }),
      createPacked(shape.integer(0, 9)).encode(3),
      createPacked(shape.list(shape.integer(0, 9), 9)).encode([1, 2, 3, 4, 5, 6, 7]),
    ]
    for (const other of others) assert.equal(packed.decode(other), undefined)
  })

  it('bounds its input and its output', () => {
    const short = createPacked(shape.text(100), 10)
    assert.throws(() => short.encode('0123456789'), RangeError)
    assert.equal(short.decode(createPacked(shape.text(100)).encode('0123456789')), undefined)
    assert.equal(short.decode(short.encode('012345678')), '012345678')
  })
})

describe('shape.variant', () => {
  const events = createPacked(
    shape.variant('type', {
      message: { text: shape.text(9) },
      invite: { state: shape.oneOf('used'), at: shape.integer(0, 9) },
    }),
  )

  it('reads back each variant', () => {
    for (const value of [
      { type: 'message', text: 'hi' },
      { type: 'invite', state: 'used', at: 3 },
    ] as const) {
      assert.deepEqual(events.decode(events.encode(value)), value)
    }
  })

  it('refuses unknown tags, names of Object.prototype among them', () => {
    const foreign = createPacked(shape.variant('type', { toString: {}, 'message ': { text: shape.text(9) } }))
    assert.equal(events.decode(foreign.encode({ type: 'toString' })), undefined)
    assert.equal(events.decode(foreign.encode({ type: 'message ', text: 'hi' })), undefined)
    assert.throws(() => events.encode({ type: 'toString' } as never), RangeError)
  })
})

describe('hostile msgpack', () => {
  const loose = createPacked(shape.list(shape.integer(-1_000_000, Number.MAX_SAFE_INTEGER), 100_000))
  const anyText = createPacked(shape.text(1000))
  const anyBytes = createPacked(shape.bytesBetween(0, 1000))

  const cases: readonly [string, string][] = [
    ['nothing', ''],
    ['a never-used token', 'c1'],
    ['a map', '80'],
    ['a map with a key', '81a16101'],
    ['a map of 4 billion', 'dfffffffff'],
    ['an array of 4 billion', 'ddffffffff'],
    ['an array that overruns', '9201'],
    ['trailing bytes', '910100'],
    ['a long array header', 'dc000101'],
    ['a longer array header', 'dd0000000101'],
    ['a small number in a byte', '91cc01'],
    ['a small number in four bytes', '91ce00000001'],
    ['a small number as a double', '91cb3ff0000000000000'],
    ['a fraction', '91cb3ff8000000000000'],
    ['minus zero', '91cb8000000000000000'],
    ['not a number', '91cb7ff8000000000000'],
    ['infinity', '91cb7ff0000000000000'],
    ['a number beyond the safe ones', '91cb4340000000000000'],
    ['a 64-bit integer', '91cf0000000000000001'],
    ['a 32-bit float', '91ca3f800000'],
    ['an extension', '91d40100'],
    ['a timestamp extension', '91d6ff00000000'],
    ['a long extension', '91c7030100ffff'],
    ['a record definition of msgpackr', '91d47201'],
    ['a nested array', '9190'],
    ['nesting without end', '91'.repeat(5000)],
  ]
  for (const [name, hex] of cases) {
    it(`refuses ${name}`, () => assert.equal(loose.decode(bytes(hex)), undefined))
  }

  it('accepts the same layout when it is spelled canonically', () => {
    assert.deepEqual(loose.decode(bytes('9101')), [1])
    assert.deepEqual(loose.decode(bytes('91cb41f0000000000000')), [2 ** 32])
  })

  it('refuses odd spellings of text', () => {
    const malformed = [
      'a180',
      'a2c080',
      'a3eda080',
      'a6eda080edb080',
      'd90161',
      'da000161',
      'a161ff',
      'd9ff61',
      'db00000001',
    ]
    for (const hex of malformed) assert.equal(anyText.decode(bytes(hex)), undefined)
    assert.equal(anyText.decode(bytes('a4f09f9880')), '😀')
  })

  it('refuses odd spellings of byte strings', () => {
    for (const hex of ['c5000101', 'c60000000101', 'c40201', 'c6ffffffff', 'c4', 'c5ff']) {
      assert.equal(anyBytes.decode(bytes(hex)), undefined)
    }
    assert.deepEqual(anyBytes.decode(bytes('c40101')), Uint8Array.of(1))
  })

  it('writes text of every length in its shortest form', () => {
    for (const letter of ['a', 'é', '€', '😀']) {
      for (let count = 0; count < 140; count++) {
        const value = letter.repeat(count)
        const encoded = anyText.encode(value)
        const length = Buffer.byteLength(value)
        assert.equal(encoded.length, length + (length < 32 ? 1 : length < 256 ? 2 : 3))
        assert.equal(anyText.decode(encoded), value)
      }
    }
  })
})
