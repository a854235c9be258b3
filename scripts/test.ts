/**
 * `npm test`: everything that proves the repository, the tests over a private Tor network last.
 * Never reaches outside this machine: that network is made of processes of ours on loopback addresses.
 * @module
 */
import { dirname } from 'node:path'
import { startTornet, TORNET_VARIABLE } from '../test/support/tornet/index.ts'
import { announce, checkAll } from './check-all.ts'
import { listNetworkTests } from './check-files.ts'
import { runTests, type TestRunResult } from './check-tests.ts'

/** Longest time of one test file over the network; guessed, with room for two slow cores. */
const NETWORK_TEST_TIMEOUT_MS = 1_800_000

/** Runs the tests that need Tor one file after the other on one private network. */
async function runNetworkTests(root: string): Promise<TestRunResult> {
  const start = performance.now()
  const tornet = await startTornet()
  announce('private Tor network', true, `${tornet.clients.length} clients are bootstrapped`, start)
  try {
    const result = await runTests({
      root,
      files: listNetworkTests(root),
      coverage: false,
      concurrency: 1,
      timeoutMs: NETWORK_TEST_TIMEOUT_MS,
      environment: { [TORNET_VARIABLE]: tornet.directory },
      show: true,
    })
    if (!result.ok) process.stdout.write(`${result.report}\n${await tornet.logs()}\n`)
    announce('tests over Tor', result.ok, `${result.passed} passed in ${result.files} files`, start)
    return result
  } finally {
    await tornet.stop()
  }
}

const root = dirname(import.meta.dirname)
const { failures, built, tests } = await checkAll(root)
const failed = [...failures]
const runs = [tests]
if (built) {
  const network = await runNetworkTests(root)
  runs.push(network)
  if (!network.ok) failed.push('tests over Tor')
} else {
  process.stdout.write('The tests over Tor run what the build makes, and the build failed: they did not run.\n')
}

const total = (kind: 'passed' | 'failed' | 'skipped'): number => runs.reduce((sum, run) => sum + run[kind], 0)
if (failed.length > 0) {
  process.stdout.write(`Failed: ${failed.join(', ')}\n`)
  process.exitCode = 1
}
process.stdout.write(`${total('passed')} passed, ${total('failed')} failed, ${total('skipped')} skipped\n`)
