import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { DAY_MS, MINUTE_MS, SECOND_MS } from '../../src/base/index.ts'
import {
  type Delay,
  LANE_BYTES_PER_DAY,
  PROFILE_NAMES,
  type Profile,
  profileFigures,
  profileOf,
} from '../../src/padding/index.ts'
import { readText } from './support.ts'

const MB = 1e6
const GB = 1e9

function time(ms: number): string {
  return ms < 2 * MINUTE_MS ? `${Math.round(ms / SECOND_MS)} s` : `${Math.round(ms / MINUTE_MS)} min`
}

function delay(value: Delay | undefined): string {
  return value === undefined ? '' : `${time(value.expectedMs)} / ${time(value.lateMs)}`
}

/** A row of the table in the README. */
function rowOf(profile: Profile): string {
  const { bulk, name, read, sync, write } = profile
  const { bytesPerDay, bytesPerSync, cold, hot } = profileFigures(profile)
  const slots = `${time(write.meanMs)} / ${time(read.meanMs)}`
  const windows = bulk && `${DAY_MS / bulk.window.meanMs} of ${bulk.recordsPerWindow} records`
  const cells =
    sync === undefined
      ? [slots, windows ?? '', ((bytesPerDay ?? 0) / MB).toFixed(1), (((bytesPerDay ?? 0) * 30) / GB).toFixed(2)]
      : [
          `${sync.writeSlots} and ${sync.readSlots} slots a sync`,
          '',
          `${((bytesPerSync ?? 0) / MB).toFixed(2)} a sync`,
          '',
        ]
  return `| ${[name, ...cells, delay(hot), delay(cold)].join(' | ')} |`
}

describe('the profiles in the README', () => {
  const readme = readText('README.md')
  const rows = PROFILE_NAMES.map((name) => rowOf(profileOf(name)))

  it('have the figures of the code', () => {
    assert.equal(rows.length, PROFILE_NAMES.length)
    assert.ok(readme.includes(`|\n${rows.join('\n')}\n\n`), `README.md wants:\n${rows.join('\n')}`)
    const lane = `a live lane takes ${Math.round(LANE_BYTES_PER_DAY / MB)} MB a day`
    assert.ok(readme.includes(lane), `README.md wants: ${lane}`)
  })

  it('would not be found with others (control)', () => {
    const others = PROFILE_NAMES.filter((name) => profileOf(name).sync === undefined)
    assert.ok(others.length > 0)
    for (const name of others) assert.ok(!readme.includes(rowOf({ ...profileOf(name, 2), name })), name)
  })
})
