/**
 * Runs test files with node:test and says what really ran.
 * Never takes the runner's word for success alone: it ends well when it found no test at all.
 * @module
 */
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { judgeCoverage } from './check-coverage.ts'
import { cleanEnvironment, runNode } from './check-process.ts'
import type { TestCountsByFile } from './check-test-reporter.ts'

export interface TestRunOptions {
  readonly root: string
  /** Relative to `root`. */
  readonly files: readonly string[]
  readonly coverage: boolean
  readonly concurrency: number
  /** A test that takes longer has failed; also ends what a test file left open. */
  readonly timeoutMs: number
  readonly environment?: Readonly<Record<string, string>>
  /** Shows the runner's output as it comes. */
  readonly show: boolean
}

export interface TestRunResult {
  readonly ok: boolean
  readonly files: number
  readonly passed: number
  readonly failed: number
  readonly skipped: number
  /** What is wrong beyond the runner's own output, which is in here as well when it was not shown. */
  readonly report: string
}

/** Where the reports go; not committed. */
const REPORTS = 'coverage'

function readCounts(path: string): TestCountsByFile {
  return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8') || '{}') as TestCountsByFile) : {}
}

function runnerArguments(options: TestRunOptions, countsPath: string, lcovPath: string): string[] {
  const reporter = new URL('./check-test-reporter.ts', import.meta.url).pathname
  const args = ['--test', `--test-concurrency=${options.concurrency}`, `--test-timeout=${options.timeoutMs}`]
  args.push('--test-reporter=spec', '--test-reporter-destination=stdout')
  args.push(`--test-reporter=${reporter}`, `--test-reporter-destination=${countsPath}`)
  if (options.coverage) {
    args.push('--experimental-test-coverage', '--test-coverage-include=src/**/*.ts')
    args.push('--test-reporter=lcov', `--test-reporter-destination=${lcovPath}`)
  }
  return [...args, ...options.files]
}

/** Runs the files; every one of them must have run a test, and none may have failed. */
export async function runTests(options: TestRunOptions): Promise<TestRunResult> {
  const reports = join(options.root, REPORTS)
  mkdirSync(reports, { recursive: true })
  const countsPath = join(reports, 'tests.json')
  const lcovPath = join(reports, 'lcov.info')
  for (const path of [countsPath, lcovPath]) rmSync(path, { force: true })

  const nothing = { ok: false, files: 0, passed: 0, failed: 0, skipped: 0 }
  if (options.files.length === 0) return { ...nothing, report: 'There is no test file.' }
  const { code, output } = await runNode(runnerArguments(options, countsPath, lcovPath), {
    directory: options.root,
    environment: { ...cleanEnvironment(), ...options.environment },
    show: options.show,
  })

  const counts = readCounts(countsPath)
  const problems: string[] = []
  let [passed, failed, skipped] = [0, 0, 0]
  for (const file of options.files) {
    const count = counts[join(options.root, file)]
    if (count === undefined) {
      problems.push(`${file} ran no test`)
      failed += 1
      continue
    }
    if (count.passed + count.failed === 0) problems.push(`${file} skipped every test`)
    passed += count.passed
    failed += count.failed
    skipped += count.skipped
  }
  let ok = code === 0 && failed === 0 && problems.length === 0
  if (options.coverage) {
    const verdict = judgeCoverage(options.root, existsSync(lcovPath) ? readFileSync(lcovPath, 'utf8') : '')
    problems.push(verdict.report)
    ok &&= verdict.ok
  }
  const report = options.show ? problems.join('\n') : [output, ...problems].join('\n')
  return { ok, files: options.files.length, passed, failed, skipped, report }
}
