import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import * as options from '../../../src/mailbox/options.ts'
import * as rhythm from '../../../src/padding/options.ts'
import { REPLIES_BYTES } from '../../../src/wire/courier-record.ts'
import * as geometry from '../../../src/wire/geometry.ts'

const SPEC = readFileSync(new URL('../../../docs/spec/03-mailbox.md', import.meta.url), 'utf8')

const KNOWN: ReadonlyMap<string, unknown> = new Map<string, unknown>([
  ...Object.entries(geometry),
  ['REPLIES_BYTES', REPLIES_BYTES],
  ...Object.entries(rhythm),
  ...Object.entries(options),
  ...Object.entries(options.MAILBOX_PARAMETERS),
])

/** Rows of the form: | `NAME` | 1,234 | … */
function printedNumbers(text: string): (readonly [string, number])[] {
  return [...text.matchAll(/^\| `([A-Za-z_]+)` \| ([\d,.]+) \|/gm)].map(
    ([, name = '', value = '']) => [name, Number(value.replaceAll(',', ''))] as const,
  )
}

/** Rows of the byte table under a heading that name an offset and a length: from the first byte to the last. */
function tableEnd(heading: string): number {
  const from = SPEC.indexOf(`\n### ${heading}\n`)
  assert.ok(from >= 0, heading)
  let end = 0
  for (const [, offset, bytes] of SPEC.slice(from).matchAll(/^\| (\d+) \| (\d[\d,]*) \|/gm)) {
    const start = Number(offset)
    if (start < end) break
    assert.equal(start, end, `${heading}: a gap before ${start}`)
    end = start + Number(bytes?.replaceAll(',', ''))
  }
  return end
}

describe('docs/spec/03-mailbox.md', () => {
  it('prints the numbers that the code has', () => {
    const printed = printedNumbers(SPEC)
    for (const [name, value] of printed) assert.equal(KNOWN.get(name), value, name)
    const names = new Set(printed.map(([name]) => name))
    const missing = Object.keys(options.MAILBOX_PARAMETERS).filter((name) => !names.has(name))
    assert.deepEqual(missing, [])
    assert.ok(printed.length >= 40, 'the tables were not found')
  })

  it('would be seen to print another: control', () => {
    const [row] = printedNumbers('| `BOX_BYTES` | 1,801 | 32 + 64 + 1,692 |')
    assert.deepEqual(row, ['BOX_BYTES', 1_801])
    assert.notEqual(KNOWN.get('BOX_BYTES'), 1_801)
  })

  it('has byte tables without gaps, as long as their layouts', () => {
    assert.equal(tableEnd('2.1 Layout'), geometry.BOX_BYTES)
    assert.equal(tableEnd('3.1 Descriptor and entry'), geometry.HOST_DESCRIPTOR_BYTES)
    assert.equal(tableEnd('5.2 Receipts'), geometry.RECEIPT_BYTES)
  })

  it('says where the requests of a read record are', () => {
    const look = geometry.HOST_ROUTE_BYTES + geometry.LOOK_REQUEST_BYTES + geometry.REQUEST_SEAL_BYTES
    assert.ok(SPEC.includes(`| | 1,563 | 16 + ${look - 16} | fetch`))
    assert.equal(3 + geometry.READ_CHECK_COUNT * look, 1_563)
    assert.ok(SPEC.includes('| | 1,693 | 16 + 177 | tombstone'))
    assert.equal(1_563 + look, 1_693)
    assert.equal(geometry.TOMBSTONE_REQUEST_BYTES + geometry.REQUEST_SEAL_BYTES, 177)
    assert.equal(geometry.STORE_REQUEST_BYTES + geometry.REQUEST_SEAL_BYTES, 1_849)
    assert.ok(SPEC.includes('| | 19 | 1,849 | sealed store request |'))
  })

  it('says how long the replies are', () => {
    const seal = geometry.REPLY_SEAL_BYTES
    const rows = [...SPEC.matchAll(/^\| (store|fetch) \| ([\d,]+) \+ (\d+) \| sealed: /gm)]
    assert.deepEqual(
      rows.map(([, name, reply, added]) => [name, Number(reply?.replaceAll(',', '')), Number(added)]),
      [
        ['store', geometry.STORE_REPLY_BYTES, seal],
        ['fetch', geometry.FETCH_REPLY_BYTES, seal],
      ],
    )
  })
})
