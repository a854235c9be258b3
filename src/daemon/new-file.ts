/**
 * A file that is there whole or not at all: written under a name of its own, which it changes for the one that is wanted.
 * Never replaces what is there, also when that came while it was written. Spec 10-messenger §8.
 * @module
 */
import { constants } from 'node:fs'
import { type FileHandle, link, lstat, open, opendir, rename, unlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { HOUR_MS, hexEncode } from '../base/index.ts'
import { randomBytes } from '../crypto/index.ts'
import type { FileFault, WritableFile } from '../ports/index.ts'

const { O_CREAT, O_EXCL, O_WRONLY } = constants
/** Not known to every system. */
const NEW_FILE = O_WRONLY | O_CREAT | O_EXCL | (constants.O_NOFOLLOW ?? 0)
const OWNER_ONLY = 0o600

const NAME_BYTES = 16
const LEFTOVER = /^\.noctule-[0-9a-f]{32}\.part$/
/** No save takes as long: whoever wrote it was killed. Guessed. */
const LEFTOVER_AGE_MS = HOUR_MS

/** What file systems without hard links say to one: FAT, some network and user-space ones. */
const NO_LINKS: ReadonlySet<unknown> = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EINVAL'])
/** A folder that cannot be opened or asked to sync; what can be known of the file is known. */
const NO_SYNC: ReadonlySet<unknown> = new Set(['EACCES', 'EPERM', 'EISDIR', 'EINVAL', 'ENOTSUP', 'EBADF'])

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined
}

/** True when the file system did it; what it does not do is an answer, not a bug. */
export async function succeeds(task: () => Promise<unknown>): Promise<boolean> {
  try {
    await task()
    return true
  } catch {
    return false
  }
}

/** Whether there is anything of this name, a broken link too. @throws what the file system says */
async function isThere(path: string): Promise<boolean> {
  try {
    await lstat(path)
    return true
  } catch (error: unknown) {
    if (codeOf(error) === 'ENOENT') return false
    throw error
  }
}

/** Takes away what saves that were killed have left in a folder: of this user, with such a name, and old. */
async function removeLeftovers(folder: string): Promise<void> {
  await succeeds(async () => {
    for await (const entry of await opendir(folder)) {
      if (!LEFTOVER.test(entry.name) || !entry.isFile()) continue
      const path = join(folder, entry.name)
      await succeeds(async () => {
        const { mtimeMs, uid } = await lstat(path)
        const isOwn = process.getuid === undefined || uid === process.getuid()
        if (isOwn && Date.now() - mtimeMs >= LEFTOVER_AGE_MS) await unlink(path)
      })
    }
  })
}

async function syncFolder(folder: string): Promise<void> {
  try {
    const handle = await open(folder, 'r')
    try {
      await handle.sync()
    } finally {
      await handle.close()
    }
  } catch (error: unknown) {
    if (!NO_SYNC.has(codeOf(error))) throw error
  }
}

/** Gives a file its name, if that is free. `hardLink` is for tests. @throws what the file system says, `EEXIST` among it */
export async function moveWithoutReplacing(from: string, to: string, hardLink: typeof link = link): Promise<void> {
  try {
    await hardLink(from, to)
  } catch (error: unknown) {
    if (!NO_LINKS.has(codeOf(error))) throw error
    // Who is killed between these two leaves an empty file, and never a part of one.
    await (await open(to, NEW_FILE, OWNER_ONLY)).close()
    try {
      await rename(from, to)
    } catch (failed: unknown) {
      await succeeds(() => unlink(to))
      throw failed
    }
    return
  }
  await succeeds(() => unlink(from))
}

/** A file that will have this absolute path. @throws what the file system says */
export async function createNewFile(path: string, faultOf: (error: unknown) => FileFault): Promise<WritableFile> {
  if (await isThere(path)) return Promise.reject(Object.assign(new Error('there already'), { code: 'EEXIST' }))
  const folder = dirname(path)
  const partPath = join(folder, `.noctule-${hexEncode(randomBytes(NAME_BYTES))}.part`)
  const handle = await open(partPath, NEW_FILE, OWNER_ONLY)
  try {
    const made = await handle.stat({ bigint: true })
    await removeLeftovers(folder)
    return writable(handle, { path, partPath, made }, faultOf)
  } catch (error: unknown) {
    await succeeds(() => handle.close())
    await succeeds(() => unlink(partPath))
    throw error
  }
}

interface Place {
  readonly path: string
  readonly partPath: string
  readonly made: { readonly dev: bigint; readonly ino: bigint }
}

function writable(
  handle: FileHandle,
  { path, partPath, made }: Place,
  faultOf: (error: unknown) => FileFault,
): WritableFile {
  return {
    write: (bytes) =>
      succeeds(async () => {
        let written = 0
        while (written < bytes.length) written += (await handle.write(bytes, written)).bytesWritten
      }),
    async finish() {
      try {
        await handle.sync()
        await handle.close()
        await moveWithoutReplacing(partPath, path)
        await syncFolder(dirname(path))
        return undefined
      } catch (error: unknown) {
        await succeeds(() => handle.close())
        return faultOf(error)
      }
    },
    async discard() {
      await succeeds(() => handle.close())
      await succeeds(() => unlink(partPath))
      // It may have had its name already when the folder could not be synced; whatever else is there stays.
      await succeeds(async () => {
        const there = await lstat(path, { bigint: true })
        if (there.dev === made.dev && there.ino === made.ino) await unlink(path)
      })
    },
  }
}
