import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { concatBytes, utf8Encode } from '../../../src/base/index.ts'
import { ed25519PublicKey } from '../../../src/crypto/index.ts'
import {
  BOX_LIFETIME_MS,
  ciphertextHashOf,
  countReceipts,
  quorumOf,
  RECEIPT_HOST_COUNT,
  replicasOf,
  signReceipt,
  verifyReceipt,
} from '../../../src/mailbox/index.ts'
import { CLOCK_TOLERANCE_MS } from '../../../src/mailbox/options.ts'
import { BOX_CIPHERTEXT_BYTES, type Box, type Receipt } from '../../../src/wire/index.ts'
import { oracle } from '../../support/oracle.ts'
import { createSeededRandom } from '../../support/seeded-random.ts'
import { NOW_MS } from '../../support/session-pair.ts'

const random = createSeededRandom(33)
const NOW_S = NOW_MS / 1000

function boxOf(fill: number): Box {
  return {
    boxId: new Uint8Array(32).fill(fill),
    signature: new Uint8Array(64),
    ciphertext: new Uint8Array(BOX_CIPHERTEXT_BYTES).fill(fill),
  }
}
const box = boxOf(1)

interface TestHost {
  readonly seed: Uint8Array
  readonly hostId: Uint8Array
  readonly descriptor: { readonly hostKey: Uint8Array }
}

function createHost(): TestHost {
  const seed = random.bytes(32)
  return { seed, hostId: random.bytes(32), descriptor: { hostKey: ed25519PublicKey(seed) } }
}
const hosts = Array.from({ length: 20 }, createHost)

/** The host at this place; a place that is not there is a bug of the test. */
function hostAt(index: number): TestHost {
  const host = hosts[index]
  assert.ok(host !== undefined)
  return host
}

function receiptOf(index: number, days = 14, about = box): Receipt {
  return signReceipt(hostAt(index).seed, hostAt(index).hostId, about, NOW_S + days * 86_400)
}

function count(receipts: readonly Receipt[], hostCount = hosts.length): ReturnType<typeof countReceipts> {
  return countReceipts({ box, receipts, closest: hosts.slice(0, hostCount), hostCount, nowMs: NOW_MS })
}

describe('receipt', () => {
  it('is what a second implementation signs', () => {
    const receipt = receiptOf(0)
    const framed = (...fields: Uint8Array[]): Uint8Array =>
      concatBytes(...fields.flatMap((field) => [Uint8Array.of(0, 0, 0, field.length), field]))
    const expiry = new Uint8Array(4)
    new DataView(expiry.buffer).setUint32(0, receipt.expiresAtSeconds)
    const statement = framed(utf8Encode('noctule/v1/receipt'), box.boxId, oracle.sha256(box.ciphertext), expiry)
    assert.deepEqual(receipt.signature, oracle.ed25519Sign(hostAt(0).seed, statement))
    assert.deepEqual(receipt.route, hostAt(0).hostId.slice(0, 16))
    assert.deepEqual(receiptOf(0), receipt, 'idempotent')
  })

  it('holds for its host, box, content and expiry alone', () => {
    const receipt = receiptOf(0)
    const { hostKey } = hostAt(0).descriptor
    const hash = ciphertextHashOf(box)
    assert.ok(verifyReceipt(hostKey, box.boxId, hash, receipt))
    assert.equal(verifyReceipt(hostAt(1).descriptor.hostKey, box.boxId, hash, receipt), false)
    assert.equal(verifyReceipt(hostKey, boxOf(2).boxId, hash, receipt), false)
    assert.equal(verifyReceipt(hostKey, box.boxId, ciphertextHashOf(boxOf(2)), receipt), false)
    const later = { ...receipt, expiresAtSeconds: receipt.expiresAtSeconds + 1 }
    assert.equal(verifyReceipt(hostKey, box.boxId, hash, later), false)
    assert.equal(verifyReceipt(hostKey, box.boxId, hash, { ...receipt, signature: new Uint8Array(64) }), false)
  })
})

