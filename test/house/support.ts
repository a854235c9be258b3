/**
 * What the tests about the repository share: its files, and their text without comments.
 * Never looks into what is not committed: packages, build output, reports.
 * @module
 */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'

export const ROOT = dirname(dirname(import.meta.dirname))

const NOT_OURS = new Set(['node_modules', 'dist', 'coverage', '.git'])

export interface SourceFile {
  /** Relative to the root of the repository, with slashes. */
  readonly path: string
  readonly text: string
}

function walk(folder: string, found: string[]): void {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (NOT_OURS.has(entry.name)) continue
    const path = join(folder, entry.name)
    if (entry.isDirectory()) walk(path, found)
    else if (entry.isFile()) found.push(relative(ROOT, path))
  }
}

/** Every file of the repository, sorted. */
export function repositoryPaths(): string[] {
  const found: string[] = []
  walk(ROOT, found)
  return found.sort()
}

export function readText(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8')
}

export function exists(path: string): boolean {
  return statSync(join(ROOT, path), { throwIfNoEntry: false }) !== undefined
}

/** The file with its text. */
export function readSource(path: string): SourceFile {
  return { path, text: readText(path) }
}

/** The text with every comment blanked out; line numbers stay. */
export function withoutComments(text: string): string {
  const blank = (comment: string): string => comment.replaceAll(/[^\n]/g, ' ')
  return text.replaceAll(/\/\*[\s\S]*?\*\//g, blank).replaceAll(/(?<=^|\s)\/\/.*$/gm, blank)
}

/** The number of the line that `index` is in, from 1. */
export function lineAt(text: string, index: number): number {
  return text.slice(0, index).split('\n').length
}

/** `src/<folder>/…` gives the folder; anything else undefined. */
export function folderOf(path: string): string | undefined {
  return /^src\/([^/]+)\//.exec(path)?.[1]
}

/** Fails with one problem a line. */
export function assertNone(problems: readonly string[]): void {
  assert.ok(problems.length === 0, `${problems.length} found:\n${problems.join('\n')}`)
}
