import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { closestOf, compareDistance, placementKey } from '../../../src/mailbox/index.ts'
import { compareBytes } from '../../../src/mailbox/placement.ts'

interface Entry {
  readonly hostId: Uint8Array
}

/** Few bits differ, so that long common prefixes and neighbours happen. */
const hostId = fc
  .array(fc.constantFrom(0, 1, 2, 3, 128, 255), { minLength: 4, maxLength: 4 })
  .map((bytes) => Uint8Array.from(bytes))
const wideId = fc.uint8Array({ minLength: 4, maxLength: 4 })

function sortedOf(ids: readonly Uint8Array[]): Entry[] {
  const unique = new Map(ids.map((id) => [String(id), { hostId: id }]))
  return [...unique.values()].sort((a, b) => compareBytes(a.hostId, b.hostId))
}

function bruteForce(hosts: readonly Entry[], target: Uint8Array, count: number): Entry[] {
  return [...hosts].sort((a, b) => compareDistance(target, a.hostId, b.hostId)).slice(0, count)
}

describe('the hosts closest to a box', () => {
  it('are those that a full sort by distance gives, in its order', () => {
    const ids = fc.array(fc.oneof(hostId, wideId), { maxLength: 60 })
    fc.assert(
      fc.property(ids, fc.oneof(hostId, wideId), fc.integer({ min: 0, max: 70 }), (all, target, count) => {
        const hosts = sortedOf(all)
        assert.deepEqual(closestOf(hosts, target, count), bruteForce(hosts, target, count))
      }),
      { numRuns: 1_000 },
    )
  })

  it('would not be found by sorted order alone: control', () => {
    const hosts = sortedOf([0, 64, 127, 128, 255].map((byte) => Uint8Array.of(byte, 0, 0, 0)))
    const target = Uint8Array.of(128, 0, 0, 0)
    assert.deepEqual(
      closestOf(hosts, target, 3).map((host) => host.hostId[0]),
      [128, 255, 0],
    )
  })

  it('are a measure: nobody is nearer than the target itself, and no two ids are equally far', () => {
    fc.assert(
      fc.property(wideId, wideId, wideId, (target, a, b) => {
        assert.ok(compareDistance(target, target, a) <= 0)
        assert.equal(compareDistance(target, a, b) === 0, compareBytes(a, b) === 0)
        assert.equal(Math.sign(compareDistance(target, a, b)), -Math.sign(compareDistance(target, b, a)) || 0)
      }),
    )
  })

  it('stay the same for a box when hosts far from it come and go', () => {
    fc.assert(
      fc.property(fc.array(wideId, { minLength: 20, maxLength: 40 }), wideId, wideId, (all, target, comer) => {
        const hosts = sortedOf(all)
        const before = closestOf(hosts, target, 8)
        const last = before.at(-1)
        fc.pre(before.length === 8 && last !== undefined)
        const after = closestOf(sortedOf([...all, comer]), target, 8)
        const isNear = compareDistance(target, comer, last.hostId) < 0
        if (!isNear) assert.deepEqual(after, before)
        else assert.equal(after.filter((host) => !before.some((old) => old.hostId === host.hostId)).length <= 1, true)
      }),
    )
  })

  it('lie around a point that is not the box id itself', () => {
    const boxId = new Uint8Array(32).fill(7)
    assert.equal(placementKey(boxId).length, 32)
    assert.notDeepEqual(placementKey(boxId), boxId)
    assert.deepEqual(placementKey(boxId), placementKey(boxId.slice()))
  })
})
