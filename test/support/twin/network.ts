/**
 * The network of a twin run: couriers that answer as honest ones do, links that fail by chance, and an observer who writes down
 * all that leaves.
 * Never looks at what a record asks for when it decides about times and failures: the same slots meet the same network.
 * @module
 */
import { AppError, HOUR_MS, MINUTE_MS } from '../../../src/base/index.ts'
import type { MailboxParameters } from '../../../src/mailbox/index.ts'
import { profileByNumber, profileOf } from '../../../src/padding/index.ts'
import type { Clock, DialOptions, ListenOptions, RecordLink, RecordNetwork } from '../../../src/ports/index.ts'
import {
  COURIER_RECORD_BYTES,
  type CourierAnswer,
  type CourierRequest,
  decodeCourierRequest,
  encodeCourierAnswer,
  REPLIES_BYTES,
  REPLY_HEADER_BYTES,
  type TaggedReply,
} from '../../../src/wire/index.ts'
import { createSeededRandom } from '../seeded-random.ts'
import type { TwinHosts } from './hosts.ts'
import type { Trace, TraceKind } from './trace.ts'

export interface TwinNetworkOptions {
  readonly clock: Clock
  readonly hosts: TwinHosts
  readonly trace: Trace
  readonly seed: number
  readonly parameters: MailboxParameters
}

/** Of dials, records whose replies are all lost, and links that end or fall silent before their epoch does. */
const CHANCES = { dial: 0.05, lost: 0.003, ends: 0.3, silent: 0.05 } as const
const [LIFE_LEAST_MS, LIFE_MOST_MS] = [10 * MINUTE_MS, 5 * HOUR_MS]
const MEAN_TRIP_MS = 300

interface Waiting {
  readonly readyMs: number
  readonly reply: TaggedReply
}

