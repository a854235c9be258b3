/**
 * The order of the gates, and what a person sees of them.
 * Never stops at the first failure: one run shows all of them.
 * @module
 */
import { availableParallelism } from 'node:os'
import { listTests } from './check-files.ts'
import { buildGate, deadCodeGate, formatGate, type Gate, lintGate } from './check-gates.ts'
import { runTests, type TestRunResult } from './check-tests.ts'

const GATES: readonly (readonly [name: string, gate: Gate])[] = [
  ['build and floors', buildGate],
  ['lint', lintGate],
  ['format', formatGate],
  ['dead code', deadCodeGate],
]

/** Longest time of one test file without a network; guessed, some ten times the slowest, for machines with other work. */
const TEST_TIMEOUT_MS = 600_000

export interface CheckResult {
  readonly failures: readonly string[]
  /** False when there is no usable build to test in processes of its own. */
  readonly built: boolean
  readonly tests: TestRunResult
}

function seconds(start: number): string {
  return `${((performance.now() - start) / 1000).toFixed(1)} s`
}

/** Prints the verdict on one gate; the tool's own words only when they are needed. */
export function announce(name: string, ok: boolean, text: string, start: number): void {
  process.stdout.write(`${ok ? '✔' : '✖'} ${name}: ${text} (${seconds(start)})\n`)
}

/** Runs every gate and every test that needs no network, and shows how each ended. */
export async function checkAll(root: string): Promise<CheckResult> {
  const failures: string[] = []
  for (const [name, gate] of GATES) {
    const start = performance.now()
    const result = await gate(root)
    if (!result.ok) {
      failures.push(name)
      process.stdout.write(`${result.report.trim()}\n`)
    }
    announce(name, result.ok, `${result.looked} files`, start)
  }

  const start = performance.now()
  const tests = await runTests({
    root,
    files: listTests(root),
    coverage: true,
    concurrency: availableParallelism(),
    timeoutMs: TEST_TIMEOUT_MS,
    show: true,
  })
  if (!tests.ok) failures.push('tests')
  process.stdout.write(`${tests.report}\n`)
  announce('tests', tests.ok, `${tests.passed} passed in ${tests.files} files`, start)
  return { failures, built: !failures.includes('build and floors'), tests }
}
