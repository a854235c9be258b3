import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { DAY_MS, SECOND_MS } from '../../../src/base/index.ts'
import { sha256 } from '../../../src/crypto/index.ts'
import {
  checkHostDescriptor,
  createHostTable,
  decodeHostTable,
  type HostRecord,
  type HostTable,
  hostTableRoot,
} from '../../../src/mailbox/index.ts'
import { CLOCK_TOLERANCE_MS } from '../../../src/mailbox/options.ts'
import { compareDistance, placementKey } from '../../../src/mailbox/placement.ts'
import { hostIdOf } from '../../../src/mailbox/work.ts'
import { HOST_ROUTE_BYTES } from '../../../src/wire/index.ts'
import {
  hostDescriptorOf,
  hostRecord,
  hostRecords,
  nonceOf,
  TEST_NOW_MS,
  TEST_WORK_BITS,
} from '../../support/mailbox-hosts.ts'
import { fuzzDecoder } from '../../support/strict-decoder.ts'

function tableOf(hosts: readonly HostRecord[], maxCount = 1_000): HostTable {
  const table = createHostTable({ maxCount })
  for (const host of hosts) table.merge(host)
  return table
}

/** As good as impossible by chance, and checked in one try. */
const MANY_BITS = 16

const keysOf = (hosts: readonly HostRecord[]): Uint8Array[] => hosts.map(({ descriptor }) => descriptor.hostKey)

describe('the host table', () => {
  it('finds a host by key and by route', () => {
    const hosts = hostRecords(20)
    const table = tableOf(hosts)
    assert.equal(table.size, 20)
    for (const host of hosts) {
      assert.equal(table.byKey(host.descriptor.hostKey), host)
      assert.equal(table.byRoute(host.hostId.subarray(0, HOST_ROUTE_BYTES)), host)
    }
    const stranger = hostRecord(99)
    assert.equal(table.byKey(stranger.descriptor.hostKey), undefined)
    assert.equal(table.byRoute(stranger.hostId.subarray(0, HOST_ROUTE_BYTES)), undefined)
  })

  it('keeps the newest descriptor of a host, and when it was first seen', () => {
    const later = hostRecord(1, { nowMs: TEST_NOW_MS + DAY_MS })
    const table = tableOf([hostRecord(1)])
    assert.equal(table.merge(later), 'updated')
    assert.equal(table.merge(hostRecord(1)), 'unchanged')
    assert.equal(table.merge(later), 'unchanged')
    assert.equal(table.size, 1)
    const kept = table.byKey(later.descriptor.hostKey)
    assert.deepEqual(kept?.bytes, later.bytes)
    assert.equal(kept?.firstSeenAtMs, TEST_NOW_MS)
  })

  it('gives a host that moved to its next work period one place only', () => {
    const old = hostRecord(1)
    const moved = hostRecord(1, {
      work: { period: old.descriptor.workPeriod, nonce: 7 },
      nowMs: TEST_NOW_MS + SECOND_MS,
    })
    const table = tableOf([...hostRecords(5), old])
    assert.equal(table.merge(moved), 'updated')
    assert.equal(table.all().filter(({ descriptor }) => descriptor.workNonce === 7).length, 1)
    assert.equal(table.all().length, 5)
    assert.equal(table.closest(new Uint8Array(32), 100).length, 5)
  })

  it('finds a host that moved by its former route for as long as others may know it by that', () => {
    const old = hostRecord(1)
    const movedAt = (number: number): HostRecord =>
      hostRecord(1, {
        work: { period: old.descriptor.workPeriod, nonce: number },
        nowMs: TEST_NOW_MS + number * SECOND_MS,
      })
    const route = ({ hostId }: HostRecord): Uint8Array => hostId.subarray(0, HOST_ROUTE_BYTES)
    const moved = movedAt(7)
    const table = tableOf([...hostRecords(5), old])
    table.merge(moved)
    for (const host of [old, moved]) assert.deepEqual(table.byRoute(route(host))?.bytes, moved.bytes)
    // As long as the old descriptor, and a clock that is wrong; renewed meanwhile, or the host would be gone.
    const renewed = hostRecord(1, {
      work: { period: old.descriptor.workPeriod, nonce: 7 },
      nowMs: TEST_NOW_MS + DAY_MS,
    })
    table.merge(renewed)
    table.expire(old.validUntilMs)
    assert.deepEqual(table.byRoute(route(old))?.bytes, renewed.bytes)
    table.expire(old.validUntilMs + CLOCK_TOLERANCE_MS)
    assert.equal(table.byRoute(route(old)), undefined)
    assert.deepEqual(table.byRoute(route(moved))?.bytes, renewed.bytes)
    // One former place each, and none of a host that is gone.
    const twice = tableOf([old, movedAt(7), movedAt(8)])
    assert.equal(twice.byRoute(route(old)), undefined)
    assert.ok(twice.byRoute(route(moved)) !== undefined)
    twice.remove(old.descriptor.hostKey)
    assert.equal(twice.byRoute(route(moved)), undefined)
  })

  it('that is oversized is refused: a liar’s flood pushes out nobody and is not kept', () => {
    const honest = hostRecords(10)
    const table = tableOf(honest, 12)
    const flood = Array.from({ length: 50 }, (_, number) => table.merge(hostRecord(1_000 + number)))
    assert.deepEqual(flood.slice(0, 3), ['added', 'added', 'full'])
    assert.equal(table.size, 12)
    for (const { descriptor } of honest) assert.ok(table.byKey(descriptor.hostKey))
    assert.equal(table.merge(hostRecord(0, { nowMs: TEST_NOW_MS + SECOND_MS })), 'updated')
    assert.equal(decodeHostTable(table.encode(), { maxCount: 11 }), undefined)
    assert.equal(decodeHostTable(table.encode(), { maxCount: 12 })?.size, 12)
  })

  it('forgets what is no longer valid', () => {
    const table = tableOf([...hostRecords(3), hostRecord(3, { nowMs: TEST_NOW_MS + DAY_MS })])
    assert.deepEqual(table.expire(TEST_NOW_MS + 2 * DAY_MS - 1), [])
    assert.equal(table.expire(TEST_NOW_MS + 2 * DAY_MS).length, 3)
    assert.equal(table.size, 1)
    assert.equal(table.remove(hostRecord(3).descriptor.hostKey), true)
    assert.equal(table.remove(hostRecord(3).descriptor.hostKey), false)
    assert.deepEqual(table.all(), [])
    assert.deepEqual(table.closest(new Uint8Array(32), 8), [])
    assert.deepEqual(table.page(new Uint8Array(32), 8), [])
  })

  it('has one root for the same hosts, in whatever order they came and however old they are', () => {
    const hosts = hostRecords(30)
    const table = tableOf(hosts)
    const { version } = table
    assert.deepEqual(tableOf([...hosts].reverse()).root(), table.root())
    assert.deepEqual(hostTableRoot(table.all().map(({ hostId }) => hostId)), table.root())
    assert.equal(table.version, version, 'looking changes nothing')
    const before = table.root()
    assert.equal(table.merge(hostRecord(4, { nowMs: TEST_NOW_MS + SECOND_MS })), 'updated')
    assert.deepEqual(table.root(), before)
    assert.ok(table.version > version)
    table.merge(hostRecord(30))
    assert.notDeepEqual(table.root(), before)
    table.remove(hostRecord(30).descriptor.hostKey)
    assert.deepEqual(table.root(), before)
    assert.notDeepEqual(tableOf([]).root(), before)
  })

  it('is read whole in pages', () => {
    const table = tableOf(hostRecords(23))
    const seen: HostRecord[] = []
    let cursor: Uint8Array = new Uint8Array(32)
    for (;;) {
      const page = table.page(cursor, 5)
      seen.push(...page)
      const last = page.at(-1)
      if (last === undefined) break
      assert.ok(page.length <= 5)
      cursor = last.hostId
    }
    assert.deepEqual(seen, table.all())
    assert.deepEqual(table.page(new Uint8Array(32).fill(255), 5), [])
  })

  it('gives copies that later changes do not touch', () => {
    const table = tableOf(hostRecords(3))
    const before = table.all()
    table.merge(hostRecord(3))
    assert.equal(before.length, 3)
    assert.equal(table.all().length, 4)
  })

  it('comes back from its file as it was, with nothing that does not belong there accepted', () => {
    const table = tableOf(hostRecords(3))
    table.merge(hostRecord(1, { nowMs: TEST_NOW_MS + DAY_MS }))
    const back = decodeHostTable(table.encode(), { maxCount: 3 })
    assert.deepEqual(back?.all(), table.all())
    assert.deepEqual(back?.root(), table.root())
    const { accepted } = fuzzDecoder(
      {
        valid: [tableOf([]).encode(), table.encode()],
        decode: (bytes) => decodeHostTable(bytes, { maxCount: 3 }),
        encode: (decoded) => decoded.encode(),
        flipsPerByte: 1,
      },
      5,
    )
    assert.ok(accepted >= 2)
  })
})

