import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { type ByteReader, type ByteWriter, createByteReader, createByteWriter } from '../../../src/base/index.ts'

type Field =
  | { readonly kind: 'u8' | 'u16' | 'u32' | 'u64'; readonly value: number }
  | { readonly kind: 'bytes'; readonly value: Uint8Array }

const WIDTHS = { u8: 1, u16: 2, u32: 4, u64: 8 } as const

const field: fc.Arbitrary<Field> = fc.oneof(
  fc.record({ kind: fc.constant('u8' as const), value: fc.integer({ min: 0, max: 0xff }) }),
  fc.record({ kind: fc.constant('u16' as const), value: fc.integer({ min: 0, max: 0xffff }) }),
  fc.record({ kind: fc.constant('u32' as const), value: fc.integer({ min: 0, max: 0xffff_ffff }) }),
  fc.record({ kind: fc.constant('u64' as const), value: fc.maxSafeNat() }),
  fc.record({ kind: fc.constant('bytes' as const), value: fc.uint8Array({ maxLength: 40 }) }),
)

const widthOf = (one: Field): number => (one.kind === 'bytes' ? one.value.length : WIDTHS[one.kind])

function write(fields: readonly Field[]): Uint8Array {
  const writer: ByteWriter = createByteWriter(fields.reduce((sum, one) => sum + widthOf(one), 0))
  for (const one of fields) {
    if (one.kind === 'bytes') writer.bytes(one.value)
    else writer[one.kind](one.value)
  }
  return writer.finish()
}

const readOne = (reader: ByteReader, one: Field): number | Uint8Array =>
  one.kind === 'bytes' ? reader.bytes(one.value.length) : reader[one.kind]()

describe('layouts', () => {
  it('are read as they were written', () => {
    fc.assert(
      fc.property(fc.array(field, { maxLength: 12 }), (fields) => {
        const reader = createByteReader(write(fields))
        for (const one of fields) assert.deepEqual(readOne(reader, one), one.value)
        assert.equal(reader.end(), true)
      }),
    )
  })

  it('are refused when cut anywhere or followed by anything, without an exception', () => {
    fc.assert(
      fc.property(
        fc.array(field, { minLength: 1, maxLength: 8 }),
        fc.nat(),
        fc.uint8Array({ minLength: 1 }),
        (fields, cut, tail) => {
          const whole = write(fields)
          const read = (input: Uint8Array): boolean => {
            const reader = createByteReader(input)
            for (const one of fields) readOne(reader, one)
            return reader.end()
          }
          if (whole.length > 0) assert.equal(read(whole.subarray(0, cut % whole.length)), false)
          assert.equal(read(Uint8Array.of(...whole, ...tail)), false)
        },
      ),
    )
  })

  it('survive any order of reads over any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), fc.array(field, { maxLength: 20 }), (input, fields) => {
        const before = input.slice()
        const reader = createByteReader(input)
        for (const one of fields) readOne(reader, one)
        assert.ok(reader.remaining() >= 0 && reader.remaining() <= input.length)
        assert.deepEqual(input, before)
      }),
    )
  })
})
