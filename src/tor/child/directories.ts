/**
 * Makes the directories of our own tor, readable by this user alone.
 * Never follows a link to, or widens, a directory of somebody else. Spec 07-tor §1.3.
 * @module
 */
import { chmod, lstat, mkdir } from 'node:fs/promises'
import { torError } from '../errors.ts'

/** @throws {AppError} `TOR_DIRECTORY_UNUSABLE` */
export async function makePrivateDirectory(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true, mode: 0o700 })
    const found = await lstat(path)
    if (!found.isDirectory() || found.uid !== process.getuid?.()) throw torError('TOR_DIRECTORY_UNUSABLE')
    if ((found.mode & 0o077) !== 0) await chmod(path, 0o700)
  } catch (error: unknown) {
    if (error instanceof Error && 'syscall' in error) throw torError('TOR_DIRECTORY_UNUSABLE', { cause: error })
    throw error
  }
}
