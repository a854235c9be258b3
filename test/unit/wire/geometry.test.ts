import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as wire from '../../../src/wire/index.ts'

describe('geometry', () => {
  /** Of the last cell of so many bytes: what it leaves free, and the number of cells. */
  const split = (bytes: number, cellBytes: number) => {
    const cells = Math.ceil(bytes / cellBytes)
    return { cells, spare: cells * cellBytes - bytes }
  }

  it('puts a lane record with its framing into one cell of either relay-cell format, and leaves tor 20 bytes', () => {
    const streamBytes = wire.LANE_RECORD_BYTES + wire.FRAMING_BYTES
    assert.equal(streamBytes, wire.LANE_STREAM_BYTES)
    assert.deepEqual(split(streamBytes, 488), { cells: 1, spare: 20 })
    assert.deepEqual(split(streamBytes, 498), { cells: 1, spare: 30 })
  })

  it('puts a rendezvous or courier record with its framing into four cells of either format, and leaves tor 20 bytes', () => {
    assert.equal(wire.RENDEZVOUS_RECORD_BYTES, wire.COURIER_RECORD_BYTES)
    const streamBytes = wire.COURIER_RECORD_BYTES + wire.FRAMING_BYTES
    assert.equal(streamBytes, wire.RECORD_STREAM_BYTES)
    assert.deepEqual(split(streamBytes, 488), { cells: wire.RECORD_CELL_COUNT, spare: 20 })
    assert.deepEqual(split(streamBytes, 498), { cells: wire.RECORD_CELL_COUNT, spare: 60 })
  })

  it('costs a slot on the link to the guard what METADATA §3.1 and §3.5 say', () => {
    assert.equal(wire.RECORD_LINK_BYTES, 2 * 2182 + 104)
    assert.equal(wire.LANE_RECORD_LINK_BYTES, 2 * 588 + 104)
  })

  it('has the sizes that the spec prints', () => {
    assert.equal(wire.FRAMING_BYTES, 18)
    assert.equal(wire.LANE_RECORD_BYTES, 450)
    assert.equal(wire.ENVELOPE_BYTES, 437)
    assert.equal(wire.SEALED_HEADER_BYTES, 69)
    assert.equal(wire.ENVELOPE_BODY_BYTES, 352)
    assert.equal(wire.ENVELOPE_CONTENT_BYTES, 350)
    assert.equal(wire.CONTENT_CHUNK_BYTES, 315)
    assert.equal(wire.MAX_TEXT_BYTES, 20_160)
    assert.equal(wire.RENDEZVOUS_RECORD_BYTES, 1914)
    assert.equal(wire.RENDEZVOUS_PAYLOAD_BYTES, 1912)
    assert.equal(wire.HANDSHAKE_REQUEST_BYTES, 1637)
    assert.equal(wire.PREKEY_BUNDLE_BYTES, 1313)
    assert.equal(wire.SEALED_BUNDLE_BYTES, 1345)
  })

  it('leaves room in a rendezvous record for the bundle and for a request', () => {
    assert.ok(wire.SEALED_BUNDLE_BYTES <= wire.RENDEZVOUS_PAYLOAD_BYTES)
    assert.ok(wire.HANDSHAKE_REQUEST_BYTES <= wire.RENDEZVOUS_PAYLOAD_BYTES)
  })

  it('fits each kind of courier record into its four cells', () => {
    const header = 1 + 2
    const sealed = (request: number): number => wire.HOST_ROUTE_BYTES + wire.REQUEST_SEAL_BYTES + request
    const write = header + sealed(wire.STORE_REQUEST_BYTES)
    const read =
      header + (wire.READ_CHECK_COUNT + 1) * sealed(wire.LOOK_REQUEST_BYTES) + sealed(wire.TOMBSTONE_REQUEST_BYTES)
    const table = 1 + 32 + 4 + 1 + wire.TABLE_PAGE_COUNT * wire.HOST_DESCRIPTOR_BYTES
    assert.deepEqual({ write, read, table }, { write: 1868, read: 1886, table: 1790 })
    for (const bytes of [write, read, table]) assert.ok(bytes <= wire.COURIER_RECORD_BYTES)
    assert.ok(table + wire.HOST_DESCRIPTOR_BYTES > wire.COURIER_RECORD_BYTES, 'no room for one more descriptor')
  })

  it('brings down a fetched box and the answers to all checks of its record at once, to the byte', () => {
    const reply = (bytes: number): number => wire.REPLY_HEADER_BYTES + bytes
    const answers =
      wire.READ_CHECK_COUNT * reply(wire.CHECK_REPLY_BYTES) + reply(wire.FETCH_REPLY_BYTES + wire.REPLY_SEAL_BYTES)
    assert.equal(answers, wire.REPLIES_BYTES)
  })

  it('brings down the receipts of a box beside the answers to all checks of a record', () => {
    const reply = (bytes: number): number => wire.REPLY_HEADER_BYTES + bytes
    const answers =
      wire.READ_CHECK_COUNT * reply(wire.CHECK_REPLY_BYTES) + reply(wire.STORE_REPLY_BYTES + wire.REPLY_SEAL_BYTES)
    assert.ok(answers <= wire.REPLIES_BYTES)
  })

  it('leaves room in a box for a handshake request, for a bundle, and for three envelopes', () => {
    const payloadBytes = wire.BOX_BODY_BYTES - 1 - 2
    assert.ok(wire.HANDSHAKE_REQUEST_BYTES <= payloadBytes)
    assert.ok(wire.SEALED_BUNDLE_BYTES <= payloadBytes)
    const full = 14 + wire.BOX_ENVELOPES_MAX_COUNT * (4 + wire.ENVELOPE_BYTES)
    assert.ok(full <= wire.BOX_BODY_BYTES)
    assert.ok(full + 4 + wire.ENVELOPE_BYTES > wire.BOX_BODY_BYTES)
  })

  it('has the sizes of mailboxes that the spec prints', () => {
    assert.equal(wire.COURIER_RECORD_BYTES, 1914)
    assert.equal(wire.REPLIES_BYTES, 1913)
    assert.equal(wire.BOX_CIPHERTEXT_BYTES, 1672)
    assert.equal(wire.BOX_BODY_BYTES, 1644)
    assert.equal(wire.BOX_BYTES, 1768)
    assert.equal(wire.BOX_ENVELOPES_MAX_COUNT, 3)
    assert.equal(wire.STORE_REQUEST_BYTES, 1801)
    assert.equal(wire.LOOK_REQUEST_BYTES, 66)
    assert.equal(wire.TOMBSTONE_REQUEST_BYTES, 129)
    assert.equal(wire.RECEIPT_BYTES, 84)
    assert.equal(wire.STORE_REPLY_BYTES, 674)
    assert.equal(wire.FETCH_REPLY_BYTES, 1737)
    assert.equal(wire.REPLY_SEAL_BYTES, 28)
    assert.equal(wire.HOST_DESCRIPTOR_BYTES, 219)
    assert.equal(wire.HOST_ENTRY_BYTES, 64)
    assert.equal(wire.TABLE_PAGE_COUNT, 8)
  })
})
