/**
 * A small repository under the real rules, into which a test plants one violation.
 * Never shares a file with the repository but its packages.
 * @module
 */
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { TestContext } from 'node:test'
import { ROOT } from './support.ts'

const REAL_FILES = [
  '.gitignore',
  'tsconfig.base.json',
  'biome.json',
  '.oxlintrc.json',
  'knip.jsonc',
  'scripts/check-knip-reporter.mjs',
]

const project = (folder: string, reference?: string): string => `{
  "extends": "../../tsconfig.base.json",
  "compilerOptions": {
    "rootDir": ".",
    "outDir": "../../dist/${folder}",
    "tsBuildInfoFile": "../../dist/${folder}/.tsbuildinfo"
  },
  "include": ["**/*.ts"],
  "references": [${reference === undefined ? '' : `{ "path": "../${reference}" }`}]
}
`

const TEST_PROJECT = `{
  "extends": "../tsconfig.base.json",
  "compilerOptions": {
    "composite": false,
    "incremental": true,
    "noEmit": true,
    "noEmitOnError": false,
    "allowImportingTsExtensions": true,
    "rewriteRelativeImportExtensions": false,
    "tsBuildInfoFile": "../dist/test.tsbuildinfo"
  },
  "include": ["**/*.ts", "../scripts/**/*.ts"],
  "references": [{ "path": "../src/base" }, { "path": "../src/tor" }]
}
`

const GIVEN: Readonly<Record<string, string>> = {
  'package.json': '{\n  "name": "planted",\n  "private": true,\n  "type": "module"\n}\n',
  'tsconfig.json':
    '{ "files": [], "references": [{ "path": "./src/base" }, { "path": "./src/tor" }, { "path": "./test" }] }\n',
  'src/base/tsconfig.json': project('base'),
  'src/base/index.ts': "export { half } from './half.ts'\n",
  'src/base/half.ts': [
    'export function half(value: number): number {',
    '  if (value > 1000) {',
    '    return 500',
    '  }',
    '  return value / 2',
    '}',
    '',
  ].join('\n'),
  'src/tor/tsconfig.json': project('tor', 'base'),
  'src/tor/index.ts':
    "import { half } from '../base/index.ts'\n\nexport const quarter = (value: number): number => half(half(value))\n",
  'scripts/run.ts': "import { quarter } from '../src/tor/index.ts'\n\nprocess.exitCode = quarter(0)\n",
  'test/tsconfig.json': TEST_PROJECT,
  'test/unit/half.test.ts': [
    "import assert from 'node:assert/strict'",
    "import { it } from 'node:test'",
    "import { half } from '../../src/base/index.ts'",
    "import { quarter } from '../../src/tor/index.ts'",
    '',
    "it('halves', () => {",
    '  assert.equal(half(4), 2)',
    '  assert.equal(half(4000), 500)',
    '  assert.equal(quarter(8), 2)',
    '})',
    '',
  ].join('\n'),
}

/** Files to change: a text to write, or undefined to leave the file out. */
export type Changes = Readonly<Record<string, string | undefined>>

/** Makes the repository with `changes` in a folder of its own, which is gone after the test. */
export function plantRepository(t: TestContext, changes: Changes = {}): string {
  const root = mkdtempSync(join(tmpdir(), 'noctule-planted-'))
  t.after(() => rmSync(root, { recursive: true, force: true }))
  // A real folder of links: tools skip a folder of that name, but walk through a link to one.
  const packages = join(root, 'node_modules')
  mkdirSync(packages)
  for (const name of readdirSync(join(ROOT, 'node_modules'))) {
    if (name !== '.package-lock.json') symlinkSync(join(ROOT, 'node_modules', name), join(packages, name))
  }
  const write = (path: string, put: (target: string) => void): void => {
    const target = join(root, path)
    mkdirSync(dirname(target), { recursive: true })
    put(target)
  }
  for (const path of REAL_FILES) write(path, (target) => copyFileSync(join(ROOT, path), target))
  for (const [path, text] of Object.entries({ ...GIVEN, ...changes })) {
    if (text !== undefined) write(path, (target) => writeFileSync(target, text))
  }
  return root
}

/** Leaves out every file that a tool could look at. */
export const NO_CODE: Changes = Object.fromEntries(
  Object.keys(GIVEN).flatMap((path) => (path.endsWith('.ts') ? [[path, undefined]] : [])),
)
