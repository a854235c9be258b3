/**
 * The pairs of couriers, one after the other: who they are, and which links slots may use now.
 * Never keeps an identity beyond its epoch, and dials on a clock of its own, whatever waits. Spec 03-mailbox §4.4.
 * @module
 */
import { createTaskGroup, hexEncode, isAbortError, type TaskGroup } from '../../base/index.ts'
import { createEd25519Seed, randomBytes } from '../../crypto/index.ts'
import { COURIER_COUNT, nextReconnectDelayMs, type ProfileName } from '../../padding/index.ts'
import { type CourierAnswer, HOST_ID_BYTES, type HostEntry } from '../../wire/index.ts'
import {
  type CourierIdentity,
  type CourierLink,
  type CourierStage,
  type LinkOutcome,
  runCourierLink,
} from './courier-link.ts'
import type { CourierDeps } from './deps.ts'
import type { HostBook } from './host-book.ts'
import { COURIER_AGE_FULL_MS, COURIER_TRY_COUNT } from './options.ts'
import { createPendingRequests, type PendingRequests } from './pending-requests.ts'

/** A link that slots may use, and the requests that left through it. */
export interface ReadyCourier {
  readonly link: CourierLink
  readonly pending: PendingRequests
  /** Cursors of table records that were sent and not answered, oldest first. */
  readonly cursors: Uint8Array[]
  /** Root of its table, as it said last; 64 hexadecimal characters. */
  root: string | undefined
  /** Hosts in it, as it said last. */
  hostCount: number
}

interface Seat {
  hostKey: string | undefined
  stage: CourierStage
  ready: ReadyCourier | undefined
  /** Ends the link that there is, for another courier. */
  leave: () => void
}

interface Epoch {
  readonly profile: ProfileName
  readonly seats: readonly Seat[]
  readonly tasks: TaskGroup
}

export interface EpochsOptions {
  readonly book: HostBook
  readonly onAnswer: (courier: ReadyCourier, answer: CourierAnswer) => void
  /** The code of a failed dial; undefined after one that went well. */
  readonly onError: (code: string | undefined) => void
  readonly onFailure: (error: unknown) => void
}

export interface Epochs {
  /** Until the signal aborts; then every link is closed, and it can be run again. */
  run(profile: ProfileName, signal: AbortSignal): Promise<void>
  /** Counts the epochs that were begun; the newest has this number. */
  count(): number
  /** The newest pair's open links, or an older one's while the newest has none. */
  ready(): readonly ReadyCourier[]
  /** Leaves couriers that have come to be excluded; their seats draw others. */
  leaveExcluded(): void
  /** Every open link. */
  open(): readonly ReadyCourier[]
  /** Hexadecimal host keys of all couriers of all epochs that live. */
  couriers(): ReadonlySet<string>
  stages(): readonly { readonly hostKey: string; readonly stage: CourierStage }[]
}

