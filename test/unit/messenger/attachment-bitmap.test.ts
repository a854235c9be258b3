import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createBitmap, findClear, hasBit, withBit } from '../../../src/messenger/attachments/bitmap.ts'
import { createSeededRandom } from '../../support/seeded-random.ts'

const ALL = (): boolean => true

describe('the bitmap of a transfer', () => {
  it('holds one bit a chunk, and is never changed in place', () => {
    const empty = createBitmap(10)
    assert.equal(empty.length, 2)
    const next = withBit(withBit(empty, 9), 0)
    assert.deepEqual([...next], [1, 2])
    assert.deepEqual([...empty], [0, 0])
    assert.deepEqual(
      [0, 1, 8, 9].map((index) => hasBit(next, index)),
      [true, false, false, true],
    )
    assert.equal(hasBit(createBitmap(0), 3), false)
  })

  it('finds what is left from any place on, around the end, and nothing beyond it', () => {
    let bitmap = createBitmap(10)
    for (const index of [0, 1, 2, 4, 9]) bitmap = withBit(bitmap, index)
    assert.equal(findClear(bitmap, 10, 0, ALL), 3)
    assert.equal(findClear(bitmap, 10, 4, ALL), 5)
    assert.equal(findClear(bitmap, 10, 9, ALL), 3)
    assert.equal(
      findClear(bitmap, 10, 0, (index) => index !== 3),
      5,
    )
    assert.equal(
      findClear(bitmap, 10, 0, () => false),
      undefined,
    )
    for (const index of [3, 5, 6, 7, 8]) bitmap = withBit(bitmap, index)
    assert.equal(findClear(bitmap, 10, 0, ALL), undefined)
  })

  it('is a set, whatever the order: compared with one', () => {
    const random = createSeededRandom(3)
    for (let round = 0; round < 200; round += 1) {
      const count = 1 + Math.floor(random.uniform() * 60)
      const model = new Set<number>()
      let bitmap = createBitmap(count)
      while (model.size < count) {
        const index = Math.floor(random.uniform() * count)
        model.add(index)
        bitmap = withBit(bitmap, index)
        const start = Math.floor(random.uniform() * count)
        const inOrder = Array.from({ length: count }, (_, passed) => (start + passed) % count)
        assert.equal(
          findClear(bitmap, count, start, ALL),
          inOrder.find((each) => !model.has(each)),
        )
      }
    }
  })
})
