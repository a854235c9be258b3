import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createTableWalk, type TableWalk, type WalkPage } from '../../../../src/mailbox/client/table-walk.ts'
import { compareBytes } from '../../../../src/mailbox/placement.ts'
import { HOST_ID_BYTES, TABLE_PAGE_COUNT } from '../../../../src/wire/index.ts'
import { createSeededRandom } from '../../../support/seeded-random.ts'

const ZERO = new Uint8Array(HOST_ID_BYTES)
const HOST_COUNT = 400
const HONEST_PAGES = HOST_COUNT / TABLE_PAGE_COUNT

const random = createSeededRandom(10)
const IDS = Array.from({ length: HOST_COUNT }, () => random.bytes(HOST_ID_BYTES)).sort(compareBytes)

type Courier = (cursor: Uint8Array) => { readonly ids: readonly Uint8Array[]; readonly isLast: boolean }

const honest: Courier = (cursor) => {
  const ids = IDS.filter((id) => compareBytes(id, cursor) > 0).slice(0, TABLE_PAGE_COUNT)
  return { ids, isLast: ids.length < TABLE_PAGE_COUNT }
}
const empty: Courier = () => ({ ids: [], isLast: true })
const skipping: Courier = (cursor) => {
  const ids = IDS.slice(-TABLE_PAGE_COUNT)
  return compareBytes(cursor, ids[0] ?? ZERO) < 0 ? { ids, isLast: false } : honest(cursor)
}

/** Pages until all hosts were seen, with couriers drawn for each; undefined when `limit` pages were not enough. */
function pagesUntilWhole(
  walk: TableWalk,
  couriers: readonly Courier[],
  limit: number,
  hostCount = HOST_COUNT,
): number | undefined {
  const seen = new Set<Uint8Array>()
  for (let pages = 1; pages <= limit; pages += 1) {
    const at = Math.floor(random.uniform() * couriers.length)
    const cursor = walk.cursor()
    const { ids, isLast } = couriers[at]?.(cursor) ?? { ids: [], isLast: true }
    // What a liar shows counts for nothing here: others have to be able to do without.
    if (couriers[at] === honest) for (const id of ids) seen.add(id)
    walk.take({
      cursor,
      next: isLast ? ZERO : (ids.at(-1) ?? ZERO),
      descriptorCount: ids.length,
      courier: `${at}`,
      hostCount,
      isAlone: couriers.length < 2,
    })
    if (seen.size === HOST_COUNT) return pages
  }
  return undefined
}

/** As it was: every page moves the walk. */
function believing(): TableWalk {
  let cursor: Uint8Array = ZERO
  return {
    cursor: () => cursor,
    take: (page: WalkPage) => {
      cursor = page.next
    },
  }
}

describe('the walk over the host table', () => {
  it('sees all hosts in hardly more pages than they fill, with one courier or two, and begins again', () => {
    for (const couriers of [[honest], [honest, honest]]) {
      const walk = createTableWalk()
      const pages = pagesUntilWhole(walk, couriers, 2 * HONEST_PAGES)
      assert.ok(pages !== undefined && pages <= HONEST_PAGES + 5, `${pages}`)
      const again = pagesUntilWhole(walk, couriers, 3 * HONEST_PAGES)
      // The end is looked at by both.
      assert.ok(again !== undefined && again <= HONEST_PAGES + 20, `${again}`)
    }
  })

  it('gets on beside a courier that gives empty pages or leaves out whole stretches', () => {
    for (const liar of [empty, skipping]) {
      for (const couriers of [
        [honest, liar],
        [liar, honest],
      ]) {
        // The last few before the end can be left out in one round, and not in each.
        const pages = pagesUntilWhole(createTableWalk(), couriers, 20 * HONEST_PAGES)
        assert.ok(pages !== undefined, 'whole')
        assert.equal(pagesUntilWhole(believing(), couriers, 40 * HONEST_PAGES), undefined, 'control')
      }
    }
  })

  it('gets on beside a courier that speaks of far more hosts than there are', () => {
    const pages = pagesUntilWhole(createTableWalk(), [honest, honest], 4 * HONEST_PAGES, 2 ** 32 - 1)
    assert.ok(pages !== undefined && pages > HONEST_PAGES, `${pages}`)
  })

  it('believes a courier that is alone, and takes no page from where it is not', () => {
    const walk = createTableWalk()
    const [id = ZERO] = IDS
    const page = { cursor: ZERO, next: id, descriptorCount: 8, courier: 'a', hostCount: 8, isAlone: true }
    walk.take(page)
    assert.deepEqual(walk.cursor(), id)
    walk.take({ ...page, next: IDS[1] ?? ZERO })
    assert.deepEqual(walk.cursor(), id)
    walk.take({ ...page, cursor: id, next: ZERO })
    assert.deepEqual(walk.cursor(), ZERO)
  })

  it('goes as far as two couriers say who do not agree', () => {
    const walk = createTableWalk()
    const near = IDS[HOST_COUNT / 2] ?? ZERO
    const page = { cursor: ZERO, descriptorCount: 0, hostCount: HOST_COUNT, isAlone: false }
    walk.take({ ...page, courier: 'a', next: ZERO })
    walk.take({ ...page, courier: 'a', next: ZERO })
    assert.deepEqual(walk.cursor(), ZERO)
    walk.take({ ...page, courier: 'b', next: near })
    assert.deepEqual(walk.cursor(), near)
  })
})
