/**
 * Two ends of a link in memory, with a delay by the injected clock.
 * Never uses a timer of its own or a socket, and keeps the bounds of the real link. Spec 01a-transport §7.
 * @module
 */
import type { Clock, RecordLink } from '../ports/index.ts'
import { transportError } from './errors.ts'
import { RECEIVE_QUEUE_MAX_COUNT } from './options.ts'
import { createRecordQueue, type RecordQueue } from './record-queue.ts'

export interface MemoryLinkOptions {
  readonly clock: Clock
  /** Drawn for each record, none overtakes another. */
  readonly oneWayMs: () => number
  readonly recordBytes: number
  /** Transport identities of the two ends. */
  readonly nearKey: Uint8Array
  readonly farKey: Uint8Array
}

/** A latency that is the same for all, or is drawn for each. */
export function drawnBy(latencyMs: number | (() => number) = 0): () => number {
  return typeof latencyMs === 'function' ? latencyMs : () => latencyMs
}

export interface MemoryLinkPair {
  readonly near: RecordLink
  readonly far: RecordLink
  /** Ends both at once, as a lost circuit does; what is under way is lost. */
  cut(): void
}

interface End {
  readonly queue: RecordQueue
  readonly closed: Promise<void>
  isOpen(): boolean
  end(): void
  /** Resolves while there is room in the queue, or when this end is gone. */
  room(): Promise<void>
}

export function createMemoryLinkPair(options: MemoryLinkOptions): MemoryLinkPair {
  const near = createEnd()
  const far = createEnd()
  return {
    near: createLink(near, createWay(far, options), options.recordBytes, options.farKey),
    far: createLink(far, createWay(near, options), options.recordBytes, options.nearKey),
    cut() {
      near.end()
      far.end()
    },
  }
}

function createEnd(): End {
  const ended = Promise.withResolvers<void>()
  let open = true
  let room: PromiseWithResolvers<void> | undefined
  const onRoom = (): void => {
    room?.resolve()
    room = undefined
  }
  const queue = createRecordQueue({
    maxCount: RECEIVE_QUEUE_MAX_COUNT,
    onFull() {
      room = Promise.withResolvers<void>()
    },
    onRoom,
  })
  return {
    queue,
    closed: ended.promise,
    isOpen: () => open,
    end() {
      open = false
      queue.end()
      onRoom()
      ended.resolve()
    },
    room: async () => room?.promise,
  }
}

/** One direction: records, then the end, in order and each a latency after it was given. */
interface Way {
  carry(record: Uint8Array): Promise<void>
  finish(): void
}

function createWay(to: End, { clock, oneWayMs }: Pick<MemoryLinkOptions, 'clock' | 'oneWayMs'>): Way {
  const parcels: { readonly dueMs: number; readonly record: Uint8Array | undefined }[] = []
  let pumping = false
  const pump = async (): Promise<void> => {
    if (pumping) return
    pumping = true
    for (let parcel = parcels.shift(); parcel !== undefined; parcel = parcels.shift()) {
      const waitMs = parcel.dueMs - clock.monotonicMs()
      if (waitMs > 0) await clock.sleep(waitMs)
      if (parcel.record === undefined) to.end()
      else to.queue.push(parcel.record)
    }
    pumping = false
  }
  const add = (record: Uint8Array | undefined): void => {
    parcels.push({ dueMs: clock.monotonicMs() + oneWayMs(), record })
    void pump()
  }
  return {
    async carry(record) {
      await to.room()
      add(record)
    },
    finish: () => add(undefined),
  }
}

function createLink(own: End, way: Way, recordBytes: number, remoteKey: Uint8Array): RecordLink {
  let closing: Promise<void> | undefined
  return {
    recordBytes,
    remoteKey,
    closed: own.closed,
    async send(record) {
      if (record.length !== recordBytes) throw new RangeError('record has the wrong size')
      if (!own.isOpen()) throw transportError('LINK_CLOSED')
      await way.carry(Uint8Array.from(record))
    },
    receive: () => own.queue.take(),
    close() {
      closing ??= (async () => {
        if (own.isOpen()) way.finish()
        own.end()
      })()
      return closing
    },
  }
}
