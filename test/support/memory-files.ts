/**
 * Files without a disk: what a messenger reads and writes on behalf of its user.
 * Never more lenient than the real ones: absolute paths only, nothing replaced.
 * @module
 */
import { concatBytes } from '../../src/base/index.ts'
import type { FileAccess } from '../../src/ports/index.ts'

export interface MemoryFiles extends FileAccess {
  readonly contents: Map<string, Uint8Array>
  /** Called before each read; changes what is there, or makes it fail by a throw. */
  beforeRead: ((path: string) => void) | undefined
  /** So many bytes fit. */
  roomBytes: number
  /** The most that one read asked for. */
  longestRead(): number
  /** Files that are open now. */
  openCount(): number
}

export function createMemoryFiles(): MemoryFiles {
  const contents = new Map<string, Uint8Array>()
  let longest = 0
  let opened = 0
  const self: MemoryFiles = {
    contents,
    beforeRead: undefined,
    roomBytes: Number.POSITIVE_INFINITY,
    longestRead: () => longest,
    openCount: () => opened,
    nameOf: (path) => path.slice(path.lastIndexOf('/') + 1),
    async openForReading(path) {
      if (!path.startsWith('/')) return 'relative'
      const found = contents.get(path)
      if (found === undefined) return 'missing'
      let offset = 0
      let isOpen = true
      opened += 1
      return {
        bytes: found.length,
        async read(length) {
          longest = Math.max(longest, length)
          try {
            self.beforeRead?.(path)
          } catch {
            return 'failed'
          }
          const bytes = (contents.get(path) ?? new Uint8Array()).slice(offset, offset + length)
          offset += bytes.length
          return bytes
        },
        async close() {
          if (isOpen) opened -= 1
          isOpen = false
        },
      }
    },
    async create(path) {
      if (!path.startsWith('/')) return 'relative'
      if (contents.has(path)) return 'exists'
      let written: Uint8Array = new Uint8Array()
      let isOpen = true
      opened += 1
      const close = (): void => {
        if (isOpen) opened -= 1
        isOpen = false
      }
      return {
        async write(bytes) {
          if (written.length + bytes.length > self.roomBytes) return false
          written = concatBytes(written, bytes)
          return true
        },
        async finish() {
          close()
          if (contents.has(path)) return 'exists'
          contents.set(path, written)
          return undefined
        },
        async discard() {
          close()
        },
      }
    },
  }
  return self
}
