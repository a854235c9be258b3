/** All classes of a capture get as many windows. @module */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createDeal } from '../../support/capture-deal.ts'
import { createSeededRandom } from '../../support/seeded-random.ts'

const CLASSES = ['idle', 'sending', 'returning'] as const
const windowsOf = (label: string): number => (label === 'returning' ? 20 : 10)

describe('the deal of classes', () => {
  it('keeps all classes within one segment of each other, of each client and of all', () => {
    const deal = createDeal(CLASSES, createSeededRandom(1).uniform)
    const own = [new Map<string, number>(), new Map<string, number>()]
    for (let turn = 0; turn < 200; turn += 1) {
      // One client is twice as fast.
      const client = turn % 3 === 0 ? 0 : 1
      const label = deal.next(client, windowsOf)
      deal.played(client, label, windowsOf(label), windowsOf(label))
      own[client]?.set(label, (own[client]?.get(label) ?? 0) + windowsOf(label))
    }
    for (const counts of own) {
      const values = CLASSES.map((label) => counts.get(label) ?? 0)
      assert.ok(Math.max(...values) - Math.min(...values) <= 20, String(values))
    }
    const all = Object.values(deal.counts())
    assert.ok(Math.max(...all) - Math.min(...all) <= 40, String(all))
    assert.equal(deal.fewest(), Math.min(...all))
  })

  it('deals a class again whose segment was given up, and counts what is under way', () => {
    const deal = createDeal(['idle', 'sending'], createSeededRandom(2).uniform)
    const first = deal.next(0, windowsOf)
    const second = deal.next(1, windowsOf)
    assert.notEqual(first, second, 'what another client plays already has more windows')
    deal.played(0, first, 10, 0)
    deal.played(1, second, 10, 10)
    assert.equal(deal.next(2, windowsOf), first)
    assert.equal(deal.fewest(), 0)
  })

  it('leaves the order to chance', () => {
    const orders = new Set<string>()
    for (let seed = 0; seed < 20; seed += 1) {
      const deal = createDeal(['idle', 'sending'], createSeededRandom(seed).uniform)
      orders.add(deal.next(0, windowsOf))
    }
    assert.equal(orders.size, 2)
  })
})
