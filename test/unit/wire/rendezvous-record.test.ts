import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { hexEncode } from '../../../src/base/index.ts'
import * as wire from '../../../src/wire/index.ts'

const bundle = new Uint8Array(wire.SEALED_BUNDLE_BYTES).fill(5)
const request = new Uint8Array(wire.HANDSHAKE_REQUEST_BYTES).fill(6)
const RESULTS = ['pending', 'used', 'revoked', 'expired'] as const
const records = {
  hello: wire.encodeRendezvousHello(),
  bundle: wire.encodeRendezvousBundle(bundle),
  request: wire.encodeRendezvousRequest(request),
  result: wire.encodeRendezvousResult('used'),
}

describe('rendezvous records', () => {
  it('all have one length', () => {
    for (const bytes of Object.values(records)) assert.equal(bytes.length, wire.RENDEZVOUS_RECORD_BYTES)
  })

  it('have the layout of spec 01-wire §5', () => {
    assert.equal(hexEncode(records.hello.subarray(0, 5)), '0101' + '000000')
    assert.equal(hexEncode(records.bundle.subarray(0, 5)), '0102' + '050505')
    assert.equal(hexEncode(records.request.subarray(0, 5)), '0103' + '060606')
    assert.equal(hexEncode(records.result.subarray(0, 5)), '0104' + '02' + '0000')
  })

  it('read back', () => {
    assert.equal(wire.decodeRendezvousHello(records.hello), true)
    assert.deepEqual(wire.decodeRendezvousBundle(records.bundle), bundle)
    assert.deepEqual(wire.decodeRendezvousRequest(records.request), request)
    for (const result of RESULTS) assert.equal(wire.decodeRendezvousResult(wire.encodeRendezvousResult(result)), result)
  })

  it('are not taken for one another', () => {
    const decoders = {
      hello: (bytes: Uint8Array) => wire.decodeRendezvousHello(bytes) || undefined,
      bundle: wire.decodeRendezvousBundle,
      request: wire.decodeRendezvousRequest,
      result: wire.decodeRendezvousResult,
    }
    for (const [kind, decode] of Object.entries(decoders)) {
      for (const [other, bytes] of Object.entries(records)) assert.equal(decode(bytes) !== undefined, kind === other)
    }
  })

  it('are refused with another version, dirty padding, an unknown result or another length', () => {
    for (const [bytes, decode] of [
      [records.bundle, wire.decodeRendezvousBundle],
      [records.request, wire.decodeRendezvousRequest],
      [records.result, wire.decodeRendezvousResult],
      [records.hello, (record: Uint8Array) => wire.decodeRendezvousHello(record) || undefined],
    ] as const) {
      assert.ok(decode(bytes) !== undefined)
      assert.equal(decode(bytes.with(0, 0)), undefined)
      assert.equal(decode(bytes.with(0, 2)), undefined)
      assert.equal(decode(bytes.with(bytes.length - 1, 1)), undefined)
      assert.equal(decode(bytes.subarray(1)), undefined)
      assert.equal(decode(new Uint8Array([...bytes, 0])), undefined)
    }
    assert.equal(wire.decodeRendezvousResult(records.result.with(2, 0)), undefined)
    assert.equal(wire.decodeRendezvousResult(records.result.with(2, 5)), undefined)
  })

  it('are not written with payloads that would not be read', () => {
    assert.throws(() => wire.encodeRendezvousBundle(bundle.slice(1)), RangeError)
    assert.throws(() => wire.encodeRendezvousRequest(request.slice(1)), RangeError)
    assert.throws(() => wire.encodeRendezvousRequest(new Uint8Array([...request, 0])), RangeError)
  })
})
