import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { createLineFramer } from '../../../src/rpc/line-framer.ts'

const show = (lines: ReturnType<ReturnType<typeof createLineFramer>['push']>): string[] =>
  lines.map((line) => (line.kind === 'line' ? Buffer.from(line.bytes).toString() : '<too long>'))

describe('line framer', () => {
  it('gives the same lines however the bytes are cut', () => {
    const lines = fc.array(fc.string({ maxLength: 12 }).map((text) => text.replaceAll('\n', ' ')))
    fc.assert(
      fc.property(lines, fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 }), (texts, cuts) => {
        const bytes = Buffer.from(texts.map((text) => `${text}\n`).join(''))
        const framer = createLineFramer(64)
        const found: string[] = []
        for (let offset = 0, turn = 0; offset < bytes.length; turn += 1) {
          const size = cuts[turn % cuts.length] ?? 1
          found.push(...show(framer.push(bytes.subarray(offset, offset + size))))
          offset += size
        }
        assert.deepEqual(found, texts)
      }),
    )
  })

  it('reports a line that is too long once and goes on with the next', () => {
    const framer = createLineFramer(4)
    assert.deepEqual(show(framer.push(Buffer.from('1234\n12345'))), ['1234', '<too long>'])
    assert.deepEqual(show(framer.push(Buffer.from('6789'))), [])
    assert.deepEqual(show(framer.push(Buffer.from('more\nok\n'))), ['ok'])
    assert.deepEqual(show(framer.push(Buffer.from('12345\nok\n'))), ['<too long>', 'ok'])
  })

  it('keeps a final line without its line feed back', () => {
    const framer = createLineFramer(4)
    assert.deepEqual(show(framer.push(Buffer.from('a\nb'))), ['a'])
    assert.deepEqual(show(framer.push(Buffer.from('\n\n'))), ['b', ''])
  })
})
