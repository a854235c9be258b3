/** What a process with links logs, and what it leaves open. @module */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { LinkChildReport } from '../../support/link-child.ts'

const CHILD = fileURLToPath(new URL('../../support/link-child.ts', import.meta.url))

async function runChild(...flags: string[]): Promise<{ readonly report: LinkChildReport; readonly log: string }> {
  const child = spawn(process.execPath, [CHILD, ...flags], {
    env: { ...process.env, DEBUG: '*', NODE_OPTIONS: '' },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const exited = once(child, 'exit')
  const [output, log] = await Promise.all([text(child.stdout), text(child.stderr)])
  assert.deepEqual(await exited, [0, null], log)
  return { report: JSON.parse(output) as LinkChildReport, log }
}

const leaked = (report: LinkChildReport, log: string): number =>
  report.planted.filter((secret) => log.includes(secret)).length

describe('a process with links and meshes', () => {
  it('logs no address, peer id or key, at any level and with DEBUG=*, and leaves nothing open', async () => {
    const { report, log } = await runChild()
    // The places where libp2p would name them were all passed.
    assert.deepEqual(report.failures, [
      'LINK_PEER_UNEXPECTED',
      'closed',
      'TOR_ONION_NOT_FOUND',
      'MESH_REFUSED',
      'MESH_RECORD_REFUSED',
      'MESH_UNREACHABLE',
    ])
    assert.match(log, /libp2p\.error/)
    assert.equal(report.planted.length, 28)
    assert.equal(leaked(report, log), 0, log)
    assert.deepEqual(report.resources, [])
  })

  it('control: the log of libp2p itself and a timer are caught', async () => {
    const { report, log } = await runChild('--leak')
    assert.ok(leaked(report, log) >= 2, log)
    assert.deepEqual(report.resources, ['Timeout'])
  })
})