export function createTwinNetwork(options: TwinNetworkOptions): RecordNetwork {
  const { clock, hosts, trace } = options
  const places = new Map<string, number>()
  const links = new Set<RecordLink>()
  let dials = 0
  let listeners = 0

  const note = (kind: TraceKind, place: number, bytes = 0, detail = 0): void =>
    trace.note({ atMs: clock.monotonicMs(), kind, place, bytes, detail })

  const placeOf = (address: string): number => {
    const place = places.get(address) ?? places.size
    places.set(address, place)
    return place
  }

  const openLink = (number: number, dial: DialOptions): RecordLink => {
    // Each link has its own chances, so that what one carries moves no other's.
    const random = createSeededRandom(options.seed * 7_919 + number)
    const [ends, silent, lifeDraw] = [random.uniform(), random.uniform(), random.uniform()]
    const lifeMs = (LIFE_LEAST_MS + lifeDraw * (LIFE_MOST_MS - LIFE_LEAST_MS)) / options.parameters.speed
    const over = new AbortController()
    const inbox: Uint8Array[] = []
    const waiting: Waiting[] = []
    let wake: () => void = () => undefined
    let isSilent = false
    let lastAnswerMs = 0
    let profile = profileOf('balanced', options.parameters.speed)
    let finish: () => void = () => undefined
    const closed = new Promise<void>((resolve) => {
      finish = resolve
    })

    const end = (): void => {
      if (over.signal.aborted) return
      over.abort()
      links.delete(link)
      wake()
      finish()
    }

    const later = (delayMs: number, task: () => void): void => {
      clock.sleep(delayMs, over.signal).then(task, () => undefined)
    }

    const takeReplies = (): readonly TaggedReply[] => {
      const nowMs = clock.monotonicMs()
      // As couriers do: what came too late for a record that its client still waits for is dropped.
      const { requestTimeoutMs } = options.parameters
      for (let at = waiting.length - 1; at >= 0; at -= 1) {
        if (nowMs - (waiting[at]?.readyMs ?? 0) >= requestTimeoutMs) waiting.splice(at, 1)
      }
      let room = REPLIES_BYTES
      const taken: TaggedReply[] = []
      for (let at = 0; at < waiting.length; ) {
        const entry = waiting[at]
        const bytes = REPLY_HEADER_BYTES + (entry?.reply.reply.length ?? 0)
        if (entry === undefined || entry.readyMs > nowMs || bytes > room) {
          at += 1
          continue
        }
        room -= bytes
        taken.push(entry.reply)
        waiting.splice(at, 1)
      }
      return taken
    }

    const answerOf = (request: CourierRequest, readyMs: number, isLost: boolean): CourierAnswer => {
      if (request.kind === 'hello') return { kind: 'welcome', ...hosts.page(request.cursor) }
      if (request.kind === 'table') return { kind: 'table', ...hosts.page(request.cursor) }
      for (const [index, routed] of request.requests.entries()) {
        const reply = isLost ? undefined : hosts.answer(routed)
        if (reply !== undefined) waiting.push({ readyMs, reply: { tag: request.firstTag + index, reply } })
      }
      return { kind: 'replies', replies: takeReplies() }
    }

    const receive = (record: Uint8Array): void => {
      const request = decodeCourierRequest(record)
      // Three draws for each record, whatever it holds.
      const isLost = random.uniform() < CHANCES.lost
      const delayDraw = random.uniform()
      if (request === undefined) {
        end()
        return
      }
      if (request.kind === 'hello')
        profile = profileOf(profileByNumber(request.profile) ?? 'balanced', options.parameters.speed)
      const readyMs = clock.monotonicMs() + MEAN_TRIP_MS - profile.courierDelayMs * Math.log(1 - delayDraw)
      // In the order of their records.
      const wantedMs = clock.monotonicMs() + profile.courierHoldMs + 2 * MEAN_TRIP_MS * random.uniform()
      lastAnswerMs = Math.max(wantedMs, lastAnswerMs)
      later(lastAnswerMs - clock.monotonicMs(), () => {
        if (isSilent) return
        inbox.push(encodeCourierAnswer(answerOf(request, readyMs, isLost)))
        wake()
      })
    }

    const link: RecordLink = {
      recordBytes: dial.recordBytes,
      remoteKey: dial.remoteKey ?? new Uint8Array(32),
      closed,
      async send(record) {
        if (over.signal.aborted) throw new AppError('LINK_CLOSED', LINK_CLOSED)
        note('record', number, record.length, record[0] ?? 0)
        receive(record)
      },
      async receive() {
        while (inbox.length === 0 && !over.signal.aborted) {
          await new Promise<void>((resolve) => {
            wake = resolve
          })
        }
        return over.signal.aborted ? undefined : inbox.shift()
      },
      async close() {
        if (!over.signal.aborted) note('close', number)
        end()
      },
    }
    if (ends < CHANCES.ends) later(lifeMs, end)
    else if (silent < CHANCES.silent) {
      later(lifeMs, () => {
        isSilent = true
      })
    }
    links.add(link)
    return link
  }

  return {
    async listen({ onionSecretKey, recordBytes }: ListenOptions) {
      const place = listeners
      listeners += 1
      note('listen', place, recordBytes)
      let isOpen = true
      const address = `${Buffer.from(onionSecretKey).toString('hex').slice(0, 56)}.onion`
      return {
        address: address as Awaited<ReturnType<RecordNetwork['listen']>>['address'],
        published: () => Promise.resolve(),
        async close() {
          if (isOpen) note('unlisten', place)
          isOpen = false
        },
      }
    },
    async dial(dial) {
      const number = dials
      dials += 1
      note('dial', number, dial.recordBytes, placeOf(dial.address))
      const random = createSeededRandom(options.seed * 104_729 + number)
      const isRefused = random.uniform() < CHANCES.dial
      await clock.sleep(1_000 + 4_000 * random.uniform(), dial.signal)
      if (isRefused || dial.recordBytes !== COURIER_RECORD_BYTES) throw new AppError('TOR_DIAL_FAILED', DIAL_FAILED)
      return openLink(number, dial)
    },
    async stop() {
      for (const link of [...links]) await link.close()
    },
  }
}

const LINK_CLOSED = { kind: 'environment', why: 'The link is closed.', remedy: 'Dial again.' } as const
const DIAL_FAILED = { kind: 'environment', why: 'Nobody is there.', remedy: 'Dial again.' } as const
