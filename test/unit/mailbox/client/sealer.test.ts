import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { hexEncode } from '../../../../src/base/index.ts'
import { createHostBook } from '../../../../src/mailbox/client/host-book.ts'
import { createSealer } from '../../../../src/mailbox/client/sealer.ts'
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
  const book = createHostBook({
    clock: createVirtualClock(),
    store: createMemoryStore(),
    hostWorkBits: 0,
    functions: CLIENT_WORLD_FUNCTIONS,
  })
  for (const host of hosts) book.table.merge(host)
  const inUse = new Set(couriers.map((number) => keyOf(hosts[number])))
  return { book, hosts, inUse, sealer: createSealer(book, createSeededRandom(1), () => inUse) }
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
    for (let index = 0; index < 60; index += 1) book.noteProbe([{ hostKey: bad, role: 'replica' }], true)
    for (let run = 0; run < 50; run += 1) {
      const boxId = sealer.dummyId()
      assert.notEqual(sealer.seal(check(boxId), boxId, new Set()).intermediate, bad)
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
