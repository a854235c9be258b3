import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import {
  type Delay,
  EPOCH_MS,
  LANE_BYTES_PER_DAY,
  PROFILE_NAMES,
  type Profile,
  profileFigures,
  profileOf,
  readSlotKind,
} from '../../../src/padding/index.ts'
import * as options from '../../../src/padding/options.ts'

const SPEC = readFileSync(new URL('../../../docs/spec/02-padding.md', import.meta.url), 'utf8')
const KNOWN: ReadonlyMap<string, unknown> = new Map<string, unknown>(Object.entries(options))

/** The cells of the row of the profiles' table that begins so. */
function row(name: string): string[] {
  const found = SPEC.split('\n').find((line) => line.startsWith(`| ${name} |`))
  assert.ok(found !== undefined, name)
  return found
    .split('|')
    .slice(2, -1)
    .map((cell) => cell.trim())
}

/** What the code has for each profile, as the table would print it. */
function printed(print: (profile: Profile) => string): string[] {
  return PROFILE_NAMES.map((name) => print(profileOf(name)))
}

const seconds = (ms: number): string => `${(ms / 1000).toLocaleString('en')} s`

function megabytes(profile: Profile, lanes: readonly string[]): string {
  const { lanes: figures } = profileFigures(profile)
  if (figures.length === 0) return ''
  const bytes = figures.filter(({ lane }) => lanes.includes(lane)).reduce((sum, entry) => sum + entry.bytesPerDay, 0)
  return bytes === 0 ? '0' : (bytes / 1e6).toFixed(2)
}

function delay(value: Delay | undefined): string {
  if (value === undefined) return ''
  const whole = (ms: number): string => Math.round(ms / 1000).toLocaleString('en')
  return `${whole(value.earlyMs)} / ${whole(value.expectedMs)} / ${whole(value.lateMs)} s`
}

describe('docs/spec/02-padding.md', () => {
  it('prints the numbers that the code has, and all of them', () => {
    const rows = [...SPEC.matchAll(/^\| `([A-Z_]+)` \| ([\d,.]+) \|/gm)]
    for (const [, name = '', value = ''] of rows) assert.equal(KNOWN.get(name), Number(value.replaceAll(',', '')), name)
    const names = rows.map(([, name]) => name)
    const numbers = Object.entries(options).filter(([, value]) => typeof value === 'number')
    assert.deepEqual(
      numbers.map(([name]) => name).filter((name) => !names.includes(name)),
      [],
    )
  })

  it('prints the profiles', () => {
    const inSync = ({ sync }: Profile): string => (sync === undefined ? '' : ' in a sync')
    assert.deepEqual(
      row('write slots, mean'),
      printed((profile) => seconds(profile.write.meanMs) + inSync(profile)),
    )
    assert.deepEqual(
      row('read slots, mean'),
      printed((profile) => seconds(profile.read.meanMs) + inSync(profile)),
    )
    assert.deepEqual(
      row('law of slots'),
      printed(({ write }) => write.law),
    )
    assert.deepEqual(
      row("courier's delay, mean"),
      printed(({ courierDelayMs }) => seconds(courierDelayMs)),
    )
    assert.deepEqual(
      row("courier's hold"),
      printed(({ courierHoldMs }) => seconds(courierHoldMs)),
    )
    assert.deepEqual(
      row('bulk windows a day'),
      printed(({ bulk }) => (bulk === undefined ? 'none' : String(86_400_000 / bulk.window.meanMs))),
    )
    assert.deepEqual(
      row('records of a window'),
      printed(({ bulk }) => bulk?.recordsPerWindow.toLocaleString('en') ?? ''),
    )
  })

  it('prints what they cost and give', () => {
    const sum = ['write', 'read', 'table', 'setup']
    const rows = [
      ['MB a day: write', ['write']],
      ['read', ['read']],
      ['table', ['table']],
      ['set-up', ['setup']],
      ['bulk windows, apart', ['bulk']],
    ] as const
    for (const [name, lanes] of rows) {
      assert.deepEqual(
        row(name),
        printed((profile) => megabytes(profile, lanes)),
        name,
      )
    }
    assert.deepEqual(
      row('**sum**'),
      printed((profile) => megabytes(profile, sum).replace(/^.+$/, '**$&**')),
    )
    assert.deepEqual(
      row('one short message, hot contact'),
      printed((profile) => delay(profileFigures(profile).hot)),
    )
    assert.deepEqual(
      row('cold contact'),
      printed((profile) => delay(profileFigures(profile).cold)),
    )
    assert.deepEqual(
      row('messages a day at most'),
      printed(({ sync, write }) =>
        sync === undefined ? (86_400_000 / write.meanMs).toLocaleString('en') : `${sync.writeSlots} a sync`,
      ),
    )
    assert.ok(SPEC.includes(`An open live lane is ${(LANE_BYTES_PER_DAY / 1e6).toFixed(1)} MB a day`))
    const perSync = (profileFigures(profileOf('manual')).bytesPerSync ?? 0) / 1e6
    assert.ok(SPEC.includes(`A sync of Manual is ${perSync.toFixed(2)} MB`))
  })

  it('prints the share of the table', () => {
    const share = (name: (typeof PROFILE_NAMES)[number]): string => {
      const slots = EPOCH_MS / profileOf(name).read.meanMs
      const tables = Array.from({ length: slots }, (_, slot) => readSlotKind(slot)).filter((kind) => kind === 'table')
      return ((100 * tables.length) / slots).toFixed(1)
    }
    const text = `${share('balanced')} % of the read slots of Balanced (Low ${share('low')} %, Fast ${share('fast')} %, Paranoid ${share('paranoid')} %)`
    assert.ok(SPEC.includes(text), text)
  })

  it('would be seen to print another: control', () => {
    assert.notDeepEqual(
      row('read slots, mean'),
      printed(({ write }) => seconds(write.meanMs)),
    )
    assert.throws(() => row('no such row'))
  })
})
