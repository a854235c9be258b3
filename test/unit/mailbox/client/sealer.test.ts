import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { hexEncode } from '../../../../src/base/index.ts'
import { createHostBook } from '../../../../src/mailbox/client/host-book.ts'
import { createSealer } from '../../../../src/mailbox/client/sealer.ts'
import { createSilence } from '../../../../src/mailbox/client/silence.ts'
import type { HostRecord } from '../../../../src/mailbox/index.ts'
import { createMemoryStore } from '../../../../src/store/index.ts'
import { encodeMailboxRequest, REPLICA_COUNT, REQUEST_SEAL_BYTES } from '../../../../src/wire/index.ts'
import { CLIENT_WORLD_FUNCTIONS } from '../../../support/mailbox-client-world.ts'
import { hostRecords } from '../../../support/mailbox-hosts.ts'
import { createSeededRandom } from '../../../support/seeded-random.ts'
import { createVirtualClock } from '../../../support/virtual-clock.ts'

const keyOf = (host: HostRecord | undefined): string => hexEncode(host?.descriptor.hostKey ?? new Uint8Array(0))

function create(count: number, couriers: readonly number[] = []) {
  const hosts = hostRecords(count)
  const clock = createVirtualClock()
  const book = createHostBook({
    clock,
    store: createMemoryStore(),
    hostWorkBits: 0,
    functions: CLIENT_WORLD_FUNCTIONS,
  })
  for (const host of hosts) book.table.merge(host)
  const inUse = new Set(couriers.map((number) => keyOf(hosts[number])))
  return {
    book,
    hosts,
    inUse,
    sealer: createSealer(book, createSeededRandom(1), () => inUse, createSilence(clock, 1_000)),
    clock,
  }
}

const check = (boxId: Uint8Array) => ({ operation: 'check', replyKey: new Uint8Array(32), boxId, rank: 0 }) as const

describe('createSealer', () => {
  it('seals to hosts that are neither courier nor replica, a new one each time', () => {
    const { book, inUse, sealer } = create(40, [0, 1])
    for (let run = 0; run < 20; run += 1) {
      const used = new Set<HostRecord>()
      const chosen = new Set<string>()
      for (let index = 0; index < 12; index += 1) {
        const boxId = sealer.dummyId()
        const { intermediate = '' } = sealer.seal(check(boxId), boxId, used)
        assert.equal(inUse.has(intermediate), false)
        assert.equal(
          book.table.closest(boxId, REPLICA_COUNT).some((host) => keyOf(host) === intermediate),
          false,
        )
        chosen.add(intermediate)
      }
      assert.equal(chosen.size, 12)
    }
  })

  it('keeps to its first wishes where hosts are few', () => {
    const { inUse, sealer } = create(9, [0, 1])
    for (let run = 0; run < 50; run += 1) {
      const boxId = sealer.dummyId()
      const { intermediate = '' } = sealer.seal(check(boxId), boxId, new Set())
      assert.equal(inUse.has(intermediate), false)
    }
    const alone = create(1, [0])
    assert.equal(
      alone.sealer.seal(check(new Uint8Array(32)), new Uint8Array(32), new Set()).intermediate,
      keyOf(alone.hosts[0]),
    )
  })

  it('leaves out excluded hosts', () => {
    const { book, hosts, sealer } = create(4)
    const bad = keyOf(hosts[2])
    for (let index = 0; index < 60; index += 1) book.noteProbe([{ hostKey: bad, role: 'intermediate' }], true)
    for (let run = 0; run < 50; run += 1) {
      const boxId = sealer.dummyId()
      assert.notEqual(sealer.seal(check(boxId), boxId, new Set()).intermediate, bad)
    }
  })

  it('passes over hosts that have not answered three times in a row, for a while', async () => {
    const { clock, hosts, sealer } = create(12, [0, 1])
    const chosen = (): Set<string> =>
      new Set(
        Array.from({ length: 200 }, () => {
          const boxId = sealer.dummyId()
          return sealer.seal(check(boxId), boxId, new Set()).intermediate ?? ''
        }),
      )
    const dead = hosts.slice(2, 8).map(keyOf)
    assert.ok(dead.every((host) => chosen().has(host)))
    for (const host of dead) {
      for (const answered of [false, false, true, false, false]) sealer.noteAnswer(host, answered)
    }
    assert.ok(
      dead.every((host) => chosen().has(host)),
      'an answer in between counts',
    )
    for (const host of dead) sealer.noteAnswer(host, false)
    assert.ok(!dead.some((host) => chosen().has(host)))
    await clock.advance(10_001)
    assert.ok(dead.every((host) => chosen().has(host)))
    sealer.noteAnswer(dead[0] ?? '', false)
    assert.ok(!chosen().has(dead[0] ?? ''), 'once more is enough')
  })

  it('takes a courier for an intermediate where roles fall together anyway and nobody else answers, and only there', () => {
    for (const [count, mayCoincide] of [
      [3, true],
      [4, false],
      [5, false],
    ] as const) {
      const { hosts, inUse, sealer } = create(count, [0, 1])
      for (const host of hosts.slice(2)) for (let loss = 0; loss < 3; loss += 1) sealer.noteAnswer(keyOf(host), false)
      for (let run = 0; run < 40; run += 1) {
        const boxId = sealer.dummyId()
        const { intermediate = '' } = sealer.seal(check(boxId), boxId, new Set())
        assert.equal(inUse.has(intermediate), mayCoincide, `${count} hosts`)
      }
    }
  })

  it('makes bytes of the same length when there is nobody to seal to', () => {
    const { sealer } = create(0)
    const request = check(sealer.dummyId())
    const { routed, intermediate } = sealer.seal(request, request.boxId, new Set())
    assert.equal(intermediate, undefined)
    assert.equal(routed.sealed.length, REQUEST_SEAL_BYTES + encodeMailboxRequest(request).length)
  })
})
