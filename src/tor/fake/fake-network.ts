/**
 * A Tor network in memory: who has a descriptor out, and streams to whoever has.
 * Never uses a timer, a socket or real randomness: the injected clock is the only cause of delay.
 * @module
 */
import { equalBytes } from '../../base/index.ts'
import type { Clock, OnionAddress } from '../../ports/index.ts'
import { torError } from '../errors.ts'
import { FakeStream } from './fake-stream.ts'

/** A service as the fake network sees it. */
export interface FakeDescriptor {
  readonly virtualPort: number
  readonly authorizedClients: readonly Uint8Array[]
  /** False while the tor of the service is away: its descriptor is still out, nobody answers. */
  readonly isUp: () => boolean
  readonly accept: (stream: FakeStream) => void
}

export interface FakeTorNetworkOptions {
  readonly clock: Clock
  /** One way through a circuit; a dial takes two of them. Default 0. */
  readonly latencyMs?: number
  /** From adding a service until its descriptor is out. Default 0. */
  readonly publishMs?: number
  /** From the start of a tor until it is ready. Default 0. */
  readonly bootstrapMs?: number
}

/** What one observed dial was; an observer of the real network sees none of it, tests do. */
export interface FakeDial {
  readonly atMs: number
  readonly address: OnionAddress
  readonly isolation: string
}

export interface FakeTorNetwork {
  readonly clock: Clock
  readonly latencyMs: number
  readonly publishMs: number
  readonly bootstrapMs: number
  /** Dials so far, in order. */
  readonly dials: readonly FakeDial[]
  put(address: OnionAddress, descriptor: FakeDescriptor): void
  /** Removes it when it is still this one. */
  remove(address: OnionAddress, descriptor: FakeDescriptor): void
  /**
   * Joins `stream` to the service.
   * @throws {AppError} the `TOR_ONION_*` code that a tor gives
   */
  dial(dial: FakeDial, port: number, clientPublicKey: Uint8Array | undefined, stream: FakeStream): Promise<void>
}

export function createFakeTorNetwork(options: FakeTorNetworkOptions): FakeTorNetwork {
  const { clock } = options
  const latencyMs = options.latencyMs ?? 0
  const descriptors = new Map<OnionAddress, FakeDescriptor>()
  const dials: FakeDial[] = []
  return {
    clock,
    latencyMs,
    publishMs: options.publishMs ?? 0,
    bootstrapMs: options.bootstrapMs ?? 0,
    dials,
    put: (address, descriptor) => void descriptors.set(address, descriptor),
    remove(address, descriptor) {
      if (descriptors.get(address) === descriptor) descriptors.delete(address)
    },
    async dial(dial, port, clientPublicKey, stream) {
      dials.push(dial)
      if (latencyMs > 0) await clock.sleep(2 * latencyMs)
      const descriptor = descriptors.get(dial.address)
      if (descriptor === undefined) throw torError('TOR_ONION_NOT_FOUND')
      const { authorizedClients } = descriptor
      if (authorizedClients.length > 0) {
        if (clientPublicKey === undefined) throw torError('TOR_ONION_AUTH_MISSING')
        if (!authorizedClients.some((key) => equalBytes(key, clientPublicKey))) throw torError('TOR_ONION_AUTH_WRONG')
      }
      if (!descriptor.isUp()) throw torError('TOR_ONION_INTRO_FAILED')
      if (descriptor.virtualPort !== port) throw torError('TOR_ONION_REFUSED')
      if (stream.destroyed) return
      const far = new FakeStream(clock, latencyMs)
      stream.join(far)
      descriptor.accept(far)
    },
  }
}
