import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { prekeyBundle } from '../../src/identity/index.ts'
import {
  decodeSessionState,
  encodeSessionState,
  initiateHandshake,
  openEnvelope,
  respondHandshake,
  sealEnvelope,
} from '../../src/session/index.ts'
import {
  decodeHandshakeRequest,
  decodeRatchetHeader,
  ENVELOPE_BYTES,
  encodeHandshakeRequest,
  encodeRatchetHeader,
  HANDSHAKE_REQUEST_BYTES,
} from '../../src/wire/index.ts'
import { createSeededRandom } from '../support/seeded-random.ts'
import { bodyOf, createMeeting, createSessionPair, NOW_MS } from '../support/session-pair.ts'
import { sessionStates } from '../support/session-states.ts'
import { fuzzDecoder } from '../support/strict-decoder.ts'

describe('decoders of the session', () => {
  it('session states', () => {
    const valid = sessionStates().map(encodeSessionState)
    const count = fuzzDecoder({ valid, decode: decodeSessionState, encode: encodeSessionState }, 1)
    assert.ok(count.tried > 10_000)
  })

  it('handshake requests', () => {
    const { request } = createSessionPair()
    fuzzDecoder(
      {
        valid: [request],
        decode: decodeHandshakeRequest,
        encode: encodeHandshakeRequest,
        flipsPerByte: 1,
        rounds: 100,
      },
      2,
    )
  })

  it('ratchet headers', () => {
    const header = { ratchetKey: new Uint8Array(32).fill(5), previousCount: 0xffff_ffff, number: 7 }
    const valid = [encodeRatchetHeader(header)]
    const count = fuzzDecoder({ valid, decode: decodeRatchetHeader, encode: encodeRatchetHeader }, 3)
    assert.ok(count.tried - count.accepted > 40)
  })
})

describe('openers of the session', () => {
  it('refuse random bytes of the right length and of any other, and change nothing', () => {
    const random = createSeededRandom(4)
    const { acceptor, inviter } = createSessionPair()
    const before = encodeSessionState(inviter)
    for (let round = 0; round < 400; round++) {
      const length = round % 2 === 0 ? ENVELOPE_BYTES : Math.floor(random.uniform() * 2 * ENVELOPE_BYTES)
      const bytes = random.bytes(length)
      assert.equal(openEnvelope(inviter, bytes, NOW_MS).ok, false)
      assert.equal(openEnvelope(acceptor, bytes, NOW_MS).ok, false)
    }
    assert.deepEqual(encodeSessionState(inviter), before)
    assert.ok(openEnvelope(inviter, sealEnvelope(acceptor, bodyOf(1)).envelope, NOW_MS).ok, 'the control')
  })

  it('the responder refuses random requests and requests with several changed bytes', () => {
    const random = createSeededRandom(5)
    const { inviter, prekeys, acceptor } = createMeeting()
    const bundle = prekeyBundle(inviter, prekeys)
    const initiated = initiateHandshake({ own: acceptor, bundle, firstBody: bodyOf(0) })
    assert.ok(initiated.ok)
    const respond = (request: Uint8Array) => respondHandshake({ own: inviter, prekeys, request, nowMs: NOW_MS })
    for (let round = 0; round < 60; round++) {
      assert.equal(respond(random.bytes(HANDSHAKE_REQUEST_BYTES)).ok, false)
      const changed: Uint8Array = initiated.request.slice()
      for (let count = 0; count <= round % 4; count++) {
        const at = Math.floor(random.uniform() * changed.length)
        changed[at] = ((changed[at] ?? 0) + 1 + Math.floor(random.uniform() * 255)) & 255
      }
      assert.equal(respond(changed).ok, Buffer.compare(changed, initiated.request) === 0)
    }
    assert.ok(respond(initiated.request).ok, 'the control')
  })
})
