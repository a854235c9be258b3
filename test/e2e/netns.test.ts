/**
 * The namespaces for tests are what they are said to be.
 * @module
 */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { describe, it } from 'node:test'
import { emptyNetnsCommand, exitStatus, findUnshare, openQuickackNetns, runInPrivateNetns } from '../support/netns.ts'
import { processesOf } from '../support/tornet/index.ts'
import { runToEnd } from '../support/trace.ts'

const skip = (await findUnshare()) === undefined && 'needs root or user namespaces'
const ROUTES = ['ip', '-4', 'route', 'show', 'table', 'local']
const HAS_QUICKACK = ['sh', '-c', `${ROUTES.join(' ')} | grep -q quickack`]

describe('a quickack namespace', { skip }, () => {
  it('acknowledges at once, and the host does not (control)', async () => {
    assert.equal(await runInPrivateNetns(HAS_QUICKACK), 0)
    assert.equal((await runToEnd(HAS_QUICKACK)).status, 1)
  })

  it('gives the exit status of the command', async () => {
    assert.equal(await runInPrivateNetns(['sh', '-c', 'exit 7']), 7)
  })

  it('is entered from outside, and ends with its holder', async () => {
    const { holder, prefix } = await openQuickackNetns()
    assert.match((await runToEnd([...prefix, ...ROUTES])).output, /quickack/)
    holder.stdin?.end()
    assert.equal(await exitStatus(holder), 0)
    assert.notEqual((await runToEnd([...prefix, 'true'])).status, 0)
  })
})

describe('an empty namespace', { skip }, () => {
  it('has a loopback that is down, and the host has one that is up (control)', async () => {
    const show = ['ip', '-o', 'link', 'show', 'lo']
    assert.match((await runToEnd(await emptyNetnsCommand(show))).output, /state DOWN/)
    assert.doesNotMatch((await runToEnd(show)).output, /state DOWN/)
  })
})

describe('the search for processes', () => {
  it('finds those that name a directory, and no others', async () => {
    const child = spawn('tail', ['-f', '/dev/null', '--pid', String(process.pid), '/nowhere-at-all/file'], {
      stdio: 'ignore',
    })
    assert.deepEqual(processesOf('/nowhere-at-all'), [child.pid])
    assert.deepEqual(processesOf('/nowhere-at-al'), [])
    child.kill('SIGKILL')
    await exitStatus(child)
    assert.deepEqual(processesOf('/nowhere-at-all'), [])
  })
})
