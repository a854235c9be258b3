/**
 * A queue between a source that pushes and one consumer that takes.
 * Never asked to grow without saying so: it tells when it is full and when there is room again.
 * @module
 */
import { InternalError } from '../base/index.ts'

export interface RecordQueueOptions {
  readonly maxCount: number
  readonly onFull: () => void
  /** Called when half of the queue has been taken after it was full. */
  readonly onRoom: () => void
}

export interface RecordQueue {
  push(record: Uint8Array): void
  /** What is queued can still be taken; after it come undefineds. Idempotent. */
  end(): void
  /** The next record in order, or undefined after the end. */
  take(): Promise<Uint8Array | undefined>
}

export function createRecordQueue(options: RecordQueueOptions): RecordQueue {
  const records: Uint8Array[] = []
  let waiter: ((record: Uint8Array | undefined) => void) | undefined
  let full = false
  let ended = false
  return {
    push(record) {
      if (ended) return
      const waiting = waiter
      waiter = undefined
      if (waiting !== undefined) return waiting(record)
      records.push(record)
      if (!full && records.length >= options.maxCount) {
        full = true
        options.onFull()
      }
    },
    end() {
      ended = true
      waiter?.(undefined)
      waiter = undefined
    },
    async take() {
      const record = records.shift()
      if (record !== undefined) {
        if (full && records.length <= options.maxCount / 2) {
          full = false
          options.onRoom()
        }
        return record
      }
      if (ended) return undefined
      if (waiter !== undefined) throw new InternalError('two consumers of one queue')
      return new Promise((resolve) => {
        waiter = resolve
      })
    },
  }
}
