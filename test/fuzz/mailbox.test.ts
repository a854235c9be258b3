import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { decodeSequences, encodeSequences } from '../../src/mailbox/index.ts'
import * as wire from '../../src/wire/index.ts'
import { createSeededRandom } from '../support/seeded-random.ts'
import { sequenceStates } from '../support/sequence-states.ts'
import { fuzzDecoder, type StrictDecoder } from '../support/strict-decoder.ts'

const random = createSeededRandom(43)
const SEED = 4712

/** Counts what was looked at; a decoder that accepts everything or nothing would show here. */
function check<T>(name: string, decoder: StrictDecoder<T>): void {
  it(`${name}: no throw, canonical or refused`, () => {
    const { tried, accepted } = fuzzDecoder({ flipsPerByte: 1, ...decoder }, SEED)
    assert.ok(tried > 1000 && accepted >= decoder.valid.length && accepted < tried, `${accepted} of ${tried}`)
  })
}

const box = {
  boxId: random.bytes(32),
  signature: random.bytes(64),
  ciphertext: random.bytes(wire.BOX_CIPHERTEXT_BYTES),
}
const replyKey = random.bytes(32)
const receipt = {
  route: random.bytes(wire.HOST_ROUTE_BYTES),
  expiresAtSeconds: 1_790_000_000,
  signature: box.signature,
}

function routed(requestBytes: number): wire.RoutedRequest {
  return {
    route: random.bytes(wire.HOST_ROUTE_BYTES),
    sealed: random.bytes(requestBytes + wire.REQUEST_SEAL_BYTES),
  }
}

describe('mailbox decoders', () => {
  check('box', { valid: [wire.encodeBox(box)], decode: wire.decodeBox, encode: wire.encodeBox })

  check('body of a box', {
    valid: [
      wire.encodeBoxBody({ kind: 'loop' }),
      wire.encodeBoxBody({ kind: 'chunk', index: 7, bytes: random.bytes(wire.FILE_CHUNK_BYTES) }),
      wire.encodeBoxBody({ kind: 'payload', payload: random.bytes(wire.HANDSHAKE_REQUEST_BYTES) }),
      wire.encodeBoxBody({
        kind: 'conversation',
        ackBase: 5,
        ackBits: 6,
        previousBoxes: 7,
        envelopes: [1, 2].map((sequence) => ({ sequence, envelope: random.bytes(wire.ENVELOPE_BYTES) })),
      }),
    ],
    decode: wire.decodeBoxBody,
    encode: wire.encodeBoxBody,
  })

  check('request to an intermediate', {
    valid: [
      wire.encodeMailboxRequest({ operation: 'store', replyKey, box }),
      wire.encodeMailboxRequest({ operation: 'check', replyKey, boxId: box.boxId, rank: 0 }),
      wire.encodeMailboxRequest({ operation: 'fetch', replyKey, boxId: box.boxId, rank: 7 }),
      wire.encodeMailboxRequest({ operation: 'tombstone', replyKey, boxId: box.boxId, signature: box.signature }),
    ],
    decode: wire.decodeMailboxRequest,
    encode: wire.encodeMailboxRequest,
  })

  check('answer to a store request', {
    valid: [
      wire.encodeStoreReply({ status: 'stored', receipts: [receipt, receipt] }),
      wire.encodeStoreReply({ status: 'full', receipts: [] }),
    ],
    decode: wire.decodeStoreReply,
    encode: wire.encodeStoreReply,
  })

  check('answer to a fetch', {
    valid: [wire.encodeFetchReply(box), wire.encodeFetchReply(undefined)],
    decode: wire.decodeFetchReply,
    encode: (reply) => wire.encodeFetchReply(reply.found ? reply : undefined),
  })

  check('courier record up', {
    valid: [
      wire.encodeCourierRequest({
        kind: 'hello',
        period: 82_870,
        workNonce: 123_456_789_012,
        profile: 2,
        cursor: random.bytes(32),
      }),
      wire.encodeCourierRequest({ kind: 'write', firstTag: 9, requests: [routed(wire.STORE_REQUEST_BYTES)] }),
      wire.encodeCourierRequest({
        kind: 'read',
        firstTag: 10,
        requests: [
          ...Array.from({ length: wire.READ_CHECK_COUNT + 1 }, () => routed(wire.LOOK_REQUEST_BYTES)),
          routed(wire.TOMBSTONE_REQUEST_BYTES),
        ],
      }),
      wire.encodeCourierRequest({ kind: 'table', cursor: random.bytes(32) }),
    ],
    decode: wire.decodeCourierRequest,
    encode: wire.encodeCourierRequest,
  })

  check('courier record down', {
    valid: [
      wire.encodeCourierAnswer({ kind: 'welcome', root: random.bytes(32), hostCount: 0, descriptors: [] }),
      wire.encodeCourierAnswer({ kind: 'replies', replies: [] }),
      wire.encodeCourierAnswer({
        kind: 'replies',
        replies: [8, 8, wire.STORE_REPLY_BYTES + wire.REPLY_SEAL_BYTES].map((bytes, tag) => ({
          tag,
          reply: random.bytes(bytes),
        })),
      }),
      wire.encodeCourierAnswer({
        kind: 'table',
        root: random.bytes(32),
        hostCount: 12,
        descriptors: [random.bytes(wire.HOST_DESCRIPTOR_BYTES)],
      }),
    ],
    decode: wire.decodeCourierAnswer,
    encode: wire.encodeCourierAnswer,
  })

  check('host descriptor', {
    valid: [
      wire.encodeHostDescriptor({
        hostKey: random.bytes(32),
        sealKey: random.bytes(32),
        courierOnionKey: random.bytes(32),
        meshOnionKey: random.bytes(32),
        issuedAtSeconds: 1_790_000_000,
        expiresAtSeconds: 1_790_100_000,
        startedAtSeconds: 1_780_000_000,
        capacityMib: 1024,
        workPeriod: 690,
        workNonce: 77,
        signature: random.bytes(64),
      }),
    ],
    decode: wire.decodeHostDescriptor,
    encode: wire.encodeHostDescriptor,
  })

  check('host entry', {
    valid: [wire.encodeHostEntry({ hostKey: random.bytes(32), courierOnionKey: random.bytes(32) })],
    decode: wire.decodeHostEntry,
    encode: wire.encodeHostEntry,
  })

  check('sequences', {
    valid: sequenceStates().map(encodeSequences),
    decode: decodeSequences,
    encode: encodeSequences,
  })
})
