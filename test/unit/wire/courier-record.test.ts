import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { concatBytes, hexEncode } from '../../../src/base/index.ts'
import {
  CHECK_REPLY_BYTES,
  COURIER_RECORD_BYTES,
  type CourierAnswer,
  type CourierRequest,
  decodeCourierAnswer,
  decodeCourierRequest,
  encodeCourierAnswer,
  encodeCourierRequest,
  FETCH_REPLY_BYTES,
  HOST_DESCRIPTOR_BYTES,
  HOST_ROUTE_BYTES,
  LOOK_REQUEST_BYTES,
  READ_CHECK_COUNT,
  READ_REQUEST_COUNT,
  REPLIES_BYTES,
  REPLY_HEADER_BYTES,
  REPLY_SEAL_BYTES,
  REQUEST_SEAL_BYTES,
  type RoutedRequest,
  STORE_REPLY_BYTES,
  STORE_REQUEST_BYTES,
  TABLE_PAGE_COUNT,
  TOMBSTONE_REQUEST_BYTES,
} from '../../../src/wire/index.ts'

function routed(requestBytes: number, fill: number): RoutedRequest {
  return {
    route: new Uint8Array(HOST_ROUTE_BYTES).fill(fill),
    sealed: new Uint8Array(requestBytes + REQUEST_SEAL_BYTES).fill(fill + 1),
  }
}

const looks = Array.from({ length: READ_CHECK_COUNT + 1 }, (_, index) => routed(LOOK_REQUEST_BYTES, 1 + index))
const HELLO: CourierRequest = {
  kind: 'hello',
  period: 0x0102_0304,
  workNonce: Number.MAX_SAFE_INTEGER,
  profile: 3,
  cursor: new Uint8Array(32).fill(0xcc),
}
const WRITE: CourierRequest = { kind: 'write', firstTag: 0xfffe, requests: [routed(STORE_REQUEST_BYTES, 0xa0)] }
const READ: CourierRequest = { kind: 'read', firstTag: 0, requests: [...looks, routed(TOMBSTONE_REQUEST_BYTES, 0xb0)] }
const TABLE: CourierRequest = { kind: 'table', cursor: new Uint8Array(32).fill(0xc0) }
const UP = [HELLO, WRITE, READ, TABLE]

describe('courier record up', () => {
  it('has the layout of spec 03-mailbox §4.2', () => {
    assert.equal(
      hexEncode(encodeCourierRequest(HELLO).subarray(0, 16)),
      '01' + '01020304' + '001fffffffffffff' + '03' + 'cccc',
    )
    assert.equal(hexEncode(encodeCourierRequest(WRITE).subarray(0, 21)), `02fffe${'a0'.repeat(16)}a1a1`)
    assert.equal(hexEncode(encodeCourierRequest(READ).subarray(0, 21)), `030000${'01'.repeat(16)}0202`)
    assert.equal(hexEncode(encodeCourierRequest(TABLE).subarray(0, 34)), `04${'c0'.repeat(32)}00`)
    assert.equal(READ_REQUEST_COUNT, 14)
  })

  it('has one length whatever it carries, and reads back', () => {
    for (const request of UP) {
      const bytes = encodeCourierRequest(request)
      assert.equal(bytes.length, COURIER_RECORD_BYTES)
      assert.deepEqual(decodeCourierRequest(bytes), request)
    }
  })

  it('refuses unknown kinds, other lengths, and padding that is not zero', () => {
    for (const request of UP) {
      const bytes = encodeCourierRequest(request)
      for (const kind of [0, 5, 255]) assert.equal(decodeCourierRequest(bytes.with(0, kind)), undefined)
      assert.equal(decodeCourierRequest(bytes.subarray(0, -1)), undefined)
      assert.equal(decodeCourierRequest(concatBytes(bytes, Uint8Array.of(0))), undefined)
      assert.equal(decodeCourierRequest(bytes.with(COURIER_RECORD_BYTES - 1, 1)), undefined)
    }
    const nonce = encodeCourierRequest(HELLO).with(5, 1)
    assert.equal(decodeCourierRequest(nonce), undefined, 'a nonce that no number holds exactly')
  })

  it('does not write what it would not read', () => {
    const [look] = looks
    assert.ok(look !== undefined && WRITE.kind === 'write' && READ.kind === 'read')
    assert.throws(() => encodeCourierRequest({ ...TABLE, cursor: new Uint8Array(31) }), RangeError)
    assert.throws(() => encodeCourierRequest({ ...WRITE, requests: [look] }), RangeError)
    assert.throws(() => encodeCourierRequest({ ...WRITE, requests: [] }), RangeError)
    assert.throws(() => encodeCourierRequest({ ...WRITE, firstTag: 0x1_0000 }), RangeError)
    assert.throws(() => encodeCourierRequest({ ...READ, requests: READ.requests.slice(1) }), RangeError)
    assert.throws(() => encodeCourierRequest({ ...READ, requests: READ.requests.toReversed() }), RangeError)
  })
})

function reply(tag: number, bytes: number): { tag: number; reply: Uint8Array } {
  return { tag, reply: new Uint8Array(bytes).fill(0xee) }
}

