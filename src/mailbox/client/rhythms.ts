/**
 * Runs the lanes of a client by its profile: epochs and slots for ever, or the slots of one sync when the user asks.
 * Never starts, ends or shortens a lane for what waits to be sent or read. Spec 02-padding §7-§9.
 * @module
 */
import { createTaskGroup, isAbortError, type TaskGroup } from '../../base/index.ts'
import {
  type BulkPlan,
  bulkSlotKind,
  COURIER_COUNT,
  nextReconnectDelayMs,
  type Profile,
  profileOf,
  readSlotKind,
  startSchedule,
  takeSlot,
} from '../../padding/index.ts'
import type { Clock, Random } from '../../ports/index.ts'
import type { SyncState } from '../api.ts'
import type { MailboxParameters } from '../options.ts'
import type { Epochs } from './epochs.ts'
import { SYNC_CHECK_MS, SYNC_LAST_HOLDS, SYNC_PATIENCE_TIMEOUTS } from './options.ts'
import type { ProfileClock } from './profile-clock.ts'
import { type Prepared, runSlotLane } from './slots.ts'

export interface RhythmsDeps {
  readonly clock: Clock
  /** Draws times and couriers. */
  readonly random: Random
  readonly parameters: MailboxParameters
  readonly epochs: Epochs
  readonly profiles: ProfileClock
  readonly prepareWrite: (lane: 'write' | 'bulk') => Prepared
  readonly prepareRead: (lane: 'read' | 'bulk') => Prepared
  readonly prepareTable: () => Prepared
  readonly onFailure: (error: unknown) => void
}

export interface Rhythms {
  /** Until the signal aborts. */
  run(signal: AbortSignal): Promise<void>
  pace(): Profile
  /** False unless the profile is Manual. */
  sync(): boolean
  syncState(): SyncState
  /** Monotonic times of the next slots; undefined while none is planned. */
  planned(): {
    readonly writeMs: number | undefined
    readonly readMs: number | undefined
    readonly windowMs: number | undefined
    readonly bulkSlotsLeft: number
  }
}

interface Plan {
  writeMs: number | undefined
  readMs: number | undefined
  windowMs: number | undefined
  bulkSlotsLeft: number
}

export function createRhythms(deps: RhythmsDeps): Rhythms {
  const { clock, epochs, parameters, profiles, random } = deps
  const plan: Plan = { writeMs: undefined, readMs: undefined, windowMs: undefined, bulkSlotsLeft: 0 }
  let isSyncWanted = false
  let syncState: SyncState = 'idle'
  let readEpoch = 0
  let readSlots = 0

  const pace = (): Profile => profileOf(profiles.state().name, parameters.speed)

  /** What a read slot is for depends on how many there were in this epoch, and on nothing else. */
  const prepareReadSlot = (): Prepared => {
    if (readEpoch !== epochs.count()) {
      readEpoch = epochs.count()
      readSlots = 0
    }
    readSlots += 1
    return readSlotKind(readSlots - 1) === 'table' ? deps.prepareTable() : deps.prepareRead('read')
  }

  const ready = epochs.ready
  const runWrites = (profile: Profile, signal: AbortSignal): Promise<void> =>
    runSlotLane(
      deps,
      {
        rhythm: profile.write,
        ready,
        prepare: () => deps.prepareWrite('write'),
        onPlanned: (nextSlotMs) => {
          plan.writeMs = nextSlotMs
        },
        ...(profile.sync && { count: profile.sync.writeSlots }),
      },
      signal,
    )
  const runReads = (profile: Profile, signal: AbortSignal): Promise<void> =>
    runSlotLane(
      deps,
      {
        rhythm: profile.read,
        ready,
        prepare: prepareReadSlot,
        onPlanned: (nextSlotMs) => {
          plan.readMs = nextSlotMs
        },
        ...(profile.sync && { count: profile.sync.readSlots }),
      },
      signal,
    )

  const runWindow = (bulk: BulkPlan, signal: AbortSignal): Promise<void> =>
    runSlotLane(
      deps,
      {
        rhythm: bulk.slot,
        ready,
        count: bulk.recordsPerWindow,
        prepare: (slotIndex) =>
          bulkSlotKind(slotIndex) === 'write' ? deps.prepareWrite('bulk') : deps.prepareRead('bulk'),
        onPlanned: (_nextSlotMs, slotIndex) => {
          plan.bulkSlotsLeft = bulk.recordsPerWindow - slotIndex
        },
      },
      signal,
    )

  const runWindows = async (bulk: BulkPlan, signal: AbortSignal): Promise<void> => {
    for (let schedule = startSchedule(clock.monotonicMs(), random, bulk.window); ; ) {
      plan.windowMs = schedule.nextSlotMs
      await clock.sleep(schedule.nextSlotMs - clock.monotonicMs(), signal)
      const decision = takeSlot(schedule, clock.monotonicMs(), random)
      schedule = decision.schedule
      plan.windowMs = schedule.nextSlotMs
      // A window that was slept through is dropped like any slot.
      if (decision.due) await runWindow(bulk, signal)
      plan.bulkSlotsLeft = 0
    }
  }

  /** A fixed number of slots, whatever comes of them. */
  const runSync = async (profile: Profile, signal: AbortSignal): Promise<void> => {
    const links = createTaskGroup(deps.onFailure)
    try {
      syncState = 'connecting'
      links.own(epochs.run(profile.name, links.signal))
      const patienceMs = clock.monotonicMs() + SYNC_PATIENCE_TIMEOUTS * parameters.requestTimeoutMs
      while (epochs.ready().length < COURIER_COUNT && clock.monotonicMs() < patienceMs) {
        await clock.sleep(SYNC_CHECK_MS, signal)
      }
      syncState = 'running'
      await Promise.all([runWrites(profile, signal), runReads(profile, signal)])
      await clock.sleep(SYNC_LAST_HOLDS * profile.courierHoldMs, signal)
    } finally {
      await links.stop()
      syncState = 'idle'
    }
  }

  const runSyncs = async (profile: Profile, signal: AbortSignal): Promise<void> => {
    for (;;) {
      await clock.sleep(nextReconnectDelayMs(0, random), signal)
      if (!isSyncWanted) continue
      isSyncWanted = false
      await runSync(profile, signal)
      plan.writeMs = undefined
      plan.readMs = undefined
    }
  }

  const startPhase = (profile: Profile, phase: TaskGroup): void => {
    const { signal } = phase
    if (profile.sync !== undefined) {
      phase.own(runSyncs(profile, signal))
      return
    }
    phase.own(epochs.run(profile.name, signal))
    phase.own(runWrites(profile, signal))
    phase.own(runReads(profile, signal))
    if (profile.bulk !== undefined) phase.own(runWindows(profile.bulk, signal))
  }

  return {
    async run(signal) {
      for (;;) {
        const phase = createTaskGroup(deps.onFailure)
        try {
          startPhase(pace(), phase)
          await profiles.changed(signal)
        } catch (error: unknown) {
          if (!isAbortError(error)) throw error
          signal.throwIfAborted()
        } finally {
          await phase.stop()
          isSyncWanted = false
          Object.assign(plan, { writeMs: undefined, readMs: undefined, windowMs: undefined, bulkSlotsLeft: 0 })
        }
      }
    },
    pace,
    sync() {
      if (pace().sync === undefined) return false
      isSyncWanted ||= syncState === 'idle'
      return true
    },
    syncState: () => (isSyncWanted && syncState === 'idle' ? 'connecting' : syncState),
    planned: () => ({ ...plan }),
  }
}
