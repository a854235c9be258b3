/**
 * An RPC server over a fake messenger, and a raw client that sees bytes as they are.
 * Never left behind: everything ends with the test.
 * @module
 */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import type { Socket } from 'node:net'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import type { Clock, LogFields, Logger } from '../../src/ports/index.ts'
import type { HostFace, RpcLimits, RpcServer } from '../../src/rpc/index.ts'
import { createRpcServer } from '../../src/rpc/index.ts'
import type { FakeMessenger } from './fake-messenger.ts'
import { createFakeMessenger } from './fake-messenger.ts'

export interface LogEntry {
  readonly level: 'debug' | 'info' | 'warn' | 'error'
  readonly event: string
  readonly fields: LogFields
}

export function createEntryLogger(entries: LogEntry[]): Logger {
  const logger: Logger = {
    debug: (event, fields = {}) => entries.push({ level: 'debug', event, fields }),
    info: (event, fields = {}) => entries.push({ level: 'info', event, fields }),
    warn: (event, fields = {}) => entries.push({ level: 'warn', event, fields }),
    error: (event, fields = {}) => entries.push({ level: 'error', event, fields }),
    child: () => logger,
  }
  return logger
}

export interface FixtureClock extends Clock {
  /** Lets time pass; sleepers whose time has come wake up. */
  advance(byMs: number): void
}

/** Stands still until it is moved. */
export function createFixtureClock(): FixtureClock {
  let now = 0
  const sleepers = new Set<{ readonly atMs: number; readonly wake: () => void }>()
  return {
    nowMs: () => now,
    monotonicMs: () => now,
    sleep: (delayMs, signal) =>
      new Promise((resolve, reject) => {
        const sleeper = { atMs: now + delayMs, wake: resolve }
        sleepers.add(sleeper)
        signal?.addEventListener('abort', () => {
          sleepers.delete(sleeper)
          reject(new DOMException('The operation was aborted', 'AbortError'))
        })
      }),
    advance(byMs) {
      now += byMs
      for (const sleeper of [...sleepers]) {
        if (sleeper.atMs > now) continue
        sleepers.delete(sleeper)
        sleeper.wake()
      }
    },
  }
}

export interface RpcFixture {
  readonly server: RpcServer
  readonly messenger: FakeMessenger
  readonly clock: FixtureClock
  readonly socketPath: string
  readonly log: readonly LogEntry[]
  /** How often the daemon was asked to stop. */
  shutdowns(): number
  connect(): Promise<RawClient>
}

export function temporaryPath(context: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'noctule-rpc-'))
  context.after(() => rmSync(path, { recursive: true, force: true }))
  return path
}

export async function startRpc(
  context: TestContext,
  options: {
    readonly limits?: Partial<RpcLimits>
    readonly messenger?: FakeMessenger
    readonly host?: HostFace
    /** In a directory of its own when absent. */
    readonly socketPath?: string
  } = {},
): Promise<RpcFixture> {
  const messenger = options.messenger ?? createFakeMessenger()
  const clock = createFixtureClock()
  const log: LogEntry[] = []
  const socketPath = options.socketPath ?? join(temporaryPath(context), 'run', 'rpc.sock')
  let shutdowns = 0
  const server = createRpcServer({
    messenger,
    ...(options.host === undefined ? {} : { host: options.host }),
    clock,
    logger: createEntryLogger(log),
    socketPath,
    version: '1.2.3',
    onShutdown: () => {
      shutdowns += 1
    },
    limits: options.limits ?? {},
  })
  await server.start()
  const clients: RawClient[] = []
  context.after(async () => {
    for (const client of clients) client.destroy()
    await server.stop()
  })
  return {
    server,
    messenger,
    clock,
    socketPath,
    log,
    shutdowns: () => shutdowns,
    async connect() {
      const client = await connectRaw(socketPath)
      clients.push(client)
      return client
    },
  }
}

export type Json = Readonly<Record<string, unknown>>

export interface RawClient {
  readonly socket: Socket
  /** Writes bytes or text as they are. */
  write(data: string | Uint8Array): void
  /** Writes one value as a line. */
  send(value: unknown): void
  /** The next line, parsed; undefined when the server has hung up. */
  next(): Promise<unknown>
  /** The next line, which must be an object. */
  nextObject(): Promise<Json>
  /** Sends a request and waits for the very next line. */
  ask(method: string, params?: unknown): Promise<Json>
  /** Lines that arrived and were not taken. */
  waiting(): number
  destroy(): void
}

/** Collects lines; reads on whatever happens, unless the socket is paused by the test. */
export async function connectRaw(socketPath: string): Promise<RawClient> {
  const socket = connect(socketPath)
  await once(socket, 'connect')
  const lines: string[] = []
  let rest = ''
  let ended = false
  const mustWait = (): boolean => lines.length === 0 && !ended
  let wake: (() => void) | undefined
  let nextId = 1
  socket.setEncoding('utf8')
  socket.on('data', (text: string) => {
    const pieces = (rest + text).split('\n')
    rest = pieces.pop() ?? ''
    lines.push(...pieces)
    wake?.()
  })
  socket.on('error', () => undefined)
  socket.on('close', () => {
    ended = true
    wake?.()
  })
  const client: RawClient = {
    socket,
    write: (data) => void socket.write(data),
    send: (value) => void socket.write(`${JSON.stringify(value)}\n`),
    async next() {
      while (mustWait()) {
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      }
      const line = lines.shift()
      return line === undefined ? undefined : (JSON.parse(line) as unknown)
    },
    async nextObject() {
      const value = await client.next()
      assert.ok(typeof value === 'object' && value !== null && !Array.isArray(value), 'an object was expected')
      return value as Json
    },
    ask(method, params) {
      client.send({ jsonrpc: '2.0', id: nextId, method, ...(params === undefined ? {} : { params }) })
      nextId += 1
      return client.nextObject()
    },
    waiting: () => lines.length,
    destroy: () => socket.destroy(),
  }
  return client
}

/** Waits for a condition by letting the event loop turn. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await turn()
}

/** The part of a value at a path, for assertions on untyped replies. */
export function at(value: unknown, ...path: readonly (string | number)[]): unknown {
  let found: unknown = value
  for (const key of path) {
    if (typeof found !== 'object' || found === null) return undefined
    found = (found as Record<string | number, unknown>)[key]
  }
  return found
}