const checks = Array.from({ length: READ_CHECK_COUNT }, (_, index) => reply(index, CHECK_REPLY_BYTES))
const descriptor = new Uint8Array(HOST_DESCRIPTOR_BYTES).fill(0xdd)
const PAGE = {
  kind: 'table',
  root: new Uint8Array(32).fill(0xaa),
  hostCount: 20_000,
  descriptors: new Array<Uint8Array>(TABLE_PAGE_COUNT).fill(descriptor),
} as const

const WELCOME: CourierAnswer = { ...PAGE, kind: 'welcome' }

describe('courier record down', () => {
  const answers: CourierAnswer[] = [
    WELCOME,
    { kind: 'replies', replies: [] },
    { kind: 'replies', replies: [reply(0, 1)] },
    { kind: 'replies', replies: [reply(0xffff, STORE_REPLY_BYTES + REPLY_SEAL_BYTES), ...checks] },
    { kind: 'replies', replies: [...checks, reply(12, FETCH_REPLY_BYTES + REPLY_SEAL_BYTES)] },
    { kind: 'replies', replies: [reply(3, REPLIES_BYTES - REPLY_HEADER_BYTES)] },
    // What is left is shorter than the header of a reply.
    { kind: 'replies', replies: [reply(3, REPLIES_BYTES - REPLY_HEADER_BYTES - 3)] },
    { kind: 'replies', replies: [reply(3, REPLIES_BYTES - 2 * REPLY_HEADER_BYTES)] },
    PAGE,
    { ...PAGE, hostCount: 0, descriptors: [] },
  ]

  it('has one length whatever it carries, and reads back', () => {
    for (const answer of answers) {
      const bytes = encodeCourierAnswer(answer)
      assert.equal(bytes.length, COURIER_RECORD_BYTES)
      assert.deepEqual(decodeCourierAnswer(bytes), answer)
    }
  })

  it('has the layout of spec 03-mailbox §4.2', () => {
    assert.equal(hexEncode(encodeCourierAnswer(WELCOME).subarray(0, 40)), `01${'aa'.repeat(32)}00004e2008dddd`)
    const two = encodeCourierAnswer({ kind: 'replies', replies: [reply(0x0102, 3), reply(0x0304, 1)] })
    assert.equal(hexEncode(two.subarray(0, 16)), '02' + '01020003eeeeee' + '03040001ee' + '000000')
    const page = encodeCourierAnswer(PAGE)
    assert.equal(hexEncode(page.subarray(0, 40)), `03${'aa'.repeat(32)}00004e2008dddd`)
  })

  it('refuses unknown kinds, other lengths, and padding that is not zero', () => {
    for (const kind of [0, 4, 255]) {
      assert.equal(decodeCourierAnswer(encodeCourierAnswer(WELCOME).with(0, kind)), undefined)
    }
    for (const answer of answers) {
      const bytes = encodeCourierAnswer(answer)
      assert.equal(decodeCourierAnswer(bytes.subarray(1)), undefined)
      if (bytes.at(-1) === 0) assert.equal(decodeCourierAnswer(bytes.with(COURIER_RECORD_BYTES - 1, 1)), undefined)
    }
  })

  it('refuses a reply beyond the end, an empty one, and more descriptors than a page has', () => {
    const bytes = encodeCourierAnswer({ kind: 'replies', replies: [reply(1, 2)] })
    assert.equal(decodeCourierAnswer(bytes.with(3, 0xff)), undefined)
    // Tag 1 without a byte, and nothing but zeros behind it: canonical writers end the list with zeros alone.
    const empty = new Uint8Array(COURIER_RECORD_BYTES).with(0, 2).with(2, 1)
    assert.equal(decodeCourierAnswer(empty), undefined)
    assert.ok(decodeCourierAnswer(empty.with(2, 0)) !== undefined)
    assert.equal(decodeCourierAnswer(encodeCourierAnswer(PAGE).with(37, TABLE_PAGE_COUNT + 1)), undefined)
  })

  it('does not write what it would not read', () => {
    const tooMany = [...PAGE.descriptors, descriptor]
    assert.throws(() => encodeCourierAnswer({ ...PAGE, descriptors: tooMany }), RangeError)
    assert.throws(() => encodeCourierAnswer({ ...PAGE, root: new Uint8Array(31) }), RangeError)
    const shifted = { ...PAGE, root: new Uint8Array(31), descriptors: [new Uint8Array(HOST_DESCRIPTOR_BYTES + 1)] }
    assert.throws(() => encodeCourierAnswer(shifted), RangeError)
    const uneven = [new Uint8Array(HOST_DESCRIPTOR_BYTES - 1), new Uint8Array(HOST_DESCRIPTOR_BYTES + 1)]
    assert.throws(() => encodeCourierAnswer({ ...PAGE, descriptors: uneven }), RangeError)
    assert.throws(() => encodeCourierAnswer({ kind: 'replies', replies: [reply(1, 0)] }), RangeError)
    const long = [reply(1, REPLIES_BYTES - REPLY_HEADER_BYTES + 1)]
    assert.throws(() => encodeCourierAnswer({ kind: 'replies', replies: long }), RangeError)
  })
})
