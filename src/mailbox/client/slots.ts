/**
 * One lane of slots: at each, exactly one record, made before, through one of the couriers that are ready.
 * Never looks at what is waiting: times and the courier are drawn before anybody knows what goes. Spec 03-mailbox §4.4,
 * 02-padding §2, §8.
 * @module
 */
import { prepareLeadMs, type Rhythm, startSchedule, takeSlot } from '../../padding/index.ts'
import type { Clock, Random } from '../../ports/index.ts'
import type { ReadyCourier } from './epochs.ts'

export interface Prepared {
  send(courier: ReadyCourier): void
  /** There is no courier, or the lane ends first: what was made is not needed. */
  drop(): void
}

export interface SlotLaneOptions {
  readonly rhythm: Rhythm
  /** Makes what leaves in the slot of this number. */
  readonly prepare: (slotIndex: number) => Prepared
  readonly ready: () => readonly ReadyCourier[]
  /** Slots that there are, missed ones included; for ever when absent. */
  readonly count?: number
  /** Monotonic. */
  readonly onPlanned: (nextSlotMs: number, slotIndex: number) => void
}

/** Until the signal aborts, or until its slots are over. */
export async function runSlotLane(
  deps: { readonly clock: Clock; readonly random: Random },
  options: SlotLaneOptions,
  signal: AbortSignal,
): Promise<void> {
  const { clock, random } = deps
  const { count = Number.POSITIVE_INFINITY, rhythm } = options
  for (let schedule = startSchedule(clock.monotonicMs(), random, rhythm); schedule.slotIndex < count; ) {
    const { nextSlotMs, slotIndex } = schedule
    options.onPlanned(nextSlotMs, slotIndex)
    await clock.sleep(nextSlotMs - prepareLeadMs(rhythm) - clock.monotonicMs(), signal)
    const prepared = options.prepare(slotIndex)
    let courier: ReadyCourier | undefined
    try {
      await clock.sleep(nextSlotMs - clock.monotonicMs(), signal)
      const decision = takeSlot(schedule, clock.monotonicMs(), random)
      schedule = decision.schedule
      const drawn = random.uniform()
      const couriers = options.ready()
      if (decision.due) courier = couriers[Math.floor(drawn * couriers.length)]
    } finally {
      // Also when the lane ends before the slot: what was given for it must be given again.
      if (courier === undefined) prepared.drop()
    }
    if (courier !== undefined) prepared.send(courier)
  }
}
