/**
 * The parts of the private Tor network that need no tor: whose directory is swept, which ports are free, which keys count.
 * @module
 */
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { privatePorts, reservePorts } from '../../support/tornet/free-ports.ts'
import { findProcess, isAlive } from '../../support/tornet/process-identity.ts'
import { createRunDirectory, isRunDirectory, sweepDeadRuns } from '../../support/tornet/run-directory.ts'
import { authorityTorrc, clientTorrc, slotOffset, VOTING_INTERVAL_SECONDS } from '../../support/tornet/torrc.ts'

let root: string

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'nt-'))
})

afterEach(() => rmSync(root, { recursive: true }))

/** A directory like our own with some parts of its name changed: pid, start time, boot, process namespace, random. */
function plant(change: (parts: string[]) => void): string {
  const parts = basename(createRunDirectory(root)).split('-').slice(2)
  rmSync(join(root, `noctule-tornet-${parts.join('-')}`), { recursive: true })
  change(parts)
  const name = `noctule-tornet-${parts.join('-')}`
  mkdirSync(join(root, name))
  writeFileSync(join(root, name, 'file'), 'x')
  return name
}

describe('the sweep of run directories', () => {
  it('leaves the directory of a living owner', () => {
    const directory = createRunDirectory(root)
    assert.ok(isRunDirectory(directory))
    assert.deepEqual(sweepDeadRuns(root), { directories: 0, processes: 0 })
    assert.deepEqual(readdirSync(root), [basename(directory)])
  })

  it('removes that of a process number which now belongs to another process', () => {
    plant((parts) => parts.splice(1, 1, '1'))
    assert.deepEqual(sweepDeadRuns(root), { directories: 1, processes: 0 })
    assert.deepEqual(readdirSync(root), [])
  })

  it('removes that of another boot', () => {
    plant((parts) => parts.splice(2, 1, '000000'))
    assert.equal(sweepDeadRuns(root).directories, 1)
  })

  it('leaves that of another process namespace, of which nothing can be known', () => {
    const name = plant((parts) => parts.splice(1, 1, '1') && parts.splice(3, 1, '000000'))
    assert.equal(sweepDeadRuns(root).directories, 0)
    assert.deepEqual(readdirSync(root), [name])
  })

  it('leaves everything with another name', () => {
    for (const name of ['noctule-tornet-keys-0', 'noctule-tornet-1-1-abc', 'other']) mkdirSync(join(root, name))
    assert.equal(sweepDeadRuns(root).directories, 0)
    assert.equal(readdirSync(root).length, 3)
  })

  it('is done by the next run', () => {
    const name = plant((parts) => parts.splice(1, 1, '1'))
    const directory = createRunDirectory(root)
    assert.deepEqual(readdirSync(root), [basename(directory)])
    assert.notEqual(basename(directory), name)
  })
})

describe('the identity of a process', () => {
  it('is the same each time, and gone with the process', () => {
    const own = findProcess(process.pid)
    assert.ok(own)
    assert.equal(isAlive(own), true)
    assert.equal(isAlive({ ...own, startTicks: own.startTicks + 1 }), false)
    // Above the largest process number of Linux.
    assert.equal(findProcess(4_194_305), undefined)
  })
})

describe('free ports', () => {
  it('are different for runs that live at the same time', async () => {
    const blocks = await Promise.all(Array.from({ length: 20 }, () => reservePorts(10)))
    const ports = blocks.flatMap((block) => block.ports)
    assert.equal(new Set(ports).size, 200)
    await Promise.all(blocks.map((block) => block.release()))
  })

  it('are free', async () => {
    const block = await reservePorts(3)
    for (const port of block.ports) {
      const server = createServer()
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject)
        server.listen({ host: '127.0.0.1', port }, resolve)
      })
      await new Promise((resolve) => server.close(resolve))
    }
    await block.release()
  })

  it('are as many as asked for', async () => {
    assert.equal(privatePorts(6).ports.length, 6)
    await assert.rejects(reservePorts(64), RangeError)
  })
})

describe('the configuration of the network', () => {
  const network = { authorityOrPort: 2, authorityDirPort: 1, v3Identity: 'A'.repeat(40), fingerprint: 'B'.repeat(40) }
  const server = { directory: '/d', owner: 7, nickname: 'auth0', orPort: 2, network }

  it('holds the vote back for at least ten minutes, at whatever second it starts', () => {
    for (let nowSeconds = 0; nowSeconds < 2 * VOTING_INTERVAL_SECONDS; nowSeconds += 1) {
      const offset = Number(/VotingStartOffset ([0-9]+)/.exec(authorityTorrc(server, nowSeconds))?.[1])
      const untilSlot =
        (offset - (nowSeconds % VOTING_INTERVAL_SECONDS) + VOTING_INTERVAL_SECONDS) % VOTING_INTERVAL_SECONDS
      assert.ok(untilSlot >= 600 && untilSlot <= 1_200, `at ${nowSeconds}`)
    }
  })

  it('puts the slot where it is wanted', () => {
    assert.equal(slotOffset(VOTING_INTERVAL_SECONDS * 3 + 5), 5)
    // tor refuses an offset that is larger than the interval.
    assert.equal(slotOffset(VOTING_INTERVAL_SECONDS), 0)
  })

  it('gives clients no TCP port and no way to clearnet', () => {
    const text = clientTorrc('/d', 7, [])
    assert.match(text, /^SocksPort unix:.* OnionTrafficOnly$/m)
    assert.match(text, /^ControlPort unix:/m)
    assert.match(text, /^__OwningControllerProcess 7$/m)
    assert.doesNotMatch(text, /^(ORPort|DirPort|DNSPort|TransPort)/m)
  })
})
