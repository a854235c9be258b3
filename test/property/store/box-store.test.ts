import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import type { BoxStore } from '../../../src/ports/index.ts'
import { createMemoryBoxStore, openBoxStore } from '../../../src/store/index.ts'
import { boxIdOf, boxOf, createSetClock, hoursFromStart } from '../../support/box-store.ts'
import { silentLogger } from '../../support/silent-logger.ts'

const BOX_CHARGE = 2_048
const MARK_CHARGE = 128

interface ModelEntry {
  readonly variant: number | undefined
  readonly hours: number
}

/** The store as one would write it down: a map, and nothing fast or durable. */
class Model {
  readonly entries = new Map<number, ModelEntry>()
  readonly quotaBytes: number

  constructor(quotaBytes: number) {
    this.quotaBytes = quotaBytes
  }

  count(isBox: boolean): number {
    return [...this.entries.values()].filter(({ variant }) => (variant !== undefined) === isBox).length
  }

  used(): number {
    return this.count(true) * BOX_CHARGE + this.count(false) * MARK_CHARGE
  }

  expire(nowHours: number): number {
    const gone = [...this.entries].filter(([, { hours }]) => hours <= nowHours)
    for (const [id] of gone) this.entries.delete(id)
    return gone.length
  }

  put(id: number, variant: number, hours: number, nowHours: number): string {
    if (this.used() + BOX_CHARGE > this.quotaBytes) this.expire(nowHours)
    const there = this.entries.get(id)
    if (there !== undefined) {
      if (there.variant === undefined) return 'tombstoned'
      return there.variant === variant ? `present ${there.hours}` : 'conflict'
    }
    if (this.used() + BOX_CHARGE > this.quotaBytes) return 'full'
    this.entries.set(id, { variant, hours })
    return `stored ${hours}`
  }

  tombstone(id: number): boolean {
    const there = this.entries.get(id)
    if (there?.variant === undefined) return false
    this.entries.set(id, { variant: undefined, hours: there.hours })
    const hex = (id: number): string => Buffer.from(boxIdOf(id)).toString('hex')
    const marks = [...this.entries]
      .filter(([, { variant }]) => variant === undefined)
      .sort(([a, x], [b, y]) => x.hours - y.hours || (hex(a) < hex(b) ? -1 : 1))
    const surplus = marks.length - Math.floor(this.quotaBytes / 16 / MARK_CHARGE)
    for (const [id] of marks.slice(0, Math.max(0, surplus))) this.entries.delete(id)
    return true
  }
}

type Step =
  | { readonly type: 'put'; readonly id: number; readonly variant: number; readonly hours: number }
  | { readonly type: 'tombstone'; readonly id: number }
  | { readonly type: 'clock'; readonly hours: number }
  | { readonly type: 'expire' }
  | { readonly type: 'open again' }

const IDS = 9
const idArbitrary = fc.nat({ max: IDS - 1 })
const hoursArbitrary = fc.integer({ min: 1, max: 12 })
const changeArbitrary: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      type: fc.constant('put' as const),
      id: idArbitrary,
      variant: fc.nat({ max: 1 }),
      hours: hoursArbitrary,
    }),
  },
  { weight: 3, arbitrary: fc.record({ type: fc.constant('tombstone' as const), id: idArbitrary }) },
)
const stepArbitrary: fc.Arbitrary<Step> = fc.oneof(
  { weight: 9, arbitrary: changeArbitrary },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('clock' as const), hours: fc.integer({ min: 0, max: 12 }) }) },
  { weight: 1, arbitrary: fc.constant({ type: 'expire' as const }) },
  { weight: 1, arbitrary: fc.constant({ type: 'open again' as const }) },
)

const put = (id: number, variant: number): Step => ({ type: 'put', id, variant, hours: 12 })

/** Meets every outcome of a put: forty drawn walks miss `full` once in 2,000 times. */
const EVERY_OUTCOME: Step[] = [
  put(0, 0),
  put(0, 0),
  put(0, 1),
  { type: 'tombstone', id: 0 },
  put(0, 0),
  ...[1, 2, 3, 4, 5].map((id) => put(id, 0)),
]

async function putText(store: BoxStore, id: number, variant: number, hours: number): Promise<string> {
  const outcome = await store.put(boxOf(id, variant), hoursFromStart(hours))
  return 'expiresAtMs' in outcome
    ? `${outcome.status} ${(outcome.expiresAtMs - hoursFromStart(0)) / 3_600_000}`
    : outcome.status
}

