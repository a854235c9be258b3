/**
 * Two daemons over Tor are killed in the middle of a conversation; the 200 rounds of `npm run soak`, shortened.
 * @module
 */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { runKills } from '../support/kill-run.ts'
import { useTornet } from '../support/tornet/index.ts'

const ROUNDS = 5
const CONTROL_ROUNDS = 4
const PAUSE_MS = 6_000

describe('kill -9 of both daemons during a conversation', () => {
  const tornet = useTornet()

  it('loses nothing, repeats nothing and uses no ratchet key twice', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'noctule-kill-'))
    try {
      const result = await runKills({ tornet: tornet(), directory, kills: ROUNDS, seed: 1, pauseMs: PAUSE_MS })
      assert.ok(result.acknowledged >= ROUNDS, 'the conversation went on between the kills')
      assert.ok(result.departures > 0)
      assert.deepEqual(
        { lost: result.lost, duplicated: result.duplicated, reusedKeys: result.reusedKeys },
        { lost: 0, duplicated: 0, reusedKeys: 0 },
      )
    } finally {
      rmSync(directory, { recursive: true, force: true })
    }
  })

  it('control: a daemon that forgets its ratchet state is found out', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'noctule-kill-'))
    try {
      const result = await runKills({
        tornet: tornet(),
        directory,
        kills: CONTROL_ROUNDS,
        seed: 2,
        pauseMs: PAUSE_MS,
        control: 'forget-session',
      })
      assert.ok(result.reusedKeys > 0, JSON.stringify(result))
    } finally {
      rmSync(directory, { recursive: true, force: true })
    }
  })
})
