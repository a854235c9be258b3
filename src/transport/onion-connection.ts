/**
 * A Tor stream as libp2p sees it.
 * Never writes twice what can be written once, when asked to coalesce: a frame that leaves as two writes is two cells.
 * Spec 01a-transport §5.
 * @module
 */
import type { Duplex } from 'node:stream'
import type { AbortOptions, Logger, MessageStreamDirection } from '@libp2p/interface'
import { AbstractMultiaddrConnection, type SendResult } from '@libp2p/utils'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { Uint8ArrayList } from 'uint8arraylist'
import { CLOSE_TIMEOUT_MS, READ_BUFFER_MAX_BYTES, WRITE_HIGH_WATER_BYTES } from './options.ts'

export interface OnionConnectionInit {
  readonly stream: Duplex
  readonly remoteAddr: Multiaddr
  readonly direction: MessageStreamDirection
  readonly log: Logger
  /**
   * True joins all that is sent within one turn of the event loop into one write (for muxers that send a record in
   * several frames); false makes each send one write.
   */
  readonly coalesce: boolean
}

export class OnionConnection extends AbstractMultiaddrConnection {
  readonly #stream: Duplex
  readonly #coalesce: boolean
  #held: Uint8Array[] = []
  #heldBytes = 0
  #flushing: NodeJS.Immediate | undefined
  #failure: Error | undefined

  constructor(init: OnionConnectionInit) {
    super({
      remoteAddr: init.remoteAddr,
      direction: init.direction,
      log: init.log,
      maxReadBufferLength: READ_BUFFER_MAX_BYTES,
    })
    this.#stream = init.stream
    this.#coalesce = init.coalesce
    init.stream.on('data', (chunk: Buffer) => this.onData(chunk))
    init.stream.on('drain', () => this.#drained())
    init.stream.on('end', () => this.#ended())
    init.stream.on('close', () => this.#ended())
    init.stream.on('error', (error) => {
      this.#failure ??= error
      this.abort(error)
    })
  }

  /** Why the Tor stream broke, if it did: the provider's own error, which says more than what libp2p makes of it. */
  get failure(): Error | undefined {
    return this.#failure
  }

  override sendData(data: Uint8ArrayList): SendResult {
    const bytes = data.subarray()
    if (!this.#coalesce) {
      this.#stream.write(bytes)
      return { sentBytes: bytes.byteLength, canSendMore: !this.#stream.writableNeedDrain }
    }
    this.#held.push(bytes)
    this.#heldBytes += bytes.byteLength
    this.#flushing ??= setImmediate(() => this.#flush())
    const waitingBytes = this.#heldBytes + this.#stream.writableLength
    return { sentBytes: bytes.byteLength, canSendMore: waitingBytes < WRITE_HIGH_WATER_BYTES }
  }

  override sendPause(): void {
    this.#stream.pause()
  }

  override sendResume(): void {
    this.#stream.resume()
  }

  override sendReset(): void {
    this.#discard()
    this.#stream.destroy()
  }

  /** Ends our side, then waits for tor to end the other; a tor that does not is not waited for long. */
  override async sendClose(options?: AbortOptions): Promise<void> {
    this.#flush()
    const signals = [AbortSignal.timeout(CLOSE_TIMEOUT_MS), ...(options?.signal === undefined ? [] : [options.signal])]
    const giveUp = AbortSignal.any(signals)
    const stream = this.#stream
    if (stream.destroyed) return
    await new Promise<void>((resolve) => {
      const finish = (): void => {
        giveUp.removeEventListener('abort', finish)
        stream.removeListener('close', finish)
        resolve()
      }
      giveUp.addEventListener('abort', finish)
      stream.once('close', finish)
      if (giveUp.aborted) finish()
      // An end is only seen by a stream that is read.
      stream.resume()
      stream.end()
    })
    stream.destroy()
  }

  #flush(): void {
    clearImmediate(this.#flushing)
    this.#flushing = undefined
    if (this.#held.length === 0) return
    const bytes = Buffer.concat(this.#held)
    this.#held = []
    this.#heldBytes = 0
    if (this.#stream.writable) this.#stream.write(bytes)
    if (!this.#stream.writableNeedDrain) this.#drained()
  }

  #drained(): void {
    if (this.writableNeedsDrain) this.safeDispatchEvent('drain')
  }

  #ended(): void {
    this.#discard()
    // Half-open streams do not exist over Tor: an end is the end.
    if (!this.#stream.destroyed && this.status !== 'closing') this.#stream.destroy()
    if (this.status === 'open' || this.status === 'closing') this.onTransportClosed()
  }

  #discard(): void {
    clearImmediate(this.#flushing)
    this.#flushing = undefined
    this.#held = []
    this.#heldBytes = 0
  }
}
