/**
 * One link to one courier, from the proof of work to its end.
 * Never sends of itself after the set-up, and never sooner or later in it for what waits to be sent. Spec 03-mailbox §4.1, §4.2.
 * @module
 */
import { createTaskGroup, hexEncode, InternalError, isAppError, isForeseen, withDeadline } from '../../base/index.ts'
import { ed25519PublicKey } from '../../crypto/index.ts'
import { type ProfileName, profileNumber, type TrafficLane } from '../../padding/index.ts'
import type { RecordLink } from '../../ports/index.ts'
import {
  COURIER_RECORD_BYTES,
  type CourierAnswer,
  type CourierRequest,
  decodeCourierAnswer,
  encodeCourierRequest,
  type HostEntry,
  onionAddress,
} from '../../wire/index.ts'
import { COURIER_PROTOCOL } from '../options.ts'
import type { Work } from '../work.ts'
import { CLIENT_FUNCTIONS, type CourierDeps } from './deps.ts'
import { COURIER_DIAL_TIMEOUT_MS, GARBAGE_MAX_COUNT, SEND_BACKLOG_MAX_COUNT } from './options.ts'

export type CourierStage = 'working' | 'connecting' | 'opening' | 'ready' | 'failed'

/** Whom to be towards one courier for one epoch; made anew for each. */
export interface CourierIdentity {
  readonly courier: HostEntry
  readonly localSeed: Uint8Array
  readonly isolation: string
  /** What the courier is told of our rhythm. */
  readonly profile: ProfileName
  /** From where on its host table is asked for with the hello. */
  readonly cursor: Uint8Array
  /** Found once, good for the attempts of one period. */
  work?: Work
}

export interface CourierLink {
  /** 64 hexadecimal characters. */
  readonly hostKey: string
  /** Hands one record to the socket; `onSent` when that took it. False when the link is stalled or over. */
  send(request: CourierRequest, lane: TrafficLane, onSent?: () => void): boolean
}

export interface CourierLinkOptions {
  readonly signal: AbortSignal
  readonly onStage: (stage: CourierStage) => void
  /** The courier has welcomed us: slots may use the link. */
  readonly onOpen: (link: CourierLink) => void
  /** Every record that came, the welcome first, after `onOpen`. */
  readonly onAnswer: (answer: CourierAnswer) => void
  /** The code of a failed attempt. */
  readonly onError: (code: string) => void
  /** A record that no honest courier sends. */
  readonly onGarbage: () => void
}

export type LinkOutcome =
  /** Never got a welcome. */
  | 'failed'
  /** Was open, and is lost. */
  | 'ended'
  /** Sent what no honest courier sends. */
  | 'garbage'

/** Proof of work for the period it is now, unless the identity has it. */
async function workOf(deps: CourierDeps, identity: CourierIdentity, signal: AbortSignal): Promise<Work> {
  const { clock, parameters } = deps
  const { epochMs, sessionWorkBits: bits } = parameters
  if (identity.work?.period === Math.floor(clock.nowMs() / epochMs)) return identity.work
  const clientKey = ed25519PublicKey(identity.localSeed)
  const context = { hostKey: identity.courier.hostKey, clientKey, epochMs, bits }
  const { mintSessionWork } = deps.functions ?? CLIENT_FUNCTIONS
  identity.work = await mintSessionWork(context, clock.nowMs(), signal, deps.random)
  return identity.work
}

/** Work, then dial. @throws {AppError} the codes of `RecordNetwork.dial`; the signal's reason */
export async function dialCourier(
  deps: CourierDeps,
  identity: CourierIdentity,
  signal: AbortSignal,
  onStage: (stage: CourierStage) => void,
): Promise<{ readonly link: RecordLink; readonly hello: CourierRequest }> {
  onStage('working')
  const work = await workOf(deps, identity, signal)
  onStage('connecting')
  const link = await withDeadline(deps.clock, COURIER_DIAL_TIMEOUT_MS, signal, (deadline) =>
    deps.network.dial({
      protocol: COURIER_PROTOCOL,
      recordBytes: COURIER_RECORD_BYTES,
      localSeed: identity.localSeed,
      remoteSeed: undefined,
      remoteKey: identity.courier.hostKey,
      address: onionAddress(identity.courier.courierOnionKey),
      clientPrivateKey: undefined,
      isolation: identity.isolation,
      signal: deadline,
    }),
  )
  onStage('opening')
  const { cursor, profile } = identity
  const hello = { period: work.period, workNonce: work.nonce, profile: profileNumber(profile), cursor }
  return { link, hello: { kind: 'hello', ...hello } }
}

