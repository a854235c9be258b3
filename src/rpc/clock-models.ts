/**
 * What methods about the clock take and give: profiles, traffic, delays.
 * Never a figure without its unit. Spec 08-rpc §3, 02-padding §7-§10.
 * @module
 */
import type { BulkState, Delay, ProfileOffer, ProfileState, TrafficInfo } from '../messenger/index.ts'
import { PROFILE_NAMES, TRAFFIC_LANES } from '../messenger/index.ts'
import { withoutUndefined } from './defined.ts'
import { timeMs } from './models.ts'
import { describeProtection } from './profile-words.ts'
import {
  array,
  enumeration,
  type Infer,
  integer,
  named,
  object,
  optional,
  type Schema,
  string,
} from './schema/index.ts'

const DAY_MS = 86_400_000
const MONTH_DAYS = 30

const count = (description: string): Schema<number> => integer({ description, minimum: 0 })
const durationMs = (description: string): Schema<number> =>
  integer({ description: `${description} Milliseconds.`, minimum: 0 })
const lane = enumeration(
  TRAFFIC_LANES,
  'write, read: slots. table: read slots that fetch a page of the table of hosts. bulk: slots of bulk windows. setup: what opens the link to a courier. live: lanes to contacts.',
)

export const profileName = enumeration(
  PROFILE_NAMES,
  'low, balanced (default), fast, paranoid: run by themselves. manual: runs a fixed number of slots when `sync` is called, and nothing otherwise.',
)

export const profileChange = object(
  { profile: profileName, atMs: timeMs('The time that was drawn for it.') },
  'A change that was asked for and has not taken effect.',
)

export const syncState = enumeration(
  ['idle', 'connecting', 'running'],
  'Of profile manual; all others are always idle. connecting: links to couriers are opened. running: its slots run.',
)

export const bulkState = object(
  {
    nextWindowAtMs: optional(timeMs('When the next one opens.')),
    slotsLeft: count('Slots that the open one has left; 0 while none is open.'),
  },
  'Bulk windows: times at which more records leave than usual, needed or not.',
)

export const delay = named(
  'Delay',
  object({
    earlyMs: durationMs('One in twenty takes less.'),
    expectedMs: durationMs('On average.'),
    lateMs: durationMs('One in twenty takes longer, if nothing fails.'),
  }),
  'How long something takes, as an estimate: the slots of others are not known to anybody here.',
)

export const profileDetails = named(
  'Profile',
  object({
    profile: profileName,
    writeMeanMs: durationMs('From one write slot to the next, on average.'),
    readMeanMs: durationMs('The same for read slots.'),
    law: enumeration(
      ['jittered', 'exponential'],
      'jittered: from half to one and a half of the mean, all alike. exponential: without memory, cut at four times its scale.',
    ),
    courierDelayMs: durationMs('A courier passes a request on after so long, on average.'),
    bulk: optional(
      object(
        {
          windowsPerDay: count('Windows of a day, on average.'),
          recordsPerWindow: count('Records each way in every window, needed or not.'),
          bytesPerWindow: count('Bytes of a window, both ways.'),
        },
        'Bulk windows, which files use; absent where there are none.',
      ),
    ),
    sync: optional(
      object(
        {
          writeSlots: count('Write slots of one sync.'),
          readSlots: count('Read slots of one sync.'),
          bytes: count('Bytes of one sync, both ways.'),
        },
        'What one `sync` runs, whatever waits; with manual only.',
      ),
    ),
    lanes: array(object({ lane, bytesPerDay: count('Both ways, on average.') })),
    bytesPerDay: optional(count('All lanes together, both ways, on average; absent for manual.')),
    bytesPer30Days: optional(count('The same in 30 days.')),
    hot: optional(delay),
    cold: optional(delay),
    protects: string({ description: 'What it protects against, and what it does not; for people.' }),
  }),
  'Bytes are those of records on the link to the guard; what tor needs for itself comes on top. `hot` is the time until a contact with the same profile has a short message when there was traffic just now, `cold` after a pause; absent for manual.',
)

