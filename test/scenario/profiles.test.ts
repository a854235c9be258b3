import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from '../../src/base/index.ts'
import type { MailboxParameters } from '../../src/mailbox/index.ts'
import { COURIER_COUNT, type ProfileName, profileOf, type TrafficLane } from '../../src/padding/index.ts'
import type { KeyValueStore } from '../../src/ports/index.ts'
import { createMemoryStore } from '../../src/store/index.ts'
import { createCalmWorld } from '../support/calm-couriers.ts'
import {
  createTestClient,
  newBoxKeys,
  type TestClient,
  type TestClientOptions,
} from '../support/mailbox-client-world.ts'
import { createHostWorld, type HostWorld, type HostWorldOptions } from '../support/mailbox-world.ts'

/** An epoch of an hour, so that a change is there within one. */
const EPOCH: Partial<MailboxParameters> = { epochMs: HOUR_MS, epochOverlapMs: 2 * MINUTE_MS }
/** How long after its time a change is noticed. */
const CHECK_MS = HOUR_MS / 720
const LATENCY_MS = 100

async function withWorld(
  options: HostWorldOptions,
  body: (world: HostWorld, join: (options: TestClientOptions) => Promise<TestClient>) => Promise<void>,
): Promise<void> {
  const world = await createHostWorld({ latencyMs: LATENCY_MS, ...options })
  const clients: TestClient[] = []
  try {
    await body(world, async (more) => {
      const client = await createTestClient(world, more)
      clients.push(client)
      return client
    })
    for (const { failures } of clients) assert.deepEqual(failures, [])
    assert.deepEqual(world.failures, [])
  } finally {
    for (const client of clients) await client.stop()
    await world.stop()
  }
}

/** A store in which this profile has been in force for a while. */
async function storeWith(world: HostWorld, profile: ProfileName): Promise<KeyValueStore> {
  const store = createMemoryStore()
  const client = await createTestClient(world, { seed: 1, store, entries: [] })
  await client.client.setProfile(profile)
  await client.stop()
  await world.clock.advance(world.parameters.epochMs)
  return store
}

function timesOf(trace: readonly string[]): readonly number[] {
  return trace.map((line) => Number(line.split(' ')[0]))
}

/** Records of a sync: its slots, and a hello for each courier. */
function syncRecords(couriers: number): number {
  const { sync } = profileOf('manual')
  return (sync?.writeSlots ?? 0) + (sync?.readSlots ?? 0) + couriers
}

describe('setProfile', () => {
  /** Low for an hour and a half, in which fast is asked for after ten minutes. */
  async function run(ask: (client: TestClient, world: HostWorld) => Promise<void>): Promise<{
    readonly trace: readonly string[]
    readonly atMs: number
    readonly askedMs: number
    readonly endMs: number
  }> {
    let result = { trace: [] as readonly string[], atMs: 0, askedMs: 0, endMs: 0 }
    await withWorld({ hosts: 2, parameters: EPOCH }, async (world, join) => {
      const client = await join({ seed: 5, store: await storeWith(world, 'low') })
      assert.equal(client.client.profile().name, 'low')
      await world.clock.advance(10 * MINUTE_MS)
      const askedMs = world.clock.monotonicMs()
      await ask(client, world)
      const { next } = client.client.profile()
      const atMs = next === undefined ? Number.POSITIVE_INFINITY : askedMs + next.atMs - world.clock.nowMs()
      await world.clock.advance(Math.min(HOUR_MS, atMs - askedMs + 2 * MINUTE_MS))
      result = { trace: client.trace, atMs, askedMs, endMs: world.clock.monotonicMs() }
    })
    return result
  }

  it('changes the rhythm at the time that was drawn, and nothing before it', async () => {
    const changed = await run(async ({ client }) => {
      const { name, next } = await client.setProfile('fast')
      assert.deepEqual([name, next?.name], ['low', 'fast'])
    })
    const idle = await run(async () => undefined)
    const { atMs, askedMs } = changed
    assert.ok(atMs - askedMs > MINUTE_MS, 'the time that was drawn leaves something to compare')
    assert.ok(atMs < askedMs + HOUR_MS)
    const before = (trace: readonly string[]): readonly string[] =>
      trace.filter((line) => Number(line.split(' ')[0]) < Math.min(atMs, idle.endMs))
    assert.ok(before(idle.trace).length >= 3)
    assert.deepEqual(before(changed.trace), before(idle.trace))
    // After it 18 records a minute and two links instead of 18 records an hour.
    const after = timesOf(changed.trace).filter((ms) => ms > atMs + CHECK_MS + 20 * SECOND_MS)
    assert.ok(after.length > 15, `${after.length} records`)

    const early = await run(async ({ client }, world) => {
      await client.setProfile('fast')
      world.clock.jumpWallClock(HOUR_MS)
    })
    assert.notDeepEqual(before(early.trace), before(idle.trace), 'a change at once is noticed (control)')
  })

  it('keeps its time over a restart, and takes effect while the daemon is off', async () => {
    await withWorld({ hosts: 2, parameters: EPOCH }, async (world, join) => {
      const store = await storeWith(world, 'low')
      const first = await join({ seed: 1, store })
      const { next } = await first.client.setProfile('fast')
      assert.equal(next?.name, 'fast')
      await first.stop()
      const second = await join({ seed: 2, store })
      assert.deepEqual(second.client.profile(), { name: 'low', next })
      // Asked for again it keeps its time.
      assert.deepEqual(await second.client.setProfile('fast'), { name: 'low', next })
      await second.stop()
      await world.clock.advance((next?.atMs ?? 0) - world.clock.nowMs() + 1)
      const third = await join({ seed: 3, store })
      assert.deepEqual(third.client.profile(), { name: 'fast', next: undefined })
      assert.equal(third.client.pace().write.meanMs, profileOf('fast').write.meanMs)
      await world.clock.advance(MINUTE_MS)
      assert.ok(third.trace.length > 10, `${third.trace.length} records`)
    })
  })

  it('takes a change back, and a choice before the start keeps what was chosen before', async () => {
    await withWorld({ hosts: 1, parameters: EPOCH }, async (world, join) => {
      const store = await storeWith(world, 'manual')
      const client = await join({ seed: 1, store })
      assert.equal((await client.client.setProfile('low')).next?.name, 'low')
      assert.deepEqual(await client.client.setProfile('manual'), { name: 'manual', next: undefined })
      await world.clock.advance(HOUR_MS)
      assert.equal(client.client.profile().name, 'manual')
      assert.deepEqual(client.trace, [])
    })
  })
})

