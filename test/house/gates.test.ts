import assert from 'node:assert/strict'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { listTests } from '../../scripts/check-files.ts'
import { buildGate, deadCodeGate, formatGate, type Gate, lintGate } from '../../scripts/check-gates.ts'
import { runTests, type TestRunResult } from '../../scripts/check-tests.ts'
import { type Changes, NO_CODE, plantRepository } from './planted-repository.ts'

interface Violation {
  readonly what: string
  readonly changes: Changes
  /** What the gate must say about it, so that it does not fail for another reason. */
  readonly says: RegExp
}

const HALF = 'export function half(value: number): number {\n  return value / 2\n}\n'

const GATES: readonly (readonly [name: string, gate: Gate, violations: readonly Violation[]])[] = [
  [
    'build',
    buildGate,
    [
      {
        what: 'an import against the floors',
        changes: {
          'src/base/half.ts': `import { quarter } from '../tor/index.ts'\n\n${HALF}\nexport const eighth = quarter(half(1))\n`,
        },
        says: /src\/base\/half\.ts.*error TS(?:6307|6059)|error TS(?:6307|6059|6202)/,
      },
      {
        what: 'a wrong type',
        changes: { 'src/base/half.ts': HALF.replace('value / 2', "'2'") },
        says: /TS2322/,
      },
      {
        what: 'a wrong type in a test',
        changes: { 'test/unit/half.test.ts': "import { it } from 'node:test'\n\nit(5)\n" },
        says: /half\.test\.ts.*TS2/,
      },
      {
        what: 'a folder that the solution forgot',
        changes: {
          'tsconfig.json': '{ "files": [], "references": [{ "path": "./src/base" }, { "path": "./test" }] }\n',
        },
        says: /Not in tsconfig\.json: tor/,
      },
    ],
  ],
  [
    'lint',
    lintGate,
    [
      {
        what: 'a floating promise',
        changes: {
          'src/base/half.ts': `${HALF}\nexport function run(task: () => Promise<void>): void {\n  task()\n}\n`,
        },
        says: /half\.ts:6 .*no-floating-promises/,
      },
      {
        what: 'a switch that forgets a case',
        changes: {
          'src/base/half.ts': `${HALF}\nexport function name(kind: 'a' | 'b'): string {\n  switch (kind) {\n    case 'a':\n      return 'A'\n  }\n  return ''\n}\n`,
        },
        says: /switch-exhaustiveness-check/,
      },
      {
        what: 'an import past the table of contents of another folder',
        changes: { 'src/tor/index.ts': "import { half } from '../base/half.ts'\n\nexport const quarter = half\n" },
        says: /no-restricted-imports/,
      },
      {
        what: 'a raw clock',
        changes: { 'src/base/half.ts': `${HALF}\nexport const started = Date.now()\n` },
        says: /no-restricted-properties/,
      },
      {
        what: 'a raw timer',
        changes: { 'src/base/half.ts': `${HALF}\nexport const later = (f: () => void): unknown => setTimeout(f, 1)\n` },
        says: /no-restricted-globals/,
      },
      {
        what: 'a cycle',
        changes: {
          'src/base/half.ts': `import { two } from './two.ts'\n\nexport const half = (value: number): number => value / two()\n`,
          'src/base/two.ts': `import { half } from './half.ts'\n\nexport const two = (): number => (half === undefined ? 1 : 2)\n`,
        },
        says: /import\(no-cycle\)/,
      },
      {
        what: 'any',
        changes: { 'src/base/half.ts': `${HALF}\nexport const loose = (value: any): unknown => value\n` },
        says: /no-explicit-any/,
      },
      {
        what: 'a thrown string',
        changes: { 'src/base/half.ts': `${HALF}\nexport function fail(): never {\n  throw 'no'\n}\n` },
        says: /only-throw-error|no-throw-literal/,
      },
      {
        what: 'a file that is too long',
        changes: { 'src/base/half.ts': `${HALF}${'half(1)\n'.repeat(401)}` },
        says: /max-lines/,
      },
      {
        what: 'a file name that is not kebab-case',
        changes: { 'src/base/twoThirds.ts': 'export const twoThirds = 2 / 3\n' },
        says: /filename-case/,
      },
    ],
  ],
  [
    'format',
    formatGate,
    [
      {
        what: 'a file that is not formatted',
        changes: { 'src/base/half.ts': HALF.replace('  return value / 2', 'return value/2;') },
        says: /half\.ts/,
      },
      {
        what: 'imports out of order',
        changes: {
          'scripts/run.ts':
            "import { quarter } from '../src/tor/index.ts'\nimport { half } from '../src/base/index.ts'\n\nprocess.exitCode = quarter(half(0))\n",
        },
        says: /organizeImports/,
      },
    ],
  ],
  [
    'dead code',
    deadCodeGate,
    [
      {
        what: 'an export that nobody uses',
        changes: { 'src/base/half.ts': `${HALF}\nexport const unusedName = 1\n` },
        says: /unusedName/,
      },
      {
        what: 'a file that nobody uses',
        changes: { 'src/base/lonely.ts': 'export const lonely = 1\n' },
        says: /lonely\.ts/,
      },
      {
        what: 'a package that nobody uses',
        changes: {
          'package.json':
            '{ "name": "planted", "private": true, "type": "module", "dependencies": { "level": "10.0.0" } }\n',
        },
        says: /level/,
      },
    ],
  ],
]

