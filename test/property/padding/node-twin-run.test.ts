import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { describe, it } from 'node:test'
import {
  bulkSlotKind,
  COURIER_COUNT,
  EPOCH_MS,
  type LaneSchedule,
  nextReconnectDelayMs,
  type Profile,
  type ProfileName,
  profileOf,
  readSlotKind,
  startSchedule,
  takeSlot,
} from '../../../src/padding/index.ts'
import type { Random } from '../../../src/ports/index.ts'
import { RECORD_STREAM_BYTES } from '../../../src/wire/index.ts'
import { createSeededRandom } from '../../support/seeded-random.ts'

/** Deviations from the rules, each of which somebody who sees the node's records could see. */
type Fault =
  | 'none'
  | 'early-flush'
  | 'real-only-retry'
  | 'skips-loops'
  | 'draws-for-traffic'
  | 'doubles-missed'
  | 'longer-window'
  | 'table-on-demand'
  | 'changes-when-busy'
  | 'hurries-back'
  | 'answers-a-probe'

interface Twin {
  readonly slots: number
  readonly seed: number
  /** Things that the user and contacts do for each slot; the only thing in which twins differ. */
  readonly eventsPerSlot: number
  readonly fault?: Fault
  readonly profiles?: readonly ProfileName[]
}

interface Trace {
  /** Of the time, the size, the courier and the kind of every record. */
  readonly digest: string
  readonly records: number
  readonly carried: number
  readonly retried: number
  readonly missed: number
  readonly tables: number
  readonly windows: number
  readonly changes: number
  readonly endMs: number
}

type Lane = 'write' | 'read' | 'bulk'

/**
 * The lanes of one node, through late wake-ups, sleeps, lost links and changes of profile. Time and couriers are drawn from
 * one generator, what the network and the machine do from another, what people do from a third.
 */
class Node {
  readonly counts = { records: 0, carried: 0, retried: 0, missed: 0, tables: 0, windows: 0, changes: 0 }
  private readonly twin: Twin
  private readonly fault: Fault
  private readonly random: Random
  private readonly network: Random
  private readonly people: Random
  private readonly hash = createHash('sha256')
  private readonly line = new Float64Array(4)
  private readonly profiles: readonly ProfileName[]
  private profile: Profile
  private changeAtMs: number
  private lanes = new Map<Lane, LaneSchedule>()
  private window: LaneSchedule | undefined
  private epochEndMs = EPOCH_MS
  private readSlots = 0
  private downUntilMs = 0
  /** What waits: boxes and parts of files, and how often each was lost. */
  private queue = 0
  private lost = 0

  constructor(twin: Twin) {
    this.twin = twin
    this.fault = twin.fault ?? 'none'
    this.random = createSeededRandom(twin.seed)
    this.network = createSeededRandom(twin.seed + 1)
    this.people = createSeededRandom(twin.seed + 2)
    this.profiles = twin.profiles ?? ['balanced']
    this.profile = profileOf(this.profiles[0] ?? 'balanced')
    this.changeAtMs = this.profiles.length > 1 ? this.random.uniform() * EPOCH_MS : Number.POSITIVE_INFINITY
    this.startLanes(0)
  }

  run(): Trace {
    let endMs = 0
    for (let slot = 0; slot < this.twin.slots; slot += 1) endMs = this.serveNext()
    return { ...this.counts, digest: this.hash.digest('hex'), endMs }
  }

  private startLanes(nowMs: number): void {
    const { bulk, read, write } = this.profile
    this.lanes = new Map([
      ['write', startSchedule(nowMs, this.random, write)],
      ['read', startSchedule(nowMs, this.random, read)],
    ])
    this.window = bulk && startSchedule(nowMs, this.random, bulk.window)
    this.readSlots = 0
  }

