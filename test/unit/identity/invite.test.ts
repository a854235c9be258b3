import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { base32Decode, base32Encode, concatBytes } from '../../../src/base/index.ts'
import { framed, label, sha256 } from '../../../src/crypto/index.ts'
import { encodeInvite, type Invite, parseInvite } from '../../../src/identity/index.ts'

const invite: Invite = {
  version: 1,
  expiresAtMs: 1_800_000_000_000,
  voucher: new Uint8Array(32).fill(7),
  rendezvousPublicKey: new Uint8Array(32).fill(8),
  hosts: [{ hostKey: new Uint8Array(32).fill(9), courierOnionKey: new Uint8Array(32).fill(10) }],
}
/** Computed apart from this code; printed in spec 06-identity §9. */
const URI =
  'noctule:nyaqc22j2iaaobyha4dqobyha4dqobyha4dqobyha4dqobyha4dqobyha4dqobyibaeaqcaibaeaqcaibaeaqcaibaeaqcaibaeaqcaibaeaqcaibaaqscijbeeqscijbeeqscijbeeqscijbeeqscijbeeqscijbeeqscikbifaucqkbifaucqkbifaucqkbifaucqkbifaucqkbifaucqkbicle3fp'

/** An invite text with this body and a right checksum: what another program might make. */
function uriOf(body: Uint8Array): string {
  return `noctule:${base32Encode(concatBytes(body, sha256(framed(label('invite-checksum'), body)).slice(0, 4)))}`
}

const body = (base32Decode(URI.slice('noctule:'.length)) ?? new Uint8Array(0)).slice(0, -4)

function reasonOf(text: string): string {
  const result = parseInvite(text)
  return result.ok ? 'ok' : result.reason
}

describe('invite', () => {
  it('has the form that the spec prints, and reads back', () => {
    assert.equal(encodeInvite(invite), URI)
    assert.deepEqual(parseInvite(URI), { ok: true, invite })
    assert.equal(uriOf(body), URI)
  })

  it('rounds the expiry up to whole seconds', () => {
    const result = parseInvite(encodeInvite({ ...invite, expiresAtMs: invite.expiresAtMs - 999 }))
    assert.ok(result.ok)
    assert.equal(result.invite.expiresAtMs, invite.expiresAtMs)
  })

  it('may be typed in any case, as QR codes do, and pasted with white space around it', () => {
    for (const text of [URI.toUpperCase(), `  ${URI}\n`, `\t${URI}\r\n`, `Noctule:${URI.slice(8)}`]) {
      assert.deepEqual(parseInvite(text), { ok: true, invite })
    }
  })

  it('holds only what the alphanumeric mode of QR codes knows', () => {
    assert.match(URI.toUpperCase(), /^[0-9A-Z:]+$/)
  })

  it('calls every slip of one character malformed, and nothing else', () => {
    for (let index = 'noctule:'.length; index < URI.length; index++) {
      for (const letter of 'a7q2') {
        if (URI[index] === letter) continue
        assert.equal(reasonOf(URI.slice(0, index) + letter + URI.slice(index + 1)), 'malformed')
      }
      assert.equal(reasonOf(URI.slice(0, index)), 'malformed')
      assert.equal(reasonOf(URI.slice(0, index) + URI.slice(index + 1)), 'malformed')
    }
  })

  it('calls swapped neighbours, inner spaces, trailing text and padding malformed', () => {
    assert.equal(reasonOf(`${URI.slice(0, 20)}${URI[21]}${URI[20]}${URI.slice(22)}`), 'malformed')
    for (const text of [`${URI.slice(0, 30)} ${URI.slice(30)}`, `${URI} hello`, `${URI}a`, `${URI}====`, `${URI}/`]) {
      assert.equal(reasonOf(text), 'malformed')
    }
  })

  it('calls other schemes foreign and plain text malformed', () => {
    for (const text of ['https://example.org/', 'simplex:/contact#x', 'mailto:bob@example.org', 'NOCTULE2:abc']) {
      assert.equal(reasonOf(text), 'foreign')
    }
    for (const text of [
      '',
      '   ',
      'hello',
      URI.slice('noctule:'.length),
      'noctule',
      'noctule:',
      ':',
      '\u0000',
      '1a:b',
    ]) {
      assert.equal(reasonOf(text), 'malformed')
    }
  })

  it('calls another network foreign', () => {
    assert.equal(reasonOf(uriOf(body.with(0, 0x74))), 'foreign')
  })

  it('calls what a newer program means unsupported, of whatever length', () => {
    assert.equal(reasonOf(uriOf(body.with(1, 2))), 'unsupported-version')
    assert.equal(reasonOf(uriOf(concatBytes(Uint8Array.of(0x6e, 9), new Uint8Array(100)))), 'unsupported-version')
    assert.equal(reasonOf(uriOf(Uint8Array.of(0x6e, 200))), 'unsupported-version')
    assert.equal(reasonOf(uriOf(body.with(2, 2))), 'unsupported-version')
    assert.equal(reasonOf(uriOf(body.with(71, 3))), 'unsupported-version')
  })

  it('calls version 0, short and long bodies of version 1 malformed', () => {
    assert.equal(reasonOf(uriOf(body.with(1, 0))), 'malformed')
    assert.equal(reasonOf(uriOf(body.slice(0, -1))), 'malformed')
    assert.equal(reasonOf(uriOf(concatBytes(body, Uint8Array.of(0)))), 'malformed')
    assert.equal(reasonOf(uriOf(Uint8Array.of(0x6e, 1))), 'malformed')
  })

  it('leads through hosts, through a rendezvous, or both, but never nowhere', () => {
    const two = [...invite.hosts, { hostKey: new Uint8Array(32).fill(1), courierOnionKey: new Uint8Array(32).fill(2) }]
    const forms: Invite[] = [
      { ...invite, hosts: [] },
      { ...invite, hosts: two },
      { ...invite, rendezvousPublicKey: undefined },
      { ...invite, rendezvousPublicKey: undefined, hosts: two },
    ]
    for (const form of forms) assert.deepEqual(parseInvite(encodeInvite(form)), { ok: true, invite: form })
    const nowhere = concatBytes(body.slice(0, 39).with(2, 0), Uint8Array.of(0))
    assert.equal(reasonOf(uriOf(nowhere)), 'malformed')
    assert.throws(() => encodeInvite({ ...invite, rendezvousPublicKey: undefined, hosts: [] }), RangeError)
    assert.throws(() => encodeInvite({ ...invite, hosts: [...two, ...two] }), RangeError)
  })

  it('is bounded, and knows ASCII only', () => {
    assert.equal(reasonOf(`noctule:${'a'.repeat(1_000_000)}`), 'malformed')
    assert.equal(reasonOf(`noctule:${'\u212a'.repeat(10)}`), 'malformed')
    const withK = encodeInvite({ ...invite, voucher: new Uint8Array(32).fill(0x52) })
    const kelvinSign = withK.replace('k', '\u212a')
    assert.notEqual(kelvinSign, withK)
    assert.equal(reasonOf(kelvinSign), 'malformed')
    assert.equal(reasonOf('\ud800'), 'malformed')
  })

  it('is not made with fields that do not fit', () => {
    assert.throws(() => encodeInvite({ ...invite, version: 2 }), RangeError)
    assert.throws(() => encodeInvite({ ...invite, expiresAtMs: 2 ** 32 * 1000 }), RangeError)
    assert.throws(() => encodeInvite({ ...invite, expiresAtMs: -1000 }), RangeError)
    assert.throws(() => encodeInvite({ ...invite, voucher: invite.voucher.slice(1) }), RangeError)
  })
})
