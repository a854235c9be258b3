/**
 * Profiles, traffic and estimates in words and units.
 * Never a figure without its unit, nor an estimate without what it rests on.
 * @module
 */
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from '../base/index.ts'
import type { RpcResult } from '../rpc/index.ts'
import { neutralise, plural, table, wrap } from './text.ts'
import { formatDuration, formatRelative } from './time.ts'

type ProfileReply = RpcResult<'getProfile'>
type Details = ProfileReply['inForce']
type Traffic = RpcResult<'getTraffic'>
type Estimate = RpcResult<'estimateSend'>
type Delay = NonNullable<Estimate['stored']>

const WIDTH = 100
const KB = 1_000
const MB = 1_000_000
const GB = 1_000_000_000

const DELAY_UNITS = [
  { word: 'd', ms: DAY_MS },
  { word: 'h', ms: HOUR_MS },
  { word: 'min', ms: MINUTE_MS },
] as const

/** `0 B`, `12 kB`, `1.9 MB`, `3.5 GB`: decimal, as providers count. */
function formatTraffic(bytes: number): string {
  if (bytes < KB) return `${Math.round(bytes)} B`
  if (bytes < MB) return `${Math.round(bytes / KB)} kB`
  return bytes < GB ? `${(bytes / MB).toFixed(1)} MB` : `${(bytes / GB).toFixed(2)} GB`
}

/** `69 s`, `18 min`, `30 h`: finer than a duration, in the largest unit of which there are two. */
function formatDelay(delayMs: number): string {
  const unit = DELAY_UNITS.find(({ ms }) => delayMs >= 2 * ms) ?? { word: 's', ms: SECOND_MS }
  return `${Math.round(delayMs / unit.ms)} ${unit.word}`
}

/** The mean, and what one in twenty exceeds. */
function delayWords({ expectedMs, lateMs }: Delay): string {
  return `about ${formatDelay(expectedMs)}, one in twenty more than ${formatDelay(lateMs)}`
}

function shortDelay(delay: Delay | undefined): string {
  return delay === undefined ? '' : `${formatDelay(delay.expectedMs)} / ${formatDelay(delay.lateMs)}`
}

function profileRow(details: Details, current: string): readonly string[] {
  const { bulk, bytesPer30Days, bytesPerDay, cold, hot, sync, writeMeanMs, readMeanMs } = details
  const slots = `${formatDuration(writeMeanMs)} / ${formatDuration(readMeanMs)}`
  return [
    `${details.profile === current ? '*' : ' '} ${details.profile}`,
    sync === undefined ? slots : 'when you sync',
    bulk === undefined ? '' : `${bulk.windowsPerDay} of ${formatTraffic(bulk.bytesPerWindow)}`,
    sync === undefined ? formatTraffic(bytesPerDay ?? 0) : `${formatTraffic(sync.bytes)} a sync`,
    bytesPer30Days === undefined ? '' : formatTraffic(bytesPer30Days),
    shortDelay(hot),
    shortDelay(cold),
  ]
}

function changeWords(next: ProfileReply['next'], nowMs: number): string {
  return next === undefined ? '' : `Profile ${next.profile} takes effect ${formatRelative(next.atMs, nowMs)}.\n`
}

/** The profile in force, a change that is to come, and all that there are. */
export function describeProfile(reply: ProfileReply, nowMs: number): string {
  const { available, laneBytesPerDay, next, profile } = reply
  const heading = ['  PROFILE', 'WRITE / READ', 'BULK A DAY', 'A DAY', '30 DAYS', 'HOT', 'COLD']
  const words = available.flatMap((each) => indented(`${each.profile}: ${neutralise(each.protects)}`))
  return [
    `Profile ${profile} is in force.\n`,
    changeWords(next, nowMs),
    '\n',
    table(
      heading,
      available.map((each) => profileRow(each, profile)),
    ),
    '\nWrite / read: mean time between slots. Hot, cold: until a contact with the same profile has a message,\n',
    'on average / one in twenty takes longer; hot while you talk, cold after a pause.\n',
    `Bytes are those of records; tor's own come on top, and ${formatTraffic(laneBytesPerDay)} a day for each open lane.\n\n`,
    words.join(''),
  ].join('')
}

function indented(text: string): readonly string[] {
  return wrap(text, WIDTH).map((line, index) => `${index === 0 ? '' : '  '}${line}\n`)
}

/** What was asked for, and when it takes effect. */
export function describeChange({ next, profile }: RpcResult<'setProfile'>, nowMs: number): string {
  return next === undefined ? `Profile ${profile} is in force, and stays.\n` : changeWords(next, nowMs)
}

function percentWords(percent: number | undefined): string {
  return percent === undefined ? '' : `${percent} %`
}

