import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { hexEncode } from '../../../src/base/index.ts'
import { createPoller, type Poller, type ReadPlan } from '../../../src/mailbox/index.ts'
import { FETCH_TRY_COUNT, HOT_CHECK_COUNT, HOT_SLOT_COUNT } from '../../../src/mailbox/options.ts'
import { READ_CHECK_COUNT } from '../../../src/wire/index.ts'
import { createSeededRandom } from '../../support/seeded-random.ts'

const REPLICAS = 8

function idOf(number: number): Uint8Array {
  const id = new Uint8Array(32)
  new DataView(id.buffer).setUint32(0, number)
  return id
}

function numberOf(id: Uint8Array): number {
  return new DataView(id.buffer, id.byteOffset).getUint32(0)
}

function pollerOf(count: number, hot: boolean, seed = 1): Poller {
  const poller = createPoller(createSeededRandom(seed))
  for (let number = 0; number < count; number += 1) poller.watch(idOf(number), { hot })
  return poller
}

const polled = (plan: ReadPlan): number[] => plan.checks.map(({ boxId }) => numberOf(boxId)).sort((a, b) => a - b)

describe('a read slot', () => {
  it('asks nothing where nothing is watched, or nobody is there to be asked', () => {
    assert.deepEqual(pollerOf(0, false).takeSlot(REPLICAS), { checks: [], fetch: undefined })
    const poller = pollerOf(3, true)
    poller.noteHit(idOf(0), 2)
    assert.deepEqual(poller.takeSlot(0), { checks: [], fetch: undefined })
    assert.deepEqual(poller.takeSlot(1).fetch, { boxId: idOf(0), rank: 0, isGuess: false })
  })

  it('fetches once more what is late, where it was found and while it is wanted', () => {
    const poller = pollerOf(2, false)
    poller.noteFetchLate(idOf(0))
    assert.equal(poller.hasFound(), false, 'no fetch of it was under way')
    poller.noteHit(idOf(0), 3)
    assert.equal(poller.takeSlot(REPLICAS).fetch?.rank, 3)
    poller.noteFetchLate(idOf(0))
    poller.noteFetchLate(idOf(0))
    assert.deepEqual(poller.takeSlot(REPLICAS).fetch, { boxId: idOf(0), rank: 3, isGuess: false })
    assert.equal(poller.takeSlot(REPLICAS).fetch, undefined)
    poller.unwatch(idOf(0))
    poller.noteFetchLate(idOf(0))
    assert.equal(poller.hasFound(), false)
  })

  it('asks for each of a few ids once', () => {
    const poller = pollerOf(5, false)
    for (let slot = 0; slot < 20; slot += 1) assert.deepEqual(polled(poller.takeSlot(REPLICAS)), [0, 1, 2, 3, 4])
  })

  it('asks for no more than a record holds, and shares it between hot and cold', () => {
    const poller = pollerOf(100, false)
    for (let number = 100; number < 130; number += 1) poller.watch(idOf(number), { hot: true })
    for (let slot = 1; slot < HOT_SLOT_COUNT; slot += 1) {
      const ids = polled(poller.takeSlot(REPLICAS))
      assert.equal(ids.length, READ_CHECK_COUNT)
      assert.equal(new Set(ids).size, READ_CHECK_COUNT)
      assert.equal(ids.filter((id) => id >= 100).length, HOT_CHECK_COUNT)
    }
    poller.takeSlot(REPLICAS)
    const late = polled(poller.takeSlot(REPLICAS))
    assert.equal(late.length, READ_CHECK_COUNT, 'what was hot has cooled down and is still watched')
  })

  it('gives the room that one kind does not need to the other', () => {
    const poller = pollerOf(2, false)
    for (let number = 100; number < 130; number += 1) poller.watch(idOf(number), { hot: true })
    const ids = polled(poller.takeSlot(REPLICAS))
    assert.equal(ids.filter((id) => id >= 100).length, READ_CHECK_COUNT - 2)
    assert.equal(polled(pollerOf(30, false).takeSlot(REPLICAS)).length, READ_CHECK_COUNT)
  })

  it('asks for a newly watched hot id at once', () => {
    const poller = pollerOf(100, true)
    for (let slot = 0; slot < 5; slot += 1) poller.takeSlot(REPLICAS)
    poller.watch(idOf(500), { hot: true })
    assert.ok(polled(poller.takeSlot(REPLICAS)).includes(500))
  })

  it('puts ids that are asked for together into other company each round', () => {
    const poller = pollerOf(48, false)
    const companies = Array.from({ length: 12 }, () => polled(poller.takeSlot(REPLICAS)).join())
    assert.equal(new Set(companies).size, companies.length)
  })
})

