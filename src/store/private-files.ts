/**
 * Files and directories that only this user can reach, written so that a crash leaves the old or the new content.
 * Never changes the permissions of something that was there before. Spec 09-store §1.
 * @module
 */
import { constants } from 'node:fs'
import { lstat, mkdir, open, realpath, rename, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { AppError } from '../base/index.ts'
import { isAppError } from '../base/index.ts'
import { storeError } from './errors.ts'

const PRIVATE_DIRECTORY_MODE = 0o700
const PRIVATE_FILE_MODE = 0o600
const OTHERS_MASK = 0o077

function hasErrorCode(error: unknown, ...codes: readonly string[]): boolean {
  return error instanceof Error && 'code' in error && codes.includes(String(error.code))
}

/** What the operating system refused, in our words; our own errors pass through. */
export function fileError(error: unknown): AppError {
  if (isAppError(error)) return error
  if (hasErrorCode(error, 'ENOSPC', 'EDQUOT')) return storeError('STORE_FULL', { cause: error })
  if (hasErrorCode(error, 'EACCES', 'EPERM')) return storeError('STORE_PERMISSIONS', { cause: error })
  return storeError('STORE_IO', { cause: error })
}

/** Runs a file operation and translates its failure. */
export async function withFileErrors<T>(operation: () => Promise<T>): Promise<T> {
  try {
    return await operation()
  } catch (error: unknown) {
    throw fileError(error)
  }
}

/** Whether somebody else owns it or may touch it. */
export function isExposed(stats: { readonly uid: number; readonly mode: number }): boolean {
  return stats.uid !== process.getuid?.() || (stats.mode & OTHERS_MASK) !== 0
}

/**
 * The real path of a directory that is ours alone; undefined when it does not exist and must not be made.
 * The real path, because LevelDB's lock within one process goes by the name.
 * @throws {AppError} `STORE_PERMISSIONS`
 */
export function openPrivateDirectory(path: string, create: boolean): Promise<string | undefined> {
  return withFileErrors(async () => {
    if (create) await mkdir(path, { recursive: true, mode: PRIVATE_DIRECTORY_MODE })
    let real: string
    try {
      real = await realpath(path)
    } catch (error: unknown) {
      if (hasErrorCode(error, 'ENOENT')) return undefined
      throw error
    }
    const stats = await stat(real)
    if (!stats.isDirectory() || isExposed(stats)) throw storeError('STORE_PERMISSIONS')
    return real
  })
}

function syncDirectory(path: string): Promise<void> {
  return withFileErrors(async () => {
    const handle = await open(path, 'r')
    try {
      await handle.sync()
    } finally {
      await handle.close()
    }
  })
}

async function writeNewFile(path: string, content: Uint8Array, flags: string): Promise<void> {
  const handle = await open(path, flags, PRIVATE_FILE_MODE)
  try {
    await handle.writeFile(content)
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** Replaces the file in one step: after a crash there is the old content or the new, never a part. */
export function writePrivateFile(path: string, content: Uint8Array): Promise<void> {
  return withFileErrors(async () => {
    const temporary = `${path}.tmp`
    await writeNewFile(temporary, content, 'w')
    await rename(temporary, path)
    await syncDirectory(dirname(path))
  })
}

/** Makes a file that must not exist yet. */
export function createPrivateFile(path: string, content: Uint8Array): Promise<void> {
  return withFileErrors(async () => {
    await writeNewFile(path, content, 'wx')
    await syncDirectory(dirname(path))
  })
}

/** The content, or undefined when there is no such file. A file longer than `maxBytes` is cut there. */
export function readBounded(path: string, maxBytes: number): Promise<Uint8Array | undefined> {
  return withFileErrors(async () => {
    let handle: Awaited<ReturnType<typeof open>>
    try {
      handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW)
    } catch (error: unknown) {
      if (hasErrorCode(error, 'ENOENT')) return undefined
      throw error
    }
    try {
      const buffer = new Uint8Array(maxBytes)
      let length = 0
      while (length < maxBytes) {
        const { bytesRead } = await handle.read(buffer, length, maxBytes - length, length)
        if (bytesRead === 0) break
        length += bytesRead
      }
      return buffer.slice(0, length)
    } finally {
      await handle.close()
    }
  })
}

/** What is at the path, links not followed; undefined when nothing is. */
export function findStats(path: string): Promise<Awaited<ReturnType<typeof lstat>> | undefined> {
  return withFileErrors(async () => {
    try {
      return await lstat(path)
    } catch (error: unknown) {
      if (hasErrorCode(error, 'ENOENT')) return undefined
      throw error
    }
  })
}
