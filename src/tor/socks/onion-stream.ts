/**
 * The stream to an onion service that callers get, over the local socket to tor.
 * Never shows an error of the socket itself: those name paths and ports. Spec 07-tor §7.3.
 * @module
 */
import type { Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { torError } from '../errors.ts'

/** Writes reach tor at once; reads begin when {@link OnionStream.open} says that the service has answered. */
export class OnionStream extends Duplex {
  readonly #socket: Socket
  #open = false
  #drained: (() => void) | undefined

  constructor(socket: Socket) {
    super({ allowHalfOpen: false })
    this.#socket = socket
    // An optimistic stream may fail in the very turn in which it is handed over: that must reach its owner, who finds it
    // in `errored`, and not end the process before the owner could listen.
    this.on('error', () => undefined)
    socket.on('error', (cause) => this.destroy(torError('TOR_STREAM_RESET', { cause })))
    socket.on('drain', () => this.#release())
    socket.on('close', () => {
      // Before the answer, whoever waits for it destroys this stream with the reason.
      if (this.#open) this.#finish()
    })
  }

  /** Starts reading; `data` came together with the answer. */
  open(data: Uint8Array): void {
    if (this.destroyed) return
    this.#open = true
    if (data.length > 0) this.push(data)
    this.#socket.on('data', (chunk: Buffer) => {
      if (!this.push(chunk)) this.#socket.pause()
    })
    this.#socket.on('end', () => this.push(null))
    if (this.#socket.destroyed) this.#finish()
    else this.#socket.resume()
  }

  #finish(): void {
    this.#release()
    if (this.readableEnded || this.#socket.readableEnded) return
    this.destroy(torError('TOR_STREAM_RESET'))
  }

  #release(): void {
    const drained = this.#drained
    this.#drained = undefined
    drained?.()
  }

  override _read(): void {
    if (this.#open) this.#socket.resume()
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: (error?: Error | null) => void): void {
    if (this.#socket.destroyed) return callback(torError('TOR_STREAM_RESET'))
    if (this.#socket.write(chunk)) callback()
    else this.#drained = callback
  }

  /** What was corked leaves as one write, so that a record does not become two cells. */
  override _writev(chunks: { readonly chunk: Buffer }[], callback: (error?: Error | null) => void): void {
    this._write(Buffer.concat(chunks.map(({ chunk }) => chunk)), 'latin1', callback)
  }

  override _final(callback: (error?: Error | null) => void): void {
    this.#socket.end()
    callback()
  }

  override _destroy(error: Error | null, callback: (error: Error | null) => void): void {
    this.#drained = undefined
    this.#socket.destroy()
    callback(error)
  }
}
