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
import { captureRun } from '../support/capture-run.ts'
import { createSeededRandom } from '../support/seeded-random.ts'

const directory = mkdtempSync(join(tmpdir(), 'ncap-'))
after(() => rmSync(directory, { recursive: true, force: true }))

const SPEED = 20
const WINDOW_MS = 60_000 / SPEED
/** Of one segment; each client plays one of each class. */
const WINDOWS = 6
/** Ten times what it takes. */
const LIMIT_MS = 900_000

describe('captures at the guard link', () => {
  it('tell a daemon without padding apart', async () => {
    const { failures, unpadded: captures } = await captureRun({
      run: 0,
      seed: 1,
      directory,
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
    assert.equal(captures.length, 2)
    for (const { moments, reads, segments } of captures) {
      assert.deepEqual(new Set(segments.map(({ label }) => label)), new Set(['idle', 'sending']))
      assert.ok(reads.some(({ isUp }) => isUp) && reads.some(({ isUp }) => !isUp))
      assert.ok(
        moments.some(({ kind }) => kind === 'sent'),
        'nothing was sent, so there was nothing to see',
      )
    }
    const control = paddingOff(captures, {
      windowMs: WINDOW_MS,
      holdMs: 300,
      rounds: 100,
      randomFor: () => createSeededRandom(1),
    })
    assert.ok(control.fired, `AUC ${control.got?.auc ?? control.reason}`)
  })
})
