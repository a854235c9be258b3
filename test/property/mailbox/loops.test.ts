import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { hexEncode } from '../../../src/base/index.ts'
import { CLIENT_FUNCTIONS } from '../../../src/mailbox/client/deps.ts'
import { chooseFetch } from '../../../src/mailbox/client/fetch-choice.ts'
import { createLoops, loopResidenceMs } from '../../../src/mailbox/client/loops.ts'
import { createPoller, MAILBOX_PARAMETERS } from '../../../src/mailbox/index.ts'
import {
  bulkSlotKind,
  type LaneSchedule,
  type ProfileName,
  profileOf,
  readSlotKind,
  startSchedule,
  takeSlot,
} from '../../../src/padding/index.ts'
import { createSeededRandom } from '../../support/seeded-random.ts'

interface Result {
  /** From when a message was at the hosts to when it was read, ascending. */
  readonly waitsMs: readonly number[]
  readonly written: number
  readonly returned: number
  readonly lost: number
}

const DAY_MS = 86_400_000
const REPLICAS = 8
const WATCHED = 24
const NO_FILES = { nextFetch: () => undefined }

/**
 * The read slots of a client that gets a message now and then and writes loops in all its write slots, bulk windows among
 * them, over hosts that do what they should. `crowd` looks for each loop as soon as it has rested, as a control.
 */
