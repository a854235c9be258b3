/**
 * The instrument of `npm run privacy:capture` on the real thing, as small as can be: a daemon without padding is told apart at
 * its guard link. What the clock itself shows needs many more windows than a test can wait for.
 * @module
 */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { paddingOff } from '../../simulations/capture/analyse.ts'
import type { NodeCapture } from '../../simulations/capture/trace.ts'
import { captureRun } from '../support/capture-run.ts'
import { createSeededRandom } from '../support/seeded-random.ts'

const directory = mkdtempSync(join(tmpdir(), 'ncap-'))
after(() => rmSync(directory, { recursive: true, force: true }))

const SPEED = 20
const WINDOW_MS = 60_000 / SPEED
/** Of one segment; each client plays one of each class. */
const WINDOWS = 12
/** Ten times what it takes. */
const LIMIT_MS = 900_000

/** A few windows tell nothing now and then, of whatever quality the instrument is: once, six a class had an AUC of 0.64. */
const CAPTURES_MAX_COUNT = 3

/** One small network, whatever it shows; its clients without padding. */
async function capture(run: number): Promise<readonly NodeCapture[]> {
  const { failures, unpadded } = await captureRun({
    run,
    seed: 1 + run,
    directory: join(directory, String(run)),
    speed: SPEED,
    hosts: 3,
    clients: 2,
    unpadded: 2,
    contacts: 1,
    contactHaste: 2,
    classes: ['idle', 'sending'],
    windows: WINDOWS,
    goalWindows: 2 * WINDOWS,
    untilMs: LIMIT_MS,
    report: () => undefined,
  })
  assert.deepEqual(failures, [])
  assert.equal(unpadded.length, 2)
  for (const { moments, reads, segments } of unpadded) {
    assert.deepEqual(new Set(segments.map(({ label }) => label)), new Set(['idle', 'sending']))
    assert.ok(reads.some(({ isUp }) => isUp) && reads.some(({ isUp }) => !isUp))
    assert.ok(
      moments.some(({ kind }) => kind === 'sent'),
      'nothing was sent, so there was nothing to see',
    )
  }
  return unpadded
}

describe('captures at the guard link', () => {
  it('tell a daemon without padding apart', async (t) => {
    const captures: NodeCapture[] = []
    const seen: (number | string | undefined)[] = []
    for (let run = 0; run < CAPTURES_MAX_COUNT; run += 1) {
      captures.push(...(await capture(run)))
      const control = paddingOff(captures, {
        windowMs: WINDOW_MS,
        holdMs: 300,
        rounds: 100,
        randomFor: () => createSeededRandom(1),
      })
      seen.push(control.got?.auc ?? control.reason)
      t.diagnostic(`AUC of ${control.n} windows a class: ${seen.at(-1)}`)
      if (control.fired) return
    }
    assert.fail(`AUC ${seen.join(', ')}`)
  })
})
