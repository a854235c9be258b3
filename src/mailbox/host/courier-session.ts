/**
 * One client's session with this host as its courier: hello, then one record down for each one up, a constant time later.
 * Never answers earlier or later because of what a record holds, and never learns what that is. Spec 03-mailbox §4.1, §4.5.
 * @module
 */
import { isAppError, withDeadline } from '../../base/index.ts'
import { DEFAULT_PROFILE, EXPONENTIAL_CUT, profileByNumber, profileOf } from '../../padding/index.ts'
import type { Clock, Random, RecordLink } from '../../ports/index.ts'
import {
  CHECK_REPLY_BYTES,
  type CourierAnswer,
  type CourierRequest,
  decodeCourierRequest,
  encodeCourierAnswer,
  FETCH_REPLY_BYTES,
  READ_CHECK_COUNT,
  REPLY_SEAL_BYTES,
  type RoutedRequest,
  STORE_REPLY_BYTES,
  type TablePage,
} from '../../wire/index.ts'
import type { MailboxParameters } from '../options.ts'
import {
  ANSWERS_WAITING_MAX_COUNT,
  FORWARDING_MAX_COUNT,
  HELLO_TIMEOUT_MS,
  REPLIES_WAITING_MAX_COUNT,
  REQUESTS_UNDER_WAY_MAX_COUNT,
  SESSION_IDLE_MS,
} from './options.ts'
import { createReplyQueue } from './reply-queue.ts'
import type { TokenBucket } from './token-bucket.ts'

export interface CourierSessionDeps {
  readonly clock: Clock
  readonly random: Random
  readonly parameters: MailboxParameters
  /** Asks the intermediate with this route; undefined when nothing comes back. */
  readonly relay: (request: RoutedRequest) => Promise<Uint8Array | undefined>
  readonly tablePage: (cursor: Uint8Array) => TablePage
  /** Owns tasks that may outlive the session: what was taken is passed on though the client has gone. */
  readonly own: (task: Promise<void>) => void
  /** Requests that are under way for all sessions of this courier together. */
  readonly forwarding: { count: number }
  /** Of the host. */
  readonly signal: AbortSignal
}

export interface CourierSessionOptions {
  /** Whether this session may begin. */
  readonly admit: (hello: CourierRequest & { readonly kind: 'hello' }) => Promise<boolean>
  readonly budget: TokenBucket
}

/** Lengths of the replies that each request of a record may bring; 0 for none. An intermediate gives no others. */
const CHECK_BYTES = new Array<number>(READ_CHECK_COUNT).fill(CHECK_REPLY_BYTES)
const READ_REPLY_BYTES: readonly number[] = [...CHECK_BYTES, FETCH_REPLY_BYTES + REPLY_SEAL_BYTES, 0]
const WRITE_REPLY_BYTES: readonly number[] = [STORE_REPLY_BYTES + REPLY_SEAL_BYTES]

const TAGS = 2 ** 16

/** Serves the link until it ends, breaks the rules or falls silent; the caller closes it then. */
export async function runCourierSession(
  deps: CourierSessionDeps,
  link: RecordLink,
  { admit, budget }: CourierSessionOptions,
): Promise<void> {
  const { clock, parameters, signal } = deps
  const replies = createReplyQueue({
    maxCount: REPLIES_WAITING_MAX_COUNT,
    lifetimeMs: parameters.requestTimeoutMs,
  })
  let profile = profileOf(DEFAULT_PROFILE, parameters.speed)
  let isOver = false
  let answersWaiting = 0
  let requestsUnderWay = 0
  let lastAnswer: Promise<void> = Promise.resolve()

  /** Exactly one record down; the answer is made when it leaves. Answers leave in the order of their records. */
  const answerLater = (arrivedAtMs: number, answer: () => CourierAnswer): void => {
    const before = lastAnswer
    const send = async (): Promise<void> => {
      try {
        await clock.sleep(arrivedAtMs + profile.courierHoldMs - clock.monotonicMs(), signal)
        await before
        if (!isOver) await link.send(encodeCourierAnswer(answer()))
      } catch (error: unknown) {
        // The link says by itself that it has ended; anything else is not this session's.
        if (!isOver) await link.close()
        signal.throwIfAborted()
        if (!isAppError(error, 'LINK_CLOSED')) throw error
      } finally {
        answersWaiting -= 1
      }
    }
    answersWaiting += 1
    lastAnswer = send()
    deps.own(lastAnswer)
  }

  const forward = async (request: RoutedRequest, tag: number, replyBytes: number): Promise<void> => {
    requestsUnderWay += 1
    deps.forwarding.count += 1
    try {
      await clock.sleep(courierDelayMs(profile.courierDelayMs, deps.random), signal)
      const reply = await deps.relay(request)
      if (reply?.length === replyBytes) replies.add({ tag, reply }, clock.monotonicMs())
    } finally {
      requestsUnderWay -= 1
      deps.forwarding.count -= 1
    }
  }

  const take = (request: CourierRequest, arrivedAtMs: number): boolean => {
    switch (request.kind) {
      case 'hello':
        return false
      case 'table': {
        // Alone: what waits for its time must not keep whole records in memory.
        const { cursor } = request
        answerLater(arrivedAtMs, () => ({ kind: 'table', ...deps.tablePage(cursor) }))
        return true
      }
      default: {
        const replyBytes = request.kind === 'write' ? WRITE_REPLY_BYTES : READ_REPLY_BYTES
        for (const [index, routed] of request.requests.entries()) {
          if (requestsUnderWay >= REQUESTS_UNDER_WAY_MAX_COUNT || deps.forwarding.count >= FORWARDING_MAX_COUNT) break
          deps.own(forward(routed, (request.firstTag + index) % TAGS, replyBytes[index] ?? 0))
        }
        answerLater(arrivedAtMs, () => ({ kind: 'replies', replies: replies.take(clock.monotonicMs()) }))
        return true
      }
    }
  }

  try {
    for (let isOpen = false; ; ) {
      const record = await receiveWithin(clock, isOpen ? SESSION_IDLE_MS : HELLO_TIMEOUT_MS, link, signal)
      const arrivedAtMs = clock.monotonicMs()
      if (record === undefined || !budget.take(arrivedAtMs) || answersWaiting >= ANSWERS_WAITING_MAX_COUNT) return
      const request = decodeCourierRequest(record)
      if (request === undefined) return
      if (isOpen) {
        if (!take(request, arrivedAtMs)) return
      } else {
        const name = request.kind === 'hello' ? profileByNumber(request.profile) : undefined
        if (request.kind !== 'hello' || name === undefined || !(await admit(request))) return
        isOpen = true
        profile = profileOf(name, parameters.speed)
        answerLater(arrivedAtMs, () => ({ kind: 'welcome', ...deps.tablePage(request.cursor) }))
      }
    }
  } finally {
    isOver = true
  }
}

/** Exponential with this mean, cut at a few times of it. */
function courierDelayMs(meanMs: number, random: Random): number {
  return Math.min(-Math.log(1 - random.uniform()) * meanMs, EXPONENTIAL_CUT * meanMs)
}

/** The next record; ends the link when it takes too long. */
function receiveWithin(
  clock: Clock,
  waitMs: number,
  link: RecordLink,
  signal: AbortSignal,
): Promise<Uint8Array | undefined> {
  return withDeadline(clock, waitMs, signal, async (deadline) => {
    const end = (): void => void link.close()
    deadline.addEventListener('abort', end, { once: true })
    if (deadline.aborted) end()
    try {
      return await link.receive()
    } finally {
      deadline.removeEventListener('abort', end)
    }
  })
}
