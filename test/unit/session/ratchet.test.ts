import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { concatBytes, DAY_MS, InternalError } from '../../../src/base/index.ts'
import { aeadSeal } from '../../../src/crypto/index.ts'
import { sealHeader } from '../../../src/session/header-seal.ts'
import {
  dropExpiredKeys,
  encodeSessionState,
  openEnvelope,
  RATCHET_SUITE,
  SESSION_LIMITS,
  type SessionState,
  sealEnvelope,
} from '../../../src/session/index.ts'
import { deriveChainStep } from '../../../src/session/kdf.ts'
import { startResponder } from '../../../src/session/start.ts'
import { AEAD_NONCE_BYTES, ENVELOPE_BODY_BYTES, ENVELOPE_BYTES, encodeRatchetHeader } from '../../../src/wire/index.ts'
import { bodyOf, createSessionPair, NOW_MS, opened, sealMany } from '../../support/session-pair.ts'

function at(envelopes: readonly Uint8Array[], index: number): Uint8Array {
  const envelope = envelopes.at(index)
  assert.ok(envelope !== undefined)
  return envelope
}

/** An envelope that the peer itself made wrong: valid seals around a header of our choosing. */
function forge(
  peer: SessionState,
  change: { ratchetKey?: Uint8Array; previousCount?: number; number?: number },
): Uint8Array {
  const { sending } = peer
  assert.ok(sending !== undefined)
  const header = {
    ratchetKey: peer.ratchetKey.publicKey,
    previousCount: peer.previousCount,
    number: sending.number,
    ...change,
  }
  const sealedHeader = sealHeader(sending.headerKey, peer.transcript, header, RATCHET_SUITE.random)
  const { messageKey } = deriveChainStep(sending.chainKey)
  const associatedData = concatBytes(peer.transcript, sealedHeader)
  return concatBytes(sealedHeader, aeadSeal(messageKey, new Uint8Array(AEAD_NONCE_BYTES), associatedData, bodyOf(0)))
}

/** One message each way, so that both sides have both chains. */
function settledPair(): { alice: SessionState; bob: SessionState } {
  const { acceptor, inviter } = createSessionPair()
  const reply = sealEnvelope(inviter, bodyOf(1))
  return { alice: opened(openEnvelope(acceptor, reply.envelope, NOW_MS)).state, bob: reply.state }
}

