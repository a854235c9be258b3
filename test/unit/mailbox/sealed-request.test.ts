import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { concatBytes, hexEncode, utf8Encode } from '../../../src/base/index.ts'
import { x25519PublicKey } from '../../../src/crypto/index.ts'
import {
  checkReply,
  createSeenRequests,
  openReply,
  openRequest,
  readCheckReply,
  sealReply,
  sealRequest,
} from '../../../src/mailbox/index.ts'
import {
  CHECK_REPLY_BYTES,
  FETCH_REPLY_BYTES,
  LOOK_REQUEST_BYTES,
  REPLY_SEAL_BYTES,
  REQUEST_SEAL_BYTES,
  STORE_REPLY_BYTES,
} from '../../../src/wire/index.ts'
import { oracle } from '../../support/oracle.ts'
import { createSeededRandom } from '../../support/seeded-random.ts'

const random = createSeededRandom(32)
const hostKey = random.bytes(32)
const privateKey = random.bytes(32)
const sealKey = x25519PublicKey(privateKey)
const request = random.bytes(LOOK_REQUEST_BYTES)
const replyKey = random.bytes(32)

/** Written from the specification, without `src/crypto`. */
function framed(...fields: Uint8Array[]): Uint8Array {
  return concatBytes(...fields.flatMap((field) => [Uint8Array.of(0, 0, field.length >> 8, field.length & 255), field]))
}
const label = (purpose: string): Uint8Array => utf8Encode(`noctule/v1/${purpose}`)
const NONE = new Uint8Array()

describe('request to an intermediate, sealed', () => {
  it('opens with the seal key that it was sealed to, and with a former one', () => {
    const sealed = sealRequest(sealKey, hostKey, request)
    assert.equal(sealed.length, request.length + REQUEST_SEAL_BYTES)
    assert.deepEqual(openRequest([privateKey], hostKey, sealed), request)
    const newer = [random.bytes(32), random.bytes(32)]
    assert.deepEqual(openRequest([...newer, privateKey], hostKey, sealed), request)
    assert.equal(openRequest(newer, hostKey, sealed), undefined)
    assert.equal(openRequest([], hostKey, sealed), undefined)
  })

  it('opens for the second implementation', () => {
    const sealed = sealRequest(sealKey, hostKey, request)
    const ephemeralKey = sealed.slice(0, 32)
    const secret = oracle.x25519(privateKey, ephemeralKey)
    assert.ok(secret !== undefined)
    const key = oracle.hkdfSha256(secret, NONE, framed(label('request/key'), ephemeralKey), 32)
    const expected = oracle.aeadSeal(key, new Uint8Array(12), framed(label('request'), hostKey), request)
    assert.deepEqual(sealed.slice(32), expected)
  })

  it('is another one each time, and opens for no other host', () => {
    const sealed = sealRequest(sealKey, hostKey, request)
    assert.notDeepEqual(sealRequest(sealKey, hostKey, request), sealed)
    assert.equal(openRequest([privateKey], random.bytes(32), sealed), undefined)
  })

  it('does not open when anything at all was changed, cut or added', () => {
    const sealed = sealRequest(sealKey, hostKey, request)
    for (let at = 0; at < sealed.length; at += 1) {
      for (const bit of [1, 0x80]) {
        assert.equal(openRequest([privateKey], hostKey, sealed.with(at, (sealed[at] ?? 0) ^ bit)), undefined)
      }
    }
    for (let length = 0; length < sealed.length; length += 7) {
      assert.equal(openRequest([privateKey], hostKey, sealed.subarray(0, length)), undefined)
    }
    assert.equal(openRequest([privateKey], hostKey, concatBytes(sealed, Uint8Array.of(0))), undefined)
    assert.equal(openRequest([privateKey], hostKey, new Uint8Array(sealed.length)), undefined, 'a low-order key')
  })

  it('leaves in the same form for a host whose seal key is none', () => {
    const first = sealRequest(new Uint8Array(32), hostKey, request)
    assert.equal(first.length, request.length + REQUEST_SEAL_BYTES)
    assert.notDeepEqual(sealRequest(new Uint8Array(32), hostKey, request), first)
    assert.equal(sealRequest(NONE, hostKey, request).length, first.length)
    assert.equal(openRequest([privateKey], hostKey, first), undefined)
  })
})

