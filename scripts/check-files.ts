/**
 * Which files there are, counted by ourselves, so that a tool which saw fewer is found out.
 * Never asks a tool for that list.
 * @module
 */
import { existsSync, readdirSync } from 'node:fs'
import { join, relative } from 'node:path'

/** Where code lives. */
export const CODE_FOLDERS = ['src', 'test', 'scripts', 'simulations']

/** Every file below `folders` of `root` whose name ends in one of `endings`; sorted, relative to `root`, with slashes. */
export function listFiles(root: string, folders: readonly string[], endings: readonly string[]): string[] {
  const found: string[] = []
  for (const folder of folders) {
    const start = join(root, folder)
    if (!existsSync(start)) continue
    for (const entry of readdirSync(start, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile() || !endings.some((ending) => entry.name.endsWith(ending))) continue
      const path = relative(root, join(entry.parentPath, entry.name))
      if (!path.includes('node_modules/')) found.push(path)
    }
  }
  return found.sort()
}

/** The test files, without those that need a real Tor network. */
export function listTests(root: string): string[] {
  return listFiles(root, ['test'], ['.test.ts']).filter((path) => !path.startsWith('test/e2e/'))
}

/** The tests over the private Tor network. */
export function listNetworkTests(root: string): string[] {
  return listFiles(root, ['test/e2e'], ['.test.ts'])
}
