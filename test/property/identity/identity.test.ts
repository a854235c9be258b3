import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { deriveLaneKeys, encodeInvite, parseInvite, safetyNumber } from '../../../src/identity/index.ts'

/** Objects as our code makes them. */
const PLAIN = { noNullPrototype: true } as const
const key = fc.uint8Array({ minLength: 32, maxLength: 32 })
const identity = fc.record({ ed25519: key, x25519: key }, PLAIN)
const expiresAtMs = fc.integer({ min: 0, max: 0xffff_ffff }).map((seconds) => seconds * 1000)
const hosts = fc.array(fc.record({ hostKey: key, courierOnionKey: key }, PLAIN), { maxLength: 2 })
const invite = fc.record({ version: fc.constant(1), expiresAtMs, voucher: key, rendezvousPublicKey: key, hosts }, PLAIN)

describe('invites', () => {
  it('read back in either case, and the length tells nothing but how many hosts there are', () => {
    fc.assert(
      fc.property(invite, (original) => {
        const uri = encodeInvite(original)
        assert.equal(uri.length, [130, 232, 335][original.hosts.length])
        assert.deepEqual(parseInvite(uri), { ok: true, invite: original })
        assert.deepEqual(parseInvite(uri.toUpperCase()), { ok: true, invite: original })
      }),
    )
  })

  it('answer every text, with an invite that would be written so or with a reason', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.string({ unit: 'binary' }).map((tail) => `noctule:${tail}`),
      fc.string({ unit: fc.constantFrom(...'abcdefghijklmnopqrstuvwxyz234567') }).map((tail) => `noctule:${tail}`),
      fc.webUrl(),
    )
    fc.assert(
      fc.property(text, (input) => {
        const result = parseInvite(input)
        if (result.ok) assert.equal(encodeInvite(result.invite), input.trim().toLowerCase())
        else assert.ok(['malformed', 'foreign', 'unsupported-version'].includes(result.reason))
      }),
      { numRuns: 1000 },
    )
  })
})

describe('safety numbers', () => {
  it('are symmetric and have one form', () => {
    fc.assert(
      fc.property(identity, identity, (a, b) => {
        const number = safetyNumber(a, b)
        assert.match(number, /^\d{5}( \d{5}){11}$/)
        assert.equal(safetyNumber(b, a), number)
      }),
      { numRuns: 4 },
    )
  })
})

describe('lane keys', () => {
  it('differ between any two windows', () => {
    const window = fc.integer({ min: 0, max: 1_000_000 })
    fc.assert(
      fc.property(key, window, window, (secret, one, other) => {
        fc.pre(one !== other)
        assert.notEqual(deriveLaneKeys(secret, one).address, deriveLaneKeys(secret, other).address)
      }),
      { numRuns: 30 },
    )
  })
})
