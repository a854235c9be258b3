/**
 * Messages and files through the slots of two clients, one event after the other, to hold estimates against.
 * Never uses what it is held against: slots come from the shipped schedule, everything else is played. Spec 02-padding §8.
 * @module
 */
import {
  bulkSlotKind,
  COURIER_COUNT,
  EPOCH_MS,
  LOOP_BESIDE_TALK_SLOTS,
  type Profile,
  prepareLeadMs,
  type Rhythm,
  readSlotKind,
  startSchedule,
  takeSlot,
} from '../../src/padding/index.ts'
import type { Random } from '../../src/ports/index.ts'

interface Slot {
  readonly atMs: number
  readonly index: number
  /** When what it carries is made. */
  readonly preparedMs: number
}

/** Slots of a lane that has run for ever: from now until `endMs`, after a start long ago. */
function slotsOf(rhythm: Rhythm, endMs: number, random: Random): Slot[] {
  const slots: Slot[] = []
  const startMs = -(20 + 20 * random.uniform()) * rhythm.meanMs
  for (let schedule = startSchedule(startMs, random, rhythm); schedule.nextSlotMs < endMs; ) {
    const { nextSlotMs: atMs, slotIndex: index } = schedule
    const lastMs = slots.at(-1)?.atMs ?? startMs
    slots.push({ atMs, index, preparedMs: Math.max(lastMs, atMs - prepareLeadMs(rhythm)) })
    schedule = takeSlot(schedule, atMs, random).schedule
  }
  return slots.filter(({ preparedMs }) => preparedMs >= 0)
}

/** Of the onion services, as METADATA §3.5 assumes: log-normal, median 350 ms. */
export function oneWayMs(random: Random): number {
  const normal = Math.sqrt(-2 * Math.log(1 - random.uniform())) * Math.cos(2 * Math.PI * random.uniform())
  return 350 * Math.exp(0.5 * normal)
}

/** Through courier and intermediate to the replicas. */
function toHostsMs({ courierDelayMs }: Profile, random: Random): number {
  const delayMs = courierDelayMs * Math.min(4, -Math.log(1 - random.uniform()))
  return oneWayMs(random) + delayMs + oneWayMs(random) + oneWayMs(random)
}

/** Things that happen, in the order of their times. */
class Agenda {
  private readonly events: { readonly atMs: number; readonly happen: () => void }[] = []

  add(atMs: number, happen: () => void): void {
    const after = this.events.findIndex((event) => event.atMs > atMs)
    this.events.splice(after < 0 ? this.events.length : after, 0, { atMs, happen })
  }

  runUntil(nowMs: number): void {
    for (let event = this.events[0]; event !== undefined && event.atMs <= nowMs; event = this.events[0]) {
      this.events.shift()
      event.happen()
    }
  }
}

interface ReadRecord extends Slot {
  readonly kind: 'write' | 'read' | 'table'
  readonly isBulk: boolean
  readonly courier: number
}

/** All slots of a reader, with the courier of each. */
function readerSlots(profile: Profile, endMs: number, random: Random): ReadRecord[] {
  const courier = (): number => Math.floor(random.uniform() * COURIER_COUNT)
  const epochSlots = Math.round(EPOCH_MS / profile.read.meanMs)
  const phase = Math.floor(random.uniform() * epochSlots)
  const reads = slotsOf(profile.read, endMs, random).map((slot) => {
    const kind = readSlotKind((slot.index + phase) % epochSlots)
    return { ...slot, kind, isBulk: false, courier: courier() }
  })
  const writes = slotsOf(profile.write, endMs, random).map((slot) => ({
    ...slot,
    kind: 'write' as const,
    isBulk: false,
    courier: courier(),
  }))
  const bulk = bulkSlots(profile, endMs, random).map((slot) => ({ ...slot, isBulk: true, courier: courier() }))
  return [...reads, ...writes, ...bulk].sort((a, b) => a.preparedMs - b.preparedMs)
}

/** Slots of all bulk windows. */
function bulkSlots({ bulk }: Profile, endMs: number, random: Random): (Slot & { readonly kind: 'write' | 'read' })[] {
  if (bulk === undefined) return []
  const slots: (Slot & { readonly kind: 'write' | 'read' })[] = []
  for (const window of slotsOf(bulk.window, endMs, random)) {
    let schedule = startSchedule(window.atMs, random, bulk.slot)
    while (schedule.slotIndex < bulk.recordsPerWindow) {
      const { nextSlotMs: atMs, slotIndex: index } = schedule
      slots.push({ atMs, index, preparedMs: atMs - prepareLeadMs(bulk.slot), kind: bulkSlotKind(index) })
      schedule = takeSlot(schedule, atMs, random).schedule
    }
  }
  return slots.filter(({ preparedMs }) => preparedMs >= 0)
}

export interface Outcome {
  readonly storedMs: number
  readonly deliveredMs: number
}