describe('the polls of one id', () => {
  it('go to every replica once before any again, in an order of its own, never twice in a row to one', () => {
    const poller = pollerOf(6, false)
    const ranks = new Map<number, number[]>()
    for (let slot = 0; slot < 10 * REPLICAS; slot += 1) {
      for (const { boxId, rank } of poller.takeSlot(REPLICAS).checks)
        ranks.set(numberOf(boxId), [...(ranks.get(numberOf(boxId)) ?? []), rank])
    }
    for (const asked of ranks.values()) {
      assert.equal(asked.length, 10 * REPLICAS)
      for (let from = 0; from < asked.length; from += REPLICAS)
        assert.equal(new Set(asked.slice(from, from + REPLICAS)).size, REPLICAS)
      for (const [index, rank] of asked.entries()) assert.notEqual(rank, asked[index + 1])
    }
    assert.equal(new Set([...ranks.values()].map(String)).size, ranks.size)
  })

  it('stay among the replicas that there are', () => {
    const poller = pollerOf(3, false)
    for (const replicas of [8, 8, 3, 3, 1, 1, 8, 8, 2])
      for (const { rank } of poller.takeSlot(replicas).checks) assert.ok(rank < replicas, `${rank} of ${replicas}`)
  })
})

describe('a found id', () => {
  it('is fetched from where it was found, and not checked meanwhile', () => {
    const poller = pollerOf(3, false)
    poller.takeSlot(REPLICAS)
    poller.noteHit(idOf(1), 5)
    poller.noteHit(idOf(1), 6)
    const plan = poller.takeSlot(REPLICAS)
    assert.deepEqual(plan.fetch, { boxId: idOf(1), rank: 5, isGuess: false })
    assert.deepEqual(polled(plan), [0, 2])
    assert.equal(poller.takeSlot(REPLICAS).fetch, undefined, 'one fetch is on its way')
  })

  it('waits its turn: one fetch in each slot', () => {
    const poller = pollerOf(4, false)
    for (const number of [2, 0, 3]) poller.noteHit(idOf(number), 0)
    const order = [0, 1, 2].map(() => numberOf(poller.takeSlot(REPLICAS).fetch?.boxId ?? new Uint8Array(4).fill(255)))
    assert.deepEqual(order, [2, 0, 3])
    assert.equal(poller.takeSlot(REPLICAS).fetch, undefined)
  })

  it('is fetched again elsewhere when that failed, and given back in the end', () => {
    const poller = pollerOf(2, false)
    poller.noteHit(idOf(0), 7)
    const ranks: (number | undefined)[] = []
    for (let attempt = 0; attempt < FETCH_TRY_COUNT; attempt += 1) {
      ranks.push(poller.takeSlot(REPLICAS).fetch?.rank)
      poller.noteFetchFailed(idOf(0))
    }
    assert.deepEqual(ranks, [7, 0, 1, 2])
    const plan = poller.takeSlot(REPLICAS)
    assert.equal(plan.fetch, undefined)
    assert.deepEqual(polled(plan), [0, 1])

    poller.noteHit(idOf(0), 3)
    assert.deepEqual(poller.takeSlot(REPLICAS).fetch, { boxId: idOf(0), rank: 3, isGuess: false })
    poller.noteFetchFailed(idOf(0))
    assert.equal(poller.takeSlot(REPLICAS).fetch, undefined, 'one failure is enough from now on')
  })

  it('goes before those whose fetches have failed', () => {
    const poller = pollerOf(3, false)
    poller.noteHit(idOf(0), 0)
    assert.deepEqual(poller.takeSlot(REPLICAS).fetch?.boxId, idOf(0))
    poller.noteFetchFailed(idOf(0))
    poller.noteHit(idOf(1), 0)
    poller.noteHit(idOf(2), 0)
    const order = [0, 1, 2].map(() => numberOf(poller.takeSlot(REPLICAS).fetch?.boxId ?? new Uint8Array(4).fill(255)))
    assert.deepEqual(order, [1, 2, 0])
  })

  it('is found at most as late as the poller says, also when hot ids fill their share', () => {
    const poller = pollerOf(60, false)
    for (let number = 60; number < 90; number += 1) poller.watch(idOf(number), { hot: true })
    const missing = new Set(Array.from({ length: 90 }, (_, number) => number))
    for (let slot = 0; slot < poller.patienceSlots; slot += 1)
      for (const id of polled(poller.takeSlot(REPLICAS))) missing.delete(id)
    assert.deepEqual([...missing], [])
  })

  it('that is no longer watched is forgotten, and late news of it changes nothing', () => {
    const poller = pollerOf(2, true)
    poller.noteHit(idOf(0), 0)
    poller.unwatch(idOf(0))
    assert.equal(poller.isWatched(idOf(0)), false)
    assert.equal(poller.size, 1)
    poller.noteHit(idOf(0), 1)
    poller.noteFetchFailed(idOf(0))
    const plan = poller.takeSlot(REPLICAS)
    assert.deepEqual(polled(plan), [1])
    assert.equal(plan.fetch, undefined)
  })

  it('that lies are told about takes the fetches of nobody else for good', () => {
    const poller = pollerOf(20, false)
    poller.takeSlot(REPLICAS)
    for (let number = 0; number < 19; number += 1) poller.noteHit(idOf(number), 0)
    poller.noteHit(idOf(19), 0)
    let slots = 0
    for (;;) {
      slots += 1
      const { fetch } = poller.takeSlot(REPLICAS)
      assert.ok(fetch)
      if (numberOf(fetch.boxId) === 19) break
      poller.noteFetchFailed(fetch.boxId)
    }
    assert.equal(slots, 20)
  })

  it('that lies are told about for ever leaves every other slot to files and loops', () => {
    const poller = pollerOf(48, false)
    let left = 0
    for (let slot = 0; slot < 1_000; slot += 1) {
      if (!poller.hasFound()) left += 1
      const plan = poller.takeSlot(REPLICAS, poller.hasFound() ? 'none' : 'taken')
      // A host that is a replica of each box, and says that it has it.
      for (const { boxId, rank } of plan.checks) if (rank === numberOf(boxId) % REPLICAS) poller.noteHit(boxId, rank)
      if (plan.fetch !== undefined) poller.noteFetchFailed(plan.fetch.boxId)
    }
    // Each id has its first failures in slots of its own.
    assert.ok(left > 0.35 * 1_000, `${left}`)
    poller.watch(idOf(1_000), { hot: true })
    poller.noteHit(idOf(1_000), 0)
    assert.equal(poller.hasFound(), true, 'what is not doubtful goes before files')
    assert.equal(poller.takeSlot(REPLICAS, 'taken').fetch, undefined)
    assert.deepEqual(poller.takeSlot(REPLICAS).fetch, { boxId: idOf(1_000), rank: 0, isGuess: false })
  })
})

