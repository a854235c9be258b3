/**
 * The user's files through the file system of this machine.
 * Never waits for a pipe, follows a link in the last place of a path, or replaces what is there. Spec 10-messenger §8.
 * @module
 */
import { constants } from 'node:fs'
import { type FileHandle, lstat, open, unlink } from 'node:fs/promises'
import { basename, isAbsolute } from 'node:path'
import type { FileAccess, FileFault, ReadableFile, WritableFile } from '../ports/index.ts'

const { O_CREAT, O_EXCL, O_RDONLY, O_WRONLY } = constants
/** Not known to every system; where one is missing, the look at what was opened has to do. */
const O_NOFOLLOW = constants.O_NOFOLLOW ?? 0
const O_NONBLOCK = constants.O_NONBLOCK ?? 0
const OWNER_ONLY = 0o600

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

/** True when the file system did it; what it does not do is an answer, not a bug. */
async function succeeds(task: () => Promise<unknown>): Promise<boolean> {
  try {
    await task()
    return true
  } catch {
    return false
  }
}

async function openHandle(path: string, flags: number): Promise<FileHandle | FileFault> {
  // A zero byte ends a path for the system; Node refuses it with an error of its own.
  if (!isAbsolute(path) || path.includes('\0')) return 'relative'
  try {
    return await open(path, flags, OWNER_ONLY)
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
      const handle = await openHandle(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW)
      if (typeof handle === 'string') return handle
      try {
        return writable(handle, path, await handle.stat({ bigint: true }))
      } catch {
        await succeeds(() => handle.close())
        return 'failed'
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

function writable(
  handle: FileHandle,
  path: string,
  made: { readonly dev: bigint; readonly ino: bigint },
): WritableFile {
  return {
    write: (bytes) =>
      succeeds(async () => {
        let written = 0
        while (written < bytes.length) written += (await handle.write(bytes, written)).bytesWritten
      }),
    async finish() {
      const isSynced = await succeeds(() => handle.sync())
      return (await succeeds(() => handle.close())) && isSynced
    },
    async discard() {
      await succeeds(() => handle.close())
      await succeeds(async () => {
        const there = await lstat(path, { bigint: true })
        // Whatever else the user has put there meanwhile stays.
        if (there.dev === made.dev && there.ino === made.ino) await unlink(path)
      })
    },
  }
}