export function createEpochs(deps: CourierDeps, options: EpochsOptions): Epochs {
  const { clock, parameters, random } = deps
  const { book } = options
  const { epochMs, epochOverlapMs } = parameters
  /** Oldest first. */
  const epochs: Epoch[] = []

  /** One draw, older hosts twice as likely as new ones; undefined when nobody is left. */
  const drawCourier = (taken: readonly (string | undefined)[]): HostEntry | undefined => {
    const nowMs = clock.nowMs()
    const free = book.courierCandidates().filter(({ hostKey }) => !taken.includes(hexEncode(hostKey)))
    const weights = free.map(({ firstSeenAtMs }) => {
      const ageMs = Math.min(COURIER_AGE_FULL_MS, Math.max(0, nowMs - firstSeenAtMs))
      return 1 + ageMs / COURIER_AGE_FULL_MS
    })
    let left = random.uniform() * weights.reduce((sum, weight) => sum + weight, 0)
    const at = weights.findIndex((weight) => (left -= weight) < 0)
    return free[at]
  }

  let count = 0

  /** Each seat asks for a page from another place of the table, the first from its beginning. */
  const cursorOf = (seatIndex: number): Uint8Array => {
    const cursor = new Uint8Array(HOST_ID_BYTES)
    cursor[0] = Math.floor((seatIndex * 256) / COURIER_COUNT)
    return cursor
  }

  const newIdentity = (courier: HostEntry, { profile, seats }: Epoch, seat: Seat): CourierIdentity => ({
    courier,
    profile,
    cursor: cursorOf(seats.indexOf(seat)),
    localSeed: createEd25519Seed(),
    isolation: `courier:${hexEncode(randomBytes(16))}`,
  })

  const runLink = async (seat: Seat, identity: CourierIdentity, epochSignal: AbortSignal): Promise<LinkOutcome> => {
    const leaving = new AbortController()
    seat.leave = () => leaving.abort()
    const signal = AbortSignal.any([epochSignal, leaving.signal])
    const pending = createPendingRequests(hexEncode(identity.courier.hostKey))
    let courier: ReadyCourier | undefined
    try {
      return await runCourierLink(deps, identity, {
        signal,
        onStage: (stage) => {
          seat.stage = stage
        },
        onOpen: (link) => {
          options.onError(undefined)
          courier = { link, pending, cursors: [identity.cursor], root: undefined, hostCount: 0 }
          seat.ready = courier
        },
        onAnswer: (answer) => {
          if (courier !== undefined) options.onAnswer(courier, answer)
        },
        onError: options.onError,
        onGarbage: () => book.noteProbe([{ hostKey: hexEncode(identity.courier.hostKey), role: 'courier' }], true),
      })
    } catch (error: unknown) {
      epochSignal.throwIfAborted()
      if (leaving.signal.aborted && isAbortError(error)) return 'garbage'
      throw error
    } finally {
      seat.leave = () => undefined
      seat.ready = undefined
      pending.close()
    }
  }

  const runSeat = async (epoch: Epoch, seat: Seat, firstDelayMs: number): Promise<void> => {
    const { signal } = epoch.tasks
    let identity: CourierIdentity | undefined
    let failures = 0
    for (let delayMs = firstDelayMs; ; delayMs = nextReconnectDelayMs(failures, random)) {
      await clock.sleep(delayMs, signal)
      if (identity === undefined) {
        const courier = drawCourier(epoch.seats.map(({ hostKey }) => hostKey))
        if (courier === undefined) {
          failures += 1
          continue
        }
        identity = newIdentity(courier, epoch, seat)
        seat.hostKey = hexEncode(courier.hostKey)
      }
      const outcome = await runLink(seat, identity, signal)
      failures = outcome === 'ended' ? 0 : failures + 1
      const isLeft = book.excluded().has(seat.hostKey ?? '')
      if (isLeft || outcome === 'garbage' || (failures > 0 && failures % COURIER_TRY_COUNT === 0)) {
        identity = undefined
        seat.hostKey = undefined
      }
    }
  }

  /** Two links that open at one moment would be seen to be one client's by who has both couriers. */
  const openEpoch = (profile: ProfileName, spreadMs: number): Epoch => {
    count += 1
    const tasks = createTaskGroup(options.onFailure)
    const seats = Array.from(
      { length: COURIER_COUNT },
      (): Seat => ({
        hostKey: undefined,
        stage: 'working',
        ready: undefined,
        leave: () => undefined,
      }),
    )
    const epoch: Epoch = { profile, seats, tasks }
    epochs.push(epoch)
    for (const seat of seats) {
      tasks.own(runSeat(epoch, seat, nextReconnectDelayMs(0, random) + spreadMs * random.uniform()))
    }
    return epoch
  }

  const closeEpoch = async (epoch: Epoch): Promise<void> => {
    await epoch.tasks.stop()
    epochs.splice(epochs.indexOf(epoch), 1)
  }

  const readyOf = ({ seats }: Epoch): ReadyCourier[] => seats.flatMap(({ ready }) => ready ?? [])

  return {
    async run(profile, signal) {
      try {
        // A random phase: the first epoch is cut short somewhere.
        let lengthMs = 2 * epochOverlapMs + random.uniform() * Math.max(0, epochMs - 2 * epochOverlapMs)
        openEpoch(profile, 0)
        for (;;) {
          await clock.sleep(lengthMs - epochOverlapMs, signal)
          const [old] = epochs
          openEpoch(profile, epochOverlapMs / 2)
          await clock.sleep(epochOverlapMs, signal)
          if (old !== undefined) await closeEpoch(old)
          lengthMs = epochMs - epochOverlapMs
        }
      } finally {
        await Promise.all([...epochs].map(closeEpoch))
      }
    },
    count: () => count,
    ready: () => epochs.map(readyOf).findLast((couriers) => couriers.length > 0) ?? [],
    leaveExcluded() {
      const excluded = book.excluded()
      for (const seat of epochs.flatMap(({ seats }) => seats)) if (excluded.has(seat.hostKey ?? '')) seat.leave()
    },
    open: () => epochs.flatMap(readyOf),
    couriers: () => new Set(epochs.flatMap(({ seats }) => seats.flatMap(({ hostKey }) => hostKey ?? []))),
    stages: () =>
      epochs.flatMap(({ seats }) =>
        seats.flatMap(({ hostKey, stage }) => (hostKey === undefined ? [] : { hostKey, stage })),
      ),
  }
}