  /** The slot that comes next, and what people do around it. */
  private serveNext(): number {
    if (this.window !== undefined && this.window.nextSlotMs <= this.nextMs()) this.openWindow(this.window)
    const [lane, schedule] = this.nextLane()
    const nowMs = schedule.nextSlotMs + this.lateMs()
    this.act(schedule.nextSlotMs)
    const decision = takeSlot(schedule, nowMs, this.random)
    this.lanes.set(lane, decision.schedule)
    this.counts.missed += decision.missed
    const courier = Math.floor(this.random.uniform() * COURIER_COUNT)
    if (decision.due) this.send(lane, decision.slotIndex, courier, nowMs)
    if (this.fault === 'doubles-missed' && decision.missed > 0 && this.queue > 0) this.put(nowMs, courier, 0)
    this.endWindow(lane)
    this.breakLink(nowMs)
    this.turn(nowMs)
    return nowMs
  }

  private nextLane(): [Lane, LaneSchedule] {
    let next: [Lane, LaneSchedule] | undefined
    for (const entry of this.lanes) if (next === undefined || entry[1].nextSlotMs < next[1].nextSlotMs) next = entry
    assert.ok(next !== undefined)
    return next
  }

  private nextMs(): number {
    return this.nextLane()[1].nextSlotMs
  }

  private openWindow(window: LaneSchedule): void {
    const { bulk } = this.profile
    if (bulk === undefined) return
    this.window = takeSlot(window, window.nextSlotMs, this.random).schedule
    this.lanes.set('bulk', startSchedule(window.nextSlotMs, this.random, bulk.slot))
    this.counts.windows += 1
  }

  private endWindow(lane: Lane): void {
    const count = this.profile.bulk?.recordsPerWindow ?? 0
    const slots = this.lanes.get('bulk')?.slotIndex ?? 0
    const isWanted = this.fault === 'longer-window' && this.queue > 50 && slots < 2 * count
    if (lane === 'bulk' && slots >= count && !isWanted) this.lanes.delete('bulk')
  }

  /** A few milliseconds; now and then seconds of load, or hours of sleep. */
  private lateMs(): number {
    const kind = this.network.uniform()
    const share = this.network.uniform()
    if (kind < 0.0002) return 6 * 3_600_000 * share
    return kind < 0.01 ? 5000 * share : 5 * share
  }

  /** A message, the many parts of a file, or a contact who probes with something that is not valid. */
  private act(nowMs: number): void {
    if (this.people.uniform() >= this.twin.eventsPerSlot) return
    const kind = this.people.uniform()
    if (kind < 0.9) this.queue += 1
    else if (kind < 0.902) this.queue += 158
    else if (this.fault === 'answers-a-probe') this.put(nowMs, 0, 0)
    if (this.fault === 'early-flush') this.put(nowMs, 0, 0)
    if (this.fault === 'draws-for-traffic') this.random.uniform()
  }

  private send(lane: Lane, slotIndex: number, courier: number, nowMs: number): void {
    if (lane !== 'bulk') this.countEpoch(lane, nowMs)
    const isWrite = lane === 'write' || (lane === 'bulk' && bulkSlotKind(slotIndex) === 'write')
    const isTable = lane === 'read' && this.kindOfRead() === 'table'
    if (isTable) this.counts.tables += 1
    const isReal = isWrite && this.queue > 0
    if (nowMs < this.downUntilMs) return
    if (isReal) {
      this.counts.carried += 1
      // A lost box is queued again and takes a slot like anything else.
      if (this.network.uniform() < 0.05) {
        this.lost += 1
        if (this.fault === 'real-only-retry') this.put(nowMs + 1, courier, 0)
      } else this.queue -= 1
      this.counts.retried = this.lost
    } else this.network.uniform()
    if (this.fault === 'skips-loops' && isWrite && !isReal) return
    this.put(nowMs, courier, isTable ? 2 : isWrite ? 0 : 1)
  }

  private kindOfRead(): 'read' | 'table' {
    if (this.fault === 'table-on-demand' && this.queue > 5) return 'table'
    return readSlotKind(this.readSlots - 1)
  }

  private countEpoch(lane: Lane, nowMs: number): void {
    if (nowMs >= this.epochEndMs) {
      this.epochEndMs += EPOCH_MS * Math.ceil((nowMs - this.epochEndMs + 1) / EPOCH_MS)
      this.readSlots = 0
    }
    if (lane === 'read') this.readSlots += 1
  }

  private put(atMs: number, courier: number, kind: number): void {
    this.line[0] = atMs
    this.line[1] = RECORD_STREAM_BYTES
    this.line[2] = courier
    this.line[3] = kind
    this.hash.update(this.line)
    this.counts.records += 1
  }

