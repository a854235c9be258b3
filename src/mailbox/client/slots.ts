/**
 * One lane of slots: at each, exactly one record, made before, through one of the couriers that are ready.
 * Never looks at what is waiting: times and the courier are drawn before anybody knows what goes. Spec 03-mailbox §4.4.
 * @module
 */
import { startSchedule, takeSlot } from '../../padding/index.ts'
import type { Clock, Random } from '../../ports/index.ts'
import type { ReadyCourier } from './epochs.ts'
import { PREPARE_SHARE } from './options.ts'

export interface Prepared {
  send(courier: ReadyCourier): void
  /** There is no courier: what was made is not needed. */
  drop(): void
}

export interface SlotLaneOptions {
  readonly meanMs: number
  readonly prepare: () => Prepared
  readonly ready: () => readonly ReadyCourier[]
  /** Which of `count` couriers, from 0; called once for each slot that is due, with a number drawn for it. */
  readonly pick: (count: number, drawn: number, slotIndex: number) => number
  /** Monotonic. */
  readonly onPlanned: (nextSlotMs: number) => void
}

/** Until the signal aborts. */
export async function runSlotLane(
  deps: { readonly clock: Clock; readonly random: Random },
  options: SlotLaneOptions,
  signal: AbortSignal,
): Promise<void> {
  const { clock, random } = deps
  const { meanMs } = options
  for (let schedule = startSchedule(clock.monotonicMs(), random, meanMs); ; ) {
    const { nextSlotMs } = schedule
    options.onPlanned(nextSlotMs)
    await clock.sleep(nextSlotMs - PREPARE_SHARE * meanMs - clock.monotonicMs(), signal)
    const prepared = options.prepare()
    await clock.sleep(nextSlotMs - clock.monotonicMs(), signal)
    const decision = takeSlot(schedule, clock.monotonicMs(), random)
    schedule = decision.schedule
    const drawn = random.uniform()
    const couriers = options.ready()
    const courier = decision.due ? couriers[options.pick(couriers.length, drawn, decision.slotIndex)] : undefined
    if (courier === undefined) prepared.drop()
    else prepared.send(courier)
  }
}
