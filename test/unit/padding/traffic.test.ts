import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  createTrafficMeter,
  PROFILE_NAMES,
  type ProfileName,
  profileOf,
  type TrafficLane,
  type TrafficMeter,
  type TrafficReport,
} from '../../../src/padding/index.ts'
import { LANE_RECORD_LINK_BYTES, RECORD_LINK_BYTES, RECORD_STREAM_BYTES } from '../../../src/wire/index.ts'

const HOUR_MS = 3_600_000
const START_MS = Date.UTC(2026, 10, 21, 9, 30)
const BALANCED = profileOf('balanced')

function lane(report: TrafficReport, name: TrafficLane): TrafficReport['lanes'][number] {
  const found = report.lanes.find((entry) => entry.lane === name)
  assert.ok(found !== undefined)
  return found
}

function recordsUp(meter: TrafficMeter, nowMs: number): number {
  return lane(meter.report(nowMs, BALANCED), 'write').recordsUp
}

/** What METADATA §3.5 gives in MB a day, and its formula, of which those are roundings. */
const TABLE: readonly (readonly [ProfileName, number])[] = [
  ['low', 1.9],
  ['balanced', 38.6],
  ['fast', 115.8],
  ['paranoid', 38.6],
]

describe('the budget', () => {
  it('is that of METADATA §3.5 within 3 %, with the table and the set-up in it and bulk windows apart', () => {
    for (const [name, table] of TABLE) {
      const profile = profileOf(name)
      const { read, write } = profile
      const formula = 86_400_000 * (1 / write.meanMs + 1 / read.meanMs) * (2 * 2182 + 104)
      // Paranoid has slots of its own (02-padding §7), whose sum is that of the table's within a rounding of the seconds.
      const tolerance = name === 'paranoid' ? 0.25 : 0.051
      assert.ok(Math.abs(formula / 1e6 - table) <= tolerance, `${name} ${formula}`)
      const report = createTrafficMeter().report(START_MS, profile)
      const parts = (['write', 'read', 'table', 'setup'] as const).map(
        (part) => lane(report, part).budgetBytesPerDay ?? NaN,
      )
      const total = parts.reduce((sum, bytes) => sum + bytes, 0)
      assert.ok(Math.abs(total / formula - 1) < 0.03, `${name}: ${total} for ${formula}`)
      assert.ok(parts.every((bytes) => bytes > 0))
    }
  })

  it('names bulk windows apart, and nothing for what depends on its user', () => {
    const bulkOf = (name: ProfileName): number | undefined =>
      lane(createTrafficMeter().report(START_MS, profileOf(name)), 'bulk').budgetBytesPerDay
    const window = (mebibytes: number): number =>
      Math.ceil((mebibytes * 2 ** 20) / RECORD_STREAM_BYTES) * RECORD_LINK_BYTES
    assert.deepEqual(PROFILE_NAMES.map(bulkOf), [0, 4 * window(2), 8 * window(8), 4 * window(2), undefined])
    for (const name of PROFILE_NAMES) {
      assert.equal(lane(createTrafficMeter().report(START_MS, profileOf(name)), 'live').budgetBytesPerDay, undefined)
    }
    const manual = createTrafficMeter().report(START_MS, profileOf('manual'))
    assert.ok(manual.lanes.every(({ budgetBytesPerDay }) => budgetBytesPerDay === undefined))
  })

  it('grows with the speed of a private network in all its parts', () => {
    const budgets = (speed: number): (number | undefined)[] =>
      createTrafficMeter()
        .report(START_MS, profileOf('balanced', speed))
        .lanes.map(({ budgetBytesPerDay }) => budgetBytesPerDay && Math.round(budgetBytesPerDay / speed))
    assert.deepEqual(budgets(100), budgets(1))
  })
})

