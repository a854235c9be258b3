import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { hexEncode } from '../../../../src/base/index.ts'
import { createHostBook, type HostBook } from '../../../../src/mailbox/client/host-book.ts'
import { ENTRY_MAX_COUNT } from '../../../../src/mailbox/client/options.ts'
import type { HostRecord } from '../../../../src/mailbox/index.ts'
import type { Clock, KeyValueStore } from '../../../../src/ports/index.ts'
import { createMemoryStore } from '../../../../src/store/index.ts'
import { HOST_ID_BYTES, TABLE_PAGE_COUNT } from '../../../../src/wire/index.ts'
import { CLIENT_WORLD_FUNCTIONS } from '../../../support/mailbox-client-world.ts'
import { hostRecord, hostRecords, TEST_NOW_MS } from '../../../support/mailbox-hosts.ts'

const ZERO = new Uint8Array(HOST_ID_BYTES)

interface MovableClock extends Clock {
  nowMsValue: number
}

function clockAt(nowMs: number): MovableClock {
  const clock: MovableClock = {
    nowMsValue: nowMs,
    nowMs: () => clock.nowMsValue,
    monotonicMs: () => 0,
    sleep: () => Promise.resolve(),
  }
  return clock
}

function create(store: KeyValueStore = createMemoryStore()): {
  book: HostBook
  clock: MovableClock
  store: KeyValueStore
} {
  const clock = clockAt(TEST_NOW_MS)
  return { book: createHostBook({ clock, store, hostWorkBits: 0, functions: CLIENT_WORLD_FUNCTIONS }), clock, store }
}

function sorted(hosts: readonly HostRecord[]): HostRecord[] {
  return [...hosts].sort((a, b) => (hexEncode(a.hostId) < hexEncode(b.hostId) ? -1 : 1))
}

const entryOf = (host: HostRecord) => ({
  hostKey: host.descriptor.hostKey,
  courierOnionKey: host.descriptor.courierOnionKey,
})

describe('takePage', () => {
  const hosts = sorted(hostRecords(TABLE_PAGE_COUNT))
  const page = hosts.map(({ bytes }) => bytes)

  it('merges an honest page and says where the walk goes on', async () => {
    const { book } = create()
    assert.deepEqual(await book.takePage(ZERO, page), { isHonest: true, next: hosts.at(-1)?.hostId })
    assert.equal(book.table.size, TABLE_PAGE_COUNT)
    assert.deepEqual(await book.takePage(ZERO, page.slice(0, 2)), { isHonest: true, next: ZERO })
    assert.deepEqual(await book.takePage(ZERO, []), { isHonest: true, next: ZERO })
  })

  it('believes no descriptor whose signature does not hold', async () => {
    const { book } = create()
    const [first = new Uint8Array(0), ...rest] = page
    const verdict = await book.takePage(ZERO, [first.with(first.length - 1, (first.at(-1) ?? 0) ^ 1), ...rest])
    assert.equal(verdict.isHonest, false)
    assert.equal(book.table.size, TABLE_PAGE_COUNT - 1)
  })

  it('takes nothing out of order, from below the cursor, or that is no descriptor', async () => {
    const { book } = create()
    assert.equal((await book.takePage(ZERO, [...page].reverse())).isHonest, false)
    assert.equal((await book.takePage(hosts.at(-1)?.hostId ?? ZERO, page)).isHonest, false)
    const garbage = new Uint8Array(page[0]?.length ?? 0)
    assert.equal((await create().book.takePage(ZERO, [garbage])).isHonest, false)
  })

  it('does not blame a courier for a clock that differs', async () => {
    const { book } = create()
    const stale = hostRecord(50, { nowMs: TEST_NOW_MS - 3 * 24 * 3_600_000 })
    assert.deepEqual(await book.takePage(ZERO, [stale.bytes]), { isHonest: true, next: ZERO })
    assert.equal(book.table.size, 0)
  })
})

