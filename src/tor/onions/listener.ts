/**
 * The local socket to which tor delivers the inbound streams of one onion service.
 * Never listens on anything but a unix socket or literal 127.0.0.1 (DESIGN §4). Spec 07-tor §4.2.
 * @module
 */
import { rm } from 'node:fs/promises'
import type { ListenOptions, Server, Socket } from 'node:net'
import { createServer } from 'node:net'
import { hexEncode } from '../../base/index.ts'
import type { Random } from '../../ports/index.ts'
import { torError } from '../errors.ts'
import type { OnionTarget } from './commands.ts'

export interface OnionListenerOptions {
  readonly kind: 'unix' | 'tcp'
  readonly socketDirectory: string
  readonly portRange: { readonly first: number; readonly last: number }
  readonly random: Random
  readonly onSocket: (socket: Socket) => void
}

export interface OnionListener {
  readonly kind: 'unix' | 'tcp'
  readonly target: OnionTarget
  /** Closes the listener and every stream that came through it. Idempotent, joined. */
  close(): Promise<void>
}

function listen(server: Server, options: ListenOptions): Promise<boolean> {
  return new Promise((resolve) => {
    const onError = (): void => {
      server.removeListener('listening', onListening)
      resolve(false)
    }
    const onListening = (): void => {
      server.removeListener('error', onError)
      // Errors of an open listener (too many files) concern one inbound stream, which tor reports to its dialer.
      server.on('error', () => undefined)
      resolve(true)
    }
    server.once('error', onError)
    server.once('listening', onListening)
    server.listen(options)
  })
}

/** @throws {AppError} `TOR_LISTENER_FAILED` when no port of the range is free or the directory cannot be written */
export async function openOnionListener(options: OnionListenerOptions): Promise<OnionListener> {
  const sockets = new Set<Socket>()
  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    // The owner hears it too; here it only must not end the process before the owner listens.
    socket.on('error', () => undefined)
    options.onSocket(socket)
  })
  const target = options.kind === 'unix' ? await listenUnix(server, options) : await listenTcp(server, options)
  if (target === undefined) throw torError('TOR_LISTENER_FAILED')
  let closing: Promise<void> | undefined
  return {
    kind: options.kind,
    target,
    close() {
      closing ??= new Promise((resolve) => {
        server.close(() => resolve())
        for (const socket of sockets) socket.destroy()
      })
      return closing
    },
  }
}

async function listenUnix(server: Server, options: OnionListenerOptions): Promise<OnionTarget | undefined> {
  const path = `${options.socketDirectory}/o-${hexEncode(options.random.bytes(4))}`
  await rm(path, { force: true })
  return (await listen(server, { path })) ? { path } : undefined
}

async function listenTcp(server: Server, options: OnionListenerOptions): Promise<OnionTarget | undefined> {
  const { first, last } = options.portRange
  const count = last - first + 1
  // From a random start, so that the order in which services appeared cannot be read off the ports.
  const start = Math.floor(options.random.uniform() * count)
  for (let step = 0; step < count; step += 1) {
    const port = first + ((start + step) % count)
    if (await listen(server, { host: '127.0.0.1', port, exclusive: true })) return { port }
  }
  return undefined
}
