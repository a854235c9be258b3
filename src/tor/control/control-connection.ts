/**
 * One connection to a tor control port: a queue of requests, and events beside it.
 * Never logs or throws an argument or a reply text; errors carry the status number only. Spec 07-tor §2.
 * @module
 */

import type { Socket } from 'node:net'
import { connect as connectSocket } from 'node:net'
import type { AppError } from '../../base/index.ts'
import { isAppError } from '../../base/index.ts'
import type { TorErrorCode } from '../errors.ts'
import { torError } from '../errors.ts'
import type { ControlCredentials, ProtocolInfo } from './authenticate.ts'
import { authenticateWith } from './authenticate.ts'
import type { ControlCommand } from './control-command.ts'
import { controlCommand } from './control-command.ts'
import type { ControlReply, ReplyLine } from './reply-parser.ts'
import { createReplyParser } from './reply-parser.ts'

/** Where a control port or SOCKS port listens: a unix socket or literal 127.0.0.1, nothing else (DESIGN §4). */
export type LocalTarget = { readonly path: string } | { readonly host: '127.0.0.1'; readonly port: number }

export interface ConnectControlOptions {
  /** How long the local connect may take. Default 5 s: the other end is on this machine. */
  readonly connectTimeoutMs?: number
  /** How long one reply may take; then the connection is given up. Default 30 s: a stopped tor must not hang us. */
  readonly requestTimeoutMs?: number
  /** Default 16 KiB; the longest line seen from tor 0.4.9 is below 2 KiB. */
  readonly maxLineBytes?: number
  /** Default 1 MiB; enough for every reply that noctule asks for. */
  readonly maxReplyBytes?: number
  /** Commands that may wait at once. Default 4096: after a reconnect all services are asked for at once. */
  readonly maxQueueCount?: number
  readonly signal?: AbortSignal
}

/** An asynchronous `650` reply. */
export interface ControlEvent {
  /** First word, for instance `HS_DESC`. */
  readonly name: string
  /** The rest of the first line. */
  readonly text: string
  readonly lines: readonly ReplyLine[]
}

export interface ControlConnection {
  /**
   * Sends a command when all earlier ones are answered. A plain string is a command without secrets,
   * already complete, for instance `GETINFO version`.
   *
   * @returns the reply, whatever its status
   * @throws {AppError} `TOR_CONTROL_CLOSED`, `TOR_CONTROL_TIMEOUT`, `TOR_CONTROL_MALFORMED`, `TOR_CONTROL_BUSY`;
   *   `AbortError` when aborted: a command that had left is then still answered, to nobody.
   */
  request(command: ControlCommand | string, signal?: AbortSignal): Promise<ControlReply>
  /** Like `request`, and throws `TOR_FEATURE_REFUSED` (510) or `TOR_COMMAND_REFUSED` for any status but 250. */
  command(command: ControlCommand | string, signal?: AbortSignal): Promise<ControlReply>
  /** Authenticates as PROTOCOLINFO offers. @throws {AppError} `TOR_AUTHENTICATION_*` */
  authenticate(credentials?: ControlCredentials): Promise<ProtocolInfo>
  /** Calls `listener` for each event until the returned function is called. A listener must not throw. */
  onEvent(listener: (event: ControlEvent) => void): () => void
  /** Resolves once when the connection has ended: with the reason, or with undefined after `close`. */
  readonly closed: Promise<AppError | undefined>
  /** Ends the connection; waiting requests reject with `TOR_CONTROL_CLOSED`. Idempotent, joined. */
  close(): Promise<void>
}

interface Pending {
  readonly line: string
  readonly resolve: (reply: ControlReply) => void
  readonly reject: (error: unknown) => void
  readonly release: () => void
}

/** Opens a local stream socket. @throws {AppError} `code` when nothing listens there; `AbortError`. */
export function openLocalSocket(
  target: LocalTarget,
  timeoutMs: number,
  code: 'TOR_CONTROL_UNREACHABLE' | 'TOR_SOCKS_UNREACHABLE',
  signal?: AbortSignal,
): Promise<Socket> {
  signal?.throwIfAborted()
  return new Promise<Socket>((resolve, reject) => {
    const socket = connectSocket({ ...target })
    socket.setNoDelay(true)
    const settle = (error?: Error): void => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', onAbort)
      socket.removeListener('connect', onConnect)
      socket.removeListener('error', onError)
      if (error === undefined) return resolve(socket)
      // A late error of a socket that nobody has any more.
      socket.on('error', () => undefined)
      socket.destroy()
      reject(error)
    }
    const onConnect = (): void => settle()
    const onError = (cause: Error): void => settle(torError(code, { cause }))
    const onAbort = (): void => settle(signal?.reason as Error)
    const timer = setTimeout(() => settle(torError(code)), timeoutMs)
    socket.once('connect', onConnect)
    socket.once('error', onError)
    signal?.addEventListener('abort', onAbort, { once: true })
  })
}

/**
 * Connects to a control port; nothing has been sent when it resolves.
 *
 * @throws {AppError} `TOR_CONTROL_UNREACHABLE`
 */
