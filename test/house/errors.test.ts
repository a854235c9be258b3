import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { pathToFileURL } from 'node:url'
import type { ErrorTable } from '../../src/base/index.ts'
import { assertNone, folderOf, ROOT, readSource, repositoryPaths, type SourceFile } from './support.ts'

/** What the codes of each folder may begin with. No area belongs to two folders. */
const AREAS: Readonly<Record<string, readonly string[]>> = {
  wire: ['WIRE'],
  identity: ['IDENTITY'],
  session: ['SESSION'],
  padding: ['PADDING'],
  mailbox: ['MAILBOX'],
  store: ['STORE'],
  tor: ['TOR'],
  transport: ['LINK', 'MESH', 'TRANSPORT'],
  // The use-cases speak of what the user knows by name.
  messenger: [
    'MESSENGER',
    'INVITE',
    'REQUEST',
    'CONTACT',
    'ALIAS',
    'MESSAGE',
    'ATTACHMENT',
    'OUTBOX',
    'IDEMPOTENCY',
    'EVENT',
    'STATE',
    'HOST',
    'BOX',
    'ESTIMATE',
    'LIVE',
    'PROFILE',
  ],
  rpc: ['RPC'],
  cli: ['CLI'],
  daemon: ['DAEMON', 'CONFIG'],
}

const KINDS = ['user', 'retry', 'peer', 'environment', 'bug', 'stopping']

const isSentence = (text: string): boolean => text.length > 8 && /^[A-Z`]|^tor\b/.test(text) && text.endsWith('.')

/** What is wrong with the table of a folder. */
function faults(folder: string, table: ErrorTable): string[] {
  return Object.entries(table).flatMap(([code, entry]) => {
    const found: string[] = []
    if (!/^[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+$/.test(code)) found.push(`${code}: not a code`)
    if (AREAS[folder]?.includes(code.split('_')[0] ?? '') !== true) found.push(`${code}: not an area of src/${folder}`)
    if (!KINDS.includes(entry.kind)) found.push(`${code}: no kind`)
    if (!isSentence(entry.why)) found.push(`${code}: why is not a sentence`)
    if (!isSentence(entry.remedy)) found.push(`${code}: remedy is not a sentence`)
    return found
  })
}

/** Codes that a file names to throw, to tell apart or to document, and that no table has. */
function undocumented({ path, text }: SourceFile, known: ReadonlySet<string>): string[] {
  const pattern =
    /(?:\w+Error\(\s*|isAppError\([^,()]+,\s*)'([A-Z][A-Z0-9]*_[A-Z0-9_]+)'|@throws \{AppError\} ((?:`[A-Z0-9_]+`(?:, | or |\/)?)+)/g
  return [...text.matchAll(pattern)]
    .flatMap((hit) => hit[1] ?? [...(hit[2] ?? '').matchAll(/`([A-Z0-9_]+)`/g)].map((code) => code[1] ?? ''))
    .filter((code) => !known.has(code))
    .map((code) => `${path}: ${code}`)
}

async function loadTables(): Promise<Map<string, ErrorTable>> {
  const tables = new Map<string, ErrorTable>()
  for (const path of repositoryPaths().filter((name) => /^src\/[^/]+\/errors\.ts$/.test(name))) {
    if (folderOf(path) === 'base') continue
    const module = (await import(pathToFileURL(`${ROOT}/${path}`).href)) as Record<string, unknown>
    for (const [name, value] of Object.entries(module)) {
      if (name.endsWith('_ERRORS')) tables.set(folderOf(path) ?? '', value as ErrorTable)
    }
  }
  return tables
}

const tables = await loadTables()

describe('error tables', () => {
  it('say for each code why it happens and what to do, under an area of their folder', () => {
    assert.ok(tables.size >= 5, `found ${tables.size} tables`)
    for (const [folder, table] of tables) {
      assert.ok(Object.keys(table).length > 0, `src/${folder}`)
      assertNone(faults(folder, table))
    }
  })

  it('share no code', () => {
    const codes = [...tables.values()].flatMap((table) => Object.keys(table))
    assert.equal(new Set(codes).size, codes.length)
  })

  it('would notice a code without words, kind or area', () => {
    const bad = { kind: 'peer', why: '', remedy: 'nothing' } as const
    assert.equal(faults('tor', { STORE_X: bad }).length, 3)
    assert.equal(
      faults('tor', { TOR_X: { kind: 'odd', why: 'It broke down.', remedy: 'Try again.' } as never }).length,
      1,
    )
  })
})

describe('error codes in the source', () => {
  const known = new Set([...tables.values()].flatMap((table) => Object.keys(table)))

  it('are all in a table', () => {
    const sources = repositoryPaths().filter((path) =>
      /^(src|test\/(unit|property|e2e|conformance))\/.*\.ts$/.test(path),
    )
    assert.ok(sources.length > 50)
    const missing = sources
      .filter((path) => !path.startsWith('test/unit/base/'))
      .flatMap((path) => undocumented(readSource(path), known))
    assertNone(missing)
  })

  it('would be noticed if they were not', () => {
    const planted = [
      "throw torError('TOR_NO_SUCH_CODE')",
      "if (isAppError(error, 'STORE_NO_SUCH_CODE')) return",
      '   * @throws {AppError} `TOR_STOPPED`, `LINK_NO_SUCH_CODE`',
    ]
    for (const text of planted) assert.equal(undocumented({ path: 'src/tor/a.ts', text }, known).length, 1, text)
  })
})
