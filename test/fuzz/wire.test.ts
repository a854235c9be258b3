import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { utf8Decode, utf8Encode } from '../../src/base/index.ts'
import * as wire from '../../src/wire/index.ts'
import { createSeededRandom } from '../support/seeded-random.ts'
import { fuzzDecoder, type StrictDecoder } from '../support/strict-decoder.ts'

const random = createSeededRandom(42)
const SEED = 4711

/** Counts what was looked at; a decoder that accepts everything or nothing would show here. */
function check<T>(name: string, decoder: StrictDecoder<T>): void {
  it(`${name}: no throw, canonical or refused`, () => {
    const { tried, accepted } = fuzzDecoder(decoder, SEED)
    assert.ok(tried > 1000 && accepted >= decoder.valid.length && accepted < tried, `${accepted} of ${tried}`)
  })
}

const partHead = { messageId: random.bytes(16), timestampMs: 1_795_000_000_123, type: 1 }
const mixed = wire.createPacked(
  wire.shape.record({
    name: wire.shape.text(40),
    count: wire.shape.integer(-70_000, Number.MAX_SAFE_INTEGER),
    note: wire.shape.optional(wire.shape.bytesBetween(0, 300)),
    on: wire.shape.boolean(),
    entries: wire.shape.list(
      wire.shape.variant('kind', { a: { n: wire.shape.integer(0, 255) }, b: { s: wire.shape.text(9) } }),
      20,
    ),
  }),
)

describe('wire decoders', () => {
  check('lane record', {
    valid: [
      wire.encodeLaneRecord({ kind: 'cover', ackBase: 9, ackBits: 6, sequence: 0 }),
      wire.encodeLaneRecord({
        kind: 'envelope',
        ackBase: 1,
        ackBits: 0,
        sequence: 77,
        envelope: random.bytes(wire.ENVELOPE_BYTES),
      }),
    ],
    decode: wire.decodeLaneRecord,
    encode: wire.encodeLaneRecord,
  })

  check('rendezvous hello', {
    valid: [wire.encodeRendezvousHello()],
    decode: (bytes) => wire.decodeRendezvousHello(bytes) || undefined,
    encode: wire.encodeRendezvousHello,
  })

  check('rendezvous bundle', {
    valid: [wire.encodeRendezvousBundle(random.bytes(wire.SEALED_BUNDLE_BYTES))],
    decode: wire.decodeRendezvousBundle,
    encode: wire.encodeRendezvousBundle,
  })

  check('rendezvous request', {
    valid: [wire.encodeRendezvousRequest(random.bytes(wire.HANDSHAKE_REQUEST_BYTES))],
    decode: wire.decodeRendezvousRequest,
    encode: wire.encodeRendezvousRequest,
  })

  check('rendezvous result', {
    valid: (['pending', 'used', 'revoked', 'expired'] as const).map(wire.encodeRendezvousResult),
    decode: wire.decodeRendezvousResult,
    encode: wire.encodeRendezvousResult,
  })

  check('handshake request', {
    valid: [random.bytes(wire.HANDSHAKE_REQUEST_BYTES)],
    decode: wire.decodeHandshakeRequest,
    encode: wire.encodeHandshakeRequest,
    flipsPerByte: 1,
  })

  check('ratchet header', {
    valid: [wire.encodeRatchetHeader({ ratchetKey: random.bytes(32), previousCount: 3, number: 4 })],
    decode: wire.decodeRatchetHeader,
    encode: wire.encodeRatchetHeader,
    rounds: 2000,
  })

  check('content part', {
    valid: wire.splitContent({ ...partHead, body: random.bytes(700) }),
    decode: wire.decodeContentPart,
    encode: wire.encodeContentPart,
    rounds: 3000,
  })

  check('announcement of a file', {
    valid: [
      wire.encodeAnnouncement({
        fileKey: random.bytes(32),
        hash: random.bytes(32),
        bytes: 200_000,
        name: 'Zoë 😀.tar.gz',
        mimeType: 'application/gzip',
      }),
      wire.encodeAnnouncement({
        fileKey: random.bytes(32),
        hash: random.bytes(32),
        bytes: 0,
        name: '…',
        mimeType: undefined,
      }),
    ],
    decode: wire.decodeAnnouncement,
    encode: wire.encodeAnnouncement,
    rounds: 5000,
  })

  check('packed value', {
    valid: [
      mixed.encode({ name: 'Zoë 😀', count: 2 ** 41, note: random.bytes(260), on: true, entries: [] }),
      mixed.encode({
        name: '',
        count: -70_000,
        note: undefined,
        on: false,
        entries: [
          { kind: 'a', n: 200 },
          { kind: 'b', s: 'hi' },
        ],
      }),
    ],
    decode: mixed.decode,
    encode: mixed.encode,
    rounds: 5000,
  })
})

describe('wire decoders whose lengths vary', () => {
  it('body: what is accepted pads to the same bytes', () => {
    let accepted = 0
    for (let round = 0; round < 5000; round++) {
      const content = random.bytes(Math.floor(random.uniform() * 30))
      const body = wire.padBody(content, 40)
      const index = Math.floor(random.uniform() * 40)
      const changed = round % 2 === 0 ? body : body.with(index, Math.floor(random.uniform() * 256))
      const back = wire.unpadBody(changed)
      if (back === undefined) continue
      accepted += 1
      assert.deepEqual(wire.padBody(back, 40), changed)
    }
    assert.ok(accepted >= 2500 && accepted < 5000, `${accepted}`)
  })

  it('onion address: what is accepted is spelled as it would be written', () => {
    const encode = (text: string): Uint8Array => utf8Encode(text)
    const { accepted } = fuzzDecoder(
      {
        valid: [encode(wire.onionAddress(random.bytes(32)))],
        decode: (bytes) => {
          const text = utf8Decode(bytes)
          return text === undefined ? undefined : wire.parseOnionAddress(text)
        },
        encode: (address) => encode(wire.onionAddress(wire.onionPublicKey(address))),
        rounds: 2000,
      },
      SEED,
    )
    assert.equal(accepted, 1)
  })
})

describe('the fuzz itself', () => {
  const sample = wire.encodeLaneRecord({ kind: 'cover', ackBase: 9, ackBits: 6, sequence: 0 })
  const lenient = {
    valid: [sample],
    encode: () => sample,
    rounds: 10,
  }

  it('notices a decoder that accepts a cut input', () => {
    const same = { ...lenient, decode: (bytes: Uint8Array) => bytes.slice(), encode: (bytes: Uint8Array) => bytes }
    assert.throws(() => fuzzDecoder(same, SEED), /cut to 0 bytes/)
  })

  it('notices a decoder that ignores trailing bytes', () => {
    const decode = (bytes: Uint8Array): true | undefined => (bytes.length >= sample.length ? true : undefined)
    assert.throws(() => fuzzDecoder({ ...lenient, decode }, SEED), /canonical|trailing/)
  })

  it('notices a decoder that ignores a bit', () => {
    const decode = (bytes: Uint8Array): true | undefined => (bytes.length === sample.length ? true : undefined)
    assert.throws(() => fuzzDecoder({ ...lenient, decode }, SEED), /not canonical/)
  })

  it('notices a decoder that refuses everything, and one that throws', () => {
    assert.throws(() => fuzzDecoder({ ...lenient, decode: () => undefined }, SEED), /look at nothing/)
    const decode = (): never => {
      throw new TypeError('boom')
    }
    assert.throws(() => fuzzDecoder({ ...lenient, decode }, SEED), /boom/)
  })
})