async function assertSame(store: BoxStore, model: Model): Promise<void> {
  assert.deepEqual(store.stats(), {
    boxes: model.count(true),
    tombstones: model.count(false),
    usedBytes: model.used(),
    quotaBytes: model.quotaBytes,
  })
  for (let id = 0; id < IDS; id += 1) {
    const variant = model.entries.get(id)?.variant
    assert.deepEqual(await store.get(boxIdOf(id)), variant === undefined ? undefined : boxOf(id, variant))
  }
  const expected = [...model.entries]
    .filter(([, { variant }]) => variant !== undefined)
    .map(([id, { hours }]) => ({ boxId: boxIdOf(id), expiresAtMs: hoursFromStart(hours) }))
    .sort((a, b) => Buffer.compare(a.boxId, b.boxId))
  assert.deepEqual(await store.list(undefined, 100), expected)
}

/** Five boxes, and five marks. */
const SMALL_QUOTA = 5 * BOX_CHARGE
const LARGE_QUOTA = 100 * BOX_CHARGE

interface Kind {
  readonly name: string
  readonly runs: number
  readonly open: (directory: string, quotaBytes: number, clock: ReturnType<typeof createSetClock>) => Promise<BoxStore>
  readonly isDurable: boolean
}

const KINDS: readonly Kind[] = [
  {
    name: 'on disk',
    runs: 40,
    open: (directory, quotaBytes, clock) =>
      openBoxStore({ directory: join(directory, 'boxes'), quotaBytes, clock, logger: silentLogger }),
    isDurable: true,
  },
  {
    name: 'in memory',
    runs: 300,
    open: async (_, quotaBytes, clock) => createMemoryBoxStore({ quotaBytes, clock }),
    isDurable: false,
  },
]

for (const kind of KINDS) {
  describe(`box store ${kind.name}, against a model`, () => {
    const inDirectory = async (body: (directory: string) => Promise<void>): Promise<void> => {
      const directory = mkdtempSync(join(tmpdir(), 'noctule-boxes-'))
      try {
        await body(directory)
      } finally {
        rmSync(directory, { recursive: true, force: true })
      }
    }

    it('does the same, one step after the other, with clocks that jump and a quota that is reached', async () => {
      const seen = new Set<string>()
      await fc.assert(
        fc.asyncProperty(fc.array(stepArbitrary, { minLength: 10, maxLength: 60 }), (steps) =>
          inDirectory(async (directory) => {
            const clock = createSetClock()
            const model = new Model(SMALL_QUOTA)
            let nowHours = 0
            let store = await kind.open(directory, SMALL_QUOTA, clock)
            try {
              for (const step of steps) {
                if (step.type === 'put') {
                  const outcome = await putText(store, step.id, step.variant, step.hours)
                  assert.equal(outcome, model.put(step.id, step.variant, step.hours, nowHours))
                  seen.add(outcome.split(' ')[0] ?? '')
                } else if (step.type === 'tombstone') {
                  assert.equal(await store.tombstone(boxIdOf(step.id)), model.tombstone(step.id))
                } else if (step.type === 'expire') {
                  const { dropped } = await store.expire(clock.nowMs())
                  assert.equal(dropped, model.expire(nowHours))
                } else if (step.type === 'clock') {
                  nowHours = step.hours
                  clock.set(hoursFromStart(nowHours))
                } else if (kind.isDurable) {
                  await store.close()
                  store = await kind.open(directory, SMALL_QUOTA, clock)
                }
              }
              await assertSame(store, model)
            } finally {
              await store.close()
            }
          }),
        ),
        { numRuns: kind.runs, examples: [[EVERY_OUTCOME]] },
      )
      assert.deepEqual(
        [...seen].sort(),
        ['conflict', 'full', 'present', 'stored', 'tombstoned'],
        'every outcome was met',
      )
    })

    it('does the same side by side as one after the other', async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(fc.array(changeArbitrary, { maxLength: 20 }), { maxLength: 6 }), (groups) =>
          inDirectory(async (directory) => {
            const model = new Model(LARGE_QUOTA)
            const store = await kind.open(directory, LARGE_QUOTA, createSetClock())
            try {
              for (const group of groups) {
                const results = await Promise.all(
                  group.map(async (step) => {
                    if (step.type === 'put') return putText(store, step.id, step.variant, step.hours)
                    return step.type === 'tombstone' ? store.tombstone(boxIdOf(step.id)) : undefined
                  }),
                )
                const expected = group.map((step) => {
                  if (step.type === 'put') return model.put(step.id, step.variant, step.hours, 0)
                  return step.type === 'tombstone' ? model.tombstone(step.id) : undefined
                })
                assert.deepEqual(results, expected)
              }
              await assertSame(store, model)
            } finally {
              await store.close()
            }
          }),
        ),
        { numRuns: kind.runs },
      )
    })
  })
}
