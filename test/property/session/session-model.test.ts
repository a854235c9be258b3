import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import type { SessionState } from '../../../src/session/index.ts'
import { sealEnvelope } from '../../../src/session/seal-envelope.ts'
import { RATCHET_SUITE } from '../../../src/session/suite.ts'
import { ENVELOPE_BYTES } from '../../../src/wire/index.ts'
import {
  type ModelCounts,
  playSession,
  type Ratchet,
  REAL_RATCHET,
  type Side,
  type Step,
} from '../../support/session-model.ts'

const side = fc.constantFrom<Side>('acceptor', 'inviter')
const pick = fc.nat(1000)

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('send' as const), side }) },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('deliver-newest' as const), side }) },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('deliver' as const), side, pick }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('open-and-crash' as const), side, pick }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('reflect' as const), side, pick }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('flip' as const),
      side,
      pick,
      at: fc.nat(ENVELOPE_BYTES - 1),
      mask: fc.integer({ min: 1, max: 255 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('garbage' as const),
      side,
      fill: fc.nat(255),
      length: fc.constantFrom(0, 1, ENVELOPE_BYTES - 1, ENVELOPE_BYTES, ENVELOPE_BYTES + 1),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('restore' as const), side }) },
)

const story = fc.array(step, { minLength: 10, maxLength: 70, size: 'max' })

function check(ratchet: Ratchet, counts: ModelCounts, numRuns: number): fc.RunDetails<[Step[]]> {
  const property = fc.property(story, (steps) => playSession(steps, ratchet, counts))
  return fc.check(property, { numRuns, endOnFailure: true })
}

function noCounts(): ModelCounts {
  return { sent: 0, opened: 0, late: 0, turns: 0, refused: 0 }
}

describe('a session over a network that loses, repeats, reorders and invents', () => {
  it('keeps its promises in every interleaving', () => {
    const counts = noCounts()
    const result = check(REAL_RATCHET, counts, 80)
    if (result.failed) assert.fail(fc.defaultReportMessage(result))
    // The stories reached what they are about.
    for (const [name, count] of Object.entries(counts)) assert.ok(count > 20, `${name}: ${count}`)
  })

  it('survives long loss: six chains with gaps drop the oldest, and only the oldest', () => {
    const steps: Step[] = []
    for (let turn = 0; turn < 9; turn++) {
      for (const from of ['acceptor', 'inviter'] as const) {
        const to = from === 'acceptor' ? 'inviter' : 'acceptor'
        steps.push({ kind: 'send', side: from }, { kind: 'send', side: from }, { kind: 'deliver-newest', side: to })
      }
    }
    for (let sent = 0; sent < 18; sent++) {
      steps.push({ kind: 'deliver', side: 'inviter', pick: sent }, { kind: 'deliver', side: 'acceptor', pick: sent })
    }
    const counts = noCounts()
    playSession(steps, REAL_RATCHET, counts)
    assert.equal(counts.late, 12, 'five past chains and the current one, both ways')
  })
})

interface Control {
  readonly ratchet: Ratchet
  /** What the model has to say, so that it does not fail for another reason. */
  readonly finds: RegExp
}

/** Each breaks one rule of the ratchet from outside; the model has to notice. */
const BROKEN: Record<string, Control> = {
  'the receive header key is not rotated': {
    finds: /in time was refused/,
    ratchet: {
      ...REAL_RATCHET,
      open(state, envelope, nowMs) {
        const result = REAL_RATCHET.open(state, envelope, nowMs)
        if (!result.ok || state.receiving === undefined || result.state.receiving === undefined) return result
        const headerKey = state.receiving.headerKey.slice()
        return { ...result, state: { ...result.state, receiving: { ...result.state.receiving, headerKey } } }
      },
    },
  },
  'the send header key is not rotated': {
    finds: /in time was refused/,
    ratchet: {
      ...REAL_RATCHET,
      open(state, envelope, nowMs) {
        const result = REAL_RATCHET.open(state, envelope, nowMs)
        if (!result.ok || state.sending === undefined || result.state.sending === undefined) return result
        const headerKey = state.sending.headerKey.slice()
        return { ...result, state: { ...result.state, sending: { ...result.state.sending, headerKey } } }
      },
    },
  },
  'a refused envelope changes the state in place': {
    finds: /opening changed the state/,
    ratchet: {
      ...REAL_RATCHET,
      open(state, envelope, nowMs) {
        const result = REAL_RATCHET.open(state, envelope, nowMs)
        if (!result.ok && result.reason === 'bad-body') state.rootKey[0] = (state.rootKey[0] ?? 0) ^ 1
        return result
      },
    },
  },
  'the state before is handed on, so that a replay opens': {
    finds: /opened twice/,
    ratchet: {
      ...REAL_RATCHET,
      open(state, envelope, nowMs) {
        const result = REAL_RATCHET.open(state, envelope, nowMs)
        return result.ok ? { ...result, state: copyOf(state) } : result
      },
    },
  },
  'the sending chain does not move, so that a key is used twice': {
    // Found by the key itself, or by its consequence: the second envelope with one number is refused. Which of
    // the two comes first depends on the story that was drawn.
    finds: /used twice|bytes in common|in time was refused/,
    ratchet: {
      ...REAL_RATCHET,
      seal: (state, body) => ({ ...REAL_RATCHET.seal(state, body), state: copyOf(state) }),
    },
  },
  'header nonces repeat': {
    finds: /bytes in common/,
    ratchet: {
      ...REAL_RATCHET,
      seal: (state, body) =>
        sealEnvelope(state, body, { ...RATCHET_SUITE, random: (length) => new Uint8Array(length) }),
    },
  },
  'skipped keys are forgotten': {
    finds: /in time was refused/,
    ratchet: {
      ...REAL_RATCHET,
      open(state, envelope, nowMs) {
        const result = REAL_RATCHET.open(state, envelope, nowMs)
        if (!result.ok || result.state.receiving === undefined) return result
        return { ...result, state: { ...result.state, receiving: { ...result.state.receiving, skipped: [] } } }
      },
    },
  },
  'consumed names a secret that is still in use': {
    finds: /still part of the state/,
    ratchet: {
      ...REAL_RATCHET,
      open(state, envelope, nowMs) {
        const result = REAL_RATCHET.open(state, envelope, nowMs)
        return result.ok ? { ...result, consumed: [...result.consumed, result.state.rootKey] } : result
      },
    },
  },
}

function copyOf(state: SessionState): SessionState {
  return structuredClone(state)
}

describe('mutation controls: the same check fails for a broken ratchet', () => {
  for (const [name, { ratchet, finds }] of Object.entries(BROKEN)) {
    it(name, () => {
      const result = check(ratchet, noCounts(), 80)
      assert.ok(result.failed)
      assert.match(result.errorInstance instanceof Error ? result.errorInstance.message : '', finds)
    })
  }
})
