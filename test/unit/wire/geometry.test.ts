import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as wire from '../../../src/wire/index.ts'

describe('geometry', () => {
  it('puts a lane record with its framing into one cell of either relay-cell format', () => {
    assert.equal(wire.LANE_RECORD_BYTES + wire.FRAMING_BYTES, wire.CELL_STREAM_BYTES)
    assert.ok(wire.CELL_STREAM_BYTES <= 488)
  })

  it('puts a rendezvous record with its framing into four cells of either format', () => {
    const streamBytes = wire.RENDEZVOUS_RECORD_BYTES + wire.FRAMING_BYTES
    assert.equal(streamBytes, wire.RECORD_STREAM_BYTES)
    assert.equal(streamBytes, 4 * 488)
    assert.equal(Math.ceil(streamBytes / 498), 4)
  })

  it('has the sizes that the spec prints', () => {
    assert.equal(wire.FRAMING_BYTES, 18)
    assert.equal(wire.LANE_RECORD_BYTES, 470)
    assert.equal(wire.ENVELOPE_BYTES, 457)
    assert.equal(wire.SEALED_HEADER_BYTES, 69)
    assert.equal(wire.ENVELOPE_BODY_BYTES, 372)
    assert.equal(wire.ENVELOPE_CONTENT_BYTES, 370)
    assert.equal(wire.CONTENT_CHUNK_BYTES, 335)
    assert.equal(wire.MAX_TEXT_BYTES, 21_440)
    assert.equal(wire.RENDEZVOUS_RECORD_BYTES, 1934)
    assert.equal(wire.RENDEZVOUS_PAYLOAD_BYTES, 1932)
    assert.equal(wire.HANDSHAKE_REQUEST_BYTES, 1657)
    assert.equal(wire.PREKEY_BUNDLE_BYTES, 1313)
    assert.equal(wire.SEALED_BUNDLE_BYTES, 1345)
  })

  it('leaves room in a rendezvous record for the bundle and for a request', () => {
    assert.ok(wire.SEALED_BUNDLE_BYTES <= wire.RENDEZVOUS_PAYLOAD_BYTES)
    assert.ok(wire.HANDSHAKE_REQUEST_BYTES <= wire.RENDEZVOUS_PAYLOAD_BYTES)
  })
})