describe('reply, sealed', () => {
  it('opens with its key and no other, whatever its length', () => {
    for (const length of [0, 1, STORE_REPLY_BYTES, FETCH_REPLY_BYTES]) {
      const reply = random.bytes(length)
      const sealed = sealReply(replyKey, reply)
      assert.equal(sealed.length, length + REPLY_SEAL_BYTES)
      assert.deepEqual(openReply(replyKey, sealed), reply)
      assert.equal(openReply(random.bytes(32), sealed), undefined)
    }
  })

  it('is what a second implementation seals', () => {
    const reply = random.bytes(100)
    const chosen = random.bytes(12)
    const expected = (nonce: Uint8Array): Uint8Array =>
      concatBytes(nonce, oracle.aeadSeal(replyKey, nonce, label('reply'), reply))
    assert.deepEqual(sealReply(replyKey, reply, chosen), expected(chosen))
    const sealed = sealReply(replyKey, reply)
    assert.deepEqual(sealed, expected(sealed.slice(0, 12)), 'the nonce is in front')
    for (const wrong of [NONE, chosen.slice(1), concatBytes(chosen, Uint8Array.of(0))]) {
      assert.throws(() => sealReply(replyKey, reply, wrong), RangeError)
    }
  })

  it('does not open when anything at all was changed, cut or added', () => {
    const sealed = sealReply(replyKey, random.bytes(60))
    assert.equal(openReply(replyKey, sealed)?.length, 60, 'control')
    for (let at = 0; at < sealed.length; at += 1) {
      assert.equal(openReply(replyKey, sealed.with(at, (sealed[at] ?? 0) ^ 1)), undefined)
      assert.equal(openReply(replyKey, sealed.subarray(0, at)), undefined)
    }
    assert.equal(openReply(replyKey, concatBytes(sealed, Uint8Array.of(0))), undefined)
  })

  it('is another each time, also of the same reply, and each opens', () => {
    const reply = random.bytes(STORE_REPLY_BYTES)
    const replies = Array.from({ length: 20 }, () => sealReply(replyKey, reply))
    for (const sealed of replies) assert.deepEqual(openReply(replyKey, sealed), reply)
    for (const part of [(sealed: Uint8Array) => sealed.slice(0, 12), (sealed: Uint8Array) => sealed.slice(12)]) {
      assert.equal(new Set(replies.map((sealed) => hexEncode(part(sealed)))).size, replies.length)
    }
  })

  it('shows nothing of two replies under one key: a courier can ask twice', () => {
    const miss = new Uint8Array(FETCH_REPLY_BYTES)
    const hit = random.bytes(FETCH_REPLY_BYTES)
    const xor = (a: Uint8Array, b: Uint8Array): Uint8Array => a.map((byte, index) => byte ^ (b[index] ?? 0))
    const shown = (nonces: readonly (Uint8Array | undefined)[]): Uint8Array => {
      const [first, second] = [miss, hit].map((reply, index) =>
        sealReply(replyKey, reply, nonces[index]).slice(12, -16),
      )
      return xor(first ?? NONE, second ?? NONE)
    }
    const same = xor(shown([]), xor(miss, hit)).filter((byte) => byte === 0).length
    assert.ok(same < FETCH_REPLY_BYTES / 16, `${same} bytes of the stream are the same`)
    // Control: one key and one nonce for both would show the difference of the replies, byte for byte.
    const nonce = random.bytes(12)
    assert.deepEqual(shown([nonce, nonce]), xor(miss, hit))
  })
})

describe('answer to a check', () => {
  it('tells hit from miss to who has the key', () => {
    for (const hit of [true, false]) {
      const reply = checkReply(replyKey, hit)
      assert.equal(reply.length, CHECK_REPLY_BYTES)
      assert.equal(readCheckReply(replyKey, reply), hit)
      const statement = framed(label(hit ? 'check/hit' : 'check/miss'), reply.slice(0, 3))
      assert.deepEqual(reply.slice(3), oracle.hmacSha256(replyKey, statement).slice(0, 5))
    }
  })

  it('does not show whether it changed when a courier has one request answered again', () => {
    const salt = Uint8Array.of(1, 2, 3)
    assert.deepEqual(
      checkReply(replyKey, true, salt),
      checkReply(replyKey, true, salt),
      'control: but for the salt it would',
    )
    const replies = Array.from({ length: 8 }, () => Buffer.from(checkReply(replyKey, true)).toString('hex'))
    assert.ok(new Set(replies).size > 1)
    for (const reply of replies) assert.equal(readCheckReply(replyKey, Buffer.from(reply, 'hex')), true)
  })

  it('tells nobody else, and is neither when it was made up', () => {
    const reply = checkReply(replyKey, true)
    assert.equal(readCheckReply(random.bytes(32), reply), undefined)
    for (const wrong of [NONE, new Uint8Array(8), reply.slice(1), reply.with(0, (reply[0] ?? 0) ^ 1)]) {
      assert.equal(readCheckReply(replyKey, wrong), undefined)
    }
  })
})

describe('requests that were seen', () => {
  it('are told from new ones, and only so many are remembered', () => {
    const seen = createSeenRequests(8)
    const requests = Array.from({ length: 20 }, () => sealRequest(sealKey, hostKey, request))
    for (const [index, sealed] of requests.entries()) {
      assert.equal(seen.add(sealed), true)
      for (const recent of requests.slice(Math.max(0, index - 3), index + 1)) assert.equal(seen.add(recent), false)
    }
    const first = requests[0] ?? NONE
    assert.equal(seen.add(first), true, 'forgotten: memory is bounded')
  })

  it('are the same when what follows the ephemeral key differs: only one of them opens', () => {
    const seen = createSeenRequests(8)
    const sealed = sealRequest(sealKey, hostKey, request)
    assert.equal(seen.add(sealed), true)
    assert.equal(seen.add(sealed.with(40, (sealed[40] ?? 0) ^ 1)), false)
  })
})
