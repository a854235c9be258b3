/**
 * A Tor provider without Tor: onion services are unix sockets in one temporary directory.
 * Never leaves the machine, and adds no delay: for tests of what stands on real sockets.
 * @module
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, connect as netConnect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'
import { AppError, type ErrorEntry, equalBytes } from '../../src/base/index.ts'
import { onionPublicKey, x25519PublicKey } from '../../src/crypto/index.ts'
import type { OnionAddress, OnionService, OnionServiceOptions, TorProvider } from '../../src/ports/index.ts'
import { onionAddress } from '../../src/wire/index.ts'

/** One end of a stream, as the test sees it: each write that reached the socket. */
export interface TappedSocket {
  readonly side: 'dialer' | 'listener'
  readonly socket: Socket
  /** Bytes of each call of `write`, in order. */
  readonly writes: number[]
}

export interface LoopbackDial {
  readonly address: OnionAddress
  readonly isolation: string
  readonly optimistic: boolean
}

export interface LoopbackTor {
  /** The provider of one daemon. */
  createProvider(): TorProvider
  readonly taps: readonly TappedSocket[]
  readonly dials: readonly LoopbackDial[]
  /** Client keys that providers hold now. */
  clientKeyCount(): number
  stop(): Promise<void>
}

const FAILED: ErrorEntry = { kind: 'retry', why: 'The onion service did not answer.', remedy: 'Try later.' }

export async function createLoopbackTor(): Promise<LoopbackTor> {
  const directory = await mkdtemp(join(tmpdir(), 'noctule-loop-'))
  const services = new Map<OnionAddress, { readonly options: OnionServiceOptions; readonly path: string }>()
  const taps: TappedSocket[] = []
  const dials: LoopbackDial[] = []
  const closers = new Set<() => Promise<void>>()
  const allKeys = new Set<object>()
  let serial = 0

  const tap = (side: TappedSocket['side'], socket: Socket): Socket => {
    const writes: number[] = []
    const write = socket.write.bind(socket) as (...args: unknown[]) => boolean
    socket.write = (chunk: Uint8Array | string, ...rest: unknown[]) => {
      writes.push(chunk.length)
      return write(chunk, ...rest)
    }
    taps.push({ side, socket, writes })
    return socket
  }

  const publish = async (options: OnionServiceOptions): Promise<OnionService> => {
    const address = onionAddress(onionPublicKey(options.secretKey))
    serial += 1
    const path = join(directory, `s${serial}`)
    const sockets = new Set<Socket>()
    const server = createServer((socket) => {
      sockets.add(socket)
      socket.on('close', () => sockets.delete(socket))
      socket.on('error', () => undefined)
      options.onStream(tap('listener', socket))
    })
    await new Promise<void>((resolve) => server.listen(path, resolve))
    services.set(address, { options, path })
    let closing: Promise<void> | undefined
    const close = (): Promise<void> => {
      closing ??= new Promise((resolve) => {
        if (services.get(address)?.path === path) services.delete(address)
        closers.delete(close)
        server.close(() => resolve())
        for (const socket of sockets) socket.destroy()
      })
      return closing
    }
    closers.add(close)
    return { address, published: async (signal) => signal?.throwIfAborted(), close }
  }

  return {
    taps,
    dials,
    clientKeyCount: () => allKeys.size,
    createProvider: () => createProvider(),
    async stop() {
      for (const { socket } of taps) socket.destroy()
      await Promise.all([...closers].map((close) => close()))
      await rm(directory, { recursive: true, force: true })
    },
  }

  function createProvider(): TorProvider {
    const keys = new Map<OnionAddress, { readonly publicKey: Uint8Array }>()
    return {
      start: async () => undefined,
      stop: async () => undefined,
      status: () => ({
        stage: 'ready',
        bootstrapPercent: 100,
        bootstrapTag: 'done',
        mode: 'child',
        version: '0.0.0',
        lastError: undefined,
        warnings: [],
      }),
      onStatus: () => () => undefined,
      whenReady: async () => undefined,
      publishOnion: publish,
      async authorizeClient(address, privateKey) {
        const key = { publicKey: x25519PublicKey(privateKey) }
        keys.set(address, key)
        allKeys.add(key)
        return async () => {
          allKeys.delete(key)
          if (keys.get(address) === key) keys.delete(address)
        }
      },
      async connect(address, port, options): Promise<Duplex> {
        options.signal.throwIfAborted()
        dials.push({ address, isolation: options.isolation, optimistic: options.optimistic === true })
        const service = services.get(address)
        const { authorizedClients = [], virtualPort } = service?.options ?? {}
        const publicKey = keys.get(address)?.publicKey
        const admitted =
          authorizedClients.length === 0 ||
          (publicKey !== undefined && authorizedClients.some((key) => equalBytes(key, publicKey)))
        const reachable = service !== undefined && admitted && virtualPort === port
        const socket = tap('dialer', netConnect(service?.path ?? join(directory, 'nowhere')))
        // Optimistic like tor: the stream is there at once and breaks later.
        if (!reachable) setImmediate(() => socket.destroy(new AppError('TOR_ONION_NOT_FOUND', FAILED)))
        return socket
      },
    }
  }
}
