/**
 * The Tor port over a fake network: same promises, same errors, virtual time.
 * Never asks for anything outside the process. Spec 07-tor §9.
 * @module
 */
import type { Duplex } from 'node:stream'
import { isAbortError } from '../../base/index.ts'
import type { OnionAddress, OnionSecretKey, OnionService, OnionServiceOptions, TorProvider } from '../../ports/index.ts'
import { torError } from '../errors.ts'
import { createStatusBoard } from '../status.ts'
import type { FakeDescriptor, FakeTorNetwork } from './fake-network.ts'
import { FakeStream } from './fake-stream.ts'

export interface FakeTorDeps {
  readonly network: FakeTorNetwork
  /** The address that belongs to an expanded key. */
  readonly addressOf: (secretKey: OnionSecretKey) => OnionAddress
  /** The X25519 public key of a private one. */
  readonly clientPublicKeyOf: (privateKey: Uint8Array) => Uint8Array
}

export interface FakeTorProvider extends TorProvider {
  /** tor goes away, with every stream; it stays away until {@link FakeTorProvider.recover}. */
  crash(): void
  /** tor is started again; ready after the bootstrap time of the network, and everything is published again. */
  recover(): void
}

interface Service {
  readonly address: OnionAddress
  readonly descriptor: FakeDescriptor
  readonly streams: Set<FakeStream>
  published: PromiseWithResolvers<void>
  isPublished: boolean
}

