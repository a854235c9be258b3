import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { parseBootstrap } from '../../src/tor/bootstrap.ts'
import { createReplyParser, parseKeyValues } from '../../src/tor/control/index.ts'
import { parseUploadEvent } from '../../src/tor/onions/index.ts'
import { parseSocksListeners } from '../../src/tor/session.ts'

const LIMITS = { maxLineBytes: 512, maxReplyBytes: 4_096 }

/** Real answers of tor 0.4.9.11, shortened. */
const CORPUS = [
  '250-PROTOCOLINFO 1\r\n250-AUTH METHODS=COOKIE,SAFECOOKIE COOKIEFILE="/run/\\303\\244"\r\n250-VERSION Tor="0.4.9.11"\r\n250 OK\r\n',
  '250 AUTHCHALLENGE SERVERHASH=00FF SERVERNONCE=FF00\r\n',
  '250-status/bootstrap-phase=NOTICE BOOTSTRAP PROGRESS=45 TAG=requesting_descriptors SUMMARY="Asking"\r\n250 OK\r\n',
  '250+config-text=\r\nSocksPort 0\r\n..x\r\n.\r\n250 OK\r\n',
  '650 HS_DESC UPLOAD abc UNKNOWN $AA~x id HSDIR_INDEX=00\r\n650 HS_DESC FAILED abc UNKNOWN $A id REASON=UPLOAD_REJECTED\r\n',
  '650 STATUS_CLIENT NOTICE BOOTSTRAP PROGRESS=100 TAG=done SUMMARY="Done"\r\n',
  '250-ServiceID=abc\r\n250-ClientAuthV3=ABC\r\n250 OK\r\n',
  '250-net/listeners/socks="unix:/s" "127.0.0.1:9050"\r\n250 OK\r\n',
  '510 Command filtered\r\n',
].map((text) => Buffer.from(text, 'latin1'))

/** Everything that reads a reply text, over everything a parser gives; must neither throw nor give more than it got. */
function readAll(bytes: Uint8Array, cuts: readonly number[]): number | undefined {
  const parser = createReplyParser(LIMITS)
  let held = 0
  let start = 0
  for (const end of [...cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length]) {
    const replies = parser.push(bytes.subarray(start, end))
    start = end
    if (replies === undefined) {
      assert.equal(parser.push(CORPUS[0] ?? bytes), undefined, 'a failed parser stays failed')
      return undefined
    }
    for (const reply of replies) {
      assert.ok(reply.status >= 100 && reply.status <= 699)
      for (const { text, data } of reply.lines) {
        held += text.length + (data?.length ?? 0)
        assert.ok(text.length <= LIMITS.maxLineBytes && !text.includes('\n'))
        assert.ok((data?.length ?? 0) <= LIMITS.maxReplyBytes)
        parseKeyValues(text)
        parseSocksListeners(text)
        const bootstrap = parseBootstrap(text)
        if (bootstrap !== undefined) assert.ok(bootstrap.percent >= 0 && bootstrap.percent <= 100)
        parseUploadEvent({ name: 'HS_DESC', text, lines: [] })
      }
    }
  }
  assert.ok(held <= bytes.length)
  return held
}

const cuts = fc.array(fc.nat(), { maxLength: 6 })
const joined = fc.array(fc.constantFrom(...CORPUS), { minLength: 1, maxLength: 5 }).map((parts) => Buffer.concat(parts))

describe('fuzz: control replies', () => {
  it('control: the corpus itself is read, however it is cut', () => {
    fc.assert(
      fc.property(joined, cuts, (bytes, at) => {
        assert.ok((readAll(bytes, at) ?? 0) > 0)
      }),
    )
  })

  it('arbitrary bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 3_000 }), cuts, (bytes, at) => {
        readAll(bytes, at)
      }),
      { numRuns: 500 },
    )
  })

  it('bit flips, truncation, insertion', () => {
    const edit = fc.record({
      at: fc.nat(),
      bit: fc.integer({ min: 0, max: 7 }),
      kind: fc.constantFrom('flip', 'cut', 'insert'),
    })
    let refused = 0
    fc.assert(
      fc.property(joined, fc.array(edit, { minLength: 1, maxLength: 8 }), cuts, (whole, edits, at) => {
        let bytes: Buffer = Buffer.from(whole)
        for (const { at: place, bit, kind } of edits) {
          const index = place % (bytes.length || 1)
          if (kind === 'flip' && bytes.length > 0) bytes[index] = (bytes[index] ?? 0) ^ (1 << bit)
          else if (kind === 'cut') bytes = bytes.subarray(0, index)
          else bytes = Buffer.concat([bytes.subarray(0, index), Uint8Array.of(1 << bit), bytes.subarray(index)])
        }
        if (readAll(bytes, at) === undefined) refused += 1
      }),
      { numRuns: 2_000 },
    )
    assert.ok(refused > 100, 'mutations do reach the checks')
  })

  it('never holds more than its bounds, whatever is repeated', () => {
    for (const piece of ['x', '250-x\r\n', '250+x\r\n', '250+x\r\ny\r\n', '\r\n', '650-\r\n', '250+x\r\n.\r\n']) {
      const parser = createReplyParser(LIMITS)
      const chunk = Buffer.from(piece.repeat(Math.ceil(64 / piece.length)), 'latin1')
      let fed = 0
      let failed = false
      while (!failed && fed < 100_000) {
        failed = parser.push(chunk) === undefined
        fed += chunk.length
      }
      assert.ok(failed && fed <= LIMITS.maxReplyBytes + LIMITS.maxLineBytes + chunk.length, piece)
    }
  })

  it('arbitrary text in the grammar of pairs, in time', () => {
    const text = fc.string({
      unit: fc.constantFrom('"', '\\', '=', ' ', 'a', '1', '0', 'unix:/', 'net/listeners/socks'),
      maxLength: 2_000,
    })
    fc.assert(
      fc.property(text, (value) => {
        parseKeyValues(value)
        parseSocksListeners(value)
        parseBootstrap(value)
      }),
      { numRuns: 500 },
    )
    // Would hang here if a pattern backtracked.
    parseKeyValues(`A="${'\\'.repeat(16_383)}`)
    parseKeyValues(`${'A='.repeat(8_000)}"`)
  })
})
