import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { concatBytes, hexEncode } from '../../../src/base/index.ts'
import {
  BOX_CIPHERTEXT_BYTES,
  decodeFetchReply,
  decodeMailboxRequest,
  decodeStoreReply,
  encodeFetchReply,
  encodeMailboxRequest,
  encodeStoreReply,
  FETCH_REPLY_BYTES,
  HOST_ROUTE_BYTES,
  LOOK_REQUEST_BYTES,
  type MailboxRequest,
  RECEIPT_BYTES,
  REPLICA_COUNT,
  type Receipt,
  STORE_REPLY_BYTES,
  STORE_REQUEST_BYTES,
  type StoreStatus,
  TOMBSTONE_REQUEST_BYTES,
} from '../../../src/wire/index.ts'

const replyKey = new Uint8Array(32).fill(7)
const boxId = new Uint8Array(32).fill(8)
const signature = new Uint8Array(64).fill(9)
const ciphertext = new Uint8Array(BOX_CIPHERTEXT_BYTES).fill(10)
const box = { boxId, signature, ciphertext }

const STORE: MailboxRequest = { operation: 'store', replyKey, box }
const CHECK: MailboxRequest = { operation: 'check', replyKey, boxId, rank: 0 }
const FETCH: MailboxRequest = { operation: 'fetch', replyKey, boxId, rank: REPLICA_COUNT - 1 }
const TOMBSTONE: MailboxRequest = { operation: 'tombstone', replyKey, boxId, signature }

describe('request to an intermediate', () => {
  it('has the layout of spec 03-mailbox §4.3', () => {
    const head = (code: number): Uint8Array => concatBytes(Uint8Array.of(code), replyKey)
    assert.deepEqual(encodeMailboxRequest(STORE), concatBytes(head(1), boxId, signature, ciphertext))
    assert.deepEqual(encodeMailboxRequest(CHECK), concatBytes(head(2), boxId, Uint8Array.of(0)))
    assert.deepEqual(encodeMailboxRequest(FETCH), concatBytes(head(3), boxId, Uint8Array.of(7)))
    assert.deepEqual(encodeMailboxRequest(TOMBSTONE), concatBytes(head(4), boxId, signature))
  })

  it('has the length of its operation, the same for check and fetch, and reads back', () => {
    const lengths = [STORE_REQUEST_BYTES, LOOK_REQUEST_BYTES, LOOK_REQUEST_BYTES, TOMBSTONE_REQUEST_BYTES]
    for (const [index, request] of [STORE, CHECK, FETCH, TOMBSTONE].entries()) {
      const bytes = encodeMailboxRequest(request)
      assert.equal(bytes.length, lengths[index])
      assert.deepEqual(decodeMailboxRequest(bytes), request)
    }
  })

  it('refuses unknown operations, an operation in the length of another, and ranks that no box has', () => {
    for (const request of [STORE, CHECK, FETCH, TOMBSTONE]) {
      const bytes = encodeMailboxRequest(request)
      const accepted = Array.from({ length: 256 }, (_, code) => code).filter(
        (code) => decodeMailboxRequest(bytes.with(0, code)) !== undefined,
      )
      assert.deepEqual(accepted, request === STORE ? [1] : request === TOMBSTONE ? [4] : [2, 3])
    }
    const check = encodeMailboxRequest(CHECK)
    assert.equal(decodeMailboxRequest(check.with(check.length - 1, REPLICA_COUNT)), undefined)
  })

  it('does not write what it would not read', () => {
    assert.throws(() => encodeMailboxRequest({ ...CHECK, rank: REPLICA_COUNT }), RangeError)
    assert.throws(() => encodeMailboxRequest({ ...CHECK, boxId: boxId.slice(1) }), RangeError)
    assert.throws(() => encodeMailboxRequest({ ...STORE, replyKey: replyKey.slice(1) }), RangeError)
    const shifted = { ...TOMBSTONE, boxId: new Uint8Array(31), signature: new Uint8Array(65) }
    assert.throws(() => encodeMailboxRequest(shifted), RangeError)
  })
})

const receipt: Receipt = {
  route: new Uint8Array(HOST_ROUTE_BYTES).fill(1),
  expiresAtSeconds: 0x0102_0304,
  signature,
}

describe('answer to a store request', () => {
  it('has the layout of spec 03-mailbox §5.2 and one length whatever it says', () => {
    const bytes = encodeStoreReply({ status: 'stored', receipts: [receipt] })
    assert.equal(bytes.length, STORE_REPLY_BYTES)
    assert.equal(hexEncode(bytes.subarray(0, 2 + HOST_ROUTE_BYTES + 4)), `0101${'01'.repeat(16)}01020304`)
    assert.ok(bytes.subarray(2 + RECEIPT_BYTES).every((byte) => byte === 0))
    for (const status of ['stored', 'conflict', 'full', 'failed'] as const satisfies readonly StoreStatus[]) {
      for (const count of [0, 1, REPLICA_COUNT]) {
        const reply = { status, receipts: Array.from({ length: count }, () => receipt) }
        const encoded = encodeStoreReply(reply)
        assert.equal(encoded.length, STORE_REPLY_BYTES)
        assert.deepEqual(decodeStoreReply(encoded), reply)
      }
    }
  })

  it('refuses unknown status, more receipts than replicas, and anything behind the last receipt', () => {
    const bytes = encodeStoreReply({ status: 'stored', receipts: [receipt] })
    for (const status of [0, 5, 255]) assert.equal(decodeStoreReply(bytes.with(0, status)), undefined)
    assert.equal(decodeStoreReply(bytes.with(1, REPLICA_COUNT + 1)), undefined)
    assert.equal(decodeStoreReply(bytes.with(1, 0)), undefined)
    assert.equal(decodeStoreReply(bytes.with(STORE_REPLY_BYTES - 1, 1)), undefined)
    assert.equal(decodeStoreReply(bytes.subarray(1)), undefined)
  })

  it('does not write what it would not read', () => {
    const tooMany = Array.from({ length: REPLICA_COUNT + 1 }, () => receipt)
    assert.throws(() => encodeStoreReply({ status: 'stored', receipts: tooMany }), RangeError)
    const wrong = { ...receipt, route: new Uint8Array(15), signature: new Uint8Array(65) }
    assert.throws(() => encodeStoreReply({ status: 'stored', receipts: [wrong] }), RangeError)
  })
})

describe('answer to a fetch', () => {
  it('has one length with and without a box, and reads back', () => {
    const hit = encodeFetchReply(box)
    const miss = encodeFetchReply(undefined)
    assert.equal(hit.length, FETCH_REPLY_BYTES)
    assert.equal(miss.length, FETCH_REPLY_BYTES)
    assert.deepEqual(hit, concatBytes(Uint8Array.of(1), signature, ciphertext))
    assert.deepEqual(decodeFetchReply(hit), { found: true, signature, ciphertext })
    assert.deepEqual(decodeFetchReply(miss), { found: false })
  })

  it('refuses a miss that carries anything, unknown status, and other lengths', () => {
    const miss = encodeFetchReply(undefined)
    for (let index = 1; index < miss.length; index += 1) assert.equal(decodeFetchReply(miss.with(index, 1)), undefined)
    assert.equal(decodeFetchReply(miss.with(0, 2)), undefined)
    assert.equal(decodeFetchReply(miss.subarray(1)), undefined)
    const shifted = { signature: new Uint8Array(63), ciphertext: new Uint8Array(BOX_CIPHERTEXT_BYTES + 1) }
    assert.throws(() => encodeFetchReply(shifted), RangeError)
  })
})
