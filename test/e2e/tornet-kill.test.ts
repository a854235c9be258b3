/**
 * A private Tor network goes when its harness is killed, at whatever moment and with whatever signal.
 * @module
 */
import assert from 'node:assert/strict'
import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import { cpSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { isRunDirectory, keyCacheDirectory, processesOf, sweepDeadRuns, waitFor } from '../support/tornet/index.ts'

const HARNESS = fileURLToPath(new URL('../support/tornet/index.ts', import.meta.url))
const HOLD = `
import { startTornet } from ${JSON.stringify(HARNESS)}
const tornet = await startTornet({ clients: 1 })
process.stdout.write('up')
setInterval(() => undefined, 1_000_000)
`
const SERVER_COUNT = 5

/** What a test sees of a harness in a process of its own. */
interface Harness {
  readonly child: ChildProcess
  readonly exited: Promise<NodeJS.Signals | null>
  readonly up: Promise<void>
  readonly directory: string
}

// Two at a time: the starts are mostly waiting, and more would be slow on two cores.
describe('a harness that is killed', { concurrency: 2 }, () => {
  /** A temporary directory for one test: in a common one, others sweep as well. */
  function makeRoot(t: TestContext): string {
    const root = mkdtempSync(join(tmpdir(), 'nt-'))
    t.after(() => rmSync(root, { recursive: true }))
    const keys = keyCacheDirectory()
    if (keys !== undefined) cpSync(keys, join(root, basename(keys)), { recursive: true })
    return root
  }

  const soon = (what: string, ms = 60_000) => ({ what, deadlineMs: performance.now() + ms })

  async function startHarness(root: string): Promise<Harness> {
    const child = spawn(process.execPath, ['--input-type=module', '--eval', HOLD], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, TMPDIR: root },
    })
    const exited = new Promise<NodeJS.Signals | null>((resolve) => {
      child.once('exit', (_status, signal) => resolve(signal))
    })
    const up = new Promise<void>((resolve) => {
      child.stdout.once('data', () => resolve())
    })
    const name = await waitFor(
      () => readdirSync(root).find((entry) => isRunDirectory(entry) && entry.includes(`-${child.pid}-`)),
      soon('the directory of the run'),
    )
    return { child, exited, up, directory: join(root, name) }
  }

  const moments = {
    'while it starts': async (harness: Harness) => {
      await waitFor(() => processesOf(harness.directory).length >= 3, soon('the first processes'))
    },
    'when it is up': (harness: Harness) => harness.up,
  }

  for (const [moment, arrives] of Object.entries(moments)) {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      it(`by ${signal} ${moment} leaves neither processes nor files`, async (t) => {
        const harness = await startHarness(makeRoot(t))
        await arrives(harness)
        // The control: what must be gone later is seen now.
        assert.ok(processesOf(harness.directory).length >= 3)
        harness.child.kill(signal)
        assert.equal(await harness.exited, signal)
        assert.equal(existsSync(harness.directory), false)
        // Sooner than a tor that nobody told to end looks for its owner, which it does every 15 s: else that would do for this.
        await waitFor(() => processesOf(harness.directory).length === 0, soon('the end of tor', 10_000))
        assert.equal(existsSync(harness.directory), false)
      })
    }

    it(`by SIGKILL ${moment} leaves no processes, and no files after the next start`, async (t) => {
      const root = makeRoot(t)
      const harness = await startHarness(root)
      await arrives(harness)
      assert.ok(processesOf(harness.directory).length >= 3)
      // The control of the sweep: it leaves the living alone.
      assert.deepEqual(sweepDeadRuns(root), { directories: 0, processes: 0 })
      harness.child.kill('SIGKILL')
      assert.equal(await harness.exited, 'SIGKILL')
      // The control of the folder: nobody could remove it.
      assert.equal(existsSync(harness.directory), true)
      // A tor whose control connection was not open yet looks for its owner every 15 s.
      await waitFor(() => processesOf(harness.directory).length === 0, soon('the end of tor', 40_000))
      assert.equal(sweepDeadRuns(root).directories, 1)
      assert.equal(existsSync(harness.directory), false)
    })
  }

  it('by SIGKILL leaves no process after the next start, however soon that is', async (t) => {
    const root = makeRoot(t)
    const harness = await startHarness(root)
    await waitFor(() => processesOf(harness.directory).length >= SERVER_COUNT, soon('the first processes'))
    harness.child.kill('SIGKILL')
    await harness.exited
    assert.equal(sweepDeadRuns(root).directories, 1)
    await waitFor(() => processesOf(harness.directory).length === 0, soon('the end of tor', 2_000))
    assert.equal(existsSync(harness.directory), false)
  })
})
