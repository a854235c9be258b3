import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { AppError, HOUR_MS, isAbortError } from '../../../../src/base/index.ts'
import { createProfileClock, type ProfileClock } from '../../../../src/mailbox/client/profile-clock.ts'
import type { KeyValueStore } from '../../../../src/ports/index.ts'
import { createMemoryStore } from '../../../../src/store/index.ts'
import { createSeededRandom } from '../../../support/seeded-random.ts'
import { silentLogger } from '../../../support/silent-logger.ts'
import { createVirtualClock } from '../../../support/virtual-clock.ts'

const EPOCH_MS = 6 * HOUR_MS

function create(store: KeyValueStore = createMemoryStore(), seed = 1, clock = createVirtualClock()) {
  const random = createSeededRandom(seed)
  const profiles = createProfileClock({ clock, logger: silentLogger, random, store, epochMs: EPOCH_MS })
  return { clock, profiles, store }
}

/** Waits for a change until the test ends it; says whether one came. */
function watch(profiles: ProfileClock): { readonly turned: () => number; end(): Promise<void> } {
  const stopper = new AbortController()
  let turned = 0
  const waiting = (async () => {
    for (;;) {
      await profiles.changed(stopper.signal)
      turned += 1
    }
  })().catch((error: unknown) => {
    if (!isAbortError(error)) throw error
  })
  return {
    turned: () => turned,
    async end() {
      stopper.abort()
      await waiting
    },
  }
}

describe('createProfileClock', () => {
  it('begins with Balanced', async () => {
    const { profiles } = create()
    await profiles.load()
    assert.deepEqual(profiles.state(), { name: 'balanced', next: undefined })
  })

  it('changes at the time that it drew and not when it was asked', async () => {
    const { clock, profiles } = create()
    await profiles.load()
    const change = watch(profiles)
    const { name, next } = await profiles.set('fast')
    assert.equal(name, 'balanced')
    assert.equal(next?.name, 'fast')
    const waitMs = (next?.atMs ?? 0) - clock.nowMs()
    assert.ok(waitMs > HOUR_MS / 4 && waitMs <= EPOCH_MS, `${waitMs} ms`)
    await clock.advance(waitMs - 60_000)
    assert.equal(profiles.state().name, 'balanced')
    await clock.advance(2 * 60_000)
    assert.deepEqual(profiles.state(), { name: 'fast', next: undefined })
    assert.equal(change.turned(), 1)
    await change.end()
  })

  it('spreads changes over the whole epoch', async () => {
    const waits: number[] = []
    for (let seed = 1; seed <= 200; seed += 1) {
      const { clock, profiles } = create(createMemoryStore(), seed)
      waits.push(((await profiles.set('low')).next?.atMs ?? 0) - clock.nowMs())
    }
    const mean = waits.reduce((sum, wait) => sum + wait, 0) / waits.length / EPOCH_MS
    assert.ok(mean > 0.42 && mean < 0.58, `mean ${mean}`)
    assert.ok(Math.min(...waits) < 0.05 * EPOCH_MS && Math.max(...waits) > 0.95 * EPOCH_MS)
  })

  it('does not draw again when it is asked again, so that nobody hurries a change by asking often', async () => {
    const { profiles } = create()
    const first = await profiles.set('fast')
    for (let time = 0; time < 20; time += 1) assert.deepEqual(await profiles.set('fast'), first)
    const other = await profiles.set('low')
    assert.deepEqual(other.next, { name: 'low', atMs: first.next?.atMs })
    assert.deepEqual(await profiles.set('balanced'), { name: 'balanced', next: undefined })
  })

  it('keeps what was asked over a restart, and takes up what came due meanwhile', async () => {
    const { clock, profiles, store } = create()
    const { next } = await profiles.set('paranoid')
    const later = create(store, 2, clock).profiles
    await later.load()
    assert.deepEqual(later.state(), { name: 'balanced', next })
    await clock.advance(EPOCH_MS + 1)
    const last = create(store, 3, clock).profiles
    await last.load()
    assert.deepEqual(last.state(), { name: 'paranoid', next: undefined })
  })

  it('is not put off by a wall clock that is put back, running or not', async () => {
    for (const isRunning of [true, false]) {
      const { clock, profiles, store } = create()
      await profiles.set('fast')
      clock.jumpWallClock(-365 * 24 * HOUR_MS)
      const seen = isRunning ? profiles : create(store, 2, clock).profiles
      await seen.load()
      const change = watch(seen)
      await clock.advance(EPOCH_MS + 60_000)
      assert.deepEqual(seen.state(), { name: 'fast', next: undefined })
      assert.equal(change.turned(), 1)
      await change.end()
    }
  })

  it('takes damaged state for none', async () => {
    const { profiles, store } = create()
    for (const value of [[], [1], [2, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0], [1, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0]]) {
      await store.batch([{ type: 'put', table: 'mailbox-profile', key: 'state', value: Uint8Array.from(value) }])
      await profiles.load()
      assert.equal(profiles.state().name, 'balanced')
    }
  })

  it('puts a change off while the disk is full, and never says that it was kept when it was not', async () => {
    const inner = createMemoryStore()
    let isFull = false
    const full = new AppError('STORE_FULL', { kind: 'environment', why: 'The disk is full.', remedy: 'Make room.' })
    const store: KeyValueStore = {
      ...inner,
      get: (table, key) => inner.get(table, key),
      batch: (writes) => (isFull ? Promise.reject(full) : inner.batch(writes)),
    }
    const { clock, profiles } = create(store)
    const change = watch(profiles)
    await profiles.set('low')
    isFull = true
    await assert.rejects(profiles.set('fast'), { code: 'STORE_FULL' })
    assert.equal(profiles.state().next?.name, 'low')
    await clock.advance(EPOCH_MS)
    assert.equal(profiles.state().name, 'balanced')
    isFull = false
    await clock.advance(60_000)
    assert.equal(profiles.state().name, 'low')
    await change.end()
  })
})
