import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createByteReader, createByteWriter } from '../../../src/base/index.ts'

describe('createByteReader', () => {
  it('reads big-endian fields front to back and sees the end', () => {
    const reader = createByteReader(Uint8Array.of(1, 0, 2, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 1, 0, 7, 8))
    assert.equal(reader.remaining(), 17)
    assert.equal(reader.u8(), 1)
    assert.equal(reader.u16(), 2)
    assert.equal(reader.u32(), 3)
    assert.equal(reader.u64(), 256)
    assert.equal(reader.end(), false)
    assert.deepEqual(reader.bytes(2), Uint8Array.of(7, 8))
    assert.equal(reader.remaining(), 0)
    assert.equal(reader.end(), true)
  })

  it('reads a view from its own beginning, and hands out copies', () => {
    const buffer = Uint8Array.of(9, 1, 2, 9)
    const reader = createByteReader(buffer.subarray(1, 3))
    const bytes = reader.bytes(2)
    buffer.fill(0)
    assert.deepEqual(bytes, Uint8Array.of(1, 2))
    assert.equal(reader.end(), true)
  })

  it('gives zeros after an overrun and fails for good', () => {
    const reader = createByteReader(Uint8Array.of(1, 2, 3))
    assert.equal(reader.u16(), 0x0102)
    assert.equal(reader.u16(), 0)
    assert.equal(reader.u8(), 0, 'the last byte is not given out after a failure')
    assert.equal(reader.u32(), 0)
    assert.equal(reader.u64(), 0)
    assert.deepEqual(reader.bytes(2), new Uint8Array(2))
    assert.equal(reader.remaining(), 0)
    assert.equal(reader.end(), false)
  })

  it('refuses trailing bytes and what the caller found wrong', () => {
    assert.equal(createByteReader(Uint8Array.of(1)).end(), false)
    const reader = createByteReader(new Uint8Array(0))
    assert.equal(reader.end(), true)
    reader.fail()
    assert.equal(reader.end(), false)
  })

  it('refuses 64-bit numbers that are not exact here', () => {
    const largest = createByteReader(Uint8Array.of(0, 0x1f, 255, 255, 255, 255, 255, 255))
    assert.equal(largest.u64(), Number.MAX_SAFE_INTEGER)
    assert.equal(largest.end(), true)
    const above = createByteReader(Uint8Array.of(0, 0x20, 0, 0, 0, 0, 0, 0))
    assert.equal(above.u64(), 0)
    assert.equal(above.end(), false)
  })

  it('takes little memory for a length that a stranger wrote, and none for a negative one', () => {
    const reader = createByteReader(Uint8Array.of(0xff, 0xff, 0xff, 0xff))
    assert.ok(reader.bytes(reader.u32()).length <= 65_536)
    assert.equal(reader.end(), false)
    const negative = createByteReader(Uint8Array.of(1))
    assert.equal(negative.bytes(-1).length, 0)
    assert.equal(negative.end(), false)
  })
})

describe('createByteWriter', () => {
  it('writes what the reader reads', () => {
    const bytes = createByteWriter(17).u8(1).u16(2).u32(3).u64(256).bytes(Uint8Array.of(7, 8)).finish()
    assert.deepEqual(bytes, Uint8Array.of(1, 0, 2, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 1, 0, 7, 8))
  })

  it('takes the largest value of each field and refuses the next', () => {
    createByteWriter(15).u8(0xff).u16(0xffff).u32(0xffff_ffff).u64(Number.MAX_SAFE_INTEGER).finish()
    assert.throws(() => createByteWriter(1).u8(0x100), RangeError)
    assert.throws(() => createByteWriter(2).u16(0x1_0000), RangeError)
    assert.throws(() => createByteWriter(4).u32(0x1_0000_0000), RangeError)
    assert.throws(() => createByteWriter(8).u64(Number.MAX_SAFE_INTEGER + 1), RangeError)
  })

  it('refuses what is no whole positive number', () => {
    for (const value of [-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) {
      assert.throws(() => createByteWriter(1).u8(value), RangeError)
      assert.throws(() => createByteWriter(8).u64(value), RangeError)
    }
  })

  it('refuses more and fewer bytes than announced', () => {
    assert.throws(() => createByteWriter(1).u16(1), /longer than announced/)
    assert.throws(() => createByteWriter(1).bytes(new Uint8Array(2)), /longer than announced/)
    assert.throws(() => createByteWriter(2).u8(1).finish(), /shorter than announced/)
    assert.deepEqual(createByteWriter(0).finish(), new Uint8Array(0))
  })
})
