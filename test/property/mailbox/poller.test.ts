import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { createPoller, type Guessing, type ReadPlan } from '../../../src/mailbox/index.ts'
import { HOT_CHECK_COUNT, HOT_SLOT_COUNT } from '../../../src/mailbox/options.ts'
import { READ_CHECK_COUNT } from '../../../src/wire/index.ts'
import { createSeededRandom } from '../../support/seeded-random.ts'

const REPLICAS = 8

function idOf(number: number): Uint8Array {
  return new Uint8Array(32).fill(number)
}

type Step =
  | { readonly type: 'watch'; readonly id: number; readonly hot: boolean; readonly next: boolean }
  | { readonly type: 'unwatch' | 'hit' | 'failed'; readonly id: number }
  | { readonly type: 'slot'; readonly guessing: Guessing }

const id = fc.integer({ min: 0, max: 40 })
const guessing = fc.constantFrom<Guessing>('none', 'next', 'any')
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ type: fc.constant('watch' as const), id, hot: fc.boolean(), next: fc.boolean() }),
  fc.record({ type: fc.constantFrom('unwatch' as const, 'hit' as const, 'failed' as const), id }),
  { weight: 2, arbitrary: fc.record({ type: fc.constant('slot' as const), guessing }) },
)

function assertPlan(plan: ReadPlan, watched: ReadonlySet<number>): void {
  const asked = plan.checks.map(({ boxId }) => boxId[0] ?? -1)
  assert.ok(asked.length <= READ_CHECK_COUNT)
  assert.equal(new Set(asked).size, asked.length, 'an id twice in one slot')
  const all = plan.fetch === undefined ? asked : [...asked, plan.fetch.boxId[0] ?? -1]
  assert.equal(new Set(all).size, all.length, 'checked and fetched in one slot')
  for (const one of all) assert.ok(watched.has(one), 'an id that is not watched')
  for (const { rank } of [...plan.checks, ...(plan.fetch ? [plan.fetch] : [])]) assert.ok(rank >= 0 && rank < REPLICAS)
}

/** The longest that any id waited for its next check, in slots, over `slots` of them. */
function longestWait(hot: number, cold: number, slots: number, seed: number): number {
  const poller = createPoller(createSeededRandom(seed))
  for (let number = 0; number < hot + cold; number += 1) poller.watch(idOf(number), { hot: number < hot })
  const last = new Map(Array.from({ length: hot + cold }, (_, number) => [number, 0]))
  let longest = 0
  for (let slot = 1; slot <= slots; slot += 1) {
    for (let number = 0; number < hot; number += 1) poller.watch(idOf(number), { hot: true })
    for (const { boxId } of poller.takeSlot(REPLICAS).checks) {
      const number = boxId[0] ?? -1
      longest = Math.max(longest, slot - (last.get(number) ?? 0))
      last.set(number, slot)
    }
  }
  return Math.max(longest, ...[...last.values()].map((slot) => slots - slot))
}

describe('the poller', () => {
  it('asks within its bounds, whatever is watched, found and lost', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300 }), fc.integer(), (steps, seed) => {
        const poller = createPoller(createSeededRandom(seed))
        const watched = new Set<number>()
        for (const one of steps) {
          if (one.type === 'watch') {
            watched.add(one.id)
            poller.watch(idOf(one.id), { hot: one.hot, next: one.next })
          } else if (one.type === 'unwatch') {
            watched.delete(one.id)
            poller.unwatch(idOf(one.id))
          } else if (one.type === 'slot') assertPlan(poller.takeSlot(REPLICAS, one.guessing), watched)
          else if (one.type === 'hit') poller.noteHit(idOf(one.id), one.id % REPLICAS)
          else poller.noteFetchFailed(idOf(one.id))
          assert.equal(poller.size, watched.size)
        }
      }),
    )
  })

  it('lets no id wait longer than two rounds of its kind', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 60 }),
        fc.integer({ min: 0, max: 120 }),
        fc.integer(),
        (hot, cold, seed) => {
          const rounds = (count: number, room: number): number => 2 * Math.ceil(count / room) + 1
          const bound = Math.max(rounds(hot, HOT_CHECK_COUNT), rounds(cold, READ_CHECK_COUNT - HOT_CHECK_COUNT))
          const waited = longestWait(hot, cold, 200, seed)
          assert.ok(waited <= bound, `waited ${waited} slots, bound ${bound}`)
        },
      ),
      { numRuns: 60 },
    )
  })

  it('would be seen to make somebody wait: control', () => {
    assert.ok(longestWait(0, 120, 200, 1) > 120 / READ_CHECK_COUNT)
  })

  it('finds every id that is there, also when hosts lie and fetches fail', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 60 }), fc.integer(), (count, seed) => {
        const random = createSeededRandom(seed)
        const poller = createPoller(createSeededRandom(seed + 1))
        for (let number = 0; number < count; number += 1) poller.watch(idOf(number), { hot: random.uniform() < 0.5 })
        let slots = 0
        while (poller.size > 0) {
          slots += 1
          assert.ok(slots < 60 * count + HOT_SLOT_COUNT, 'somebody waits for ever')
          const { checks, fetch } = poller.takeSlot(REPLICAS)
          // Half of the replicas have it, a tenth of the answers are lies, a third of everything is lost.
          for (const { boxId, rank } of checks) {
            if (random.uniform() < 1 / 3) continue
            if (rank % 2 === 0 || random.uniform() < 0.1) poller.noteHit(boxId, rank)
          }
          if (fetch === undefined) continue
          if (fetch.rank % 2 === 0 && random.uniform() < 2 / 3) poller.unwatch(fetch.boxId)
          else poller.noteFetchFailed(fetch.boxId)
        }
      }),
      { numRuns: 50 },
    )
  })
})