describe('envelopes', () => {
  it('have one size, and a body of another length is a bug', () => {
    const { acceptor } = createSessionPair()
    assert.equal(sealEnvelope(acceptor, bodyOf(0)).envelope.length, ENVELOPE_BYTES)
    for (const length of [0, ENVELOPE_BODY_BYTES - 1, ENVELOPE_BODY_BYTES + 1]) {
      assert.throws(() => sealEnvelope(acceptor, new Uint8Array(length)), RangeError)
    }
  })

  it('a responder that has heard nothing cannot send', () => {
    const direction = { headerKey: new Uint8Array(32), boxKey: new Uint8Array(32) }
    const keys = {
      transcript: new Uint8Array(32),
      rootKey: new Uint8Array(32),
      initiator: direction,
      responder: direction,
    }
    const state = startResponder(keys, { privateKey: new Uint8Array(32), publicKey: new Uint8Array(32) })
    assert.throws(() => sealEnvelope(state, bodyOf(0)), InternalError)
  })

  it('go both ways, and every turn brings a new ratchet key', () => {
    let { alice, bob } = settledPair()
    const keys = new Set<string>()
    for (let turn = 0; turn < 6; turn++) {
      const sealed = sealEnvelope(alice, bodyOf(turn))
      keys.add(Buffer.from(alice.ratchetKey.publicKey).toString('hex'))
      const heard = opened(openEnvelope(bob, sealed.envelope, NOW_MS))
      assert.deepEqual(heard.body, bodyOf(turn))
      ;[alice, bob] = [heard.state, sealed.state]
    }
    assert.equal(keys.size, 6)
  })

  it('open once; the second time and their reflection are refused', () => {
    const { alice, bob } = settledPair()
    const sealed = sealEnvelope(alice, bodyOf(5))
    const first = opened(openEnvelope(bob, sealed.envelope, NOW_MS))
    assert.deepEqual(openEnvelope(first.state, sealed.envelope, NOW_MS), { ok: false, reason: 'replayed' })
    assert.deepEqual(openEnvelope(sealed.state, sealed.envelope, NOW_MS), { ok: false, reason: 'unknown-header' })
  })

  it('are refused when cut, extended or changed anywhere, and leave the state as it was', () => {
    const { alice, bob } = settledPair()
    const { envelope } = sealEnvelope(alice, bodyOf(5))
    const before = encodeSessionState(bob)
    const refuse = (bytes: Uint8Array, reason: string): void => {
      assert.deepEqual(openEnvelope(bob, bytes, NOW_MS), { ok: false, reason })
      assert.deepEqual(encodeSessionState(bob), before)
    }
    refuse(envelope.subarray(1), 'malformed')
    refuse(concatBytes(envelope, Uint8Array.of(0)), 'malformed')
    refuse(new Uint8Array(), 'malformed')
    for (let index = 0; index < envelope.length; index++) {
      const changed = envelope.slice()
      changed[index] = (changed[index] ?? 0) ^ (1 << (index % 8))
      refuse(changed, index < 69 ? 'unknown-header' : 'bad-body')
    }
    assert.ok(openEnvelope(bob, envelope, NOW_MS).ok)
  })

  it('of another session are refused', () => {
    const { alice } = settledPair()
    const { bob } = settledPair()
    const { envelope } = sealEnvelope(alice, bodyOf(5))
    assert.deepEqual(openEnvelope(bob, envelope, NOW_MS), { ok: false, reason: 'unknown-header' })
  })

  it('are bound to the transcript: the same keys under another one open nothing', () => {
    const { alice, bob } = settledPair()
    const { envelope } = sealEnvelope(alice, bodyOf(5))
    const other = { ...bob, transcript: new Uint8Array(32) }
    assert.deepEqual(openEnvelope(other, envelope, NOW_MS), { ok: false, reason: 'unknown-header' })
  })

  it('wiping what a step consumed does not touch the new state', () => {
    const { alice, bob } = settledPair()
    const sealed = sealMany(alice, 4, sealEnvelope)
    const skipping = opened(openEnvelope(bob, at(sealed.envelopes, 3), NOW_MS))
    const late = opened(openEnvelope(skipping.state, at(sealed.envelopes, 1), NOW_MS))
    for (const { state, consumed } of [skipping, late]) {
      const before = encodeSessionState(state)
      for (const secret of consumed) secret.fill(0)
      assert.deepEqual(encodeSessionState(state), before)
    }
  })
})

describe('late envelopes', () => {
  it('open in any order, within a chain and across chains', () => {
    let { alice, bob } = settledPair()
    const first = sealMany(alice, 5, sealEnvelope)
    bob = opened(openEnvelope(bob, at(first.envelopes, 4), NOW_MS)).state
    const reply = sealEnvelope(bob, bodyOf(0))
    alice = opened(openEnvelope(first.state, reply.envelope, NOW_MS)).state
    const second = sealMany(alice, 3, sealEnvelope)
    bob = opened(openEnvelope(reply.state, at(second.envelopes, 2), NOW_MS)).state
    assert.equal(bob.past.length, 1)
    for (const [envelopes, index] of [
      [second.envelopes, 0],
      [first.envelopes, 2],
      [first.envelopes, 0],
      [second.envelopes, 1],
      [first.envelopes, 3],
      [first.envelopes, 1],
    ] as const) {
      const result = opened(openEnvelope(bob, at(envelopes, index), NOW_MS))
      assert.deepEqual(result.body, bodyOf(index))
      bob = result.state
      assert.deepEqual(openEnvelope(bob, at(envelopes, index), NOW_MS).ok, false)
    }
    assert.equal(bob.past.length, 0, 'a past chain without keys goes, and its header key with it')
    assert.equal(bob.receiving?.skipped.length, 0)
  })

  it('the end of a chain that was never seen is derived from the next chain’s header', () => {
    let { alice, bob } = settledPair()
    const first = sealMany(alice, 3, sealEnvelope)
    bob = opened(openEnvelope(bob, at(first.envelopes, 0), NOW_MS)).state
    const reply = sealEnvelope(bob, bodyOf(0))
    alice = opened(openEnvelope(first.state, reply.envelope, NOW_MS)).state
    const second = sealEnvelope(alice, bodyOf(9))
    bob = opened(openEnvelope(reply.state, second.envelope, NOW_MS)).state
    assert.equal(bob.past[0]?.skipped.length, 2)
    assert.deepEqual(opened(openEnvelope(bob, at(first.envelopes, 2), NOW_MS)).body, bodyOf(2))
  })
})

