import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { concatBytes } from '../../../src/base/index.ts'
import {
  decodeSessionState,
  encodeSessionState,
  openEnvelope,
  SESSION_LIMITS,
  type SessionState,
  sealEnvelope,
} from '../../../src/session/index.ts'
import { bodyOf, createSessionPair, NOW_MS, opened, sealMany } from '../../support/session-pair.ts'
import { sessionStates } from '../../support/session-states.ts'

/** A receiving state with `count` skipped keys in its current chain. */
function withSkipped(state: SessionState, count: number): SessionState {
  const { receiving } = state
  assert.ok(receiving !== undefined)
  const skipped = Array.from({ length: count }, (_, number) => ({
    number,
    messageKey: new Uint8Array(32).fill(number),
    storedAtMs: NOW_MS,
  }))
  return { ...state, receiving: { ...receiving, number: count + 1, skipped } }
}

describe('session state codec', () => {
  it('gives back every stage of a session, byte for byte', () => {
    const states = sessionStates()
    assert.deepEqual(
      states.map((state) => [state.sending !== undefined, state.receiving !== undefined, state.past.length]),
      [
        [false, false, 0],
        [true, false, 0],
        [true, true, 0],
        [true, true, 2],
      ],
    )
    for (const state of states) {
      const bytes = encodeSessionState(state)
      const decoded = decodeSessionState(bytes)
      assert.deepEqual(decoded, state)
      assert.deepEqual(encodeSessionState(decoded), bytes)
    }
  })

  it('a decoded state goes on where the encoded one was', () => {
    const { acceptor, inviter } = createSessionPair()
    const reloaded = decodeSessionState(encodeSessionState(acceptor))
    assert.ok(reloaded !== undefined)
    const { envelope } = sealEnvelope(reloaded, bodyOf(4))
    assert.deepEqual(opened(openEnvelope(inviter, envelope, NOW_MS)).body, bodyOf(4))
  })

  it('refuses other versions and stages, and trailing bytes', () => {
    for (const state of sessionStates()) {
      const bytes = encodeSessionState(state)
      for (const [at, value] of [
        [0, 0],
        [0, 2],
        [1, 3],
        [1, 255],
      ] as const) {
        const changed = bytes.slice()
        changed[at] = value
        assert.equal(decodeSessionState(changed), undefined)
      }
      assert.equal(decodeSessionState(concatBytes(bytes, Uint8Array.of(0))), undefined)
    }
  })

  it('holds as many skipped keys as the limit, and refuses one more', () => {
    const base = createSessionPair().inviter
    const full = withSkipped(base, SESSION_LIMITS.storedSkippedKeys)
    assert.deepEqual(decodeSessionState(encodeSessionState(full)), full)
    assert.equal(decodeSessionState(encodeSessionState(withSkipped(base, 2001))), undefined)
    const spread = {
      ...full,
      past: [{ headerKey: new Uint8Array(32), skipped: full.receiving?.skipped.slice(0, 1) ?? [] }],
    }
    assert.equal(decodeSessionState(encodeSessionState(spread)), undefined)
  })

  it('refuses what no ratchet leaves behind', () => {
    const base = withSkipped(createSessionPair().inviter, 3)
    const { receiving } = base
    assert.ok(receiving !== undefined)
    const { skipped } = receiving
    const late = { ...base, receiving: { ...receiving, number: 2 } }
    const unordered = { ...base, receiving: { ...receiving, skipped: skipped.toReversed() } }
    const twice = { ...base, receiving: { ...receiving, skipped: [...skipped.slice(0, 1), ...skipped] } }
    const past = { headerKey: new Uint8Array(32), skipped }
    const empty = { ...base, past: [{ ...past, skipped: [] }] }
    const many = { ...base, past: Array.from({ length: 6 }, () => past) }
    for (const [index, state] of [late, unordered, twice, empty, many].entries()) {
      assert.equal(decodeSessionState(encodeSessionState(state)), undefined, `state ${index}`)
    }
    assert.ok(decodeSessionState(encodeSessionState({ ...base, past: [past] })) !== undefined, 'the control')
  })

  it('has the size the specification gives', () => {
    const [awaiting, sendingOnly, both] = sessionStates().map((state) => encodeSessionState(state).length)
    assert.deepEqual([awaiting, sendingOnly, both], [262, 394, 497])
    const { acceptor } = createSessionPair()
    assert.equal(encodeSessionState(sealMany(acceptor, 3, sealEnvelope).state).length, 394)
  })
})