describe('the book', () => {
  it('keeps table and entries across a restart', async () => {
    const { book, store } = create()
    await book.takePage(ZERO, [hostRecord(1).bytes])
    await book.save()
    await book.addEntries([entryOf(hostRecord(2))])
    const again = create(store).book
    await again.load()
    assert.deepEqual(
      again.table.all().map(({ hostId }) => hexEncode(hostId)),
      [hexEncode(hostRecord(1).hostId)],
    )
    assert.equal(again.entries().length, 1)
  })

  it('adds entries to those on disk, also before it was loaded', async () => {
    const { book, store } = create()
    await book.addEntries([entryOf(hostRecord(1))])
    const again = create(store).book
    await again.addEntries([entryOf(hostRecord(2)), entryOf(hostRecord(1))])
    await again.load()
    assert.equal(again.entries().length, 2)
  })

  it('begins anew when what it kept is damaged', async () => {
    const store = createMemoryStore()
    await store.batch([
      { type: 'put', table: 'mailbox-hosts', key: 'table', value: Uint8Array.of(9, 9, 9) },
      { type: 'put', table: 'mailbox-hosts', key: 'entries', value: Uint8Array.of(1, 2, 3) },
    ])
    const { book } = create(store)
    await book.load()
    assert.equal(book.table.size, 0)
    assert.equal(book.entries().length, 0)
  })

  it('keeps a bounded number of entries, the oldest', async () => {
    const { book } = create()
    const many = hostRecords(ENTRY_MAX_COUNT + 1).map(entryOf)
    await book.addEntries(many)
    assert.equal(book.entries().length, ENTRY_MAX_COUNT)
    assert.deepEqual(book.entries()[0]?.hostKey, many[0]?.hostKey)
  })

  it('draws couriers from entries only while the table is empty', async () => {
    const { book, clock } = create()
    await book.addEntries([entryOf(hostRecord(1))])
    assert.equal(book.courierCandidates().length, 1)
    await book.takePage(ZERO, [hostRecord(2).bytes])
    assert.deepEqual(
      book.courierCandidates().map(({ hostKey }) => hostKey),
      [hostRecord(2).descriptor.hostKey],
    )
    clock.nowMsValue = hostRecord(2).validUntilMs
    book.expire()
    assert.deepEqual(
      book.courierCandidates().map(({ hostKey }) => hostKey),
      [hostRecord(1).descriptor.hostKey],
    )
  })

  it('leaves out who loses', async () => {
    const { book } = create()
    await book.takePage(
      ZERO,
      sorted(hostRecords(4)).map(({ bytes }) => bytes),
    )
    const bad = hexEncode(hostRecord(1).descriptor.hostKey)
    // Couriers are drawn and left by what every slot tells, not by loops, of which there are fewer the more is written.
    for (let index = 0; index < 60; index += 1) book.noteProbe([{ hostKey: bad, role: 'replica' }], true)
    assert.equal(book.courierCandidates().length, 4)
    for (let index = 0; index < 60; index += 1) book.noteProbe([{ hostKey: bad, role: 'courier' }], true)
    assert.deepEqual([...book.excluded()], [bad])
    assert.equal(book.courierCandidates().length, 3)
    const info = book.infos(new Set([bad])).find(({ hostKey }) => hostKey === bad)
    assert.deepEqual([info?.excluded, info?.courier, info?.kind, info?.probes], [true, true, 'listed', 120])
  })
})

describe('hasOutgrownDisk', () => {
  it('asks for a save as soon as there is a table, and each time that it has doubled', async () => {
    const { book, store } = create()
    assert.equal(book.hasOutgrownDisk(), false)
    const hosts = sorted(hostRecords(TABLE_PAGE_COUNT))
    const pages = hosts.map(({ bytes }) => bytes)
    await book.takePage(ZERO, pages.slice(0, 3))
    assert.equal(book.hasOutgrownDisk(), true)
    await book.save()
    assert.equal(book.hasOutgrownDisk(), false)
    await book.takePage(ZERO, pages.slice(0, 5))
    assert.equal(book.hasOutgrownDisk(), false)
    await book.takePage(ZERO, pages.slice(0, 6))
    assert.equal(book.hasOutgrownDisk(), true)
    const again = create(store).book
    await again.load()
    assert.equal(again.table.size, 3)
    assert.equal(again.hasOutgrownDisk(), false)
  })
})
