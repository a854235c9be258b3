/**
 * Mailboxes over real Tor: people who are never online together, hosts that die and hosts that mean ill. A small one of
 * what `npm run soak:mailbox` does at length.
 * @module
 */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { runMailboxes } from '../support/mailbox-run.ts'
import { useTornet } from '../support/tornet/index.ts'

const root = mkdtempSync(join(tmpdir(), 'noctule-mailbox-'))
after(() => rmSync(root, { recursive: true, force: true }))

describe('mailboxes over Tor', () => {
  const tornet = useTornet({ clients: 0 })

  it('bring every message once, though a host is killed and another lies', async () => {
    const result = await runMailboxes({
      tornet: tornet(),
      directory: root,
      hosts: 5,
      faults: ['liar'],
      kills: 1,
      pairs: 1,
      messages: 12,
      batch: 6,
      speed: 20,
      seed: 7,
    })
    assert.equal(result.together, 0)
    assert.equal(result.killed, 1)
    assert.equal(result.acknowledged, 12)
    assert.deepEqual({ lost: result.lost, duplicated: result.duplicated }, { lost: 0, duplicated: 0 })
    assert.equal(result.delivered, 12)
  })
})
