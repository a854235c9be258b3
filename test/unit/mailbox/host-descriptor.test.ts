import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { DAY_MS, HOUR_MS, SECOND_MS } from '../../../src/base/index.ts'
import { ed25519PublicKey } from '../../../src/crypto/index.ts'
import {
  checkHostDescriptor,
  type DescriptorVerdict,
  isValidDescriptorRecord,
  selectDescriptorRecord,
  signHostDescriptor,
} from '../../../src/mailbox/index.ts'
import { CLOCK_TOLERANCE_MS, WORK_PERIOD_MS } from '../../../src/mailbox/options.ts'
import { hostIdOf, hostWorkPeriodEndMs } from '../../../src/mailbox/work.ts'
import {
  hostDescriptorOf,
  hostFieldsOf,
  hostRecord,
  hostSeedOf,
  nonceOf,
  TEST_NOW_MS,
  TEST_WORK_BITS,
} from '../../support/mailbox-hosts.ts'

const RULES = { nowMs: TEST_NOW_MS, hostWorkBits: TEST_WORK_BITS }
const NOW_SECONDS = TEST_NOW_MS / SECOND_MS
const DAY_SECONDS = DAY_MS / SECOND_MS
const HOUR_SECONDS = HOUR_MS / SECOND_MS

const work = await nonceOf(1, true)
const good = hostDescriptorOf(1, { work })

function reasonOf(verdict: DescriptorVerdict): string {
  return verdict.ok ? 'ok' : verdict.reason
}

/** Signed by its host, with enough work, and these fields. */
async function verdictWith(fields: Parameters<typeof hostFieldsOf>[1], nowMs = TEST_NOW_MS): Promise<string> {
  return reasonOf(await checkHostDescriptor(hostDescriptorOf(1, { work, ...fields }), { ...RULES, nowMs }))
}

