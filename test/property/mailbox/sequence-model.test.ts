import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import {
  noSequenceCounts,
  playSequences,
  REAL_SEQUENCER,
  type SequenceCounts,
  type Sequencer,
  type Step,
} from '../../support/sequence-model.ts'

const side = fc.constantFrom('acceptor' as const, 'inviter' as const)
const pick = fc.nat(1000)

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ kind: fc.constant('write' as const), side, hasEnvelope: fc.boolean() }) },
  { weight: 9, arbitrary: fc.record({ kind: fc.constant('read' as const), side, pick }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('read-and-crash' as const), side, pick }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('lose' as const), side, pick }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('lane' as const), side }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('restore' as const), side }) },
)

const story = fc.array(step, { minLength: 20, maxLength: 90, size: 'max' })

function check(
  sequencer: Sequencer,
  counts: SequenceCounts,
  parameters: fc.Parameters<[Step[]]>,
): fc.RunDetails<[Step[]]> {
  const property = fc.property(story, (steps) => playSequences(steps, sequencer, counts))
  return fc.check(property, { endOnFailure: true, ...parameters })
}

describe('sequences over mailboxes that lose and reorder, above a session that turns', () => {
  it('look for the next box of the other side in every interleaving, and for nothing that is over', () => {
    const counts = noSequenceCounts()
    const result = check(REAL_SEQUENCER, counts, { numRuns: 30 })
    if (result.failed) assert.fail(fc.defaultReportMessage(result))
    // The stories reached what they are about.
    for (const [name, count] of Object.entries(counts)) assert.ok(count > 3, `${name}: ${count}`)
  })

  it('keep up when only one side ever writes, and when both take turns for long', () => {
    const counts = noSequenceCounts()
    const alone: Step[] = []
    for (let turn = 0; turn < 40; turn += 1) {
      alone.push({ kind: 'write', side: 'acceptor', hasEnvelope: true }, { kind: 'read', side: 'inviter', pick: 0 })
    }
    const turns = alone.flatMap((one, index): Step[] =>
      index % 2 === 0
        ? [one]
        : [one, { kind: 'write', side: 'inviter', hasEnvelope: true }, { kind: 'read', side: 'acceptor', pick: 0 }],
    )
    playSequences(alone, REAL_SEQUENCER, counts)
    assert.deepEqual(counts, { ...noSequenceCounts(), written: 40, read: 40 })
    playSequences(turns, REAL_SEQUENCER, counts)
    assert.equal(counts.turns, 79, 'each side but the one that began turns with every box it reads')
  })
})

interface Control {
  readonly sequencer: Sequencer
  /** What the model has to say, so that it does not fail for another reason. */
  readonly finds: RegExp
}

/** Each breaks one rule of the sequences from outside; the model has to notice. */
const BROKEN: Record<string, Control> = {
  'the box keys stay in the session': {
    finds: /keeps a key/,
    sequencer: {
      ...REAL_SEQUENCER,
      // A copy: wiping what was consumed must not mend it.
      sync: (session, ...rest) => ({ ...REAL_SEQUENCER.sync(session, ...rest), session: structuredClone(session) }),
    },
  },
  'the chain of the writer does not move': {
    finds: /came twice|still there/,
    sequencer: {
      ...REAL_SEQUENCER,
      take: (sequences) => {
        const taken = REAL_SEQUENCER.take(sequences)
        return taken && { ...taken, sequences, consumed: [] }
      },
    },
  },
  'a box that was read stays wanted': {
    finds: /still wanted/,
    sequencer: { ...REAL_SEQUENCER, note: (sequences) => ({ sequences, consumed: [] }) },
  },
  'boxes that were passed over are forgotten': {
    finds: /other boxes than it should/,
    sequencer: {
      ...REAL_SEQUENCER,
      note: (...input) => {
        const noted = REAL_SEQUENCER.note(...input)
        const { receive } = noted.sequences
        const current = receive.current && { ...receive.current, missing: [] }
        return { ...noted, sequences: { ...noted.sequences, receive: { ...receive, current } } }
      },
    },
  },
  'the end of a chain is not heard': {
    finds: /other boxes than it should/,
    sequencer: { ...REAL_SEQUENCER, note: (sequences, boxId) => REAL_SEQUENCER.note(sequences, boxId, undefined) },
  },
  'chains that were left are forgotten': {
    finds: /other boxes than it should/,
    sequencer: {
      ...REAL_SEQUENCER,
      sync: (...input) => {
        const synced = REAL_SEQUENCER.sync(...input)
        return { ...synced, sequences: { ...synced.sequences, receive: { ...synced.sequences.receive, past: [] } } }
      },
    },
  },
  'consumed names a secret that is still in use': {
    finds: /still part of the sequences/,
    sequencer: {
      ...REAL_SEQUENCER,
      note: (...input) => {
        const noted = REAL_SEQUENCER.note(...input)
        const chainKey = noted.sequences.receive.next?.chainKey
        return chainKey === undefined ? noted : { ...noted, consumed: [...noted.consumed, chainKey] }
      },
    },
  },
}

describe('mutation controls: the same check fails for broken sequences', () => {
  for (const [name, { sequencer, finds }] of Object.entries(BROKEN)) {
    it(name, () => {
      // A fixed seed: whether the stories reach what is broken must not depend on luck.
      const result = check(sequencer, noSequenceCounts(), { numRuns: 40, seed: 20_261_121 })
      assert.ok(result.failed)
      assert.match(result.errorInstance instanceof Error ? result.errorInstance.message : '', finds)
    })
  }
})
