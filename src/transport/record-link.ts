/**
 * Records of one size over the one stream of a connection.
 * Never holds more than a bounded number of received records: beyond it the socket is not read. Spec 01a-transport §6.
 * @module
 */
import type { Stream, StreamMessageEvent } from '@libp2p/interface'
import { createMutex } from '../base/index.ts'
import type { RecordLink } from '../ports/index.ts'
import { transportError } from './errors.ts'
import { RECEIVE_QUEUE_MAX_COUNT } from './options.ts'
import { createRecordQueue } from './record-queue.ts'
import { redactError } from './redact-error.ts'

/**
 * Takes over a stream.
 * @param remoteKey raw public key of the other side, as the handshake proved it
 * @param endConnection ends the connection and all that belongs to it; awaited by `close`
 */
export function createRecordLink(
  stream: Stream,
  recordBytes: number,
  remoteKey: Uint8Array,
  endConnection: () => Promise<void>,
): RecordLink {
  const ended = Promise.withResolvers<void>()
  const sending = createMutex()
  let closing: Promise<void> | undefined

  let isResuming = false
  let isFull = false
  const pause = (): void => {
    if (isFull && !isResuming && stream.readStatus === 'readable') stream.pause()
  }
  const queue = createRecordQueue({
    maxCount: RECEIVE_QUEUE_MAX_COUNT,
    onFull() {
      isFull = true
      pause()
    },
    onRoom() {
      isFull = false
      if (stream.readStatus !== 'paused') return
      // What was held back comes out during the resume, layer by layer, and may fill the queue again. A pause in the midst
      // of it would be undone by the layers below: they go on to read the socket when they have emptied their buffers.
      isResuming = true
      stream.resume()
      isResuming = false
      pause()
    },
  })
  const onMessage = ({ data }: StreamMessageEvent): void => {
    // One message of Noise is one record, so anything that is not whole records is a peer that speaks something else.
    if (data.byteLength % recordBytes !== 0) {
      stream.abort(transportError('LINK_CLOSED'))
      return
    }
    for (let offset = 0; offset < data.byteLength; offset += recordBytes) {
      queue.push(Uint8Array.from(data.subarray(offset, offset + recordBytes)))
    }
  }
  const end = (): void => {
    queue.end()
    ended.resolve()
  }
  stream.addEventListener('message', onMessage)
  stream.addEventListener('close', end)
  if (stream.status !== 'open') end()

  return {
    recordBytes,
    remoteKey,
    closed: ended.promise,
    async send(record) {
      if (record.length !== recordBytes) throw new RangeError('record has the wrong size')
      // The caller may wipe or reuse its bytes as soon as this returns; one after the other, so that none are joined.
      const bytes = Uint8Array.from(record)
      await sending.run(async () => {
        if (closing !== undefined || stream.status !== 'open') throw transportError('LINK_CLOSED')
        try {
          if (!stream.send(bytes)) await drained(stream)
        } catch (error: unknown) {
          throw transportError('LINK_CLOSED', { cause: redactError(error) })
        }
        if (stream.status !== 'open') throw transportError('LINK_CLOSED')
      })
    },
    receive: () => queue.take(),
    close() {
      closing ??= (async () => {
        await endConnection()
        end()
      })()
      return closing
    },
  }
}

/** Not the stream's own `onDrain`: that one keeps its first promise and from then on never waits again. */
export function drained(stream: Stream): Promise<void> {
  return new Promise((resolve) => {
    const finish = (): void => {
      stream.removeEventListener('drain', finish)
      stream.removeEventListener('close', finish)
      resolve()
    }
    stream.addEventListener('drain', finish)
    stream.addEventListener('close', finish)
  })
}
