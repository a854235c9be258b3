import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import {
  addContentPart,
  CONTENT_PARTS_MAX_COUNT,
  createPacked,
  decodeContentPart,
  decodeLaneRecord,
  ENVELOPE_BODY_BYTES,
  ENVELOPE_BYTES,
  ENVELOPE_CONTENT_BYTES,
  encodeLaneRecord,
  LANE_RECORD_BYTES,
  type LaneRecord,
  MAX_TEXT_BYTES,
  padBody,
  type Reassembly,
  shape,
  splitContent,
  unpadBody,
} from '../../../src/wire/index.ts'

const bytes = (minLength: number, maxLength = minLength): fc.Arbitrary<Uint8Array> =>
  fc.uint8Array({ minLength, maxLength })
/** Objects as our code makes them. */
const PLAIN = { noNullPrototype: true } as const
const u32 = fc.integer({ min: 0, max: 0xffff_ffff })
const ack = { ackBase: u32, ackBits: u32.map((bits) => (bits & ~1) >>> 0) }

const laneRecord: fc.Arbitrary<LaneRecord> = fc.oneof(
  fc.record({ kind: fc.constant('cover' as const), ...ack, sequence: fc.constant(0 as const) }, PLAIN),
  fc.record(
    {
      kind: fc.constant('envelope' as const),
      ...ack,
      sequence: fc.integer({ min: 1, max: 0xffff_ffff }),
      envelope: bytes(ENVELOPE_BYTES),
    },
    PLAIN,
  ),
)

describe('layouts', () => {
  it('every lane record has one length and reads back', () => {
    fc.assert(
      fc.property(laneRecord, (record) => {
        const encoded = encodeLaneRecord(record)
        assert.equal(encoded.length, LANE_RECORD_BYTES)
        assert.deepEqual(decodeLaneRecord(encoded), record)
      }),
    )
  })

  it('every content has a body of one length and reads back', () => {
    fc.assert(
      fc.property(bytes(0, ENVELOPE_CONTENT_BYTES), (content) => {
        const body = padBody(content, ENVELOPE_BODY_BYTES)
        assert.equal(body.length, ENVELOPE_BODY_BYTES)
        assert.deepEqual(unpadBody(body), content)
      }),
    )
  })
})

describe('content', () => {
  it('comes back whole from its parts in any order, each of which fits an envelope', () => {
    const message = fc.record(
      {
        messageId: bytes(16),
        timestampMs: fc.integer({ min: 0, max: 8_640_000_000_000_000 }),
        type: fc.integer({ min: 1, max: 255 }),
        body: bytes(0, MAX_TEXT_BYTES),
      },
      PLAIN,
    )
    fc.assert(
      fc.property(message, fc.infiniteStream(fc.nat()), (content, order) => {
        const parts = splitContent(content)
        assert.ok(parts.length >= 1 && parts.length <= CONTENT_PARTS_MAX_COUNT)
        let reassembly: Reassembly | undefined
        const left = [...parts]
        while (left.length > 0) {
          const [encoded] = left.splice((order.next().value ?? 0) % left.length, 1)
          assert.ok(encoded !== undefined && encoded.length <= ENVELOPE_CONTENT_BYTES)
          const part = decodeContentPart(encoded)
          assert.ok(part !== undefined)
          const step = addContentPart(reassembly, part)
          assert.equal(step.state, left.length === 0 ? 'complete' : 'pending')
          if (step.state === 'complete') assert.deepEqual(step.content, content)
          if (step.state === 'pending') reassembly = step.reassembly
        }
      }),
    )
  })
})

describe('packed values', () => {
  const packed = createPacked(
    shape.record({
      text: shape.text(2000),
      count: shape.integer(Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER),
      blob: shape.bytesBetween(0, 70_000),
      maybe: shape.optional(shape.integer(0, 0xffff_ffff)),
      list: shape.list(shape.variant('kind', { yes: { note: shape.text(100) }, no: { on: shape.boolean() } }), 100),
    }),
  )
  const value = fc.record(
    {
      text: fc.string({ unit: 'grapheme', maxLength: 60 }).filter((text) => text.isWellFormed()),
      count: fc.maxSafeInteger().map((count) => (Object.is(count, -0) ? 0 : count)),
      blob: bytes(0, 300),
      maybe: fc.option(u32, { nil: undefined }),
      list: fc.array(
        fc.oneof(
          fc.record({ kind: fc.constant('yes' as const), note: fc.string({ maxLength: 20 }) }, PLAIN),
          fc.record({ kind: fc.constant('no' as const), on: fc.boolean() }, PLAIN),
        ),
        { maxLength: 20 },
      ),
    },
    PLAIN,
  )

  it('read back, and equal values have equal bytes', () => {
    fc.assert(
      fc.property(value, (original) => {
        const encoded = packed.encode(original)
        const back = packed.decode(encoded)
        assert.deepEqual(back, original)
        assert.ok(back !== undefined)
        assert.deepEqual(packed.encode(back), encoded)
      }),
    )
  })

  it('read back at every edge of the integers', () => {
    const edges = [0, 7, 8, 15, 16, 31, 32, 40, 52].flatMap((bits) => [
      2 ** bits - 1,
      2 ** bits,
      -(2 ** bits),
      -(2 ** bits) - 1,
    ])
    const integers = createPacked(shape.integer(Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER))
    for (const edge of edges) assert.equal(integers.decode(integers.encode(edge + 0)), edge + 0)
  })

  it('are never made out of arbitrary bytes that would be written differently', () => {
    fc.assert(
      fc.property(bytes(0, 60), (input) => {
        const read = packed.decode(input)
        if (read !== undefined) assert.deepEqual(packed.encode(read), input)
      }),
    )
  })
})