describe('manual', () => {
  it('sends nothing in a day without a sync, whatever waits and whatever comes', async () => {
    await withWorld({ hosts: 2 }, async (world, join) => {
      const client = await join({ seed: 1, store: await storeWith(world, 'manual') })
      for (let count = 0; count < 40; count += 1) client.write()
      const alice = await join({ seed: 2 })
      for (let count = 0; count < 5; count += 1) client.watch(alice.write())
      await world.clock.advanceUntil(() => alice.waiting() === 0, HOUR_MS)
      assert.ok(alice.trace.length > 10, 'records are seen where there are some (control)')
      await alice.stop()
      await world.clock.advance(DAY_MS)
      assert.deepEqual([client.trace, client.dialled, client.boxes], [[], [], []])
      assert.equal(client.client.syncState(), 'idle')
      assert.equal(client.client.status().nextWriteAtMs, undefined)
    })
  })

  /** The trace of two syncs, an hour from each other. */
  async function runSyncs(hosts: number, isBusy: boolean): Promise<readonly string[]> {
    let trace: readonly string[] = []
    await withWorld({ hosts }, async (world, join) => {
      const store = await storeWith(world, 'manual')
      // What somebody else leaves there takes the same time in both runs.
      const alice = await join({ seed: 2 })
      const probes = Array.from({ length: 5 }, () => alice.write())
      await world.clock.advance(10 * MINUTE_MS)
      assert.equal(alice.waiting(), 0)
      await alice.stop()
      const client = await join({ seed: 5, store })
      if (isBusy) {
        for (let count = 0; count < 40; count += 1) client.write()
        for (let count = 0; count < 30; count += 1) client.watch(newBoxKeys())
        for (const keys of probes) client.watch(keys)
      }
      await world.clock.advance(MINUTE_MS)
      for (let round = 0; round < 2; round += 1) {
        assert.equal(client.client.sync(), true)
        assert.equal(client.client.syncState(), 'connecting')
        await world.clock.advanceUntil(() => client.client.syncState() === 'running', 10 * MINUTE_MS)
        // Asking again while it runs asks for nothing more.
        assert.equal(client.client.sync(), true)
        await world.clock.advance(30 * MINUTE_MS)
        assert.equal(client.client.syncState(), 'idle')
        assert.equal(client.trace.length, (round + 1) * syncRecords(Math.min(hosts, COURIER_COUNT)))
        await world.clock.advance(30 * MINUTE_MS)
      }
      assert.equal(client.links().length, 0)
      if (isBusy) {
        assert.equal(client.sent.length, 24, 'every write slot carried something')
        assert.ok(client.boxes.length >= 3, `${client.boxes.length} boxes were read`)
      }
      trace = client.trace
    })
    return trace
  }

  it('sends the same records at the same times in a sync, whatever waits and whatever comes', async () => {
    const idle = await runSyncs(2, false)
    assert.equal(idle.length, 2 * syncRecords(2))
    assert.deepEqual(await runSyncs(2, true), idle)
  })

  it('has one hello less with one courier: the count would show it (control)', async () => {
    assert.equal((await runSyncs(1, false)).length, 2 * syncRecords(2) - 2)
  })

  it('is the only profile that a sync is for', async () => {
    await withWorld({ hosts: 1, parameters: EPOCH }, async (world, join) => {
      const client = await join({ seed: 1, store: await storeWith(world, 'low') })
      assert.deepEqual([client.client.sync(), client.client.syncState()], [false, 'idle'])
    })
  })
})