describe('a guess', () => {
  it('is an id that comes next, in turn, at another replica each time, and not checked in the same slot', () => {
    const poller = pollerOf(20, true)
    for (const number of [100, 101]) poller.watch(idOf(number), { hot: true, next: true })
    assert.equal(poller.hasNext(), true)
    const ranks = new Map<string, Set<number>>()
    for (let slot = 0; slot < 2 * REPLICAS; slot += 1) {
      const { checks, fetch } = poller.takeSlot(REPLICAS, 'next')
      assert.equal(fetch?.isGuess, true)
      const key = hexEncode(fetch?.boxId ?? new Uint8Array())
      assert.ok([idOf(100), idOf(101)].some((id) => hexEncode(id) === key))
      assert.ok(checks.every(({ boxId }) => hexEncode(boxId) !== key))
      assert.equal(checks.length, READ_CHECK_COUNT)
      ranks.set(key, (ranks.get(key) ?? new Set()).add(fetch?.rank ?? -1))
    }
    assert.equal(ranks.size, 2, 'both had their turn')
    for (const seen of ranks.values()) assert.ok(seen.size > REPLICAS / 2, 'the replicas change')
  })

  it('is any id when nothing is expected, and none when none is wanted', () => {
    const poller = pollerOf(30, false)
    assert.equal(poller.hasNext(), false)
    const seen = new Set<string>()
    for (let slot = 0; slot < 30; slot += 1)
      seen.add(hexEncode(poller.takeSlot(REPLICAS, 'any').fetch?.boxId ?? idOf(0)))
    assert.equal(seen.size, 30, 'each comes once in a round')
    assert.equal(poller.takeSlot(REPLICAS, 'next').fetch, undefined)
    assert.equal(poller.takeSlot(REPLICAS, 'none').fetch, undefined)
  })

  it('never takes the place of what was found, and leaves no trace when nothing is there', () => {
    const poller = pollerOf(2, true)
    poller.watch(idOf(7), { hot: true, next: true })
    poller.noteHit(idOf(1), 3)
    assert.equal(poller.hasFound(), true)
    assert.deepEqual(poller.takeSlot(REPLICAS, 'next').fetch, { boxId: idOf(1), rank: 3, isGuess: false })
    const { fetch } = poller.takeSlot(REPLICAS, 'next')
    assert.deepEqual(fetch?.boxId, idOf(7))
    poller.noteFetchFailed(idOf(7))
    assert.equal(poller.hasFound(), false)
  })

  it('stops to be likely when the id has cooled down or is no longer the next', () => {
    const poller = pollerOf(0, true)
    poller.watch(idOf(1), { hot: true, next: true })
    poller.watch(idOf(1), { hot: true, next: false })
    assert.equal(poller.hasNext(), false)
    poller.watch(idOf(2), { hot: true, next: true })
    for (let slot = 0; slot < HOT_SLOT_COUNT; slot += 1) poller.takeSlot(REPLICAS, 'next')
    assert.equal(poller.hasNext(), false)
  })
})
