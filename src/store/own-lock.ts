/**
 * Whether this very process holds LevelDB's lock already.
 * Never opens the lock file: POSIX drops a process's locks on a file when it closes any descriptor of it, and LevelDB
 * closes one when it finds that the process has the lock.
 * @module
 */
import { readFile } from 'node:fs/promises'

const LOCKS_FILE = '/proc/locks'

/**
 * By inode number alone: the device is written differently on some file systems. Where the kernel keeps no list
 * (other systems than Linux) it says no, and LevelDB's own check within the process is what remains.
 */
export async function isLockedByUs(inode: number): Promise<boolean> {
  let list: string
  try {
    list = await readFile(LOCKS_FILE, 'utf8')
  } catch {
    return false
  }
  // `1: POSIX  ADVISORY  WRITE 1234 fe:00:131075 0 EOF`
  return list.split('\n').some((line) => {
    const fields = line.split(/\s+/)
    return fields[1] === 'POSIX' && fields[4] === String(process.pid) && fields[5]?.split(':').at(-1) === String(inode)
  })
}
