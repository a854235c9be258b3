import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { runCourierSession } from '../../../src/mailbox/host/courier-session.ts'
import { createTokenBucket } from '../../../src/mailbox/host/token-bucket.ts'
import { MAILBOX_PARAMETERS } from '../../../src/mailbox/index.ts'
import { profileNumber, profileOf } from '../../../src/padding/index.ts'
import {
  COURIER_RECORD_BYTES,
  encodeCourierRequest,
  HOST_ID_BYTES,
  type RoutedRequest,
} from '../../../src/wire/index.ts'
import { createSeededRandom } from '../../support/seeded-random.ts'
import { createVirtualClock } from '../../support/virtual-clock.ts'

const LOW = profileOf('low')

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

/** A session of profile Low that gets one read record; its requests are passed on to `relay`. */
function serve(relay: (request: RoutedRequest) => void) {
  const clock = createVirtualClock()
  const stopper = new AbortController()
  const cursor = new Uint8Array(HOST_ID_BYTES)
  const hello = encodeCourierRequest({ kind: 'hello', period: 1, workNonce: 1, profile: profileNumber('low'), cursor })
  const read = new Uint8Array(COURIER_RECORD_BYTES)
  read[0] = 3
  const records = [hello, read]
  const over = Promise.withResolvers<undefined>()
  let sent = 0
  const tasks: Promise<void>[] = []
  const own = (task: Promise<void>): void => void tasks.push(task.catch(() => undefined))
  own(
    runCourierSession(
      {
        clock,
        random: createSeededRandom(1),
        parameters: MAILBOX_PARAMETERS,
        relay(request) {
          relay(request)
          return Promise.resolve(undefined)
        },
        tablePage: () => ({ root: new Uint8Array(HOST_ID_BYTES), hostCount: 0, descriptors: [] }),
        own,
        forwarding: { count: 0 },
        signal: stopper.signal,
      },
      {
        recordBytes: COURIER_RECORD_BYTES,
        remoteKey: new Uint8Array(32),
        closed: over.promise,
        async send() {
          sent += 1
        },
        receive: () => {
          const record = records.shift()
          return record === undefined ? over.promise : Promise.resolve(record)
        },
        async close() {
          over.resolve(undefined)
        },
      },
      { admit: () => Promise.resolve(true), budget: createTokenBucket(64, 500, 0) },
    ),
  )
  return {
    clock,
    sent: () => sent,
    async stop() {
      over.resolve(undefined)
      stopper.abort()
      await Promise.all(tasks)
    },
  }
}

describe('runCourierSession', () => {
  it('keeps no record for the sake of an answer that waits, however long the hold', async () => {
    const seen: WeakRef<Uint8Array>[] = []
    const kept: WeakRef<RoutedRequest>[] = []
    const held: RoutedRequest[] = []
    const session = serve((request) => {
      if (held.length === 0) {
        held.push(request)
        kept.push(new WeakRef(request))
      } else seen.push(new WeakRef(request.sealed))
    })
    // All that the courier's delay may take, and still before the hold is over.
    await session.clock.advance(4 * LOW.courierDelayMs)
    assert.equal(seen.length, 13)
    assert.equal(session.sent(), 0, 'the answer waits')
    collect()
    assert.equal(seen.filter((request) => request.deref() !== undefined).length, 0)
    assert.equal(kept[0]?.deref(), held[0], 'what somebody holds is seen to be there (control)')
    await session.clock.advance(LOW.courierHoldMs)
    assert.equal(session.sent(), 2)
    await session.stop()
  })
})