describe('a host descriptor', () => {
  it('of an honest host is taken, and its id follows from its key and work', async () => {
    const verdict = await checkHostDescriptor(good, RULES)
    assert.ok(verdict.ok)
    const { hostId, descriptor, bytes, validUntilMs, firstSeenAtMs } = verdict.host
    assert.deepEqual(hostId, hostIdOf(ed25519PublicKey(hostSeedOf(1)), work))
    assert.deepEqual(descriptor.hostKey, ed25519PublicKey(hostSeedOf(1)))
    assert.deepEqual(bytes, good)
    assert.equal(validUntilMs, descriptor.expiresAtSeconds * SECOND_MS)
    assert.equal(firstSeenAtMs, TEST_NOW_MS)
  })

  it('is refused with any byte changed', async () => {
    for (let index = 0; index < good.length; index += 1) {
      const changed = good.slice()
      changed[index] = (changed[index] ?? 0) ^ 1
      assert.notEqual(reasonOf(await checkHostDescriptor(changed, RULES)), 'ok', `byte ${index}`)
    }
  })

  it('is refused with another length', async () => {
    assert.equal(reasonOf(await checkHostDescriptor(good.subarray(1), RULES)), 'malformed')
    assert.equal(reasonOf(await checkHostDescriptor(Uint8Array.of(...good, 0), RULES)), 'malformed')
    assert.equal(reasonOf(await checkHostDescriptor(new Uint8Array(), RULES)), 'malformed')
  })

  it('signed by somebody else is refused', async () => {
    const other = signHostDescriptor(hostSeedOf(2), hostFieldsOf(2))
    const forged = good.slice()
    forged.set(other.subarray(-64), good.length - 64)
    assert.equal(reasonOf(await checkHostDescriptor(forged, RULES)), 'signature')
    assert.throws(() => signHostDescriptor(hostSeedOf(2), hostFieldsOf(1)), RangeError)
  })

  it('with insufficient work is refused', async () => {
    const lazy = hostDescriptorOf(1, { work: await nonceOf(1, false) })
    assert.equal(reasonOf(await checkHostDescriptor(lazy, RULES)), 'work')
    assert.equal(reasonOf(await checkHostDescriptor(lazy, { ...RULES, hostWorkBits: 0 })), 'ok', 'control')
  })

  it('with the work of another host is refused', async () => {
    const stolen = await nonceOf(1, true)
    const reasons = await Promise.all(
      Array.from({ length: 8 }, async (_, number) => {
        const bytes = hostDescriptorOf(number + 10, { fields: { workNonce: stolen.nonce } })
        return reasonOf(await checkHostDescriptor(bytes, { ...RULES, hostWorkBits: 8 }))
      }),
    )
    assert.deepEqual(new Set(reasons), new Set(['work']))
  })

  it('which is stale is refused', async () => {
    assert.equal(await verdictWith({}, TEST_NOW_MS + 2 * DAY_MS - SECOND_MS), 'ok', 'control')
    assert.equal(await verdictWith({}, TEST_NOW_MS + 2 * DAY_MS), 'stale')
  })

  it('from the future is refused', async () => {
    const ahead = (seconds: number): Promise<string> =>
      verdictWith({
        fields: { issuedAtSeconds: NOW_SECONDS + seconds, expiresAtSeconds: NOW_SECONDS + seconds + DAY_SECONDS },
      })
    assert.equal(await ahead(CLOCK_TOLERANCE_MS / SECOND_MS), 'ok', 'control')
    assert.equal(await ahead(CLOCK_TOLERANCE_MS / SECOND_MS + 1), 'future')
    assert.equal(await ahead(DAY_SECONDS), 'future')
  })

  it('which would live too long, or not at all, or began after it was issued, is refused', async () => {
    const { issuedAtSeconds } = hostFieldsOf(1)
    assert.equal(
      await verdictWith({ fields: { expiresAtSeconds: issuedAtSeconds + 2 * DAY_SECONDS + 1 } }),
      'malformed',
    )
    assert.equal(await verdictWith({ fields: { expiresAtSeconds: issuedAtSeconds } }), 'malformed')
    assert.equal(await verdictWith({ fields: { expiresAtSeconds: issuedAtSeconds - 1 } }), 'malformed')
    assert.equal(await verdictWith({ fields: { startedAtSeconds: issuedAtSeconds + 1 } }), 'malformed')
    assert.equal(await verdictWith({ fields: { startedAtSeconds: issuedAtSeconds } }), 'ok', 'control')
  })

  it('of a host whose clock is wrong by an hour is taken, both ways', async () => {
    for (const wrongBy of [-HOUR_SECONDS, HOUR_SECONDS]) {
      const issuedAtSeconds = NOW_SECONDS + wrongBy
      const expiresAtSeconds = issuedAtSeconds + 2 * DAY_SECONDS
      assert.equal(await verdictWith({ fields: { issuedAtSeconds, expiresAtSeconds } }), 'ok', `${wrongBy} s`)
    }
  })

  it('is taken by a host whose own clock is wrong by an hour, both ways', async () => {
    assert.equal(await verdictWith({}, TEST_NOW_MS - HOUR_MS), 'ok')
    assert.equal(await verdictWith({}, TEST_NOW_MS + HOUR_MS), 'ok')
  })

  it('with the work of another period is refused', async () => {
    for (const off of [-1, 1]) assert.equal(await verdictWith({ fields: { workPeriod: work.period + off } }), 'period')
  })

  it('counts to the end of its work period, and no longer than clocks may differ beyond it', async () => {
    const endMs = hostWorkPeriodEndMs(ed25519PublicKey(hostSeedOf(1)), work.period)
    assert.ok(endMs > TEST_NOW_MS && endMs <= TEST_NOW_MS + WORK_PERIOD_MS)
    const nowMs = Math.floor((endMs - HOUR_MS) / SECOND_MS) * SECOND_MS
    const bytes = hostDescriptorOf(1, { nowMs, work })
    const verdict = await checkHostDescriptor(bytes, { ...RULES, nowMs })
    assert.ok(verdict.ok)
    assert.equal(verdict.host.validUntilMs, Math.floor(endMs) + CLOCK_TOLERANCE_MS)
    const at = async (ms: number): Promise<string> =>
      reasonOf(await checkHostDescriptor(bytes, { ...RULES, nowMs: ms }))
    assert.equal(await at(endMs + CLOCK_TOLERANCE_MS - 1), 'ok', 'control')
    assert.equal(await at(endMs + CLOCK_TOLERANCE_MS + 1), 'period')
  })

  it('costs no second proof where the same work is known, and one where it is not', async () => {
    const lazyWork = await nonceOf(1, false)
    // A record that stands for work that was checked before, though it never was: only so can the difference be seen.
    const known = hostRecord(1, { work: lazyWork })
    const lazy = hostDescriptorOf(1, { work: lazyWork, fields: { capacityMib: 7 } })
    assert.equal(reasonOf(await checkHostDescriptor(lazy, { ...RULES, known })), 'ok')
    const verdict = await checkHostDescriptor(lazy, { ...RULES, nowMs: TEST_NOW_MS + HOUR_MS, known })
    assert.ok(verdict.ok)
    assert.equal(verdict.host.firstSeenAtMs, TEST_NOW_MS)
    assert.equal(reasonOf(await checkHostDescriptor(lazy, { ...RULES, known: hostRecord(2) })), 'work')
    assert.equal(reasonOf(await checkHostDescriptor(lazy, { ...RULES, known: hostRecord(1, { work }) })), 'work')
  })
})

describe('the DHT’s rules', () => {
  const hostKey = ed25519PublicKey(hostSeedOf(1))

  it('take a descriptor under its own key only', async () => {
    assert.equal(await isValidDescriptorRecord(hostKey, good, RULES), true)
    assert.equal(await isValidDescriptorRecord(ed25519PublicKey(hostSeedOf(2)), good, RULES), false)
    assert.equal(await isValidDescriptorRecord(hostKey, good.subarray(1), RULES), false)
  })

  it('select the newest, and pass over what does not belong there', () => {
    const at = (seconds: number): Uint8Array => hostDescriptorOf(1, { work, nowMs: TEST_NOW_MS + seconds * SECOND_MS })
    const other = hostDescriptorOf(2, { nowMs: TEST_NOW_MS + HOUR_MS })
    assert.equal(selectDescriptorRecord(hostKey, [at(0), at(2), at(1)]), 1)
    assert.equal(selectDescriptorRecord(hostKey, [other, new Uint8Array(3), at(0)]), 2)
    assert.equal(selectDescriptorRecord(hostKey, [other]), 0)
    assert.equal(selectDescriptorRecord(hostKey, []), 0)
  })

  it('choose alike between two that were issued at once, in whatever order they come', () => {
    const a = hostDescriptorOf(1, { work })
    const b = hostDescriptorOf(1, { work, fields: { capacityMib: 7 } })
    const chosen = [a, b][selectDescriptorRecord(hostKey, [a, b])]
    assert.deepEqual([b, a][selectDescriptorRecord(hostKey, [b, a])], chosen)
  })
})
