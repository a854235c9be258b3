import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createLaneRunner } from '../../../src/messenger/lane-runner.ts'
import { createTrafficMeter } from '../../../src/padding/index.ts'
import type { RecordLink } from '../../../src/ports/index.ts'
import { LANE_RECORD_BYTES } from '../../../src/wire/index.ts'
import { createSeededRandom } from '../../support/seeded-random.ts'
import { silentLogger } from '../../support/silent-logger.ts'
import { createVirtualClock } from '../../support/virtual-clock.ts'

const DIAL_MS = 50_000

/** A lane whose dial takes 50 seconds, and whose link is there until somebody closes it. */
async function runDialer(lastsMs: number): Promise<{ opened: number; sent: number; openLinks: number }> {
  const clock = createVirtualClock()
  const seen = { opened: 0, sent: 0, openLinks: 0 }
  const connect = (): RecordLink => {
    seen.openLinks += 1
    let end: (() => void) | undefined
    const closed = new Promise<void>((resolve) => (end = resolve))
    return {
      recordBytes: LANE_RECORD_BYTES,
      remoteKey: new Uint8Array(32),
      closed,
      send() {
        seen.sent += 1
        return Promise.resolve()
      },
      receive: () => closed.then(() => undefined),
      close() {
        if (end !== undefined) seen.openLinks -= 1
        end?.()
        end = undefined
        return closed
      },
    }
  }
  const endsAtMs = clock.nowMs() + lastsMs
  const failures: unknown[] = []
  const lane = createLaneRunner(
    {
      clock,
      random: createSeededRandom(1),
      logger: silentLogger,
      traffic: createTrafficMeter(),
      network: {
        listen: () => assert.fail('it dials'),
        async dial({ signal }) {
          await clock.sleep(DIAL_MS, signal)
          return connect()
        },
        stop: () => Promise.resolve(),
      },
    },
    {
      role: 'dialer',
      laneSecret: new Uint8Array(32).fill(1),
      isolation: 'test',
      endsAtMs: () => endsAtMs,
      onOpen: () => {
        seen.opened += 1
        return Promise.resolve()
      },
      nextRecord: () => new Uint8Array(LANE_RECORD_BYTES),
      onRecord: () => Promise.resolve(true),
      onEnded: () => undefined,
      onFailure: (error) => failures.push(error),
    },
  )
  lane.start()
  await clock.advance(90_000)
  const result = { ...seen }
  await lane.stop()
  assert.deepEqual(failures, [])
  return result
}

describe('a dial that is slow to come through', () => {
  it('opens the lane while it lasts (control)', async () => {
    const { opened, sent, openLinks } = await runDialer(600_000)
    assert.ok(opened === 1 && sent > 10 && openLinks === 1)
  })

  it('opens nothing once the lane has ended: whoever listens could keep it open for ever', async () => {
    assert.deepEqual(await runDialer(30_000), { opened: 0, sent: 0, openLinks: 0 })
  })
})
