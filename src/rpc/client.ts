/**
 * The typed client side of the RPC, for the command line and for tests.
 * Never reconnects by itself: only the caller knows from which event on it wants to go on. Spec 08-rpc §4.
 * @module
 */
import type { Socket } from 'node:net'
import { connect } from 'node:net'
import { parseJson } from './dispatcher.ts'
import type { RpcErrorObject } from './error-map.ts'
import { fromRpcError } from './error-map.ts'
import { rpcError } from './errors.ts'
import { createLineFramer } from './line-framer.ts'
import type { RpcNotification } from './notifications.ts'
import { eventParams, receiveParams } from './notifications.ts'
import { CLIENT_LINE_BYTES } from './options.ts'
import type { RpcMethodName, RpcParams, RpcResult } from './registry.ts'
import { fitsSchema } from './schema/index.ts'

export interface RpcClient {
  /**
   * The daemon's result for this call; calls may overlap.
   * @throws {AppError} with the code that the daemon named, `RPC_CONNECTION_LOST`, `RPC_REPLY_MALFORMED`
   */
  call<Name extends RpcMethodName>(method: Name, params: RpcParams<Name>): Promise<RpcResult<Name>>
  /** Calls `listener` for each notification in order. Returns the unsubscribe function. */
  onNotification(listener: (notification: RpcNotification) => void): () => void
  /** Stops reading, so that a slow consumer pushes back; replies wait as well. */
  pause(): void
  resume(): void
  /** Resolves once, when the connection has ended for whatever reason. */
  readonly closed: Promise<void>
  /** Hangs up; calls without a reply reject with `RPC_CONNECTION_LOST`. Idempotent. */
  close(): Promise<void>
}

interface PendingCall {
  readonly resolve: (result: unknown) => void
  readonly reject: (error: Error) => void
}

/**
 * Resolves when connected.
 * @throws {AppError} `RPC_DAEMON_UNREACHABLE`
 */
export async function connectRpc(socketPath: string): Promise<RpcClient> {
  const socket = connect(socketPath)
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve)
    socket.once('error', (error) => reject(rpcError('RPC_DAEMON_UNREACHABLE', { cause: error })))
  })
  return createClient(socket)
}

function createClient(socket: Socket): RpcClient {
  const pending = new Map<number, PendingCall>()
  const listeners = new Set<(notification: RpcNotification) => void>()
  const framer = createLineFramer(CLIENT_LINE_BYTES)
  let nextId = 1
  let failure = rpcError('RPC_CONNECTION_LOST')

  const fail = (error: typeof failure): void => {
    failure = error
    socket.destroy()
  }

  function takeLine(bytes: Uint8Array): void {
    const parsed = parseJson(bytes)
    const value = parsed?.value
    if (!isObject(value)) {
      fail(rpcError('RPC_REPLY_MALFORMED'))
      return
    }
    const notification = asNotification(value)
    if (notification !== undefined) {
      for (const listener of [...listeners]) listener(notification)
      return
    }
    if (!takeReply(value)) fail(rpcError('RPC_REPLY_MALFORMED'))
  }

  /** False for what is neither a reply to one of our calls nor an error about the connection. */
  function takeReply(value: Fields): boolean {
    const { id } = value
    const error = value['error']
    if (isErrorObject(error)) {
      if (id === null) {
        // Not about one call: the daemon refuses the connection.
        fail(fromRpcError(error))
        return true
      }
      return settle(id, (call) => call.reject(fromRpcError(error)))
    }
    return Object.hasOwn(value, 'result') && settle(id, (call) => call.resolve(value['result']))
  }

  function settle(id: unknown, finish: (call: PendingCall) => void): boolean {
    const call = typeof id === 'number' ? pending.get(id) : undefined
    if (call === undefined) return false
    pending.delete(Number(id))
    finish(call)
    return true
  }

  socket.on('data', (chunk: Buffer) => {
    for (const line of framer.push(chunk)) {
      if (line.kind === 'line') takeLine(line.bytes)
      else fail(rpcError('RPC_REPLY_MALFORMED'))
    }
  })
  socket.on('error', (error) => {
    failure = rpcError('RPC_CONNECTION_LOST', { cause: error })
  })
  const closed = new Promise<void>((resolve) => {
    socket.once('close', () => {
      for (const call of pending.values()) call.reject(failure)
      pending.clear()
      resolve()
    })
  })

  return {
    closed,
    call: <Name extends RpcMethodName>(method: Name, params: RpcParams<Name>) =>
      new Promise<RpcResult<Name>>((resolve, reject) => {
        if (!socket.writable) {
          reject(failure)
          return
        }
        const id = nextId
        nextId += 1
        // The daemon of the same version checked the result's form by type; another version says so by its own number.
        pending.set(id, { resolve: (result) => resolve(result as RpcResult<Name>), reject })
        socket.write(`${JSON.stringify({ jsonrpc: '2.0', id, method, params })}\n`)
      }),
    onNotification(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    pause() {
      socket.pause()
    },
    resume() {
      socket.resume()
    },
    async close() {
      socket.destroy()
      await closed
    },
  }
}

type Fields = Readonly<Record<string, unknown>>

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isErrorObject(value: unknown): value is RpcErrorObject {
  return isObject(value) && typeof value['code'] === 'number' && typeof value['message'] === 'string'
}

function asNotification(value: Fields): RpcNotification | undefined {
  const { method, params } = value
  if (method === 'receive' && fitsSchema(receiveParams, params)) return { method, params }
  if (method === 'event' && fitsSchema(eventParams, params)) return { method, params }
  return undefined
}
