import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { hexEncode } from '../../../src/base/index.ts'
import {
  decodeLaneRecord,
  ENVELOPE_BYTES,
  encodeLaneRecord,
  LANE_RECORD_BYTES,
  LANE_SEQUENCE_MAX,
  type LaneRecord,
} from '../../../src/wire/index.ts'

const envelope = Uint8Array.from({ length: ENVELOPE_BYTES }, (_, index) => index & 255)
const full: LaneRecord = {
  kind: 'envelope',
  ackBase: 0x0102_0304,
  ackBits: 0xf0e0_d0c0,
  sequence: 0x0a0b_0c0d,
  envelope,
}

describe('lane record', () => {
  it('has the layout of spec 01-wire §3', () => {
    const bytes = encodeLaneRecord(full)
    assert.equal(bytes.length, LANE_RECORD_BYTES)
    assert.equal(hexEncode(bytes.subarray(0, 13)), '01' + '01020304' + 'f0e0d0c0' + '0a0b0c0d')
    assert.deepEqual(bytes.subarray(13), envelope)
  })

  it('reads back what it wrote', () => {
    const records: LaneRecord[] = [
      full,
      { kind: 'envelope', ackBase: 0, ackBits: 0, sequence: 1, envelope },
      { kind: 'envelope', ackBase: LANE_SEQUENCE_MAX, ackBits: 0xffff_fffe, sequence: LANE_SEQUENCE_MAX, envelope },
      { kind: 'cover', ackBase: 7, ackBits: 2, sequence: 0 },
    ]
    for (const record of records) assert.deepEqual(decodeLaneRecord(encodeLaneRecord(record)), record)
  })

  it('gives cover the length of an envelope', () => {
    assert.equal(encodeLaneRecord({ kind: 'cover', ackBase: 0, ackBits: 0, sequence: 0 }).length, LANE_RECORD_BYTES)
  })

  it('refuses a cover that carries anything', () => {
    const cover = encodeLaneRecord({ kind: 'cover', ackBase: 3, ackBits: 0, sequence: 0 })
    assert.ok(decodeLaneRecord(cover) !== undefined)
    for (let index = 9; index < cover.length; index++) assert.equal(decodeLaneRecord(cover.with(index, 1)), undefined)
  })

  it('refuses an envelope without sequence, unknown kinds, and a set bit 0', () => {
    const bytes = encodeLaneRecord({ ...full, sequence: 1, ackBits: 0 })
    assert.equal(decodeLaneRecord(bytes.with(12, 0)), undefined)
    for (let kind = 2; kind < 256; kind++) assert.equal(decodeLaneRecord(bytes.with(0, kind)), undefined)
    assert.equal(decodeLaneRecord(bytes.with(8, 1)), undefined)
  })

  it('does not write what it would not read', () => {
    assert.throws(() => encodeLaneRecord({ ...full, ackBits: 1 }), RangeError)
    assert.throws(() => encodeLaneRecord({ ...full, sequence: 0 }), RangeError)
    assert.throws(() => encodeLaneRecord({ ...full, sequence: 2 ** 32 }), RangeError)
    assert.throws(() => encodeLaneRecord({ ...full, envelope: envelope.slice(1) }), RangeError)
  })
})