interface SlotSeen {
  readonly atMs: number
  readonly lane: TrafficLane
  /** First byte of the record: 2 writes, 3 reads. */
  readonly kind: number
}

const [WRITE, READ] = [2, 3]

/** Bulk slots, window by window; fails on a window that is not whole or does not alternate. */
function checkWindows(slots: readonly SlotSeen[], records: number): readonly (readonly SlotSeen[])[] {
  const windows: SlotSeen[][] = []
  let lastMs = Number.NEGATIVE_INFINITY
  for (const slot of slots) {
    if (slot.lane !== 'bulk') continue
    if (slot.atMs - lastMs > MINUTE_MS) windows.push([])
    windows.at(-1)?.push(slot)
    lastMs = slot.atMs
  }
  for (const [index, window] of windows.entries()) {
    assert.equal(window.length, records, `records of window ${index}`)
    for (const [slot, { kind }] of window.entries()) assert.equal(kind, slot % 2 === 0 ? WRITE : READ, `slot ${slot}`)
  }
  return windows
}

describe('bulk windows', () => {
  const WINDOWS = 2

  async function run(isBusy: boolean): Promise<{
    readonly slots: readonly SlotSeen[]
    readonly announcedMs: readonly number[]
  }> {
    const world = createCalmWorld()
    const seen: { atMs: number; lane: TrafficLane; kind: number }[] = []
    const client = await createTestClient(world, {
      seed: 7,
      functions: world.functions,
      traffic: {
        note(lane, direction) {
          if (direction === 'up') seen.push({ atMs: world.clock.monotonicMs(), lane, kind: 0 })
        },
      },
      // The client notes a record just before it sends it.
      onUp(record) {
        const last = seen.at(-1)
        if (last !== undefined) last.kind = record[0] ?? 0
      },
      nextFetch: () => (isBusy ? newBoxKeys().boxId : undefined),
    })
    if (isBusy) for (let count = 0; count < 1_000; count += 1) client.write()
    const offsetMs = world.clock.nowMs() - world.clock.monotonicMs()
    const announcedMs: number[] = []
    for (let window = 0; window < WINDOWS; window += 1) {
      await world.clock.advance(SECOND_MS)
      announcedMs.push((client.client.bulk().nextWindowAtMs ?? 0) - offsetMs)
      assert.equal(client.client.bulk().slotsLeft, 0)
      await world.clock.advanceUntil(() => client.client.bulk().slotsLeft > 0, 9 * HOUR_MS)
      await world.clock.advanceUntil(() => client.client.bulk().slotsLeft === 0, HOUR_MS)
    }
    const { failures, sent } = client
    await client.stop()
    assert.deepEqual(failures, [])
    if (isBusy) assert.ok(sent.length > 400, `${sent.length} boxes left`)
    return { slots: seen, announcedMs }
  }

  it('have the same records each, by turns, at the times that were drawn, whatever waits', async () => {
    const { bulk } = profileOf('balanced')
    assert.ok(bulk)
    const records = bulk.recordsPerWindow
    const idle = await run(false)
    const windows = checkWindows(idle.slots, records)
    assert.equal(windows.length, WINDOWS)
    for (const [index, window] of windows.entries()) {
      const firstMs = window[0]?.atMs ?? 0
      const sinceMs = firstMs - (idle.announcedMs[index] ?? 0)
      assert.ok(sinceMs >= 0 && sinceMs <= 1.5 * bulk.slot.meanMs + 1, `${sinceMs} ms after its time`)
      const beforeMs = index === 0 ? 0 : (idle.announcedMs[index - 1] ?? 0)
      const share = ((idle.announcedMs[index] ?? 0) - beforeMs) / bulk.window.meanMs
      assert.ok(share >= 0.5 && share < 1.5, `${share} of the mean`)
    }
    const busy = await run(true)
    assert.deepEqual(busy, idle)

    const without = idle.slots.toSpliced(idle.slots.indexOf(windows[0]?.[500] as SlotSeen), 1)
    assert.throws(() => checkWindows(without, records), /records of window 0/, 'a missing record is found (control)')
    const swapped = idle.slots.map((slot) => (slot === windows[1]?.[7] ? { ...slot, kind: WRITE } : slot))
    assert.throws(() => checkWindows(swapped, records), /slot 7/, 'a write for a read is found (control)')
  })
})
