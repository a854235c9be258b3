/**
 * Tells how many records left and came, by lane, and holds them against the budget of the profile.
 * Never keeps any of it on disk, and never tells what a record carried.
 * @module
 */
import { budgetPercent, bulkResult, bulkState, laneTraffic, trafficTotals } from '../clock-models.ts'
import { withoutUndefined } from '../defined.ts'
import * as example from '../examples.ts'
import { defineMethod } from '../method.ts'
import { timeMs } from '../models.ts'
import { TRAFFIC_NOTICE } from '../profile-words.ts'
import { array, integer, object, optional, string } from '../schema/index.ts'

export const getTraffic = defineMethod({
  name: 'getTraffic',
  summary:
    'Records and bytes by lane since the daemon was started, of a day at most, against what the profile spends; and when the next slots are.',
  network: 'none',
  params: object({}),
  result: object({
    sinceMs: timeMs('Counted from here.'),
    atMs: timeMs('Counted up to here.'),
    lanes: array(laneTraffic),
    bytes: integer({ description: 'All lanes together.', minimum: 0 }),
    budgetBytesPerDay: optional(
      integer({
        description: 'What the profile in force spends in a day; absent for manual. Live lanes are not in it.',
        minimum: 0,
      }),
    ),
    budgetPercent: optional(
      integer({
        description:
          'Share of that budget for the time that was counted, without live lanes. Far from 100 for a while after a start or a change of profile.',
        minimum: 0,
      }),
    ),
    nextWriteAtMs: optional(timeMs('When the next write slot is; absent without a courier.')),
    nextReadAtMs: optional(timeMs('When the next read slot is.')),
    bulk: bulkState,
    notice: string({ description: 'What is not in these figures, for people.' }),
  }),
  errors: [],
  example: {
    params: {},
    result: {
      sinceMs: example.TIME_MS,
      atMs: example.TIME_MS + 3_600_000,
      lanes: [
        {
          lane: 'write',
          recordsUp: 118,
          recordsDown: 118,
          bytes: 527_224,
          budgetBytesPerDay: 12_867_840,
          budgetPercent: 98,
        },
      ],
      bytes: 527_224,
      budgetBytesPerDay: 12_867_840,
      budgetPercent: 98,
      nextWriteAtMs: example.TIME_MS + 3_621_000,
      nextReadAtMs: example.TIME_MS + 3_609_000,
      bulk: { nextWindowAtMs: example.TIME_MS + 9_000_000, slotsLeft: 0 },
      notice: TRAFFIC_NOTICE,
    },
  },
  handler({ messenger }) {
    const info = messenger.traffic()
    const { atMs, bulk, lanes, nextReadAtMs, nextWriteAtMs, sinceMs } = info
    const durationMs = atMs - sinceMs
    return withoutUndefined({
      sinceMs: Math.round(sinceMs),
      atMs,
      lanes: lanes.map(({ budgetBytesPerDay, ...counts }) =>
        withoutUndefined({
          ...counts,
          bytes: Math.round(counts.bytes),
          budgetBytesPerDay: budgetBytesPerDay && Math.round(budgetBytesPerDay),
          budgetPercent: budgetPercent(counts.bytes, budgetBytesPerDay, durationMs),
        }),
      ),
      ...trafficTotals(info),
      nextWriteAtMs,
      nextReadAtMs,
      bulk: bulkResult(bulk),
      notice: TRAFFIC_NOTICE,
    })
  },
})