/** Dials the courier and stays with it until the link ends or the signal aborts. Bugs pass through. */
export async function runCourierLink(
  deps: CourierDeps,
  identity: CourierIdentity,
  options: CourierLinkOptions,
): Promise<LinkOutcome> {
  const { onStage, signal } = options
  let dialled: Awaited<ReturnType<typeof dialCourier>>
  try {
    dialled = await dialCourier(deps, identity, signal, onStage)
  } catch (error: unknown) {
    onStage('failed')
    signal.throwIfAborted()
    if (!isForeseen(error)) throw error
    deps.logger.debug('courier dial failed', {}, error)
    options.onError(isAppError(error) ? error.code : 'MAILBOX_COURIER_TIMED_OUT')
    return 'failed'
  }
  try {
    return await new OpenLink(deps, identity, dialled.link, options).run(dialled.hello)
  } finally {
    onStage('failed')
    await dialled.link.close()
  }
}

class OpenLink implements CourierLink {
  readonly hostKey: string
  private readonly deps: CourierDeps
  private readonly link: RecordLink
  private readonly options: CourierLinkOptions
  private outcome: LinkOutcome = 'failed'
  private failure: Error | undefined
  private garbage = 0
  private backlog = 0
  /** Records that have not been answered, oldest first. */
  private unanswered: { readonly sentAtMs: number; readonly lane: TrafficLane }[] = []

  constructor(deps: CourierDeps, identity: CourierIdentity, link: RecordLink, options: CourierLinkOptions) {
    this.deps = deps
    this.link = link
    this.options = options
    this.hostKey = hexEncode(identity.courier.hostKey)
  }

  async run(hello: CourierRequest): Promise<LinkOutcome> {
    const { signal } = this.options
    const end = (): void => void this.link.close()
    const tasks = createTaskGroup((error) => {
      this.failure ??= error instanceof Error ? error : new InternalError('a link failed without an error')
      end()
    })
    signal.addEventListener('abort', end, { once: true })
    if (signal.aborted) end()
    try {
      tasks.own(this.receiveAnswers())
      tasks.own(this.watchSilence(tasks.signal))
      this.send(hello, 'setup')
      await this.link.closed
    } finally {
      signal.removeEventListener('abort', end)
      await tasks.stop()
    }
    if (this.failure !== undefined) throw this.failure
    return this.outcome
  }

  send(request: CourierRequest, lane: TrafficLane, onSent: () => void = () => undefined): boolean {
    if (this.backlog >= SEND_BACKLOG_MAX_COUNT) {
      void this.link.close()
      return false
    }
    this.backlog += 1
    const { clock, traffic } = this.deps
    this.unanswered.push({ sentAtMs: clock.monotonicMs(), lane })
    traffic?.note(lane, 'up', clock.nowMs())
    this.link.send(encodeCourierRequest(request)).then(
      () => {
        this.backlog -= 1
        onSent()
      },
      () => void this.link.close(),
    )
    return true
  }

  private async receiveAnswers(): Promise<void> {
    for (;;) {
      const record = await this.link.receive()
      if (record === undefined) return
      const answer = decodeCourierAnswer(record)
      const isWelcome = answer?.kind === 'welcome'
      // One record down for each one up, and the first is the welcome.
      const isExpected = this.unanswered.length > 0 && isWelcome === (this.outcome === 'failed')
      const { clock, traffic } = this.deps
      const asked = this.unanswered.shift()
      if (asked !== undefined) traffic?.note(asked.lane, 'down', clock.nowMs())
      if (answer === undefined || !isExpected) {
        this.noteGarbage()
        continue
      }
      if (isWelcome) {
        this.outcome = 'ended'
        this.options.onStage('ready')
        this.options.onOpen(this)
      }
      this.options.onAnswer(answer)
    }
  }

  private noteGarbage(): void {
    this.garbage += 1
    this.options.onGarbage()
    if (this.garbage < GARBAGE_MAX_COUNT) return
    this.outcome = 'garbage'
    void this.link.close()
  }

  /** Ends a link whose courier has stopped to answer: a machine that lost power closes no socket. */
  private async watchSilence(ended: AbortSignal): Promise<void> {
    const { clock, parameters } = this.deps
    const patienceMs = parameters.requestTimeoutMs
    for (;;) {
      const [oldest] = this.unanswered
      const sinceMs = oldest === undefined ? 0 : clock.monotonicMs() - oldest.sentAtMs
      if (sinceMs >= patienceMs) break
      await clock.sleep(patienceMs - sinceMs, ended)
    }
    await this.link.close()
  }
}