describe('limits', () => {
  it('1,000 keys ahead open, 1,001 do not and change nothing', () => {
    const { alice, bob } = settledPair()
    const { envelopes } = sealMany(alice, SESSION_LIMITS.skipPerStep + 2, sealEnvelope)
    const before = encodeSessionState(bob)
    assert.deepEqual(openEnvelope(bob, at(envelopes, -1), NOW_MS), { ok: false, reason: 'skip-limit' })
    assert.deepEqual(encodeSessionState(bob), before)
    const far = opened(openEnvelope(bob, at(envelopes, -2), NOW_MS))
    assert.equal(far.state.receiving?.skipped.length, SESSION_LIMITS.skipPerStep)
    assert.ok(openEnvelope(far.state, at(envelopes, -1), NOW_MS).ok)
  })

  it('the same bound holds for the rest of a chain that is left', () => {
    const { alice, bob } = settledPair()
    // Bob has one envelope of the chain that Alice's next header leaves: the handshake's.
    const known = bob.receiving?.number ?? 0
    assert.equal(known, 1)
    const within = forge(alice, { previousCount: known + SESSION_LIMITS.skipPerStep })
    assert.equal(opened(openEnvelope(bob, within, NOW_MS)).state.past[0]?.skipped.length, SESSION_LIMITS.skipPerStep)
    const beyond = forge(alice, { previousCount: known + SESSION_LIMITS.skipPerStep + 1 })
    assert.deepEqual(openEnvelope(bob, beyond, NOW_MS), { ok: false, reason: 'skip-limit' })
  })

  it('2,000 stored keys, the oldest dropped first', () => {
    const { alice, ...pair } = settledPair()
    let { bob } = pair
    const total = 3 * SESSION_LIMITS.skipPerStep
    const sealed = sealMany(alice, total, sealEnvelope)
    const consumed: number[] = []
    for (const index of [999, 1999, 2999]) {
      const result = opened(openEnvelope(bob, at(sealed.envelopes, index), NOW_MS))
      bob = result.state
      consumed.push(result.consumed.length)
    }
    const { skipped } = bob.receiving ?? { skipped: [] }
    assert.equal(skipped.length, SESSION_LIMITS.storedSkippedKeys)
    assert.equal(skipped[0]?.number, total - 3 - SESSION_LIMITS.storedSkippedKeys)
    assert.deepEqual(openEnvelope(bob, at(sealed.envelopes, 0), NOW_MS), { ok: false, reason: 'replayed' })
    assert.ok(openEnvelope(bob, at(sealed.envelopes, 1001), NOW_MS).ok)
    assert.ok((consumed[2] ?? 0) > (consumed[1] ?? 0), 'dropped keys are to be wiped')
  })

  it('five past chains', () => {
    let { alice, bob } = settledPair()
    const lost: Uint8Array[] = []
    for (let turn = 0; turn <= SESSION_LIMITS.pastChains; turn++) {
      const { envelopes, state } = sealMany(alice, 2, sealEnvelope)
      lost.push(at(envelopes, 0))
      const reply = sealEnvelope(opened(openEnvelope(bob, at(envelopes, 1), NOW_MS)).state, bodyOf(0))
      bob = reply.state
      alice = opened(openEnvelope(state, reply.envelope, NOW_MS)).state
      assert.ok(bob.past.length <= SESSION_LIMITS.pastChains)
    }
    // Six chains with one late envelope each: five past ones and the current one.
    for (const envelope of lost) assert.ok(openEnvelope(bob, envelope, NOW_MS).ok)
    const next = sealEnvelope(alice, bodyOf(0))
    bob = opened(openEnvelope(bob, next.envelope, NOW_MS)).state
    assert.equal(bob.past.length, SESSION_LIMITS.pastChains)
    assert.deepEqual(openEnvelope(bob, at(lost, 0), NOW_MS), { ok: false, reason: 'unknown-header' })
    assert.ok(openEnvelope(bob, at(lost, 1), NOW_MS).ok)
  })

  it('thirty days', () => {
    const { alice, bob } = settledPair()
    const { envelopes } = sealMany(alice, 3, sealEnvelope)
    const skipped = opened(openEnvelope(bob, at(envelopes, 2), NOW_MS)).state
    const last = NOW_MS + 30 * DAY_MS - 1
    assert.ok(openEnvelope(skipped, at(envelopes, 0), last).ok)
    assert.deepEqual(openEnvelope(skipped, at(envelopes, 0), last + 1), { ok: false, reason: 'replayed' })
    assert.equal(dropExpiredKeys(skipped, last).state, skipped)
    const { state, consumed } = dropExpiredKeys(skipped, last + 1)
    assert.equal(state.receiving?.skipped.length, 0)
    assert.equal(consumed.length, 2)
    // A clock that was set back keeps them.
    assert.ok(openEnvelope(skipped, at(envelopes, 0), NOW_MS - DAY_MS).ok)
  })

  it('expiry empties past chains, and their header keys go with them', () => {
    let { alice, bob } = settledPair()
    const first = sealMany(alice, 2, sealEnvelope)
    const reply = sealEnvelope(opened(openEnvelope(bob, at(first.envelopes, 1), NOW_MS)).state, bodyOf(0))
    alice = opened(openEnvelope(first.state, reply.envelope, NOW_MS)).state
    bob = opened(openEnvelope(reply.state, sealEnvelope(alice, bodyOf(0)).envelope, NOW_MS)).state
    assert.equal(bob.past.length, 1)
    const { state, consumed } = dropExpiredKeys(bob, NOW_MS + 30 * DAY_MS)
    assert.equal(state.past.length, 0)
    assert.equal(consumed.length, 2)
  })
})

