/**
 * The muxer of a shaped connection: one stream, no frames of its own.
 * Never writes a byte that its user did not send: no headers, window updates, keep-alives or closing frames. yamux answers
 * every data frame with a window update, a second cell that tells of each record received (ADR 0002).
 * @module
 */
import type { MessageStream, StreamMuxerFactory } from '@libp2p/interface'
import { TooManyOutboundProtocolStreamsError } from '@libp2p/interface'
import { AbstractStream, AbstractStreamMuxer, type SendResult } from '@libp2p/utils'
import type { Uint8ArrayList } from 'uint8arraylist'
import { READ_BUFFER_MAX_BYTES } from './options.ts'

const MUXER_PROTOCOL = '/noctule/one-stream/1'

export interface RecordMuxerOptions {
  /** The protocol of the one stream; agreed beforehand and bound to the handshake, so nothing negotiates it. */
  readonly protocol: string
  /** Nothing larger leaves in one message of the layer below. */
  readonly recordBytes: number
}

/** For libp2p's `streamMuxers` option. The dialer opens the stream, the listener has it at once. */
export function recordMuxer(options: RecordMuxerOptions): () => StreamMuxerFactory {
  return () => ({
    protocol: MUXER_PROTOCOL,
    createStreamMuxer: (connection) => new RecordMuxer(connection, options),
  })
}

class RecordMuxer extends AbstractStreamMuxer<RecordStream> {
  readonly #stream: RecordStream
  #taken: boolean

  constructor(connection: MessageStream, options: RecordMuxerOptions) {
    super(connection, { protocol: MUXER_PROTOCOL, name: 'one-stream' })
    this.#stream = new RecordStream(connection, options, (data) => this.send(data))
    this.#taken = connection.direction === 'inbound'
    if (this.#taken) this.onRemoteStream(this.#stream)
  }

  override onCreateStream(): RecordStream {
    if (this.#taken) throw new TooManyOutboundProtocolStreamsError('the one stream is in use')
    this.#taken = true
    return this.#stream
  }

  override onData(data: Uint8Array | Uint8ArrayList): void {
    this.#stream.onData(data)
  }
}

class RecordStream extends AbstractStream {
  readonly #connection: MessageStream
  readonly #send: (data: Uint8ArrayList) => boolean

  constructor(connection: MessageStream, options: RecordMuxerOptions, send: (data: Uint8ArrayList) => boolean) {
    super({
      id: '1',
      protocol: options.protocol,
      direction: connection.direction,
      log: connection.log,
      maxMessageSize: options.recordBytes,
      maxReadBufferLength: READ_BUFFER_MAX_BYTES,
    })
    this.#connection = connection
    this.#send = send
  }

  override sendData(data: Uint8ArrayList): SendResult {
    const sentBytes = data.byteLength
    return { sentBytes, canSendMore: this.#send(data) }
  }

  /** A stream that is reset takes its connection along: there is nothing else on it. */
  override sendReset(error: Error): void {
    this.#connection.abort(error)
  }

  override sendPause(): void {
    if (this.#connection.status === 'open') this.#connection.pause()
  }

  override sendResume(): void {
    if (this.#connection.status === 'open') this.#connection.resume()
  }

  /** Told to nobody: the end of the connection says it. */
  override async sendCloseWrite(): Promise<void> {}

  override async sendCloseRead(): Promise<void> {}
}
