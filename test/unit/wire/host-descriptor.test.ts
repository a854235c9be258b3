import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { concatBytes, hexEncode } from '../../../src/base/index.ts'
import {
  decodeHostDescriptor,
  decodeHostEntry,
  encodeHostDescriptor,
  encodeHostDescriptorFields,
  encodeHostEntry,
  HOST_DESCRIPTOR_BYTES,
  HOST_ENTRY_BYTES,
} from '../../../src/wire/index.ts'

const key = (fill: number): Uint8Array => new Uint8Array(32).fill(fill)
const DESCRIPTOR = {
  hostKey: key(1),
  sealKey: key(2),
  courierOnionKey: key(3),
  meshOnionKey: key(4),
  issuedAtSeconds: 0x0a00_0001,
  expiresAtSeconds: 0x0a00_0002,
  startedAtSeconds: 0x0a00_0003,
  capacityMib: 0xffff_ffff,
  workPeriod: 0x0b0c,
  workNonce: Number.MAX_SAFE_INTEGER,
  signature: new Uint8Array(64).fill(5),
}

describe('host descriptor', () => {
  it('has the layout of spec 03-mailbox §3.1', () => {
    const bytes = encodeHostDescriptor(DESCRIPTOR)
    assert.equal(bytes.length, HOST_DESCRIPTOR_BYTES)
    const keys = ['01', '02', '03', '04'].map((fill) => fill.repeat(32)).join('')
    const numbers = '0a000001' + '0a000002' + '0a000003' + 'ffffffff' + '0b0c' + '001fffffffffffff'
    assert.equal(hexEncode(bytes), `01${keys}${numbers}${'05'.repeat(64)}`)
    assert.deepEqual(encodeHostDescriptorFields(DESCRIPTOR), bytes.subarray(0, -64))
    assert.deepEqual(decodeHostDescriptor(bytes), DESCRIPTOR)
  })

  it('refuses other versions, other lengths, and nonces that no number holds exactly', () => {
    const bytes = encodeHostDescriptor(DESCRIPTOR)
    for (const version of [0, 2, 255]) assert.equal(decodeHostDescriptor(bytes.with(0, version)), undefined)
    for (const other of [new Uint8Array(), bytes.subarray(1), concatBytes(bytes, Uint8Array.of(0))]) {
      assert.equal(decodeHostDescriptor(other), undefined)
    }
    assert.equal(decodeHostDescriptor(bytes.with(1 + 4 * 32 + 4 * 4 + 2, 1)), undefined)
  })

  it('does not write fields out of range', () => {
    assert.throws(() => encodeHostDescriptor({ ...DESCRIPTOR, meshOnionKey: key(4).slice(1) }), RangeError)
    assert.throws(() => encodeHostDescriptor({ ...DESCRIPTOR, signature: key(5) }), RangeError)
    assert.throws(() => encodeHostDescriptor({ ...DESCRIPTOR, workPeriod: 0x1_0000 }), RangeError)
    assert.throws(() => encodeHostDescriptor({ ...DESCRIPTOR, issuedAtSeconds: 1.5 }), RangeError)
  })
})

describe('host entry', () => {
  const ENTRY = { hostKey: key(1), courierOnionKey: key(3) }

  it('is two keys in a row', () => {
    const bytes = encodeHostEntry(ENTRY)
    assert.equal(bytes.length, HOST_ENTRY_BYTES)
    assert.deepEqual(bytes, concatBytes(key(1), key(3)))
    assert.deepEqual(decodeHostEntry(bytes), ENTRY)
  })

  it('refuses every other length', () => {
    const bytes = encodeHostEntry(ENTRY)
    for (const other of [new Uint8Array(), bytes.subarray(1), concatBytes(bytes, Uint8Array.of(0))]) {
      assert.equal(decodeHostEntry(other), undefined)
    }
    assert.throws(
      () => encodeHostEntry({ hostKey: new Uint8Array(31), courierOnionKey: new Uint8Array(33) }),
      RangeError,
    )
  })
})
