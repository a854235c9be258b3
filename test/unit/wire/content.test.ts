import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { concatBytes, hexEncode, isAppError } from '../../../src/base/index.ts'
import {
  addContentPart,
  CONTENT_CHUNK_BYTES,
  CONTENT_PARTS_MAX_COUNT,
  CONTENT_TYPE_TEXT,
  type ContentPart,
  decodeContentPart,
  ENVELOPE_CONTENT_BYTES,
  encodeContentPart,
  MAX_TEXT_BYTES,
  type Reassembly,
  splitContent,
} from '../../../src/wire/index.ts'

const messageId = new Uint8Array(16).fill(9)
const head = { messageId, timestampMs: 1_795_000_000_123, type: CONTENT_TYPE_TEXT }

function bodyOf(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, index) => (index * 7 + (index >> 8)) & 255)
}

function partsOf(length: number): ContentPart[] {
  return splitContent({ ...head, body: bodyOf(length) }).map((bytes) => {
    const part = decodeContentPart(bytes)
    assert.ok(part !== undefined)
    return part
  })
}

describe('content parts', () => {
  it('have the layout of spec 01-wire §6', () => {
    const [bytes] = splitContent({ ...head, body: Uint8Array.of(0x68, 0x69) })
    assert.ok(bytes !== undefined)
    assert.equal(hexEncode(bytes), `96c410${'09'.repeat(16)}0001cb427a1ee565e7b00001c4026869`)
  })

  it('each fit one envelope, whatever the length of the message', () => {
    const chunk = CONTENT_CHUNK_BYTES
    for (const length of [0, 1, chunk - 1, chunk, chunk + 1, 2 * chunk, 5000, MAX_TEXT_BYTES - 1, MAX_TEXT_BYTES]) {
      const encoded = splitContent({ messageId, timestampMs: 8_640_000_000_000_000, type: 255, body: bodyOf(length) })
      assert.equal(encoded.length, Math.max(1, Math.ceil(length / CONTENT_CHUNK_BYTES)))
      for (const bytes of encoded) assert.ok(bytes.length <= ENVELOPE_CONTENT_BYTES)
    }
  })

  it('fill the last byte of an envelope at most', () => {
    const [bytes] = splitContent({
      messageId,
      timestampMs: 8_640_000_000_000_000,
      type: 255,
      body: bodyOf(MAX_TEXT_BYTES),
    })
    assert.equal(bytes?.length, ENVELOPE_CONTENT_BYTES)
  })

  it('stop at the longest text with a documented code', () => {
    assert.throws(
      () => splitContent({ ...head, body: new Uint8Array(MAX_TEXT_BYTES + 1) }),
      (error: unknown) => isAppError(error, 'WIRE_CONTENT_TOO_LONG'),
    )
  })

  it('are refused when they are not well cut', () => {
    const part: ContentPart = { ...head, partIndex: 0, partCount: 2, chunk: bodyOf(CONTENT_CHUNK_BYTES) }
    assert.doesNotThrow(() => encodeContentPart(part))
    const badlyCut: ContentPart[] = [
      { ...part, chunk: bodyOf(CONTENT_CHUNK_BYTES - 1) },
      { ...part, partIndex: 2 },
      { ...part, partIndex: 1, chunk: new Uint8Array(0) },
      { ...part, partCount: CONTENT_PARTS_MAX_COUNT + 1 },
      { ...part, partCount: 0 },
      { ...part, type: 0 },
      { ...part, timestampMs: -1 },
      { ...part, timestampMs: 8_640_000_000_000_001 },
      { ...part, messageId: messageId.slice(1) },
    ]
    for (const bad of badlyCut) assert.throws(() => encodeContentPart(bad), RangeError)
    const shortFirst = encodeContentPart({ ...part, partCount: 1, chunk: bodyOf(3) })
    assert.equal(decodeContentPart(shortFirst.with(20, 2)), undefined)
  })

  it('keep types that this version does not know', () => {
    const [bytes] = splitContent({ ...head, type: 77, body: bodyOf(2) })
    assert.equal(bytes && decodeContentPart(bytes)?.type, 77)
  })
})

describe('addContentPart', () => {
  it('gives the message back from its parts in any order, with repeats', () => {
    const parts = partsOf(5000)
    const shuffled = [...parts.toReversed(), ...parts].flatMap((part) => [part, part])
    let reassembly: Reassembly | undefined
    for (const part of shuffled) {
      const step = addContentPart(reassembly, part)
      if (step.state === 'complete') {
        assert.deepEqual(step.content, { ...head, body: bodyOf(5000) })
        return
      }
      assert.equal(step.state, 'pending')
      reassembly = step.state === 'pending' ? step.reassembly : reassembly
    }
    assert.fail('never complete')
  })

  it('completes a message of one part at once, an empty one too', () => {
    for (const length of [0, 12]) {
      const [part] = partsOf(length)
      assert.ok(part !== undefined)
      assert.deepEqual(addContentPart(undefined, part), {
        state: 'complete',
        content: { ...head, body: bodyOf(length) },
      })
    }
  })

  it('refuses parts that contradict what came before, and keeps what came before', () => {
    const [first, second, third] = partsOf(700)
    assert.ok(first !== undefined && second !== undefined && third !== undefined)
    const step = addContentPart(undefined, first)
    assert.ok(step.state === 'pending')
    const { reassembly } = step
    const contradictions: ContentPart[] = [
      { ...first, chunk: first.chunk.with(0, 1) },
      { ...second, timestampMs: 1 },
      { ...second, type: 2 },
      { ...second, partCount: 4 },
      { ...second, messageId: messageId.with(0, 0) },
    ]
    for (const part of contradictions) assert.equal(addContentPart(reassembly, part).state, 'conflict')
    const next = addContentPart(reassembly, second)
    assert.ok(next.state === 'pending')
    const last = addContentPart(next.reassembly, third)
    assert.ok(last.state === 'complete')
    assert.deepEqual(last.content.body, concatBytes(first.chunk, second.chunk, third.chunk))
  })

  it('does not touch the value it was given', () => {
    const [first, second] = partsOf(700)
    assert.ok(first !== undefined && second !== undefined)
    const step = addContentPart(undefined, first)
    assert.ok(step.state === 'pending')
    const before = structuredClone(step.reassembly)
    addContentPart(step.reassembly, second)
    assert.deepEqual(step.reassembly, before)
  })
})
