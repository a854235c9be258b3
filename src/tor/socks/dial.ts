/**
 * Opens streams to onion services through the SOCKS port of tor, each isolated by its credentials.
 * Never offers a request without credentials, and never a clearnet name. Spec 07-tor §7, docs/adr/0003-socks.md.
 * @module
 */
import type { Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { SocksClient } from 'socks'
import type { AppError } from '../../base/index.ts'
import type { OnionAddress } from '../../ports/index.ts'
import type { LocalTarget } from '../control/index.ts'
import { openLocalSocket } from '../control/index.ts'
import { torError } from '../errors.ts'
import { OnionStream } from './onion-stream.ts'
import { socksReplyError } from './reply-codes.ts'
import { createSocksReplyReader } from './reply-reader.ts'

export interface DialSocksOptions {
  readonly isolation: string
  readonly optimistic: boolean
  readonly timeoutMs: number
  readonly signal: AbortSignal
  /** The dial ended, for whatever reason, before tor said what came of it; at most once. */
  readonly onUnanswered: () => void
}

/** Writes of the handshake: greeting, credentials, request. The request is the last. */
const REQUEST_WRITE = 3
const METHOD_CREDENTIALS = 2
/** tor reads user names that begin so as something else (socks-extensions); an isolation token must not. */
const RESERVED_PREFIX = '<torS0X>'
/** Part of the isolation key as well, and the same for everybody: it only must not be empty. */
const PASSWORD = 'noctule'

/**
 * What the `socks` package sees as its socket: its writes go to tor, and it reads one checked message at a time.
 * So the package never meets malformed bytes, and the reply code and the data behind it stay with us.
 */
class HandshakeTap extends Duplex {
  readonly #socket: Socket
  readonly #onRequest: () => void
  #writes = 0

  constructor(socket: Socket, onRequest: () => void) {
    super()
    this.#socket = socket
    this.#onRequest = onRequest
  }

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: (error?: Error | null) => void): void {
    this.#writes += 1
    if (!this.#socket.destroyed) this.#socket.write(chunk)
    callback()
    if (this.#writes === REQUEST_WRITE) this.#onRequest()
  }
}

/** @throws {RangeError} for a token that SOCKS cannot carry or tor would read as something else; a bug of the caller */
function assertIsolation(isolation: string): void {
  const bytes = Buffer.byteLength(isolation)
  if (bytes < 1 || bytes > 255 || isolation.startsWith(RESERVED_PREFIX)) {
    throw new RangeError('"isolation" must have 1 to 255 bytes and no reserved prefix')
  }
}

/**
 * Opens a stream to `address`; optimistic streams are handed over when the request is written.
 *
 * @throws {AppError} `TOR_SOCKS_*`, `TOR_ONION_*`, `TOR_DIAL_TIMEOUT`; `AbortError`
 */
export async function dialSocks(
  target: LocalTarget,
  address: OnionAddress,
  port: number,
  options: DialSocksOptions,
): Promise<Duplex> {
  assertIsolation(options.isolation)
  if (!Number.isInteger(port) || port < 1 || port > 65_535) throw new RangeError('"port" is no port')
  const { signal, timeoutMs } = options
  const socket = await openLocalSocket(target, timeoutMs, 'TOR_SOCKS_UNREACHABLE', signal)
  const stream = new OnionStream(socket)
  const outcome = Promise.withResolvers<Duplex>()
  let settled = false
  let isAnswered = false

  const settle = (error?: unknown): void => {
    if (settled) return
    settled = true
    clearTimeout(timer)
    signal.removeEventListener('abort', onAbort)
    socket.removeListener('data', onData)
    socket.removeListener('end', onEnd)
    socket.removeListener('error', onError)
    tap.destroy()
    if (error === undefined) return outcome.resolve(stream)
    if (!isAnswered) options.onUnanswered()
    // An optimistic caller holds the stream already and learns the reason from it.
    outcome.reject(error)
    stream.destroy(error instanceof Error ? error : torError('TOR_SOCKS_REFUSED'))
  }
  const handOver = (): void => {
    if (options.optimistic && !settled) outcome.resolve(stream)
  }

  const reader = createSocksReplyReader()
  const onData = (chunk: Buffer): void => {
    const message = reader.push(chunk)
    if (message === 'partial') return
    if (message === undefined) return settle(torError('TOR_SOCKS_MALFORMED'))
    if (message.kind === 'method' && message.value !== METHOD_CREDENTIALS) {
      return settle(torError('TOR_SOCKS_ISOLATION_REFUSED', { details: { method: message.value } }))
    }
    if (message.kind === 'authentication' && message.value !== 0) {
      return settle(torError('TOR_SOCKS_ISOLATION_REFUSED'))
    }
    if (message.kind === 'reply') {
      isAnswered = true
      // Read by nobody until the stream opens, so that nothing falls between two readers.
      socket.pause()
      if (message.value !== 0) return settle(socksReplyError(message.value))
      early = message.data
    }
    tap.push(message.bytes)
  }
  let early: Uint8Array = new Uint8Array(0)
  const ended = (cause?: Error): AppError => torError('TOR_SOCKS_REFUSED', cause === undefined ? {} : { cause })
  const onEnd = (): void => settle(ended())
  const onError = (cause: Error): void => settle(ended(cause))
  const onAbort = (): void => settle(signal.reason)
  const timer = setTimeout(() => settle(torError('TOR_DIAL_TIMEOUT')), timeoutMs)
  const tap = new HandshakeTap(socket, handOver)
  tap.on('error', () => undefined)

  socket.on('data', onData)
  socket.on('end', onEnd)
  // In front of the stream's own listener: while the handshake lasts, the reason is ours to give.
  socket.prependListener('error', onError)
  signal.addEventListener('abort', onAbort, { once: true })
  stream.once('close', () => settle(torError('TOR_STREAM_RESET')))
  // Aborted between the connection to tor and here, when nobody listened.
  if (signal.aborted) onAbort()

  SocksClient.createConnection({
    command: 'connect',
    destination: { host: `${address}.onion`, port },
    existing_socket: tap,
    // Host and port are demanded by the package and not used: the socket is already open.
    proxy: { host: '127.0.0.1', port: 9050, type: 5, userId: options.isolation, password: PASSWORD },
    // Behind our own timer, which is the one that decides.
    timeout: timeoutMs + 1_000,
  }).then(
    () => {
      settle()
      stream.open(early)
    },
    (cause: unknown) => settle(torError('TOR_SOCKS_MALFORMED', { cause })),
  )
  return outcome.promise
}