  private breakLink(nowMs: number): void {
    if (this.network.uniform() >= 0.001) return
    this.downUntilMs = nowMs
    for (let failures = 0; ; failures += 1) {
      const delayMs = nextReconnectDelayMs(failures, this.random)
      this.downUntilMs += this.fault === 'hurries-back' && this.queue > 0 ? 1 : delayMs
      if (this.network.uniform() < 0.5) return
    }
  }

  /** Profiles one after the other, each change at a time that was drawn within an epoch from when it was asked for. */
  private turn(nowMs: number): void {
    const isBusy = this.fault === 'changes-when-busy' && this.queue > 100
    if (nowMs < this.changeAtMs && !isBusy) return
    this.counts.changes += 1
    this.profile = profileOf(this.profiles[this.counts.changes % this.profiles.length] ?? 'balanced')
    const askedAtMs = nowMs + 5 * EPOCH_MS
    this.changeAtMs = this.profiles.length > 1 ? askedAtMs + this.random.uniform() * EPOCH_MS : Number.POSITIVE_INFINITY
    this.startLanes(nowMs)
  }
}

function run(twin: Twin): Trace {
  return new Node(twin).run()
}

const BUSY = 0.2

describe('twin run of a node', () => {
  it('leaves the same records in a million slots of the default profile, idle and busy', () => {
    const slots = 1_000_000
    const idle = run({ slots, seed: 11, eventsPerSlot: 0 })
    const busy = run({ slots, seed: 11, eventsPerSlot: BUSY })
    assert.equal(busy.digest, idle.digest)
    assert.deepEqual([busy.records, busy.endMs, busy.missed], [idle.records, idle.endMs, idle.missed])
    assert.equal(idle.carried, 0)
    // The busy twin was busy, and both met everything that the promise speaks of.
    assert.ok(busy.carried > 200_000 && busy.retried > 5000, `${busy.carried} ${busy.retried}`)
    assert.ok(busy.missed > 1000 && busy.windows > 200 && busy.tables > 10_000)
    assert.ok(busy.records > 0.9 * slots && busy.records < slots)
  })

  it('leaves the same records through every profile and its changes', () => {
    const profiles = ['low', 'balanced', 'fast', 'paranoid'] as const
    const idle = run({ slots: 200_000, seed: 12, eventsPerSlot: 0, profiles })
    const busy = run({ slots: 200_000, seed: 12, eventsPerSlot: BUSY, profiles })
    assert.equal(busy.digest, idle.digest)
    assert.ok(busy.changes > 8 && busy.changes === idle.changes && busy.carried > 20_000)
  })

  it('leaves the same records for each profile by itself, and others for another seed', () => {
    for (const name of ['low', 'balanced', 'fast', 'paranoid'] as const) {
      const twin = { slots: 20_000, seed: 13, profiles: [name] }
      const digests = [0, BUSY, 1].map((eventsPerSlot) => run({ ...twin, eventsPerSlot }).digest)
      assert.equal(new Set(digests).size, 1, name)
      assert.notEqual(run({ ...twin, seed: 14, eventsPerSlot: 0 }).digest, digests[0])
    }
  })

  for (const fault of [
    'early-flush',
    'real-only-retry',
    'skips-loops',
    'draws-for-traffic',
    'doubles-missed',
    'longer-window',
    'table-on-demand',
    'changes-when-busy',
    'hurries-back',
    'answers-a-probe',
  ] as const) {
    it(`control: ${fault} shows`, () => {
      const profiles = fault === 'changes-when-busy' ? (['balanced', 'fast'] as const) : undefined
      const twin = { slots: 20_000, seed: 15, fault, ...(profiles && { profiles }) }
      assert.notEqual(run({ ...twin, eventsPerSlot: 1 }).digest, run({ ...twin, eventsPerSlot: 0 }).digest)
      // The same twins without it.
      const sound = { ...twin, fault: 'none' } as const
      assert.equal(run({ ...sound, eventsPerSlot: 1 }).digest, run({ ...sound, eventsPerSlot: 0 }).digest)
    })
  }
})
