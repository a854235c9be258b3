/**
 * Serves the messenger as JSON-RPC 2.0 over a unix socket that only this user can reach.
 * Never waits for the network, and never lets one client cost the others memory or order. Spec 08-rpc.
 * @module
 */
import { chmod } from 'node:fs/promises'
import type { Server, Socket } from 'node:net'
import { createServer } from 'node:net'
import { InternalError, isAbortError } from '../base/index.ts'
import type { Messenger } from '../messenger/index.ts'
import type { Clock, Logger, Startable } from '../ports/index.ts'
import type { Connection } from './connection.ts'
import { createConnection } from './connection.ts'
import { errorReply } from './dispatcher.ts'
import { toRpcError } from './error-map.ts'
import { rpcError } from './errors.ts'
import type { HostFace, ServerFace } from './method.ts'
import { createOpenRpcDocument } from './open-rpc.ts'
import type { RpcLimits } from './options.ts'
import { RPC_LIMITS } from './options.ts'
import { errorCode, prepareSocketPath } from './socket-path.ts'

/** Refused clients that may take their time to hang up; beyond it the oldest is cut off. */
const REFUSED_MAX_COUNT = 8

export interface RpcServerDeps {
  readonly messenger: Messenger
  /** The host role, where the daemon has it. */
  readonly host?: HostFace
  readonly clock: Pick<Clock, 'monotonicMs' | 'sleep'>
  readonly logger: Logger
  /** Absolute; its directory is made, or must belong to this user alone. */
  readonly socketPath: string
  /** Version of noctule. */
  readonly version: string
  /** Called once, after the reply to `shutdown` is out; the callee stops the daemon, this server included. */
  readonly onShutdown: () => void
  readonly limits?: Partial<RpcLimits>
}

export interface RpcServerStats {
  readonly connections: number
  readonly subscriptions: number
  /** Bytes written for clients which they have not taken yet. */
  readonly bufferedBytes: number
}

export interface RpcServer extends Startable {
  stats(): RpcServerStats
}

/**
 * `start` resolves when clients can connect. `stop` lets running requests answer within a bounded time and leaves no
 * socket behind.
 */
export function createRpcServer(deps: RpcServerDeps): RpcServer {
  const { messenger, clock, logger, socketPath, version } = deps
  const limits: RpcLimits = { ...RPC_LIMITS, ...deps.limits }
  const connections = new Set<Connection>()
  const refused = new Set<Socket>()
  let listener: Server | undefined
  let startedMs = clock.monotonicMs()
  let stopped: Promise<void> | undefined
  let shutdownAsked = false

  const face: ServerFace = {
    version,
    uptimeMs: () => clock.monotonicMs() - startedMs,
    requestShutdown() {
      throw new InternalError('shutdown is asked for through a connection')
    },
    discover: () => createOpenRpcDocument(version),
  }
  const askShutdown = (): void => {
    if (shutdownAsked) return
    shutdownAsked = true
    deps.onShutdown()
  }

  /**
   * Says why, then waits for the client to hang up: hanging up first would make its next write fail, and it would never
   * read the reason.
   */
  function refuse(socket: Socket, code: 'RPC_TOO_MANY_CONNECTIONS' | 'RPC_STOPPING'): void {
    const [oldest] = refused
    if (refused.size >= REFUSED_MAX_COUNT) oldest?.destroy()
    refused.add(socket)
    socket.once('close', () => refused.delete(socket))
    socket.on('error', (error) => logger.debug('connection-error', {}, error))
    socket.resume()
    socket.end(`${errorReply(null, toRpcError(rpcError(code)))}\n`)
  }

  function accept(socket: Socket): void {
    if (stopped !== undefined || connections.size >= limits.connectionCount) {
      refuse(socket, stopped === undefined ? 'RPC_TOO_MANY_CONNECTIONS' : 'RPC_STOPPING')
      return
    }
    const connection = createConnection({
      socket,
      messenger,
      host: deps.host,
      server: face,
      logger,
      limits,
      onFlushed: askShutdown,
    })
    connections.add(connection)
    void connection.closed.finally(() => connections.delete(connection))
  }

  async function listen(): Promise<void> {
    await prepareSocketPath(socketPath)
    const server = createServer({ allowHalfOpen: true }, accept)
    await new Promise<void>((resolve, reject) => {
      server.once('error', (error) => {
        reject(
          rpcError(errorCode(error) === 'EADDRINUSE' ? 'RPC_SOCKET_IN_USE' : 'RPC_SOCKET_FAILED', { cause: error }),
        )
      })
      server.listen(socketPath, resolve)
    })
    server.on('error', (error) => logger.warn('listener-failed', {}, error))
    listener = server
    // The directory keeps others out while the socket has the mode that the umask gave it.
    await chmod(socketPath, 0o600)
  }

  async function close(): Promise<void> {
    const server = listener
    if (server === undefined) return
    const listenerClosed = new Promise<void>((resolve) => {
      server.close(() => resolve())
    })
    const open = [...connections]
    for (const connection of open) connection.finish()
    const allClosed = Promise.all(open.map((connection) => connection.closed))
    const grace = new AbortController()
    await Promise.race([allClosed, sleepUnlessAborted(clock, limits.stopGraceMs, grace.signal)])
    grace.abort()
    for (const connection of open) connection.destroy()
    for (const socket of refused) socket.destroy()
    await allClosed
    await listenerClosed
  }

  return {
    async start() {
      startedMs = clock.monotonicMs()
      await listen()
    },
    stop() {
      stopped ??= close()
      return stopped
    },
    stats() {
      const all = [...connections]
      return {
        connections: all.length,
        subscriptions: all.reduce((sum, connection) => sum + connection.subscriptionCount(), 0),
        bufferedBytes: all.reduce((sum, connection) => sum + connection.bufferedBytes(), 0),
      }
    },
  }
}

async function sleepUnlessAborted(clock: Pick<Clock, 'sleep'>, delayMs: number, signal: AbortSignal): Promise<void> {
  try {
    await clock.sleep(delayMs, signal)
  } catch (error: unknown) {
    if (!isAbortError(error)) throw error
  }
}
