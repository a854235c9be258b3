import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { assertNone, exists, readText, repositoryPaths } from './support.ts'

interface Manifest {
  readonly private: boolean
  readonly license: string
  readonly engines: Readonly<Record<string, string>>
  readonly scripts: Readonly<Record<string, string>>
  readonly dependencies: Readonly<Record<string, string>>
  readonly devDependencies: Readonly<Record<string, string>>
  readonly optionalDependencies: Readonly<Record<string, string>>
}

const manifest = JSON.parse(readText('package.json')) as Manifest

/** Versions that are not exact: the same install must give the same bytes for ever. */
function looseVersions(dependencies: Readonly<Record<string, string>>): string[] {
  return Object.entries(dependencies).flatMap(([name, version]) =>
    /^\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?$/.test(version) ? [] : [`${name}@${version}`],
  )
}

/** Packages without a row `| \`name\` | reason |` in the README. */
function unexplained(names: readonly string[], readme: string): string[] {
  return names.filter((name) => {
    const row = readme.split('\n').find((line) => line.startsWith(`| \`${name}\` |`))
    return (row?.split('|')[2]?.trim().length ?? 0) < 15
  })
}

describe('package.json', () => {
  it('pins every package exactly', () => {
    const all = { ...manifest.dependencies, ...manifest.devDependencies, ...manifest.optionalDependencies }
    assert.ok(Object.keys(all).length > 20)
    assertNone(looseVersions(all))
  })

  it('would notice a version that is not exact', () => {
    const loose = { a: '^1.0.0', b: '~1.0.0', c: '*', d: '1.x', e: 'latest', f: '>=1.0.0', g: '1.0.0' }
    assert.equal(looseVersions(loose).length, 6)
  })

  it('explains every runtime package in the README', () => {
    const names = Object.keys({ ...manifest.dependencies, ...manifest.optionalDependencies })
    assert.ok(names.length > 5)
    assertNone(unexplained(names, readText('README.md')))
  })

  it('would notice a package without a reason', () => {
    const readme = '| `level` | The database, because it is crash-safe. |\n| `socks` | |\n'
    assert.deepEqual(unexplained(['level', 'socks', 'libp2p'], readme), ['socks', 'libp2p'])
  })

  it('runs no script at install, is never published by accident, and offers the commands of the README', () => {
    assert.equal(manifest.private, true)
    assert.equal(manifest.license, 'Apache-2.0')
    for (const name of Object.keys(manifest.scripts)) assert.doesNotMatch(name, /install|prepare|prepublish/)
    for (const name of ['start', 'demo', 'test', 'check', 'bench', 'tornet']) assert.ok(manifest.scripts[name], name)
    const npmrc = readText('.npmrc').split('\n')
    for (const line of ['ignore-scripts=true', 'save-exact=true']) assert.ok(npmrc.includes(line), line)
  })

  it('locks what it names', () => {
    const lock = JSON.parse(readText('package-lock.json')) as {
      packages: Record<string, Pick<Manifest, 'dependencies' | 'devDependencies' | 'optionalDependencies'>>
    }
    const top = lock.packages['']
    assert.ok(top)
    for (const kind of ['dependencies', 'devDependencies', 'optionalDependencies'] as const) {
      assert.deepEqual(top[kind], manifest[kind])
    }
  })
})

/** HOUSE's table of who may import whom. The compiler holds it; this holds the compiler's input. */
const FLOORS: Readonly<Record<string, readonly string[]>> = {
  base: [],
  ports: ['base'],
  crypto: ['base', 'ports'],
  wire: ['base', 'crypto'],
  identity: ['base', 'ports', 'crypto', 'wire'],
  session: ['base', 'ports', 'crypto', 'wire', 'identity'],
  padding: ['base', 'ports', 'wire'],
  mailbox: ['base', 'ports', 'crypto', 'wire', 'padding'],
  store: ['base', 'ports', 'crypto', 'wire'],
  tor: ['base', 'ports'],
  transport: ['base', 'ports', 'wire'],
  messenger: ['base', 'ports', 'wire', 'identity', 'session', 'padding', 'mailbox'],
  rpc: ['base', 'ports', 'messenger'],
  cli: ['base', 'rpc'],
}

interface Project {
  readonly references: readonly { readonly path: string }[]
}

/** References of a folder's tsconfig.json beyond its row of the table. */
function excessReferences(folder: string, project: Project): string[] {
  const allowed = FLOORS[folder] ?? []
  return project.references.map(({ path }) => path.replace('../', '')).filter((name) => !allowed.includes(name))
}

describe('floors', () => {
  const folders = [...new Set(repositoryPaths().flatMap((path) => /^src\/([^/]+)\//.exec(path)?.[1] ?? []))]

  it('admit no import beyond the table', () => {
    assert.ok(folders.length > 10)
    for (const folder of folders.filter((name) => name !== 'daemon')) {
      assert.ok(folder in FLOORS, `src/${folder} has no row in the table of floors`)
      const project = JSON.parse(readText(`src/${folder}/tsconfig.json`)) as Project
      assertNone(excessReferences(folder, project))
    }
  })

  it('would notice a wider tsconfig.json', () => {
    const wide = { references: [{ path: '../base' }, { path: '../tor' }] }
    assert.deepEqual(excessReferences('transport', wide), ['tor'])
  })

  it('are built as a whole', () => {
    const solution = JSON.parse(readText('tsconfig.json')) as Project
    const built = solution.references.map(({ path }) => path)
    for (const folder of folders) assert.ok(built.includes(`./src/${folder}`), `src/${folder} is not built`)
  })
})

describe('the top level', () => {
  it('holds what a newcomer looks for', () => {
    for (const path of ['README.md', 'LICENSE', 'SECURITY.md', 'CONTRIBUTING.md', 'CHANGELOG.md', '.ci/run']) {
      assert.ok(exists(path), path)
    }
    assert.match(readText('LICENSE'), /Apache License\s+Version 2\.0, January 2004/)
    assert.match(readText('CHANGELOG.md'), /^## \[Unreleased\]/m)
    assert.match(readText('SECURITY.md'), /audit/i)
  })
})
