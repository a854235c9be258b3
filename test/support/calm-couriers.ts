/**
 * Couriers that never fail and cost next to nothing, for long runs of one client that is looked at by its slots alone.
 * Never of other sizes or times than couriers have: records, holds and pages are theirs.
 * @module
 */
import { AppError } from '../../src/base/index.ts'
import { MAILBOX_PARAMETERS, type MailboxParameters } from '../../src/mailbox/index.ts'
import { profileByNumber, profileOf } from '../../src/padding/index.ts'
import type { DialOptions, RecordLink, RecordNetwork } from '../../src/ports/index.ts'
import {
  type CourierAnswer,
  decodeCourierRequest,
  encodeCourierAnswer,
  type TaggedReply,
} from '../../src/wire/index.ts'
import type { ClientWorld } from './mailbox-client-world.ts'
import { createTwinClock } from './twin/clock.ts'
import { createPlainCodec } from './twin/codec.ts'
import { createTwinHosts, type TwinHosts } from './twin/hosts.ts'

const DIAL_MS = 1_000
const STEP_MS = 250
const HOST_COUNT = 8

export interface CalmWorld extends ClientWorld {
  readonly hosts: TwinHosts
  /** For `TestClientOptions.functions`. */
  readonly functions: ReturnType<typeof createPlainCodec>['functions']
}

function createCalmClock(): ClientWorld['clock'] {
  const clock = createTwinClock()
  const advance = (byMs: number): Promise<void> => clock.advanceTo(clock.monotonicMs() + byMs)
  return {
    ...clock,
    advance,
    async advanceUntil(condition, limitMs) {
      const endMs = clock.monotonicMs() + limitMs
      while (!(await condition())) {
        if (clock.monotonicMs() >= endMs) throw new Error(`condition did not hold within ${limitMs} ms of virtual time`)
        await advance(STEP_MS)
      }
    },
  }
}

export function createCalmWorld(change: Partial<MailboxParameters> = {}): CalmWorld {
  const clock = createCalmClock()
  const parameters: MailboxParameters = { ...MAILBOX_PARAMETERS, ...change }
  const codec = createPlainCodec()
  const hosts = createTwinHosts({ clock, parameters, codec, count: HOST_COUNT, seed: 1, isFull: () => false })
  const [first] = hosts.entries
  if (first === undefined) throw new Error('a world without hosts')

  const openLink = (dial: DialOptions): RecordLink => {
    const over = new AbortController()
    const inbox: Uint8Array[] = []
    let wake: () => void = () => undefined
    let holdMs = 0
    const { promise: closed, resolve: finish } = Promise.withResolvers<undefined>()

    const answerTo = (record: Uint8Array): CourierAnswer => {
      const request = decodeCourierRequest(record)
      switch (request?.kind) {
        case 'hello':
          holdMs = profileOf(profileByNumber(request.profile) ?? 'balanced', parameters.speed).courierHoldMs
          return { kind: 'welcome', ...hosts.page(request.cursor) }
        case 'table':
          return { kind: 'table', ...hosts.page(request.cursor) }
        case 'write':
        case 'read': {
          const replies = request.requests.flatMap((routed, index): readonly TaggedReply[] => {
            const reply = hosts.answer(routed)
            return reply === undefined ? [] : [{ tag: request.firstTag + index, reply }]
          })
          return { kind: 'replies', replies }
        }
        default:
          throw new Error('a record that no courier understands')
      }
    }

    return {
      recordBytes: dial.recordBytes,
      remoteKey: dial.remoteKey ?? new Uint8Array(32),
      closed,
      async send(record) {
        if (over.signal.aborted) throw LINK_CLOSED
        const answer = encodeCourierAnswer(answerTo(record))
        const deliver = (): void => {
          inbox.push(answer)
          wake()
        }
        clock.sleep(holdMs, over.signal).then(deliver, () => undefined)
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
        over.abort()
        wake()
        finish(undefined)
      },
    }
  }

  return {
    clock,
    parameters,
    hosts,
    functions: codec.functions,
    recordHub: {
      createNetwork: (): RecordNetwork => ({
        listen: () => Promise.reject(new Error('nobody listens here')),
        async dial(dial) {
          await clock.sleep(DIAL_MS, dial.signal)
          return openLink(dial)
        },
        stop: () => Promise.resolve(),
      }),
    },
    host: () => ({ entry: first }),
    async run(promise, limitMs = STEP_MS * 100) {
      let isSettled = false
      void Promise.allSettled([promise]).then(() => {
        isSettled = true
      })
      await clock.advanceUntil(() => isSettled, limitMs)
      return promise
    },
  }
}

const LINK_CLOSED = new AppError('LINK_CLOSED', {
  kind: 'environment',
  why: 'The link is closed.',
  remedy: 'Dial again.',
})
