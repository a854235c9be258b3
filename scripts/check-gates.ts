/**
 * The gates in front of the tests: build with floors, lint, format, dead code.
 * Never passes on a clean answer alone: each gate also shows that it looked at every file there is.
 * @module
 */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { CODE_FOLDERS, listFiles } from './check-files.ts'
import { runNode } from './check-process.ts'

export interface GateResult {
  readonly ok: boolean
  /** How many files the tool says it looked at. */
  readonly looked: number
  /** What to show a person when the gate failed. */
  readonly report: string
}

export type Gate = (root: string) => Promise<GateResult>

/** Where each tool starts; called by path, because names on a PATH can be those of another version. */
const TOOLS = {
  tsc: 'node_modules/typescript/bin/tsc',
  oxlint: 'node_modules/oxlint/bin/oxlint',
  biome: 'node_modules/@biomejs/biome/bin/biome',
  knip: 'node_modules/knip/bin/knip.js',
}

function judge(code: number, looked: number, expected: number, output: string): GateResult {
  if (looked === 0) return { ok: false, looked, report: `${output}\nThe tool looked at nothing.` }
  if (looked < expected) {
    return { ok: false, looked, report: `${output}\nThe tool looked at ${looked} files, but there are ${expected}.` }
  }
  return { ok: code === 0, looked, report: output }
}

interface BuildInfo {
  /** Ids of the files of the project itself, alone or as ranges. */
  readonly root?: readonly (number | readonly [number, number])[]
}

/** How many files of its own the project at `folder` was compiled from, by what the compiler wrote down about it. */
function compiledCount(buildInfoPath: string): number {
  if (!existsSync(buildInfoPath)) return 0
  const info = JSON.parse(readFileSync(buildInfoPath, 'utf8')) as BuildInfo
  let count = 0
  for (const entry of info.root ?? []) count += typeof entry === 'number' ? 1 : entry[1] - entry[0] + 1
  return count
}

/** Compiles every folder against the floors that its tsconfig.json admits. */
export const buildGate: Gate = async (root) => {
  const { code, output } = await runNode([TOOLS.tsc, '-b'], { directory: root })
  const projects = listFiles(root, ['src'], ['tsconfig.json']).map((path) => path.split('/')[1] ?? '')
  const solution = readFileSync(join(root, 'tsconfig.json'), 'utf8')
  const forgotten = projects.filter((folder) => !solution.includes(`"./src/${folder}"`))
  if (forgotten.length > 0) {
    return { ok: false, looked: 0, report: `${output}\nNot in tsconfig.json: ${forgotten.join(', ')}` }
  }
  const infos = projects.map((folder) => join(root, 'dist', folder, '.tsbuildinfo'))
  infos.push(join(root, 'dist/test.tsbuildinfo'))
  const looked = infos.map(compiledCount).reduce((sum, count) => sum + count, 0)
  return judge(code, looked, Math.max(1, listFiles(root, CODE_FOLDERS, ['.ts']).length), output)
}

interface LintReport {
  readonly number_of_files: number
  readonly diagnostics: readonly {
    readonly message: string
    readonly code?: string
    readonly filename: string
    readonly labels: readonly { readonly span?: { readonly line: number } }[]
  }[]
}

/** Lints with the rules that know types. */
export const lintGate: Gate = async (root) => {
  const args = [TOOLS.oxlint, '--type-aware', '--report-unused-disable-directives', '--deny-warnings', '-f', 'json']
  const { code, output } = await runNode(args, { directory: root })
  if (!output.startsWith('{')) return { ok: false, looked: 0, report: output }
  const report = JSON.parse(output) as LintReport
  const lines = report.diagnostics.map((found) => {
    const line = found.labels[0]?.span?.line ?? 0
    return `${found.filename}:${line} ${found.code ?? ''} ${found.message.split('\n')[0] ?? ''}`
  })
  const expected = listFiles(root, CODE_FOLDERS, ['.ts', '.mjs', '.js']).length
  return judge(code, report.number_of_files, Math.max(1, expected), lines.join('\n'))
}

function countIn(output: string, pattern: RegExp): number {
  return Number(pattern.exec(output)?.[1] ?? 0)
}

/** Compares every file with the formatter's own text of it, and imports with their order. */
export const formatGate: Gate = async (root) => {
  const args = [TOOLS.biome, 'ci', '--colors=off', '--max-diagnostics=20']
  const { code, output } = await runNode(args, { directory: root })
  const files = listFiles(root, CODE_FOLDERS, ['.ts', '.mjs', '.js', '.json'])
  // Configuration files alone are not enough to have looked at.
  const sources = files.filter((path) => !path.endsWith('.json'))
  const expected = files.filter((path) => !/^test\/vectors\/|^simulations\/results\//.test(path))
  const looked = sources.length === 0 ? 0 : countIn(output, /Checked (\d+) files?/)
  return judge(code, looked, expected.length, output)
}

/** Finds files, exports and packages that nothing uses. */
export const deadCodeGate: Gate = async (root) => {
  const args = [TOOLS.knip, '--no-progress', '--no-config-hints', '--reporter', 'symbols']
  args.push('--reporter', './scripts/check-knip-reporter.mjs')
  const { code, output } = await runNode(args, { directory: root })
  const expected = listFiles(root, CODE_FOLDERS, ['.ts', '.mjs', '.js']).length
  return judge(code, countIn(output, /knip looked at (\d+) files/), Math.max(1, expected), output)
}