export const laneTraffic = named(
  'LaneTraffic',
  object({
    lane,
    recordsUp: count('Records that left.'),
    recordsDown: count('Records that came.'),
    bytes: count('Of both, on the link to the guard.'),
    budgetBytesPerDay: optional(count('What the profile in force spends on it in a day, on average.')),
    budgetPercent: optional(count('Share of the budget for the time that was counted, in percent.')),
  }),
)

export function delayResult({ earlyMs, expectedMs, lateMs }: Delay): Infer<typeof delay> {
  return { earlyMs: Math.round(earlyMs), expectedMs: Math.round(expectedMs), lateMs: Math.round(lateMs) }
}

export function changeResult(next: ProfileState['next']): Infer<typeof profileChange> | undefined {
  return next && { profile: next.name, atMs: next.atMs }
}

export function bulkResult(bulk: BulkState): Infer<typeof bulkState> {
  return withoutUndefined(bulk)
}

export function profileResult({ figures, rhythms }: ProfileOffer): Infer<typeof profileDetails> {
  const { bulk, sync } = rhythms
  const { bytesPerDay, bytesPerSync, cold, hot, lanes } = figures
  const windowsPerDay = bulk === undefined ? 0 : DAY_MS / bulk.window.meanMs
  const bulkBytesPerDay = lanes.find((each) => each.lane === 'bulk')?.bytesPerDay ?? 0
  return withoutUndefined({
    profile: rhythms.name,
    writeMeanMs: Math.round(rhythms.write.meanMs),
    readMeanMs: Math.round(rhythms.read.meanMs),
    law: rhythms.write.law,
    courierDelayMs: Math.round(rhythms.courierDelayMs),
    bulk: bulk && {
      windowsPerDay: Math.round(windowsPerDay),
      recordsPerWindow: bulk.recordsPerWindow,
      bytesPerWindow: Math.round(bulkBytesPerDay / windowsPerDay),
    },
    sync: sync && { ...sync, bytes: bytesPerSync ?? 0 },
    lanes: lanes.map((each) => ({ lane: each.lane, bytesPerDay: Math.round(each.bytesPerDay) })),
    bytesPerDay: bytesPerDay && Math.round(bytesPerDay),
    bytesPer30Days: bytesPerDay && Math.round(bytesPerDay * MONTH_DAYS),
    hot: hot && delayResult(hot),
    cold: cold && delayResult(cold),
    protects: describeProtection(rhythms.name),
  })
}

/** Of what a budget gives for so long; undefined where there is none, or no time has passed. */
export function budgetPercent(
  bytes: number,
  budgetBytesPerDay: number | undefined,
  durationMs: number,
): number | undefined {
  const budget = ((budgetBytesPerDay ?? 0) * durationMs) / DAY_MS
  return budget > 0 ? Math.round((100 * bytes) / budget) : undefined
}

/** Of all lanes; the share of the budget is that of the lanes which have one. */
export function trafficTotals({ atMs, lanes, sinceMs }: TrafficInfo): {
  readonly bytes: number
  readonly budgetBytesPerDay?: number
  readonly budgetPercent?: number
} {
  const bytes = lanes.reduce((sum, lane) => sum + lane.bytes, 0)
  const planned = lanes.filter(({ budgetBytesPerDay }) => budgetBytesPerDay !== undefined)
  const budget = planned.reduce((sum, lane) => sum + (lane.budgetBytesPerDay ?? 0), 0)
  const spent = planned.reduce((sum, lane) => sum + lane.bytes, 0)
  return withoutUndefined({
    bytes: Math.round(bytes),
    budgetBytesPerDay: planned.length === 0 ? undefined : Math.round(budget),
    budgetPercent: budgetPercent(spent, budget, atMs - sinceMs),
  })
}