describe('counting receipts', () => {
  it('is stored with two, and not with one, none, or two of one host', () => {
    assert.deepEqual(
      { ...count([receiptOf(0), receiptOf(1)]), hosts: [] },
      {
        replicas: 2,
        wanted: 8,
        quorum: 2,
        stored: true,
        untilMs: NOW_MS + BOX_LIFETIME_MS,
        hosts: [],
      },
    )
    for (const receipts of [[], [receiptOf(0)], [receiptOf(0), receiptOf(0)], [receiptOf(0), receiptOf(0, 13)]]) {
      const counted = count(receipts)
      assert.equal(counted.stored, false)
      assert.equal(counted.untilMs, undefined)
    }
  })

  it('needs one receipt where there is one host, and never counts without a host', () => {
    assert.equal(count([receiptOf(0)], 1).stored, true)
    assert.equal(count([receiptOf(0)], 1).wanted, 1)
    assert.equal(count([receiptOf(0)], 2).stored, false)
    assert.equal(count([], 0).stored, false)
    assert.equal(count([receiptOf(0), receiptOf(1)], 0).stored, false)
    assert.deepEqual([0, 1, 2, 3, 50].map(quorumOf), [0, 1, 2, 2, 2])
    assert.deepEqual([0, 1, 7, 8, 50].map(replicasOf), [0, 1, 7, 8, 8])
  })

  it('says until when a quorum keeps it, not until when the last one does', () => {
    assert.equal(count([receiptOf(0, 14), receiptOf(1, 3), receiptOf(2, 9)]).untilMs, NOW_MS + 9 * 86_400_000)
  })

  it('leaves out hosts that are not close, and names that are not theirs', () => {
    const far = [receiptOf(RECEIPT_HOST_COUNT), receiptOf(RECEIPT_HOST_COUNT + 1)]
    assert.equal(count(far).replicas, 0)
    const near = [receiptOf(RECEIPT_HOST_COUNT - 1), receiptOf(0)]
    assert.equal(count(near).replicas, 2)
    const borrowed = { ...receiptOf(0), route: hostAt(1).hostId.slice(0, 16) }
    assert.equal(count([receiptOf(0), borrowed]).replicas, 1)
    const stranger = createHost()
    assert.equal(count([signReceipt(stranger.seed, stranger.hostId, box, NOW_S + 10)]).replicas, 0)
  })

  it('counts a host with two ids once', () => {
    const twice = [hostAt(0), { ...hostAt(0), hostId: random.bytes(32) }]
    const receipts = twice.map((host) => signReceipt(host.seed, host.hostId, box, NOW_S + 10 * 86_400))
    const counted = countReceipts({ box, receipts, closest: twice, hostCount: 2, nowMs: NOW_MS })
    assert.equal(counted.replicas, 1)
    assert.equal(counted.stored, false)
  })

  it('leaves out what ends soon, which an intermediate can ask for, and what lies too far ahead; a clock wrong by an hour does no harm', () => {
    const at = (ms: number): Receipt => signReceipt(hostAt(0).seed, hostAt(0).hostId, box, ms / 1000)
    const cases: [number, number][] = [
      [NOW_MS, 0],
      [NOW_MS - 1000, 0],
      [NOW_MS + 1000, 0],
      [NOW_MS + BOX_LIFETIME_MS / 2 - 1000, 0],
      [NOW_MS + BOX_LIFETIME_MS / 2, 1],
      [NOW_MS + BOX_LIFETIME_MS + 3_600_000, 1],
      [NOW_MS + BOX_LIFETIME_MS - 3_600_000, 1],
      [NOW_MS + BOX_LIFETIME_MS + CLOCK_TOLERANCE_MS, 1],
      [NOW_MS + BOX_LIFETIME_MS + CLOCK_TOLERANCE_MS + 1000, 0],
    ]
    for (const [ms, replicas] of cases) assert.equal(count([at(ms)]).replicas, replicas, `${ms - NOW_MS}`)
  })

  it('of a box that left days ago it takes the end of a copy from then, and nothing shorter', () => {
    const DAY = 86_400_000
    const counts = (leftDaysAgo: number | undefined, endsInMs: number): boolean => {
      const receipts = [0, 1].map((index) =>
        signReceipt(hostAt(index).seed, hostAt(index).hostId, box, Math.floor((NOW_MS + endsInMs) / 1000)),
      )
      const firstLeftMs = leftDaysAgo === undefined ? undefined : NOW_MS - leftDaysAgo * DAY
      return countReceipts({ box, receipts, closest: hosts, hostCount: hosts.length, nowMs: NOW_MS, firstLeftMs })
        .stored
    }
    assert.equal(counts(undefined, 4 * DAY), false, 'control: nobody knows of a first time')
    assert.equal(counts(10, 4 * DAY), true)
    assert.equal(counts(10, 4 * DAY - 3_600_000), true, 'a clock that is wrong')
    assert.equal(counts(10, 3 * DAY), false, 'somebody asked for less')
    assert.equal(counts(10, 60_000), false)
    assert.equal(counts(3, 6 * DAY), false)
    assert.equal(counts(3, 8 * DAY), true, 'half a life is enough, as ever')
    for (const days of [14, 20]) assert.equal(counts(days, 60_000), false, 'the copy of then is gone')
    assert.equal(counts(-5, 6 * DAY), false, 'a clock that was put back')
  })

  it('a good receipt counts although a bad one of the same host came first', () => {
    const bad = { ...receiptOf(0), signature: new Uint8Array(64) }
    assert.equal(count([bad, receiptOf(0), receiptOf(1)]).stored, true)
  })
})

