/**
 * Finds free loopback ports for one run.
 * Never hands the same ports to two runs: each run keeps a listener on the first port of its block while it lives.
 * @module
 */
import { randomInt } from 'node:crypto'
import type { Server } from 'node:net'
import { createServer } from 'node:net'

export interface PortBlock {
  readonly ports: readonly number[]
  /** Gives the block back. */
  release(): Promise<void>
}

// Below 32768, where Linux begins to take ports for outgoing connections.
const FIRST_PORT = 10_240
const BLOCK_SIZE = 64
const BLOCK_COUNT = 350
const MAX_ATTEMPTS = 100

function listen(port: number): Promise<Server | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy())
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(undefined)
      else reject(error)
    })
    server.listen({ host: '127.0.0.1', port }, () => resolve(server))
  })
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()))
}

async function isFree(port: number): Promise<boolean> {
  const server = await listen(port)
  if (server !== undefined) await close(server)
  return server !== undefined
}

/** @throws {Error} when a hundred random blocks were all in use */
export async function reservePorts(count: number): Promise<PortBlock> {
  if (count >= BLOCK_SIZE) throw new RangeError('"count" is larger than a block of ports')
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
    const first = FIRST_PORT + BLOCK_SIZE * randomInt(BLOCK_COUNT)
    const guard = await listen(first)
    if (guard === undefined) continue
    guard.unref()
    const ports = Array.from({ length: count }, (_, index) => first + 1 + index)
    const free = await Promise.all(ports.map(isFree))
    if (free.every(Boolean)) return { ports, release: () => close(guard) }
    await close(guard)
  }
  throw new Error('no free ports for the private Tor network')
}

/** In a namespace of our own every port is free. */
export function privatePorts(count: number): PortBlock {
  const ports = Array.from({ length: count }, (_, index) => FIRST_PORT + 1 + index)
  return { ports, release: () => Promise.resolve() }
}
