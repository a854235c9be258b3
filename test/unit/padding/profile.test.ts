import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  bulkSlotKind,
  DEFAULT_PROFILE,
  EPOCH_MS,
  LANE_SLOT_SPREAD,
  PROFILE_NAMES,
  type Profile,
  profileByNumber,
  profileNumber,
  profileOf,
  readSlotKind,
  startSchedule,
  takeSlot,
} from '../../../src/padding/index.ts'
import { RECORD_STREAM_BYTES } from '../../../src/wire/index.ts'
import { createSeededRandom } from '../../support/seeded-random.ts'

const DAY_MS = 86_400_000

describe('profiles', () => {
  it('have the slots, laws and courier delays of METADATA §3.5, but for the slots of Paranoid', () => {
    const table = PROFILE_NAMES.map((name) => {
      const { courierDelayMs, read, write } = profileOf(name)
      return [name, write.meanMs, read.meanMs, write.law, read.law, courierDelayMs]
    })
    assert.deepEqual(table, [
      ['low', 600_000, 300_000, 'jittered', 'jittered', 5000],
      ['balanced', 30_000, 15_000, 'jittered', 'jittered', 2000],
      ['fast', 10_000, 5000, 'jittered', 'jittered', 1000],
      ['paranoid', 24_000, 17_000, 'exponential', 'exponential', 5000],
      ['manual', 10_000, 5000, 'jittered', 'jittered', 1000],
    ])
    assert.equal(DEFAULT_PROFILE, 'balanced')
  })

  it('have the bulk windows of METADATA §3.1, one after the other', () => {
    const table = PROFILE_NAMES.map((name) => {
      const { bulk } = profileOf(name)
      return bulk && [DAY_MS / bulk.window.meanMs, bulk.recordsPerWindow * RECORD_STREAM_BYTES]
    })
    assert.deepEqual(
      table.map((entry) => entry && [entry[0], Math.floor((entry[1] ?? 0) / 2 ** 20)]),
      [undefined, [4, 2], [8, 8], [4, 2], undefined],
    )
    // No more than a record above the round number.
    for (const entry of table) assert.ok(entry === undefined || (entry[1] ?? 0) % 2 ** 20 < RECORD_STREAM_BYTES)
    for (const name of PROFILE_NAMES) {
      const { bulk } = profileOf(name)
      if (bulk === undefined) continue
      // Ten standard deviations of the wider law's sum below the shortest time between two windows.
      const longestMs = bulk.slot.meanMs * (bulk.recordsPerWindow + 10 * Math.sqrt(bulk.recordsPerWindow))
      assert.equal(bulk.window.law, 'jittered')
      assert.ok(longestMs < (1 - LANE_SLOT_SPREAD) * bulk.window.meanMs, name)
    }
  })

  it('run by themselves, all but Manual', () => {
    for (const name of PROFILE_NAMES) assert.equal(profileOf(name).sync !== undefined, name === 'manual')
    assert.deepEqual(profileOf('manual').sync, { writeSlots: 12, readSlots: 24 })
  })

  it('have numbers for the wire, and no number has two', () => {
    const numbers = PROFILE_NAMES.map(profileNumber)
    assert.deepEqual(numbers, [1, 2, 3, 4, 5])
    assert.deepEqual(numbers.map(profileByNumber), PROFILE_NAMES)
    for (const number of [0, 6, 255]) assert.equal(profileByNumber(number), undefined)
  })

  it('are faster on a private network, in all their times and in nothing else', () => {
    const times = ({ bulk, courierDelayMs, courierHoldMs, read, write }: Profile): number[] => [
      write.meanMs,
      read.meanMs,
      courierDelayMs,
      courierHoldMs,
      ...(bulk === undefined ? [] : [bulk.window.meanMs, bulk.slot.meanMs]),
    ]
    for (const name of PROFILE_NAMES) {
      const [slow, fast] = [profileOf(name), profileOf(name, 50)]
      assert.deepEqual([slow.speed, fast.speed], [1, 50])
      assert.deepEqual(
        times(fast),
        times(slow).map((ms) => ms / 50),
      )
      assert.equal(fast.bulk?.recordsPerWindow, slow.bulk?.recordsPerWindow)
      assert.deepEqual([fast.sync, fast.write.law, fast.read.law], [slow.sync, slow.write.law, slow.read.law])
    }
  })
})

describe('readSlotKind', () => {
  it('asks for the table every other time at first, then every eighth time', () => {
    const tables = Array.from({ length: 48 }, (_, slot) => slot).filter((slot) => readSlotKind(slot) === 'table')
    assert.deepEqual(tables, [1, 3, 5, 7, 9, 11, 13, 15, 23, 31, 39, 47])
  })

  it('has its share over an epoch of each profile', () => {
    const shareOf = (name: (typeof PROFILE_NAMES)[number]): readonly [number, number] => {
      const slots = Math.floor(EPOCH_MS / profileOf(name).read.meanMs)
      return [
        slots,
        Array.from({ length: slots }, (_, slot) => readSlotKind(slot)).filter((kind) => kind === 'table').length,
      ]
    }
    assert.deepEqual(shareOf('low'), [72, 15])
    assert.deepEqual(shareOf('balanced'), [1440, 186])
    assert.deepEqual(shareOf('fast'), [4320, 546])
    assert.deepEqual(shareOf('paranoid'), [1270, 164])
  })
})

describe('a bulk window', () => {
  it('has its slots to the number, writes and reads in turn, whatever is late', () => {
    for (const name of ['balanced', 'fast', 'paranoid'] as const) {
      const { bulk } = profileOf(name)
      assert.ok(bulk !== undefined)
      for (const lateMs of [0, 3, 2500]) {
        const random = createSeededRandom(5)
        const late = createSeededRandom(6)
        const served: string[] = []
        let passed = 0
        let missed = 0
        for (let schedule = startSchedule(0, random, bulk.slot); schedule.slotIndex < bulk.recordsPerWindow; ) {
          const decision = takeSlot(schedule, schedule.nextSlotMs + lateMs * late.uniform(), random)
          if (decision.due && decision.slotIndex < bulk.recordsPerWindow) served.push(bulkSlotKind(decision.slotIndex))
          missed += decision.missed
          passed = decision.schedule.slotIndex
          schedule = decision.schedule
        }
        // What was missed is in the number: a busy machine sends less, never later and never more.
        assert.ok(passed >= bulk.recordsPerWindow && served.length <= bulk.recordsPerWindow)
        assert.ok(Math.abs(served.length + missed - bulk.recordsPerWindow) <= 2)
        if (lateMs > 0) continue
        assert.equal(served.length, bulk.recordsPerWindow)
        assert.equal(served.filter((kind) => kind === 'write').length, Math.ceil(bulk.recordsPerWindow / 2))
        assert.ok(served.every((kind, index) => kind === (index % 2 === 0 ? 'write' : 'read')))
      }
    }
  })
})