function run(name: ProfileName, days: number, crowd: boolean): Result {
  const profile = profileOf(name)
  const random = createSeededRandom(7)
  const users = createSeededRandom(8)
  let [nowMs, ids, written, returned, lost] = [0, 0, 0, 0, 0]
  const createId = (): Uint8Array => {
    const id = new Uint8Array(32)
    new DataView(id.buffer).setUint32(0, (ids += 1))
    return id
  }
  const poller = createPoller(random)
  const clock = { nowMs: () => nowMs, monotonicMs: () => nowMs, sleep: () => Promise.resolve() }
  const loops = createLoops({
    clock,
    random,
    parameters: MAILBOX_PARAMETERS,
    poller,
    functions: {
      ...CLIENT_FUNCTIONS,
      createLoopKeys: () => ({ ...CLIENT_FUNCTIONS.createLoopKeys(), boxId: createId() }),
      sealBox: ({ boxId }) => ({ boxId, signature: new Uint8Array(), ciphertext: new Uint8Array() }),
      openBox: () => new Uint8Array(1),
      signTombstone: () => new Uint8Array(),
    },
    noteProbe: (_suspects, isLost) => {
      if (isLost) lost += 1
      else returned += 1
    },
  })
  const atHosts = new Map<string, number>()
  const watched = Array.from({ length: WATCHED }, createId)
  for (const boxId of watched) poller.watch(boxId, { hot: false })
  const answers: { readonly atMs: number; readonly happen: () => void }[] = []
  const later = (happen: () => void): void => void answers.push({ atMs: nowMs + profile.courierHoldMs + 1000, happen })
  const waitsMs: number[] = []

  /** Of the control: when each of its loops has rested. */
  let resting: { readonly boxId: Uint8Array; readonly untilMs: number }[] = []
  const crowded = new Set<string>()
  const join = (): void => {
    for (const { boxId, untilMs } of resting) if (untilMs <= nowMs) poller.watch(boxId, { hot: false })
    resting = resting.filter(({ untilMs }) => untilMs > nowMs)
  }
  const writeCrowd = (): void => {
    const boxId = createId()
    crowded.add(hexEncode(boxId))
    resting.push({ boxId, untilMs: nowMs + profile.courierHoldMs + loopResidenceMs(random, MAILBOX_PARAMETERS) })
    later(() => void atHosts.set(hexEncode(boxId), nowMs))
  }
  const write = (): void => {
    const { box, keep } = loops.create()
    keep()
    written += 1
    later(() => {
      atHosts.set(hexEncode(box.boxId), nowMs)
      loops.noteWritten(box.boxId, ['h1'])
    })
  }
  const take = (boxId: Uint8Array): void => {
    const key = hexEncode(boxId)
    if (loops.has(boxId)) loops.noteRead({ boxId, signature: new Uint8Array(), ciphertext: new Uint8Array() })
    else if (!crowded.has(key)) waitsMs.push(nowMs - (atHosts.get(key) ?? Number.NaN))
    poller.unwatch(boxId)
    atHosts.delete(key)
  }
  const read = (isBulk: boolean): void => {
    const { checks, fetch } = chooseFetch(
      { random, poller, loops, owner: NO_FILES, dummyId: createId },
      isBulk,
      REPLICAS,
    )
    if (crowd) join()
    else loops.tend(isBulk)
    for (const { boxId, rank } of checks) {
      if (atHosts.has(hexEncode(boxId))) later(() => poller.noteHit(boxId, rank))
    }
    const { boxId } = fetch.poll
    const isThere = atHosts.has(hexEncode(boxId))
    later(() => {
      if (isThere && (poller.isWatched(boxId) || loops.has(boxId))) take(boxId)
      else if (fetch.kind === 'found') poller.noteFetchFailed(boxId)
      else if (fetch.kind === 'loop') loops.noteFetchMissed(boxId)
    })
  }
  let nextMessageMs = DAY_MS / 8
  const deliver = (): void => {
    if (nowMs < nextMessageMs) return
    nextMessageMs = nowMs + (600 + 1800 * users.uniform()) * 1000
    const boxId = createId()
    atHosts.set(hexEncode(boxId), nowMs)
    poller.watch(boxId, { hot: false })
  }

  const lanes = new Map<'write' | 'read' | 'window' | 'bulk', LaneSchedule>([
    ['write', startSchedule(0, random, profile.write)],
    ['read', startSchedule(0, random, profile.read)],
  ])
  const { bulk } = profile
  if (bulk !== undefined) lanes.set('window', startSchedule(0, random, bulk.window))
  while (nowMs < days * DAY_MS) {
    const next = [...lanes].reduce((a, b) => (b[1].nextSlotMs < a[1].nextSlotMs ? b : a))
    const [lane, schedule] = next
    nowMs = schedule.nextSlotMs
    while ((answers[0]?.atMs ?? Number.POSITIVE_INFINITY) <= nowMs) answers.shift()?.happen()
    deliver()
    const decision = takeSlot(schedule, nowMs, random)
    lanes.set(lane, decision.schedule)
    if (lane === 'window' && bulk !== undefined) lanes.set('bulk', startSchedule(nowMs, random, bulk.slot))
    if (lane === 'bulk' && decision.schedule.slotIndex >= (bulk?.recordsPerWindow ?? 0)) lanes.delete('bulk')
    const isWrite = lane === 'write' || (lane === 'bulk' && bulkSlotKind(decision.slotIndex) === 'write')
    if (isWrite && crowd) writeCrowd()
    else if (isWrite) write()
    else if (lane === 'bulk' || (lane === 'read' && readSlotKind(decision.slotIndex) === 'read')) read(lane === 'bulk')
  }
  return { waitsMs: waitsMs.sort((a, b) => a - b), written, returned, lost }
}

function quantile({ waitsMs }: Result, share: number): number {
  return waitsMs[Math.floor(share * waitsMs.length)] ?? Number.NaN
}

describe('loops beside messages', () => {
  it('hold up no message for longer than a few slots, and come back all the same', () => {
    for (const [name, days, slots, share] of [
      ['low', 8, 8, 0.7],
      ['balanced', 2, 8, 0.7],
      ['paranoid', 2, 13, 0.7],
    ] as const) {
      const result = run(name, days, false)
      assert.ok(result.waitsMs.length > 80)
      const lateMs = quantile(result, 0.95)
      assert.ok(lateMs < slots * profileOf(name).read.meanMs, `${name}: 95 % within ${lateMs} ms`)
      assert.ok(result.returned > share * result.written, `${name}: ${result.returned} of ${result.written}`)
      assert.equal(result.lost, 0)
    }
  })

  it('control: a crowd of loops does', () => {
    const result = run('balanced', 2, true)
    assert.ok(quantile(result, 0.95) > 20 * profileOf('balanced').read.meanMs, `${quantile(result, 0.95)}`)
  })
})
