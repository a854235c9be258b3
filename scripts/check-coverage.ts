/**
 * The coverage gate: every file of `src` that does something is loaded by a test, and enough of it runs.
 * Never trusts the runner's own total: files that no test loads are missing from it.
 * @module
 */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { listFiles } from './check-files.ts'

/** Shares of all code of `src`, in per cent. Raise them when the truth has risen; never lower them to land a change. */
export const COVERAGE_FLOORS = { lines: 94, branches: 89, functions: 93 } as const

/** What starts a process: run by the tests over the private Tor network, as processes of their own. */
export const PROCESS_ENTRIES: readonly string[] = ['src/daemon/main.ts']

export interface FileCoverage {
  readonly lines: Share
  readonly branches: Share
  readonly functions: Share
}

interface Share {
  readonly hit: number
  readonly found: number
}

/** Reads an lcov report; keys are the paths as the report has them. */
export function parseLcov(text: string): Map<string, FileCoverage> {
  const files = new Map<string, FileCoverage>()
  for (const record of text.split('end_of_record')) {
    const path = /^SF:(.*)$/m.exec(record)?.[1]
    if (path === undefined) continue
    const number = (name: string): number => Number(new RegExp(`^${name}:(\\d+)$`, 'm').exec(record)?.[1] ?? 0)
    files.set(path, {
      lines: { hit: number('LH'), found: number('LF') },
      branches: { hit: number('BRH'), found: number('BRF') },
      functions: { hit: number('FNH'), found: number('FNF') },
    })
  }
  return files
}

/** True when the compiler leaves nothing of the file: types only, so that no test can run it. */
function isTypesOnly(root: string, path: string): boolean {
  const built = join(root, path.replace(/^src/, 'dist').replace(/\.ts$/, '.js'))
  if (!existsSync(built)) return false
  const code = readFileSync(built, 'utf8').replaceAll(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '')
  return /^\s*(export \{\};)?\s*$/.test(code)
}

export interface CoverageVerdict {
  readonly ok: boolean
  readonly looked: number
  readonly report: string
}

/** Compares the report with the files there are and the floors. */
export function judgeCoverage(root: string, lcov: string): CoverageVerdict {
  const covered = new Map([...parseLcov(lcov)].filter(([path]) => path.startsWith('src/')))
  const problems: string[] = []
  for (const path of listFiles(root, ['src'], ['.ts'])) {
    if (covered.has(path) || PROCESS_ENTRIES.includes(path) || isTypesOnly(root, path)) continue
    problems.push(`${path} is loaded by no test`)
  }
  const shares: string[] = []
  for (const kind of ['lines', 'branches', 'functions'] as const) {
    let hit = 0
    let found = 0
    for (const file of covered.values()) {
      hit += file[kind].hit
      found += file[kind].found
    }
    const share = found === 0 ? 100 : (100 * hit) / found
    shares.push(`${kind} ${share.toFixed(1)} %`)
    if (share < COVERAGE_FLOORS[kind]) {
      problems.push(`${kind}: ${share.toFixed(1)} % is below the floor of ${COVERAGE_FLOORS[kind]} %`)
    }
  }
  if (covered.size === 0) problems.push('the coverage report holds no file of src')
  const report = [...problems, `coverage: ${shares.join(', ')} of ${covered.size} files`].join('\n')
  return { ok: problems.length === 0, looked: covered.size, report }
}
