/**
 * Asks LevelDB to drop what was deleted, when there is so much of it that seeks would step over it for long.
 * Never holds up a write, and holds up closing for one small range at most. Spec 03-mailbox §5.1.
 * @module
 */
import type { Logger } from '../../ports/index.ts'
import type { BoxDatabase } from './box-database.ts'
import { BOX_EXPIRY_PREFIX, BOX_PREFIX } from './layout.ts'
import { COMPACT_AFTER_BOXES_DIVISOR, COMPACT_AFTER_MIN_COUNT, COMPACT_RANGES_COUNT } from './options.ts'

export interface Compactor {
  /** Counts dropped records; starts a compaction when there are many beside what is left. */
  noteDropped(count: number, boxesLeft: number): void
  /** Resolves when none is under way; none starts any more. */
  stop(): Promise<void>
}

export function createCompactor(database: BoxDatabase, logger: Logger): Compactor {
  let dropped = 0
  let running: Promise<void> | undefined
  const stopping = new AbortController()

  const compact = async (): Promise<void> => {
    try {
      await database.compact(Uint8Array.of(BOX_EXPIRY_PREFIX), Uint8Array.of(BOX_EXPIRY_PREFIX + 1))
      for (let range = 0; range < COMPACT_RANGES_COUNT && !stopping.signal.aborted; range += 1) {
        const step = 256 / COMPACT_RANGES_COUNT
        const below = (range + 1) * step
        await database.compact(
          Uint8Array.of(BOX_PREFIX, range * step),
          below === 256 ? Uint8Array.of(BOX_PREFIX + 1) : Uint8Array.of(BOX_PREFIX, below),
        )
      }
    } catch (error: unknown) {
      // The next write meets the same trouble and says so.
      logger.warn('boxes not compacted', {}, error)
    } finally {
      running = undefined
    }
  }

  return {
    noteDropped(count, boxesLeft) {
      dropped += count
      if (stopping.signal.aborted || running !== undefined) return
      if (dropped < Math.max(COMPACT_AFTER_MIN_COUNT, boxesLeft / COMPACT_AFTER_BOXES_DIVISOR)) return
      dropped = 0
      running = compact()
    },
    async stop() {
      stopping.abort()
      await running
    },
  }
}