export async function connectControl(
  target: LocalTarget,
  options: ConnectControlOptions = {},
): Promise<ControlConnection> {
  const socket = await openLocalSocket(
    target,
    options.connectTimeoutMs ?? 5_000,
    'TOR_CONTROL_UNREACHABLE',
    options.signal,
  )
  return createControlConnection(socket, options)
}

function createControlConnection(socket: Socket, options: ConnectControlOptions): ControlConnection {
  const requestTimeoutMs = options.requestTimeoutMs ?? 30_000
  const maxQueueCount = options.maxQueueCount ?? 4_096
  const parser = createReplyParser({
    maxLineBytes: options.maxLineBytes ?? 16_384,
    maxReplyBytes: options.maxReplyBytes ?? 1_048_576,
  })
  const listeners = new Set<(event: ControlEvent) => void>()
  const waiting: Pending[] = []
  let current: Pending | undefined
  let timer: NodeJS.Timeout | undefined
  let ended = false
  let reason: AppError | undefined
  const closed = Promise.withResolvers<AppError | undefined>()

  const finish = (error: AppError | undefined): void => {
    if (ended) return
    ended = true
    reason = error
    clearTimeout(timer)
    const left = current === undefined ? waiting : [current, ...waiting]
    current = undefined
    for (const pending of left) {
      pending.release()
      pending.reject(error ?? torError('TOR_CONTROL_CLOSED'))
    }
    waiting.length = 0
    listeners.clear()
    socket.destroy()
  }

  const next = (): void => {
    if (ended || current !== undefined) return
    current = waiting.shift()
    if (current === undefined) return
    timer = setTimeout(() => finish(torError('TOR_CONTROL_TIMEOUT')), requestTimeoutMs)
    socket.write(`${current.line}\r\n`, 'latin1')
  }

  const emit = (reply: ControlReply): void => {
    const first = reply.lines[0]?.text ?? ''
    const space = first.indexOf(' ')
    const name = space < 0 ? first : first.slice(0, space)
    const event = { name, text: space < 0 ? '' : first.slice(space + 1), lines: reply.lines }
    for (const listener of [...listeners]) listener(event)
  }

  socket.on('data', (chunk: Buffer) => {
    const replies = parser.push(chunk)
    for (const reply of replies ?? []) {
      if (ended) return
      if (reply.status >= 600) {
        emit(reply)
      } else if (current === undefined) {
        finish(torError('TOR_CONTROL_MALFORMED'))
      } else {
        const pending = current
        current = undefined
        clearTimeout(timer)
        pending.release()
        pending.resolve(reply)
        next()
      }
    }
    if (replies === undefined) finish(torError('TOR_CONTROL_MALFORMED'))
  })
  socket.on('error', (cause) => finish(torError('TOR_CONTROL_CLOSED', { cause })))
  socket.on('end', () => finish(torError('TOR_CONTROL_CLOSED')))
  socket.on('close', () => {
    finish(torError('TOR_CONTROL_CLOSED'))
    closed.resolve(reason)
  })

  const request = (command: ControlCommand | string, signal?: AbortSignal): Promise<ControlReply> => {
    const value = typeof command === 'string' ? plainCommand(command) : command
    if (signal?.aborted === true) return Promise.reject(signal.reason)
    if (ended) return Promise.reject(reason ?? torError('TOR_CONTROL_CLOSED'))
    if (waiting.length >= maxQueueCount) return Promise.reject(torError('TOR_CONTROL_BUSY'))
    return new Promise((resolve, reject) => {
      const onAbort = (): void => {
        const index = waiting.indexOf(pending)
        // What has left is still answered; only what waits can be taken back.
        if (index >= 0) waiting.splice(index, 1)
        reject(signal?.reason)
      }
      const release = (): void => signal?.removeEventListener('abort', onAbort)
      const pending: Pending = { line: value.line.reveal(), resolve, reject, release }
      signal?.addEventListener('abort', onAbort, { once: true })
      waiting.push(pending)
      next()
    })
  }

  const connection: ControlConnection = {
    request,
    async command(command, signal) {
      const reply = await request(command, signal)
      if (reply.status === 250) return reply
      const code = reply.status === 510 ? 'TOR_FEATURE_REFUSED' : 'TOR_COMMAND_REFUSED'
      throw torError(code, { details: { status: reply.status } })
    },
    authenticate: (credentials = {}) => authenticateWith(connection, credentials),
    onEvent(listener) {
      // Wrapped, so that one function registered twice is two registrations.
      const own = (event: ControlEvent): void => listener(event)
      if (!ended) listeners.add(own)
      return () => void listeners.delete(own)
    },
    closed: closed.promise,
    async close() {
      finish(undefined)
      await closed.promise
    },
  }
  return connection
}

/** True for the errors after which this connection answers nothing any more. */
export function isControlLost(error: unknown): error is AppError {
  return LOST_CODES.some((code) => isAppError(error, code))
}

const LOST_CODES: readonly TorErrorCode[] = ['TOR_CONTROL_CLOSED', 'TOR_CONTROL_TIMEOUT', 'TOR_CONTROL_MALFORMED']

function plainCommand(text: string): ControlCommand {
  const [verb = '', ...args] = text.split(' ')
  return controlCommand(verb, ...args)
}