for (const [name, gate, violations] of GATES) {
  describe(`gate: ${name}`, { concurrency: 2 }, () => {
    it('passes a clean repository and says how much it saw', async (t) => {
      const result = await gate(plantRepository(t))
      assert.ok(result.ok, result.report)
      assert.ok(result.looked >= 5, `${result.looked}`)
    })

    for (const { what, changes, says } of violations) {
      it(`fails for ${what}`, async (t) => {
        const result = await gate(plantRepository(t, changes))
        assert.equal(result.ok, false)
        assert.match(result.report, says)
      })
    }

    it('fails when there is nothing to look at', async (t) => {
      const root = plantRepository(t, NO_CODE)
      rmSync(join(root, 'scripts'), { recursive: true })
      const result = await gate(root)
      assert.equal(result.ok, false)
    })
  })
}

const run = (root: string, coverage = true): Promise<TestRunResult> =>
  runTests({ root, files: listTests(root), coverage, concurrency: 1, timeoutMs: 30_000, show: false })

describe('gate: tests', { concurrency: 2 }, () => {
  it('passes when every file has tests, they pass, and they cover the code', async (t) => {
    const result = await run(plantRepository(t))
    assert.ok(result.ok, result.report)
    assert.deepEqual([result.files, result.passed, result.failed, result.skipped], [1, 1, 0, 0])
    assert.match(result.report, /lines 100\.0 %, branches 100\.0 %, functions 100\.0 % of 3 files/)
  })

  it('fails for code that no test runs', async (t) => {
    const unused = 'export function third(value: number): number {\n  const part = value / 3\n  return part\n}\n'
    const result = await run(plantRepository(t, { 'src/base/half.ts': `${HALF}\n${unused}` }))
    assert.equal(result.ok, false)
    assert.match(result.report, /functions: [\d.]+ % is below the floor/)
  })

  it('fails for a file that no test loads', async (t) => {
    const result = await run(plantRepository(t, { 'src/base/lonely.ts': 'export const lonely = 1\n' }))
    assert.equal(result.ok, false)
    assert.match(result.report, /src\/base\/lonely\.ts is loaded by no test/)
  })

  it('fails for a test that fails', async (t) => {
    const text = "import { it } from 'node:test'\n\nit('fails', () => {\n  throw new Error('planted')\n})\n"
    const result = await run(plantRepository(t, { 'test/unit/fails.test.ts': text }), false)
    assert.equal(result.ok, false)
    assert.deepEqual([result.passed, result.failed], [1, 1])
  })

  it('fails for a test file without a test, which the runner counts as passed', async (t) => {
    const result = await run(plantRepository(t, { 'test/unit/empty.test.ts': 'export {}\n' }), false)
    assert.equal(result.ok, false)
    assert.match(result.report, /test\/unit\/empty\.test\.ts ran no test/)
  })

  it('fails for a test file that skips everything', async (t) => {
    const text = "import { it } from 'node:test'\n\nit('later', { skip: true }, () => undefined)\n"
    const result = await run(plantRepository(t, { 'test/unit/skips.test.ts': text }), false)
    assert.equal(result.ok, false)
    assert.match(result.report, /skips\.test\.ts skipped every test/)
  })

  it('fails when there is no test', async (t) => {
    const result = await run(plantRepository(t, { 'test/unit/half.test.ts': undefined }))
    assert.equal(result.ok, false)
  })
})
