import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { base32Decode, base32Encode, concatBytes } from '../../../src/base/index.ts'
import { framed, label, sha256 } from '../../../src/crypto/index.ts'
import { formatHostUri, parseHostUri } from '../../../src/mailbox/index.ts'

const entry = { hostKey: new Uint8Array(32).fill(7), courierOnionKey: new Uint8Array(32).fill(8) }
const SCHEME = 'noctule-host:'
const URI = formatHostUri(entry)

/** A host entry with this body and a right checksum: what another program might make. */
function uriOf(body: Uint8Array): string {
  return SCHEME + base32Encode(concatBytes(body, sha256(framed(label('host-entry-checksum'), body)).slice(0, 4)))
}

const body = (base32Decode(URI.slice(SCHEME.length)) ?? new Uint8Array(0)).slice(0, -4)

function reasonOf(text: string): string {
  const result = parseHostUri(text)
  return result.ok ? 'ok' : result.reason
}

describe('host entry', () => {
  it('is version, entry and checksum in base32, and reads back', () => {
    assert.deepEqual(body, concatBytes(Uint8Array.of(1), entry.hostKey, entry.courierOnionKey))
    assert.equal(uriOf(body), URI)
    assert.deepEqual(parseHostUri(URI), { ok: true, entry })
    const bytes = fc.uint8Array({ minLength: 32, maxLength: 32 })
    fc.assert(
      fc.property(bytes, bytes, (hostKey, courierOnionKey) => {
        const uri = formatHostUri({ hostKey, courierOnionKey })
        assert.deepEqual(parseHostUri(uri), { ok: true, entry: { hostKey, courierOnionKey } })
      }),
    )
  })

  it('may be typed in any case, as QR codes do, and pasted with white space around it', () => {
    for (const text of [URI.toUpperCase(), `  ${URI}\n`, `\t${URI}\r\n`, `Noctule-Host:${URI.slice(SCHEME.length)}`]) {
      assert.deepEqual(parseHostUri(text), { ok: true, entry })
    }
    assert.match(URI.toUpperCase(), /^[0-9A-Z:-]+$/)
  })

  it('calls every slip of one character malformed, and nothing else', () => {
    for (let index = SCHEME.length; index < URI.length; index++) {
      for (const letter of 'a7q2') {
        if (URI[index] === letter) continue
        assert.equal(reasonOf(URI.slice(0, index) + letter + URI.slice(index + 1)), 'malformed')
      }
      assert.equal(reasonOf(URI.slice(0, index)), 'malformed')
      assert.equal(reasonOf(URI.slice(0, index) + URI.slice(index + 1)), 'malformed')
    }
  })

  it('calls inner spaces, trailing text and padding malformed', () => {
    for (const text of [`${URI.slice(0, 30)} ${URI.slice(30)}`, `${URI} hello`, `${URI}a`, `${URI}====`, `${URI}/`]) {
      assert.equal(reasonOf(text), 'malformed')
    }
  })

  it('calls other schemes foreign, an invite among them, and plain text malformed', () => {
    for (const text of ['https://example.org/', 'noctule:nyaqa22j2iaaobyha4dq', 'NOCTULE-HOST2:abc']) {
      assert.equal(reasonOf(text), 'foreign')
    }
    for (const text of ['', '   ', 'hello', URI.slice(SCHEME.length), 'noctule-host', SCHEME, ':', '\u0000', '1a:b']) {
      assert.equal(reasonOf(text), 'malformed')
    }
  })

  it('calls what a newer program means unsupported, of whatever length', () => {
    assert.equal(reasonOf(uriOf(body.with(0, 2))), 'unsupported-version')
    assert.equal(reasonOf(uriOf(concatBytes(Uint8Array.of(9), new Uint8Array(100)))), 'unsupported-version')
    assert.equal(reasonOf(uriOf(Uint8Array.of(200))), 'unsupported-version')
  })

  it('calls version 0, short and long bodies of version 1 malformed', () => {
    assert.equal(reasonOf(uriOf(body.with(0, 0))), 'malformed')
    assert.equal(reasonOf(uriOf(body.slice(0, -1))), 'malformed')
    assert.equal(reasonOf(uriOf(concatBytes(body, Uint8Array.of(0)))), 'malformed')
    assert.equal(reasonOf(uriOf(Uint8Array.of(1))), 'malformed')
    assert.equal(reasonOf(uriOf(new Uint8Array(0))), 'malformed')
  })

  it('is bounded, and knows ASCII only', () => {
    assert.equal(reasonOf(SCHEME + 'a'.repeat(1_000_000)), 'malformed')
    assert.equal(reasonOf(`${SCHEME}${'\u212a'.repeat(10)}`), 'malformed')
    assert.equal(reasonOf('\ud800'), 'malformed')
  })

  it('is not made with keys that do not fit', () => {
    assert.throws(() => formatHostUri({ ...entry, hostKey: entry.hostKey.slice(1) }), RangeError)
    assert.throws(() => formatHostUri({ ...entry, courierOnionKey: new Uint8Array(33) }), RangeError)
  })
})
