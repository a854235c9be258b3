/**
 * Makes sure that the RPC socket lies where nobody but this user can reach it, and that nobody else serves it.
 * Never removes anything but the socket of a daemon that is gone. Spec 08-rpc §1.
 * @module
 */
import { lstat, mkdir, unlink } from 'node:fs/promises'
import { connect } from 'node:net'
import { dirname, isAbsolute, join } from 'node:path'
import { getuid } from 'node:process'
import { rpcError } from './errors.ts'

/** `sun_path` of Linux without its final zero byte; a longer path would be cut off silently. */
export const SOCKET_PATH_MAX_BYTES = 107

const OTHERS_MODE_BITS = 0o077

export interface SocketPathEnvironment {
  readonly XDG_RUNTIME_DIR?: string | undefined
}

/** Where daemon and clients meet when nobody says otherwise. */
export function defaultSocketPath(environment: SocketPathEnvironment, dataDirectory: string): string {
  const runtime = environment.XDG_RUNTIME_DIR
  return runtime !== undefined && isAbsolute(runtime)
    ? join(runtime, 'noctule', 'rpc.sock')
    : join(dataDirectory, 'run', 'rpc.sock')
}

/**
 * When it resolves, a server may be bound at `path`.
 * @throws {AppError} `RPC_SOCKET_PATH_INVALID`, `RPC_DIRECTORY_UNSAFE`, `RPC_SOCKET_IN_USE`, `RPC_SOCKET_PATH_OCCUPIED`,
 *   `RPC_SOCKET_FAILED`
 */
export async function prepareSocketPath(path: string): Promise<void> {
  const bytes = Buffer.byteLength(path)
  if (!isAbsolute(path) || bytes > SOCKET_PATH_MAX_BYTES) {
    throw rpcError('RPC_SOCKET_PATH_INVALID', { details: { bytes, maxBytes: SOCKET_PATH_MAX_BYTES } })
  }
  await prepareDirectory(dirname(path))
  await removeStaleSocket(path)
}

async function prepareDirectory(directory: string): Promise<void> {
  try {
    await mkdir(directory, { recursive: true, mode: 0o700 })
  } catch (error: unknown) {
    if (errorCode(error) === 'EEXIST' || errorCode(error) === 'ENOTDIR') {
      throw rpcError('RPC_DIRECTORY_UNSAFE', { cause: error })
    }
    throw rpcError('RPC_SOCKET_FAILED', { cause: error })
  }
  // `lstat`: a symbolic link could be turned elsewhere by whoever owns the place where it lies.
  const found = await lstat(directory)
  // Not `os.userInfo()`: it asks the system's name service for our name, and with a directory server that leaves the machine.
  if (!found.isDirectory() || found.uid !== getuid?.() || (found.mode & OTHERS_MODE_BITS) !== 0) {
    throw rpcError('RPC_DIRECTORY_UNSAFE')
  }
}

async function removeStaleSocket(path: string): Promise<void> {
  let found: Awaited<ReturnType<typeof lstat>>
  try {
    found = await lstat(path)
  } catch (error: unknown) {
    if (errorCode(error) === 'ENOENT') return
    throw rpcError('RPC_SOCKET_FAILED', { cause: error })
  }
  if (!found.isSocket()) throw rpcError('RPC_SOCKET_PATH_OCCUPIED')
  if (await isServed(path)) throw rpcError('RPC_SOCKET_IN_USE')
  try {
    await unlink(path)
  } catch (error: unknown) {
    if (errorCode(error) !== 'ENOENT') throw rpcError('RPC_SOCKET_FAILED', { cause: error })
  }
}

/** Only a refusal means that nobody listens; anything else, for instance a full backlog, means that somebody does. */
function isServed(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path)
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', (error) => {
      resolve(errorCode(error) !== 'ECONNREFUSED' && errorCode(error) !== 'ENOENT')
    })
  })
}

export function errorCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined
}
