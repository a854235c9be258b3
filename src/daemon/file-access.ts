/**
 * The user's files through the file system of this machine.
 * Never waits for a pipe, follows a link in the last place of a path, or replaces what is there. Spec 10-messenger §8.
 * @module
 */
import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { basename, isAbsolute } from 'node:path'
import type { FileAccess, FileFault, ReadableFile } from '../ports/index.ts'
import { createNewFile, succeeds } from './new-file.ts'

const { O_RDONLY } = constants
/** Not known to every system; where one is missing, the look at what was opened has to do. */
const O_NOFOLLOW = constants.O_NOFOLLOW ?? 0
const O_NONBLOCK = constants.O_NONBLOCK ?? 0

const FAULTS: ReadonlyMap<unknown, FileFault> = new Map([
  ['ENOENT', 'missing'],
  ['ENOTDIR', 'missing'],
  ['ELOOP', 'irregular'],
  ['EISDIR', 'irregular'],
  // A pipe without a reader, a socket, a device without a driver.
  ['ENXIO', 'irregular'],
  ['ENODEV', 'irregular'],
  ['EACCES', 'forbidden'],
  ['EPERM', 'forbidden'],
  ['EROFS', 'forbidden'],
  ['EEXIST', 'exists'],
])

function faultOf(error: unknown): FileFault {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return FAULTS.get(code) ?? 'failed'
}

/** A zero byte ends a path for the system; Node refuses it with an error of its own. */
function isFromRoot(path: string): boolean {
  return isAbsolute(path) && !path.includes('\0')
}

async function openHandle(path: string, flags: number): Promise<FileHandle | FileFault> {
  if (!isFromRoot(path)) return 'relative'
  try {
    return await open(path, flags)
  } catch (error: unknown) {
    return faultOf(error)
  }
}

export function createFileAccess(): FileAccess {
  return {
    nameOf: (path) => basename(path),
    async openForReading(path) {
      const handle = await openHandle(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
      if (typeof handle === 'string') return handle
      try {
        const stat = await handle.stat()
        if (stat.isFile()) return readable(handle, stat.size)
        await handle.close()
        return 'irregular'
      } catch {
        await succeeds(() => handle.close())
        return 'failed'
      }
    },
    async create(path) {
      if (!isFromRoot(path)) return 'relative'
      // What ends so can only be a folder.
      if (path.endsWith('/')) return 'irregular'
      try {
        return await createNewFile(path, faultOf)
      } catch (error: unknown) {
        return faultOf(error)
      }
    },
  }
}

function readable(handle: FileHandle, bytes: number): ReadableFile {
  return {
    bytes,
    async read(length) {
      const buffer = new Uint8Array(length)
      let filled = 0
      try {
        while (filled < length) {
          const { bytesRead } = await handle.read(buffer, filled, length - filled)
          if (bytesRead === 0) break
          filled += bytesRead
        }
      } catch {
        return 'failed'
      }
      return buffer.subarray(0, filled)
    },
    async close() {
      await succeeds(() => handle.close())
    },
  }
}
