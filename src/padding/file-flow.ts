/**
 * When a file is written and read: two flows whose rates change where bulk windows open and close.
 * Never draws anything: the times of windows are the likely ones. Spec 02-padding §8.5.
 * @module
 */
import { cumulantsOf, intervalMoments, quantileOf, untilNextSlot } from './delay-moments.ts'
import type { BulkPlan, Profile } from './profile.ts'
import { tableShare } from './traffic.ts'

/** Own windows, as far as they are known. */
export interface KnownWindows {
  /** Until the next one opens. */
  readonly nextInMs: number | undefined
  /** Slots that the open one has left; 0 when none is open. */
  readonly slotsLeft: number
}

export interface FileCase {
  readonly chunks: number
  /** Boxes that go before it. */
  readonly queuedBoxes: number
  readonly windows: KnownWindows | undefined
  /** Of the write slots, and of the read slots that fetch, outside windows. */
  readonly share: number
  /** How unlucky: a normal quantile, below 0 for early. */
  readonly z: number
}

export interface FileTimes {
  readonly writtenMs: number
  readonly readMs: number
}

/** Windows of one side: all alike and at equal distances. */
interface Windows {
  isOpen: boolean
  changeMs: number
  nextStartMs: number
  readonly openMs: number
  readonly everyMs: number
}

/** Slots of one kind in a window: they take turns with the other kind. */
const WINDOW_SHARE = 0.5

/** Parts of a box that rounding may leave. */
const TINY = 1e-6

function createWindows(bulk: BulkPlan | undefined, startMs: number, slotsLeft: number): Windows {
  if (bulk === undefined) {
    const never = Number.POSITIVE_INFINITY
    return { isOpen: false, changeMs: never, nextStartMs: never, openMs: 0, everyMs: never }
  }
  const openMs = bulk.recordsPerWindow * bulk.slot.meanMs
  const isOpen = slotsLeft > 0
  const changeMs = isOpen ? slotsLeft * bulk.slot.meanMs : startMs
  return { isOpen, changeMs, nextStartMs: startMs, openMs, everyMs: bulk.window.meanMs }
}

function moveTo(windows: Windows, nowMs: number): void {
  while (windows.changeMs <= nowMs) {
    windows.isOpen = !windows.isOpen
    if (windows.isOpen) {
      windows.changeMs = windows.nextStartMs + windows.openMs
      windows.nextStartMs += windows.everyMs
    } else windows.changeMs = windows.nextStartMs
  }
}

/** Our windows, and where those of the reader lie to them: together, half a round apart, or just missed. */
function bothWindows(profile: Profile, { windows, z }: FileCase): readonly [Windows, Windows] {
  const { bulk } = profile
  if (bulk === undefined) return [createWindows(bulk, 0, 0), createWindows(bulk, 0, 0)]
  const everyMs = bulk.window.meanMs
  const unknownMs = Math.max(0, quantileOf(cumulantsOf(untilNextSlot(intervalMoments(bulk.window))), z))
  const own = createWindows(bulk, windows?.nextInMs ?? unknownMs, windows?.slotsLeft ?? 0)
  const lagMs = z < 0 ? 0 : z === 0 ? everyMs / 2 : everyMs - own.openMs
  return [own, createWindows(bulk, (own.nextStartMs + lagMs) % everyMs, 0)]
}

/**
 * Follows both flows from one change to the next. It ends: both go on outside windows as well, and each step leads to the edge
 * of a window or to a mark that is passed once.
 */
export function fileTimes(profile: Profile, options: FileCase): FileTimes {
  const { chunks, queuedBoxes, share, z } = options
  const { bulk, read, write } = profile
  const [own, theirs] = bothWindows(profile, options)
  // Luck with the distances of slots counts as slots more or fewer, and so does where between two slots the file comes.
  const boxes = queuedBoxes + chunks
  const slot = cumulantsOf(intervalMoments(write))
  const luck = Math.sign(z) / 2 + z * (Math.sqrt(slot.variance) / slot.mean) * Math.sqrt(boxes)
  const toWrite = Math.max(0.5, boxes + luck)
  const ahead = queuedBoxes * (toWrite / boxes)
  const toRead = toWrite - ahead
  const bulkRate = bulk === undefined ? 0 : WINDOW_SHARE / bulk.slot.meanMs
  const writeRate = share / write.meanMs
  const readRate = (share * (1 - tableShare(profile))) / read.meanMs

  let nowMs = 0
  let written = 0
  let got = 0
  let writtenMs: number | undefined
  while (toRead - got > TINY) {
    moveTo(own, nowMs)
    moveTo(theirs, nowMs)
    const up = writtenMs === undefined ? writeRate + (own.isOpen ? bulkRate : 0) : 0
    const inflow = ahead - written > TINY ? 0 : up
    const waiting = Math.max(0, written - ahead) - got
    const possible = readRate + (theirs.isOpen ? bulkRate : 0)
    const down = waiting > TINY ? possible : Math.min(possible, inflow)
    const steps = [own.changeMs - nowMs, theirs.changeMs - nowMs]
    if (up > 0) steps.push(((inflow > 0 ? toWrite : ahead) - written) / up)
    if (waiting > TINY && down > inflow) steps.push(waiting / (down - inflow))
    if (down > 0) steps.push((toRead - got) / down)
    const step = Math.max(0, Math.min(...steps))
    nowMs += step
    written += up * step
    got += down * step
    if (writtenMs === undefined && toWrite - written <= TINY) writtenMs = nowMs
  }
  return { writtenMs: writtenMs ?? nowMs, readMs: nowMs }
}
