import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { concatBytes, utf8Encode } from '../../../src/base/index.ts'
import {
  hostIdOf,
  hostWorkPeriod,
  isHostWorkPeriod,
  mintHostWork,
  mintSessionWork,
  verifyHostWork,
  verifySessionWork,
} from '../../../src/mailbox/index.ts'
import { CLOCK_TOLERANCE_MS, WORK_COST, WORK_PERIOD_MS } from '../../../src/mailbox/options.ts'
import { hostWorkPeriodEndMs } from '../../../src/mailbox/work.ts'
import { oracle } from '../../support/oracle.ts'
import { createSeededRandom } from '../../support/seeded-random.ts'
import { NOW_MS } from '../../support/session-pair.ts'

const BITS = 5
const random = createSeededRandom(34)
const hostKey = random.bytes(32)
const clientKey = random.bytes(32)
const never = new AbortController().signal

/** Written from the specification, without `src/crypto`. */
function framed(...fields: Uint8Array[]): Uint8Array {
  return concatBytes(...fields.flatMap((field) => [Uint8Array.of(0, 0, 0, field.length), field]))
}
const label = (purpose: string): Uint8Array => utf8Encode(`noctule/v1/${purpose}`)

function integer(bytes: number, value: number): Uint8Array {
  const out = new Uint8Array(8)
  new DataView(out.buffer).setBigUint64(0, BigInt(value))
  return out.slice(8 - bytes)
}

describe('work of a host', () => {
  it('is what a second implementation computes', async () => {
    const { period, nonce } = await mintHostWork(hostKey, NOW_MS, BITS, never, random)
    const password = framed(label('host-work'), hostKey, integer(2, period), integer(8, nonce))
    const output = await oracle.scrypt(password, label('host-work/salt'), WORK_COST, 32)
    assert.ok((output[0] ?? 255) < 2 ** (8 - BITS))
    const named = framed(label('host-id'), hostKey, integer(2, period), integer(8, nonce))
    assert.deepEqual(hostIdOf(hostKey, { period, nonce }), oracle.sha256(named))
  })

  it('holds for its key, period and nonce alone, and for so many bits', async () => {
    const work = await mintHostWork(hostKey, NOW_MS, BITS, never, random)
    assert.ok(await verifyHostWork(hostKey, work, BITS))
    // Each of these holds by chance once in 32; the seed is fixed, so it is never by chance.
    assert.equal(await verifyHostWork(hostKey, { ...work, nonce: work.nonce + 1 }, BITS), false)
    assert.equal(await verifyHostWork(hostKey, { ...work, period: work.period + 1 }, BITS), false)
    assert.equal(await verifyHostWork(clientKey, work, BITS), false)
    assert.equal(await verifyHostWork(hostKey, work, 40), false)
  })

  it('is for a period that each host leaves at a time of its own', () => {
    const keys = Array.from({ length: 50 }, () => random.bytes(32))
    const ends = new Set(keys.map((key) => hostWorkPeriodEndMs(key, hostWorkPeriod(key, NOW_MS))))
    assert.equal(ends.size, keys.length)
    for (const end of ends) assert.ok(end > NOW_MS && end <= NOW_MS + WORK_PERIOD_MS)
    const half = [...ends].filter((end) => end < NOW_MS + WORK_PERIOD_MS / 2).length
    assert.ok(half > 10 && half < 40, `${half} of 50 move in the first half`)
  })

  it('counts in its period, and two hours before and after it', () => {
    const period = hostWorkPeriod(hostKey, NOW_MS)
    const end = hostWorkPeriodEndMs(hostKey, period)
    const begin = end - WORK_PERIOD_MS
    for (const at of [begin, NOW_MS, end - 1]) assert.equal(hostWorkPeriod(hostKey, at), period)
    assert.equal(hostWorkPeriod(hostKey, begin - 1), period - 1)
    assert.equal(hostWorkPeriod(hostKey, end), period + 1)
    const cases: [number, boolean][] = [
      [begin - CLOCK_TOLERANCE_MS - 1, false],
      [begin - CLOCK_TOLERANCE_MS, true],
      [begin, true],
      [end + CLOCK_TOLERANCE_MS - 1, true],
      [end + CLOCK_TOLERANCE_MS, false],
      [end + WORK_PERIOD_MS, false],
    ]
    for (const [at, counts] of cases) assert.equal(isHostWorkPeriod(hostKey, period, at), counts, `${at - begin}`)
  })

  it('stops when it is told to', async () => {
    const controller = new AbortController()
    const minting = mintHostWork(hostKey, NOW_MS, 60, controller.signal, random)
    const reason = new Error('enough')
    controller.abort(reason)
    await assert.rejects(minting, reason)
  })
})

describe('work of a session', () => {
  const context = { hostKey, clientKey, epochMs: 6 * 3_600_000, bits: BITS }

  it('is what a second implementation computes', async () => {
    const { period, nonce } = await mintSessionWork(context, NOW_MS, never, random)
    assert.equal(period, Math.floor(NOW_MS / context.epochMs))
    const password = framed(label('session-work'), hostKey, clientKey, integer(4, period), integer(8, nonce))
    const output = await oracle.scrypt(password, label('session-work/salt'), WORK_COST, 32)
    assert.ok((output[0] ?? 255) < 2 ** (8 - BITS))
  })

  it('holds for its courier, client and time alone', async () => {
    const work = await mintSessionWork(context, NOW_MS, never, random)
    assert.ok(await verifySessionWork(context, work, NOW_MS))
    assert.equal(await verifySessionWork({ ...context, hostKey: clientKey }, work, NOW_MS), false)
    assert.equal(await verifySessionWork({ ...context, clientKey: hostKey }, work, NOW_MS), false)
    assert.equal(await verifySessionWork({ ...context, bits: 40 }, work, NOW_MS), false)
    const end = (work.period + 1) * context.epochMs
    assert.ok(await verifySessionWork(context, work, end + CLOCK_TOLERANCE_MS - 1))
    assert.equal(await verifySessionWork(context, work, end + CLOCK_TOLERANCE_MS), false)
    assert.equal(await verifySessionWork(context, work, end - context.epochMs - CLOCK_TOLERANCE_MS - 1), false)
  })

  it('is no work of a host', async () => {
    const work = await mintSessionWork({ ...context, clientKey: hostKey }, NOW_MS, never, random)
    assert.equal(await verifyHostWork(hostKey, { ...work, period: work.period & 0xffff }, BITS), false)
  })
})