export function createFakeTorProvider(deps: FakeTorDeps): FakeTorProvider {
  const { network } = deps
  const { clock } = network
  const board = createStatusBoard()
  const services = new Map<OnionAddress, Service>()
  const clientKeys = new Map<OnionAddress, { readonly publicKey: Uint8Array }>()
  const dialed = new Set<FakeStream>()
  const tasks = new Set<Promise<void>>()
  /** Aborted when this life of the fake tor ends. */
  let life = new AbortController()
  let started = false
  let stopped = false
  let up = false

  /** Runs a task that ends with the fake tor's life. */
  const spawn = (task: (signal: AbortSignal) => Promise<void>): void => {
    const { signal } = life
    const running = task(signal).catch((error: unknown) => {
      if (!isAbortError(error)) throw error
    })
    tasks.add(running)
    void running.finally(() => tasks.delete(running))
  }
  const pause = (delayMs: number, signal: AbortSignal): Promise<void> =>
    delayMs > 0 ? clock.sleep(delayMs, signal) : Promise.resolve()

  const publishLater = (service: Service): void =>
    spawn(async (signal) => {
      await pause(network.publishMs, signal)
      if (signal.aborted || services.get(service.address) !== service) return
      network.put(service.address, service.descriptor)
      service.isPublished = true
      service.published.resolve()
    })

  const boot = (): void =>
    spawn(async (signal) => {
      board.set({ stage: 'bootstrapping', mode: 'child', version: '0.0.0' })
      await pause(network.bootstrapMs, signal)
      if (signal.aborted) return
      up = true
      board.set({ stage: 'ready', bootstrapPercent: 100, bootstrapTag: 'done' })
      for (const service of services.values()) publishLater(service)
    })

  const fall = (): void => {
    up = false
    life.abort()
    life = new AbortController()
    for (const stream of dialed) stream.breakOff()
    for (const service of services.values()) {
      for (const stream of service.streams) stream.breakOff()
      if (service.isPublished) service.published = silent(Promise.withResolvers<void>())
      service.isPublished = false
    }
  }

  const close = async (service: Service, code: 'TOR_ONION_CLOSED' | 'TOR_STOPPED'): Promise<void> => {
    if (services.get(service.address) !== service) return
    services.delete(service.address)
    network.remove(service.address, service.descriptor)
    for (const stream of service.streams) stream.breakOff()
    service.published.reject(torError(code))
    if (service.isPublished) service.published = rejected(code)
  }

  const createService = (address: OnionAddress, options: OnionServiceOptions): Service => {
    const streams = new Set<FakeStream>()
    const descriptor: FakeDescriptor = {
      virtualPort: options.virtualPort,
      authorizedClients: options.authorizedClients.map((key) => Uint8Array.from(key)),
      isUp: () => up,
      accept(stream) {
        streams.add(stream)
        stream.on('close', () => streams.delete(stream))
        stream.on('error', () => undefined)
        options.onStream(stream)
      },
    }
    return { address, descriptor, streams, published: silent(Promise.withResolvers<void>()), isPublished: false }
  }

  return {
    async start() {
      if (stopped) throw torError('TOR_STOPPED')
      if (!started) boot()
      started = true
    },
    async stop() {
      if (stopped) return
      stopped = true
      fall()
      for (const service of [...services.values()]) await close(service, 'TOR_STOPPED')
      await Promise.all(tasks)
      board.stop()
    },
    crash() {
      if (!started || stopped) return
      fall()
      board.set({ stage: 'lost', mode: 'none', bootstrapPercent: 0, lastError: 'TOR_CHILD_EXITED' })
    },
    recover() {
      if (started && !stopped && !up) boot()
    },
    status: board.get,
    onStatus: board.onStatus,
    whenReady: board.whenReady,
    async publishOnion(options): Promise<OnionService> {
      if (stopped) throw torError('TOR_STOPPED')
      const address = deps.addressOf(options.secretKey)
      if (services.has(address)) throw new RangeError('"secretKey" belongs to a service that is up already')
      const service = createService(address, options)
      services.set(address, service)
      if (up) publishLater(service)
      return {
        address,
        published: (signal) => abortable(service.published.promise, signal),
        close: () => close(service, 'TOR_ONION_CLOSED'),
      }
    },
    async authorizeClient(address, privateKey) {
      if (stopped) throw torError('TOR_STOPPED')
      const key = { publicKey: deps.clientPublicKeyOf(privateKey) }
      clientKeys.set(address, key)
      return async () => {
        if (clientKeys.get(address) === key) clientKeys.delete(address)
      }
    },
    async connect(address, port, options): Promise<Duplex> {
      if (stopped) throw torError('TOR_STOPPED')
      options.signal.throwIfAborted()
      if (!up) throw torError('TOR_NOT_READY')
      const stream = new FakeStream(clock, network.latencyMs)
      dialed.add(stream)
      stream.on('close', () => dialed.delete(stream))
      const dial = { atMs: clock.monotonicMs(), address, isolation: options.isolation }
      const joined = network.dial(dial, port, clientKeys.get(address)?.publicKey, stream)
      if (options.optimistic === true) {
        // As with the real one: it may fail before its owner could listen, who finds the reason in `errored`.
        stream.on('error', () => undefined)
        joined.catch((error: unknown) => stream.destroy(error as Error))
        return stream
      }
      const broken = new Promise<never>((_resolve, reject) => stream.once('error', reject))
      try {
        await abortable(Promise.race([joined, broken]), options.signal)
        return stream
      } catch (error: unknown) {
        stream.on('error', () => undefined)
        stream.destroy()
        throw stopped ? torError('TOR_STOPPED') : error
      }
    },
  }
}

/** Nobody has to wait for a publication; a rejection that nobody hears is no accident. */
function silent(deferred: PromiseWithResolvers<void>): PromiseWithResolvers<void> {
  deferred.promise.catch(() => undefined)
  return deferred
}

function rejected(code: 'TOR_ONION_CLOSED' | 'TOR_STOPPED'): PromiseWithResolvers<void> {
  const deferred = silent(Promise.withResolvers<void>())
  deferred.reject(torError(code))
  return deferred
}

function abortable<T>(promise: Promise<T>, signal?: AbortSignal): Promise<T> {
  if (signal === undefined) return promise
  if (signal.aborted) return Promise.reject(signal.reason)
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason)
    signal.addEventListener('abort', onAbort, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort))
  })
}