/** Records and bytes by lane, with the budget. */
export function describeTraffic(traffic: Traffic, nowMs: number): string {
  const { bulk, bytes, lanes, nextReadAtMs, nextWriteAtMs } = traffic
  const rows = lanes.map((lane) => [
    lane.lane,
    String(lane.recordsUp),
    String(lane.recordsDown),
    formatTraffic(lane.bytes),
    lane.budgetBytesPerDay === undefined ? '' : formatTraffic(lane.budgetBytesPerDay),
    percentWords(lane.budgetPercent),
  ])
  const total = traffic.budgetBytesPerDay === undefined ? '' : formatTraffic(traffic.budgetBytesPerDay)
  rows.push(['all', '', '', formatTraffic(bytes), total, percentWords(traffic.budgetPercent)])
  const next = [
    ...(nextWriteAtMs === undefined ? [] : [`next write ${formatRelative(nextWriteAtMs, nowMs)}`]),
    ...(nextReadAtMs === undefined ? [] : [`next read ${formatRelative(nextReadAtMs, nowMs)}`]),
    ...(bulk.nextWindowAtMs === undefined ? [] : [`next bulk window ${formatRelative(bulk.nextWindowAtMs, nowMs)}`]),
    ...(bulk.slotsLeft === 0 ? [] : [`a bulk window is open, ${plural(bulk.slotsLeft, 'slot')} left`]),
  ]
  return [
    `Since ${formatRelative(traffic.sinceMs, nowMs)}:\n`,
    table(['LANE', 'UP', 'DOWN', 'BYTES', 'BUDGET A DAY', 'OF BUDGET'], rows),
    next.length === 0 ? '' : `Slots: ${next.join(', ')}.\n`,
  ].join('')
}

const SYNC_WORDS = {
  idle: 'No sync runs.',
  connecting: 'Sync: opening links to couriers.',
  running: 'Sync: its slots run.',
} as const

export function describeSync(state: RpcResult<'sync'>['state']): string {
  return SYNC_WORDS[state]
}

function boxWords(count: number): string {
  return count === 1 ? '1 box' : `${count} boxes`
}

/** What it takes, what goes before it, and how long that is. */
export function describeEstimate(estimate: Estimate, subject: string): string {
  const { boxes, delivered, envelopes, queuedBoxes, queuedEnvelopes, stored, via, writeSlots } = estimate
  const needs = boxes === 0 ? plural(envelopes, 'envelope') : boxWords(boxes)
  const before = [
    ...(queuedEnvelopes === 0 ? [] : [`${plural(queuedEnvelopes, 'envelope')} for ${subject}`]),
    ...(queuedBoxes === 0 ? [] : [boxWords(queuedBoxes)]),
  ]
  const rows = [
    [
      'Way',
      via === 'live' ? 'live lane' : via === 'manual' ? 'through hosts, when you sync' : 'through hosts, in slots',
    ],
    ['Takes', writeSlots === undefined ? needs : `${needs}; done in ${plural(writeSlots, 'write slot')}`],
    ...(before.length === 0 ? [] : [['Before it', before.join(', ')]]),
    ...(stored === undefined ? [] : [['Stored', delayWords(stored)]]),
    ...(delivered === undefined ? [] : [['There', delayWords(delivered)]]),
  ]
  return table(['', ''], rows).slice(1)
}

/** Rows of the status: profile, what waits, and the traffic. */
export function sendingRows(status: RpcResult<'status'>, nowMs: number): readonly (readonly string[])[] {
  const { expectedDelayMs, nextProfile, profile, queuedEnvelopes, queuedParts, syncState } = status.sending
  const { budgetPercent, bytes, sinceMs } = status.traffic
  const next = nextProfile === undefined ? '' : `, ${nextProfile.profile} ${formatRelative(nextProfile.atMs, nowMs)}`
  const waiting = [
    ...(queuedEnvelopes === 0 ? [] : [plural(queuedEnvelopes, 'envelope')]),
    ...(queuedParts === 0 ? [] : [`${plural(queuedParts, 'part')} of files`]),
  ]
  const spent = budgetPercent === undefined ? '' : `, ${budgetPercent} % of the budget`
  return [
    ['Sending', `traffic profile ${profile}${next}`],
    ...(profile === 'manual' ? [['', SYNC_WORDS[syncState]]] : []),
    ...(waiting.length === 0 ? [] : [['', `${waiting.join(' and ')} waiting to leave`]]),
    ...(expectedDelayMs === undefined
      ? []
      : [['', `a message is at hosts after about ${formatDelay(expectedDelayMs)}`]]),
    ['Traffic', `${formatTraffic(bytes)} since ${formatRelative(sinceMs, nowMs)}${spent}`],
  ]
}

/** Hints end with a line feed. */
export function notice(text: string): string {
  return `${wrap(neutralise(text), WIDTH).join('\n')}\n`
}