describe('a peer that contradicts itself', () => {
  it('another ratchet key under the same header key', () => {
    const { alice, bob } = settledPair()
    const sealed = sealEnvelope(alice, bodyOf(0))
    const heard = opened(openEnvelope(bob, sealed.envelope, NOW_MS)).state
    const forged = forge(sealed.state, { ratchetKey: new Uint8Array(32).fill(9) })
    assert.deepEqual(openEnvelope(heard, forged, NOW_MS), { ok: false, reason: 'inconsistent' })
  })

  it('a ratchet key of low order', () => {
    const { alice, bob } = settledPair()
    const forged = forge(alice, { ratchetKey: new Uint8Array(32) })
    assert.deepEqual(openEnvelope(bob, forged, NOW_MS), { ok: false, reason: 'inconsistent' })
  })

  it('a previous chain shorter than what was received of it', () => {
    const { alice, bob } = settledPair()
    assert.deepEqual(openEnvelope(bob, forge(alice, { previousCount: 0 }), NOW_MS), {
      ok: false,
      reason: 'inconsistent',
    })
  })

  it('a previous chain where there was none', () => {
    const { acceptor, inviter } = createSessionPair()
    const forged = forge(inviter, { previousCount: 1 })
    assert.deepEqual(openEnvelope(acceptor, forged, NOW_MS), { ok: false, reason: 'inconsistent' })
  })

  it('flags of another version', () => {
    const { alice, bob } = settledPair()
    const header = encodeRatchetHeader({ ratchetKey: alice.ratchetKey.publicKey, previousCount: 1, number: 0 })
    header[0] = 1
    const nonce = RATCHET_SUITE.random(AEAD_NONCE_BYTES)
    const sealed = aeadSeal(alice.sending?.headerKey ?? new Uint8Array(), nonce, alice.transcript, header)
    const envelope = concatBytes(nonce, sealed, new Uint8Array(ENVELOPE_BYTES - nonce.length - sealed.length))
    assert.deepEqual(openEnvelope(bob, envelope, NOW_MS), { ok: false, reason: 'malformed' })
  })
})