describe('the traffic meter', () => {
  it('counts records and bytes by lane and direction', () => {
    const meter = createTrafficMeter()
    for (let record = 0; record < 5; record += 1) meter.note('write', 'up', START_MS)
    for (let record = 0; record < 4; record += 1) meter.note('write', 'down', START_MS)
    meter.note('live', 'up', START_MS)
    meter.note('live', 'down', START_MS)
    meter.note('bulk', 'down', START_MS)
    const report = meter.report(START_MS, BALANCED)
    assert.deepEqual(
      report.lanes.map((entry) => [entry.lane, entry.recordsUp, entry.recordsDown, entry.bytes]),
      [
        ['write', 5, 4, 4.5 * RECORD_LINK_BYTES],
        ['read', 0, 0, 0],
        ['table', 0, 0, 0],
        ['bulk', 0, 1, RECORD_LINK_BYTES / 2],
        ['setup', 0, 0, 0],
        ['live', 1, 1, LANE_RECORD_LINK_BYTES],
      ],
    )
    assert.equal(report.sinceMs, START_MS)
  })

  it('forgets by the hour what is a day old', () => {
    const meter = createTrafficMeter()
    for (let hour = 0; hour < 24; hour += 1) meter.note('write', 'up', START_MS + hour * HOUR_MS)
    const lastMs = START_MS + 24 * HOUR_MS - 1
    assert.deepEqual([recordsUp(meter, lastMs), meter.report(lastMs, BALANCED).sinceMs], [24, START_MS])
    const nextMs = START_MS + 24 * HOUR_MS
    assert.deepEqual([recordsUp(meter, nextMs), meter.report(nextMs, BALANCED).sinceMs], [23, START_MS + HOUR_MS])
    assert.equal(recordsUp(meter, START_MS + 30 * HOUR_MS + 5), 17)
    assert.equal(recordsUp(meter, START_MS + 47 * HOUR_MS), 0)
    // It goes on counting in what it has cleared.
    meter.note('write', 'up', START_MS + 47 * HOUR_MS)
    assert.equal(recordsUp(meter, START_MS + 48 * HOUR_MS), 1)
  })

  it('never speaks of more than a day', () => {
    const meter = createTrafficMeter()
    meter.note('write', 'up', START_MS)
    for (let minutes = 0; minutes < 5 * 1440; minutes += 7) {
      const nowMs = START_MS + minutes * 60_000
      const { sinceMs } = meter.report(nowMs, BALANCED)
      assert.ok(nowMs - sinceMs < 24 * HOUR_MS)
      assert.ok(minutes < 1440 || nowMs - sinceMs >= 23 * HOUR_MS)
    }
  })

  it('neither forgets nor counts twice when the clock is put back', () => {
    // By years, by an hour of winter time, by what a time server corrects.
    for (const backMs of [10 * 365 * 24 * HOUR_MS, HOUR_MS, 40]) {
      const meter = createTrafficMeter()
      const laterMs = START_MS + 3 * HOUR_MS
      meter.note('write', 'up', START_MS)
      meter.note('write', 'up', laterMs)
      const nowMs = laterMs - backMs
      assert.equal(recordsUp(meter, nowMs), 2)
      assert.equal(nowMs - meter.report(nowMs, BALANCED).sinceMs, 3 * HOUR_MS)
      // What was counted ages from there.
      assert.equal(recordsUp(meter, nowMs + 22 * HOUR_MS), 1)
      assert.equal(recordsUp(meter, nowMs + 25 * HOUR_MS), 0)
    }
  })

  it('goes on after a clock that was put back by an hour', () => {
    const meter = createTrafficMeter()
    for (let minute = 0; minute < 120; minute += 1) meter.note('write', 'up', START_MS + minute * 60_000)
    const backMs = START_MS + 60 * 60_000
    for (let minute = 0; minute < 120; minute += 1) meter.note('write', 'up', backMs + minute * 60_000)
    const nowMs = backMs + 120 * 60_000
    assert.equal(recordsUp(meter, nowMs), 240)
    assert.equal(nowMs - meter.report(nowMs, BALANCED).sinceMs, 239 * 60_000)
  })

  it('forgets when the clock is put ahead by days, as it must after a sleep of days', () => {
    const meter = createTrafficMeter()
    meter.note('write', 'up', START_MS)
    const aheadMs = START_MS + 400 * 24 * HOUR_MS
    assert.equal(recordsUp(meter, aheadMs), 0)
    meter.note('write', 'up', aheadMs)
    meter.note('write', 'up', START_MS)
    assert.equal(recordsUp(meter, START_MS), 2)
  })

  it('costs the same after years of jumps', () => {
    const meter = createTrafficMeter()
    for (let jump = 0; jump < 10_000; jump += 1) meter.note('read', 'up', START_MS + ((jump * 7919) % 5000) * HOUR_MS)
    const report = meter.report(START_MS, BALANCED)
    assert.equal(report.lanes.length, 6)
    assert.ok(lane(report, 'read').recordsUp <= 10_000)
  })
})
