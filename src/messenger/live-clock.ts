/**
 * Starts, retires and stops lanes, rendezvous listeners and dialers, all of them and alone, on a random clock of its own.
 * Never called by what a user asks for: it looks at what is stored, at times that nobody can hurry. Spec 10-messenger §7, 02-padding §1.
 * @module
 */
import { attempt, createOwner, createTaskGroup } from '../base/index.ts'
import { nextReconnectDelayMs, restartLink } from '../padding/index.ts'
import type { Random, RecordNetwork } from '../ports/index.ts'
import type { ContactEntry, Context, InviteEntry } from './context.ts'
import { isLive } from './context.ts'
import { recordForSlot } from './conversation.ts'
import { receiveRecord } from './incoming.ts'
import { hasRendezvous, inviteRendezvous } from './invitations.ts'
import { createLaneRunner, type LaneRunner } from './lane-runner.ts'
import { agreedTimes, hasAgreed, hasLiveNews, tellLive } from './live.ts'
import { oweAck } from './mailbox-owner.ts'
import { LIVE_EDGE_SPREAD_MS } from './options.ts'
import { activate, awaitsRendezvous, requestRendezvous } from './outgoing-request.ts'
import { createRendezvousDialer, createRendezvousListener, type RendezvousRunner } from './rendezvous.ts'

export interface LiveClock {
  start(): void
  /** Resolves when nothing of it runs any more. */
  stop(): Promise<void>
}

/** How long after its edge an agreed lane opens, and how long after its last one it closes; drawn for each agreement. */
interface Offsets {
  readonly fromMs: number
  readonly opensAfterMs: number
  readonly closesAfterMs: number
}

export function createLiveClock(context: Context, network: RecordNetwork, random: Random): LiveClock {
  const { clock, logger, onFailure, traffic } = context.deps
  const deps = { clock, logger, network, random, traffic }
  const tasks = createTaskGroup(onFailure)
  const owner = createOwner(onFailure)
  const lanes = new Map<ContactEntry, LaneRunner>()
  const dialers = new Map<ContactEntry, RendezvousRunner>()
  const listeners = new Map<InviteEntry, RendezvousRunner>()
  const drawn = new WeakMap<ContactEntry, Offsets>()

  /** Whoever listens is there first and goes last. */
  const offsetsOf = (entry: ContactEntry, fromMs: number): Offsets => {
    const known = drawn.get(entry)
    if (known?.fromMs === fromMs) return known
    const isListener = entry.record.role === 'listener'
    const within = (half: 0 | 1): number => (half + random.uniform()) * LIVE_EDGE_SPREAD_MS
    const offsets = {
      fromMs,
      opensAfterMs: within(isListener ? 0 : 1),
      closesAfterMs: within(isListener ? 1 : 0),
    }
    drawn.set(entry, offsets)
    return offsets
  }

  /** When a lane that is to run now ends; undefined for none that is to run. */
  const endOfLane = (entry: ContactEntry): (() => number) | undefined => {
    const { live, muted, laneSecret } = entry
    if (muted || laneSecret === undefined || !hasAgreed(entry)) return undefined
    if (live.always) return () => Number.POSITIVE_INFINITY
    const agreed = agreedTimes(live)
    const nowMs = clock.nowMs()
    if (agreed === undefined || nowMs < agreed.fromMs || nowMs >= agreed.untilMs) return undefined
    const { fromMs, opensAfterMs, closesAfterMs } = offsetsOf(entry, agreed.fromMs)
    if (nowMs < fromMs + opensAfterMs) return undefined
    let untilMs = agreed.untilMs
    return () => {
      const now = agreedTimes(entry.live)
      // Another agreement has a lane of its own; this one may end sooner or later than was said at first.
      if (now?.fromMs === fromMs) untilMs = now.untilMs
      else if (now === undefined) untilMs = Math.min(untilMs, entry.live.ownUntilMs, entry.live.theirUntilMs)
      return untilMs + closesAfterMs
    }
  }

  const countReceived = ({ queue }: ContactEntry): number => queue.receivedBase + queue.receivedAhead.length

  const owe = async (entry: ContactEntry): Promise<void> => {
    await attempt(logger, 'acknowledgement not noted', () =>
      context.journal.transact((step) => {
        if (isLive(context, entry)) oweAck(context, step, entry)
      }),
    )
  }

  const startLane = (entry: ContactEntry, endsAtMs: () => number): void => {
    if (entry.laneSecret === undefined) return
    const receivedBefore = countReceived(entry)
    const lane = createLaneRunner(deps, {
      role: entry.record.role,
      laneSecret: entry.laneSecret,
      isolation: entry.record.contactId,
      endsAtMs,
      onOpen: async () => {
        entry.queue = restartLink(entry.queue)
        // Only the inviter can open this lane: that it is there is the acceptance.
        if (entry.record.state === 'requested') await activate(context, entry)
      },
      nextRecord: (slotIndex) => recordForSlot(entry, slotIndex),
      onRecord: (record) => receiveRecord(context, entry, record),
      onEnded: () => {
        owner.release(lane)
        lanes.delete(entry)
        entry.lane = undefined
        // The last record that acknowledged may not have arrived. Once, and however much came.
        if (countReceived(entry) > receivedBefore) tasks.own(owe(entry))
      },
      onFailure,
    })
    if (!owner.adopt(lane)) return
    lanes.set(entry, lane)
    entry.lane = lane
    lane.start()
  }

  const tendLane = (entry: ContactEntry): void => {
    const lane = lanes.get(entry)
    if (lane === undefined) {
      const endsAtMs = isLive(context, entry) ? endOfLane(entry) : undefined
      if (endsAtMs !== undefined) startLane(entry, endsAtMs)
    } else if (entry.muted) lane.retire()
    // A lane that has run out is gone soon, and another one starts then.
    else lane.resume()
  }

  /** Makes what is wanted run, and what is not wanted stop. Nobody waits for the end. */
  const tendRendezvous = <Entry>(
    running: Map<Entry, RendezvousRunner>,
    entry: Entry,
    isWanted: boolean,
    create: () => RendezvousRunner | undefined,
  ): void => {
    const runner = running.get(entry)
    if ((runner !== undefined) === isWanted) return
    if (runner !== undefined) {
      owner.dismiss(runner)
      running.delete(entry)
      return
    }
    const created = create()
    if (created === undefined || !owner.adopt(created)) return
    running.set(entry, created)
    created.start()
  }

  const look = async (): Promise<void> => {
    for (const entry of new Set([...context.invites.values(), ...listeners.keys()])) {
      tendRendezvous(listeners, entry, hasRendezvous(entry), () => {
        const options = inviteRendezvous(context, entry)
        return options && createRendezvousListener(deps, { ...options, onFailure })
      })
    }
    // Those who were removed have lanes that run out.
    for (const entry of new Set([...context.contacts.values(), ...lanes.keys(), ...dialers.keys()])) {
      const isThere = isLive(context, entry)
      tendRendezvous(dialers, entry, isThere && awaitsRendezvous(entry), () => {
        const options = requestRendezvous(context, entry)
        return options && createRendezvousDialer(deps, { ...options, onFailure })
      })
      tendLane(entry)
      if (isThere && hasLiveNews(context, entry)) {
        await attempt(logger, 'live state not stored', () => tellLive(context, entry))
      }
    }
  }

  const run = async (): Promise<void> => {
    for (;;) {
      await clock.sleep(nextReconnectDelayMs(0, random), tasks.signal)
      await look()
    }
  }

  return {
    start: () => tasks.own(run()),
    async stop() {
      await Promise.all([tasks.stop(), owner.stop()])
    },
  }
}