describe('a host that claims the id space next to a box', () => {
  const boxId = sha256(Uint8Array.of(42))
  const target = placementKey(boxId)

  it('has no field to claim it with: its place follows from key and work', async () => {
    const work = await nonceOf(1, true)
    const rules = { nowMs: TEST_NOW_MS, hostWorkBits: TEST_WORK_BITS }
    const verdict = await checkHostDescriptor(hostDescriptorOf(1, { work }), rules)
    assert.ok(verdict.ok)
    assert.notDeepEqual(verdict.host.hostId, target)
  })

  it('and picks the nonce that lands there is refused, since such a nonce has no work', async () => {
    const honest = hostRecords(20)
    const table = tableOf(honest)
    const [nearest] = table.closest(boxId, 1)
    assert.ok(nearest)
    const { workPeriod: period, hostKey } = hostRecord(500).descriptor
    const near = Array.from({ length: 2_000 }, (_, nonce) => ({ period, nonce }))
      .filter((work) => compareDistance(target, hostIdOf(hostKey, work), nearest.hostId) < 0)
      .map((work) => hostRecord(500, { work }))
    assert.ok(near.length > 0, 'control: without work, some nonce wins the place')
    const rules = { nowMs: TEST_NOW_MS, hostWorkBits: MANY_BITS }
    for (const host of near.slice(0, 5)) {
      const verdict = await checkHostDescriptor(host.bytes, rules)
      assert.deepEqual(verdict, { ok: false, reason: 'work' })
    }
    const [first] = near
    assert.ok(first)
    table.merge(first)
    assert.deepEqual(keysOf(table.closest(boxId, 1)), keysOf([first]), 'control: it would have had the place')
  })
})