describe('no box is called stored without verified receipts', () => {
  type Lie = 'honest' | 'none' | 'forged' | 'other-box' | 'other-content' | 'expired' | 'far-ahead' | 'borrowed'
  const lie = fc.constantFrom<Lie>(
    'honest',
    'none',
    'forged',
    'other-box',
    'other-content',
    'expired',
    'far-ahead',
    'borrowed',
  )

  function answer(index: number, kind: Lie): Receipt | undefined {
    const honest = receiptOf(index)
    switch (kind) {
      case 'honest':
        return honest
      case 'none':
        return undefined
      case 'forged':
        return { ...honest, signature: honest.signature.with(3, (honest.signature[3] ?? 0) ^ 1) }
      case 'other-box':
        return receiptOf(index, 14, { ...box, boxId: boxOf(2).boxId })
      case 'other-content':
        return receiptOf(index, 14, { ...box, ciphertext: boxOf(2).ciphertext })
      case 'expired':
        return receiptOf(index, -1)
      case 'far-ahead':
        return receiptOf(index, 15)
      case 'borrowed':
        return { ...honest, route: hostAt((index + 1) % hosts.length).hostId.slice(0, 16) }
    }
  }

  it('whatever the hosts say', () => {
    let storedCount = 0
    let refusedCount = 0
    const hostCounts = fc.integer({ min: 0, max: 8 })
    fc.assert(
      fc.property(hostCounts, fc.array(lie, { minLength: 8, maxLength: 8 }), fc.nat(3), (hostCount, lies, copies) => {
        const kinds = lies.slice(0, hostCount)
        const given = kinds.flatMap((kind, index) => answer(index, kind) ?? [])
        const receipts = [...given, ...given.slice(0, copies)]
        const counted = count(receipts, hostCount)
        const honest = kinds.filter((kind) => kind === 'honest').length
        assert.equal(counted.replicas, honest)
        assert.equal(counted.stored, hostCount > 0 && honest >= Math.min(2, hostCount))
        if (counted.stored) storedCount += 1
        else refusedCount += 1
      }),
      { numRuns: 300, seed: 20_261_121 },
    )
    assert.ok(storedCount > 10 && refusedCount > 10, `${storedCount} stored, ${refusedCount} not`)
  })
})