/** When the boxes of a message are stored and read. The reader fetches what it found, else a hot contact's next box. */
export function playText(
  profile: Profile,
  load: { readonly boxes: number; readonly queuedBoxes: number; readonly isHot: boolean },
  random: Random,
): Outcome {
  const { boxes, isHot, queuedBoxes } = load
  const endMs = 10 * (queuedBoxes + boxes + 10) * Math.max(profile.read.meanMs, profile.write.meanMs)
  const storedMs = slotsOf(profile.write, endMs, random)
    .slice(queuedBoxes, queuedBoxes + boxes)
    .map(({ atMs }) => atMs + toHostsMs(profile, random))
  const records = readerSlots({ ...profile, bulk: undefined }, endMs, random)
  const downs = records.map(({ atMs, courier, kind }) => ({
    courier,
    kind,
    leavesMs: atMs + oneWayMs(random) + profile.courierHoldMs,
  }))
  downs.sort((a, b) => a.leavesMs - b.leavesMs)

  const agenda = new Agenda()
  const got = new Set<number>()
  const found: number[] = []
  const underWay = new Set<number>()
  let deliveredMs = 0
  let reads = Math.floor(random.uniform() * LOOP_BESIDE_TALK_SLOTS)
  const WINDOW = 4
  for (const record of records) {
    if (got.size === boxes) break
    agenda.runUntil(record.preparedMs)
    if (record.kind !== 'read') continue
    let next = 0
    while (got.has(next)) next += 1
    const arrivesMs = record.atMs + toHostsMs(profile, random)
    // The slowest of three hosts, and back.
    const readyMs = arrivesMs + oneWayMs(random) + oneWayMs(random) + oneWayMs(random)
    const holdMs = record.atMs + oneWayMs(random) + profile.courierHoldMs
    const isLate = readyMs > holdMs
    const homeMs = oneWayMs(random)
    // A small answer comes with any record, a box with one that has none of its own.
    const lateMs = (isBox: boolean): number =>
      downs.find(
        (down) => down.leavesMs >= readyMs && down.courier === record.courier && (!isBox || down.kind === 'write'),
      )?.leavesMs ?? endMs
    const answerMs = (isLate ? lateMs(false) : holdMs) + homeMs
    const boxMs = (isLate ? lateMs(true) : holdMs) + homeMs
    reads += 1
    const isForLoop = isHot && reads % LOOP_BESIDE_TALK_SLOTS === 0
    const fetched = isForLoop ? undefined : (found.shift() ?? (isHot ? next : undefined))
    for (let id = next; id < Math.min(next + WINDOW, boxes); id += 1) {
      if (id === fetched || got.has(id) || underWay.has(id) || found.includes(id)) continue
      if ((storedMs[id] ?? endMs) > arrivesMs) continue
      agenda.add(answerMs, () => {
        if (!got.has(id) && !underWay.has(id) && !found.includes(id)) found.push(id)
      })
    }
    if (fetched === undefined || fetched >= boxes) continue
    underWay.add(fetched)
    // What a check had found is fetched once more when its answer is late.
    if (isLate && !isHot) agenda.add(holdMs + homeMs, () => void (got.has(fetched) || found.push(fetched)))
    agenda.add(boxMs, () => {
      underWay.delete(fetched)
      if ((storedMs[fetched] ?? endMs) > arrivesMs) return
      if (!got.has(fetched)) deliveredMs = Math.max(deliveredMs, boxMs)
      got.add(fetched)
    })
  }
  agenda.runUntil(Number.POSITIVE_INFINITY)
  if (got.size < boxes) throw new RangeError('the horizon is too near')
  return { storedMs: Math.max(...storedMs), deliveredMs }
}

/** When the parts of a file are stored and read; `busy` is the share of ordinary slots that messages need. */
export function playFile(
  profile: Profile,
  load: { readonly chunks: number; readonly queuedBoxes: number; readonly busy: number; readonly endMs: number },
  random: Random,
): Outcome {
  const { busy, chunks, endMs, queuedBoxes } = load
  const isFree = (): boolean => random.uniform() >= busy
  const writes = [
    ...slotsOf(profile.write, endMs, random).filter(isFree),
    ...bulkSlots(profile, endMs, random).filter(({ kind }) => kind === 'write'),
  ].sort((a, b) => a.atMs - b.atMs)
  const storedMs = writes.slice(queuedBoxes, queuedBoxes + chunks).map(({ atMs }) => atMs + toHostsMs(profile, random))
  if (storedMs.length < chunks) throw new RangeError('the horizon is too near')
  const waiting = [...storedMs].sort((a, b) => a - b)
  let deliveredMs = 0
  for (const record of readerSlots(profile, endMs, random)) {
    if (waiting.length === 0) break
    if (record.kind !== 'read' || !(record.isBulk || isFree())) continue
    const first = waiting[0] ?? endMs
    if (first > record.atMs + toHostsMs(profile, random)) continue
    waiting.shift()
    deliveredMs = record.atMs + oneWayMs(random) + profile.courierHoldMs + oneWayMs(random)
  }
  if (waiting.length > 0) throw new RangeError('the horizon is too near')
  return { storedMs: Math.max(...storedMs), deliveredMs }
}
