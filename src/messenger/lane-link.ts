/**
 * Runs one open link of a lane from its first slot to its end.
 * Never lets what comes in move a record that goes out: both directions only share the end of the link. Spec 02-padding §2.
 * @module
 */
import { isAbortError } from '../base/index.ts'
import { startSchedule, type TrafficMeter, takeSlot } from '../padding/index.ts'
import type { Clock, Logger, Random, RecordLink } from '../ports/index.ts'
import { INBOUND_BURST_COUNT, INBOUND_INTERVAL_MS, LANE_SILENCE_MS } from './options.ts'

export interface LaneLinkDeps {
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  /** Told of each record. */
  readonly traffic: Pick<TrafficMeter, 'note'>
}

export interface LaneLinkOptions {
  /** The record for this slot of the link; always there, always of one size. */
  readonly nextRecord: (slotIndex: number) => Uint8Array
  /** Handles an inbound record when it is on disk; false for one that does not decode. */
  readonly onRecord: (record: Uint8Array) => Promise<boolean>
  /** Resolves when one more record may come in. One for the lane, so that a new link is no new allowance. */
  readonly admit: Admission
  readonly signal: AbortSignal
}

export type Admission = (signal: AbortSignal) => Promise<void>

/** Resolves when the link has ended; true when at least one record that decodes came through it. */
export async function runLaneLink(deps: LaneLinkDeps, link: RecordLink, options: LaneLinkOptions): Promise<boolean> {
  const { clock, traffic } = deps
  const ended = new AbortController()
  const end = (): void => ended.abort()
  options.signal.addEventListener('abort', end, { once: true })
  if (options.signal.aborted) end()
  let lastInboundMs = clock.monotonicMs()
  let isHandling = false
  let hasReceived = false

  const sendSlots = async (): Promise<void> => {
    let schedule = startSchedule(clock.monotonicMs(), deps.random)
    for (;;) {
      await clock.sleep(schedule.nextSlotMs - clock.monotonicMs(), ended.signal)
      const decision = takeSlot(schedule, clock.monotonicMs(), deps.random)
      schedule = decision.schedule
      if (!decision.due) continue
      const sent = link.send(options.nextRecord(decision.slotIndex))
      traffic.note('live', 'up', clock.nowMs())
      await sent
    }
  }

  const receiveRecords = async (): Promise<void> => {
    for (;;) {
      await options.admit(ended.signal)
      const record = await link.receive()
      if (record === undefined) return
      traffic.note('live', 'down', clock.nowMs())
      isHandling = true
      try {
        if (await options.onRecord(record)) hasReceived = true
      } finally {
        isHandling = false
        lastInboundMs = clock.monotonicMs()
      }
    }
  }

  /** Resolves when the other end has been silent for too long; a peer whose machine lost power closes no socket. */
  const watchSilence = async (): Promise<void> => {
    for (;;) {
      // A slow disk of ours is not the other end's silence.
      const sinceMs = isHandling ? 0 : clock.monotonicMs() - lastInboundMs
      if (sinceMs >= LANE_SILENCE_MS) return
      await clock.sleep(LANE_SILENCE_MS - sinceMs, ended.signal)
    }
  }

  const until = (task: Promise<void>): Promise<void> =>
    task.catch((error: unknown) => {
      if (!isAbortError(error)) throw error
    })
  const sending = until(sendSlots()).catch((error: unknown) => deps.logger.debug('lane send ended', {}, error))
  const receiving = until(receiveRecords())
  const silence = until(watchSilence())
  try {
    await Promise.race([sending, receiving, silence, link.closed])
  } finally {
    end()
    options.signal.removeEventListener('abort', end)
    await link.close()
    await Promise.allSettled([sending, receiving, silence])
  }
  // A failure that lost the race is still somebody's to handle.
  await Promise.all([receiving, silence])
  return hasReceived
}

/**
 * Lets records in at the rate that an honest sender can reach, with room for what a stalled circuit hands over at once.
 * What comes faster waits in the link's bounded queue, then in the peer's own socket.
 */
export function createAdmission(clock: Clock): Admission {
  let tokens = INBOUND_BURST_COUNT
  let countedMs = clock.monotonicMs()
  return async (signal) => {
    const nowMs = clock.monotonicMs()
    tokens = Math.min(INBOUND_BURST_COUNT, tokens + (nowMs - countedMs) / INBOUND_INTERVAL_MS)
    countedMs = nowMs
    tokens -= 1
    if (tokens < 0) await clock.sleep(-tokens * INBOUND_INTERVAL_MS, signal)
  }
}
