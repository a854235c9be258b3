/**
 * The record network in memory, for tests and simulations in virtual time.
 * Never more forgiving than the real one: descriptors need their key, ends need each other's seed, links can be lost.
 * Spec 01a-transport §7.
 * @module
 */
import { equalBytes } from '../base/index.ts'
import type {
  Clock,
  DialOptions,
  ListenOptions,
  OnionAddress,
  OnionSecretKey,
  RecordLink,
  RecordListener,
  RecordNetwork,
} from '../ports/index.ts'
import { transportError } from './errors.ts'
import { createMemoryLinkPair, drawnBy, type MemoryLinkPair } from './memory-link.ts'
import { LISTENER_MAX_CONNECTIONS } from './options.ts'
import { dialedKey, expectedKey, transportPublicKey } from './peer-identity.ts'

export interface MemoryRecordHubOptions {
  readonly clock: Clock
  /** One way, or what draws it for each record; a dial takes two of them. Default 0. */
  readonly latencyMs?: number | (() => number)
  /** The address that belongs to an expanded key. */
  readonly addressOf: (secretKey: OnionSecretKey) => OnionAddress
  /** The X25519 public key of a private one. */
  readonly clientPublicKeyOf: (privateKey: Uint8Array) => Uint8Array
}

/** What the networks of several daemons have in common. */
export interface MemoryRecordHub {
  /** The record network of one daemon. */
  createNetwork(): RecordNetwork
  /** Ends every open link at once, as lost circuits do; listeners stay. */
  cut(): void
  /** While true no dial succeeds: links that exist go on. */
  setUnreachable(unreachable: boolean): void
  /** Open links, each counted once. */
  linkCount(): number
}

interface Service {
  readonly options: ListenOptions
  readonly links: Set<RecordLink>
}

export function createMemoryRecordHub(options: MemoryRecordHubOptions): MemoryRecordHub {
  const services = new Map<OnionAddress, Service>()
  const pairs = new Set<MemoryLinkPair>()
  let unreachable = false

  const canRead = (authorizedClients: readonly Uint8Array[], privateKey: Uint8Array | undefined): boolean => {
    if (authorizedClients.length === 0) return true
    if (privateKey === undefined) return false
    const publicKey = options.clientPublicKeyOf(privateKey)
    return authorizedClients.some((key) => equalBytes(key, publicKey))
  }

  const connect = async (dial: DialOptions): Promise<RecordLink> => {
    dial.signal.throwIfAborted()
    const wantedKey = await dialedKey(dial)
    const oneWayMs = drawnBy(options.latencyMs)
    const dialMs = oneWayMs() + oneWayMs()
    if (dialMs > 0) await options.clock.sleep(dialMs, dial.signal)
    const service = services.get(dial.address)
    if (service === undefined || unreachable) throw transportError('LINK_SETUP_FAILED')
    const { authorizedClients, localSeed, protocol, recordBytes, linksMaxCount } = service.options
    if (!canRead(authorizedClients, dial.clientPrivateKey)) throw transportError('LINK_SETUP_FAILED')
    const [nearKey, farKey] = await Promise.all([transportPublicKey(dial.localSeed), transportPublicKey(localSeed)])
    const admittedKey = await expectedKey(service.options)
    if (services.get(dial.address) !== service) throw transportError('LINK_SETUP_FAILED')
    if (!equalBytes(farKey, wantedKey) || protocol !== dial.protocol || recordBytes !== dial.recordBytes) {
      throw transportError('LINK_PEER_UNEXPECTED')
    }
    const pair = createMemoryLinkPair({ clock: options.clock, oneWayMs, recordBytes, nearKey, farKey })
    pairs.add(pair)
    void Promise.all([pair.near.closed, pair.far.closed]).then(() => pairs.delete(pair))
    // As over Noise, the dialer is done one message before the listener, and sees a refusal as a link that ends.
    const isFull = service.links.size >= (linksMaxCount ?? LISTENER_MAX_CONNECTIONS)
    if (isFull || (admittedKey !== undefined && !equalBytes(admittedKey, nearKey))) {
      await pair.far.close()
      return pair.near
    }
    service.links.add(pair.far)
    void pair.far.closed.then(() => service.links.delete(pair.far))
    service.options.onLink(pair.far)
    return pair.near
  }

  const publish = (listen: ListenOptions): RecordListener => {
    const address = options.addressOf(listen.onionSecretKey)
    if (services.has(address)) throw new RangeError('"onionSecretKey" belongs to a service that is up already')
    const service: Service = { options: listen, links: new Set() }
    services.set(address, service)
    return {
      address,
      async published(signal) {
        signal?.throwIfAborted()
        if (services.get(address) !== service) throw transportError('LINK_CLOSED')
      },
      async close() {
        if (services.get(address) === service) services.delete(address)
        await Promise.all([...service.links].map((link) => link.close()))
      },
    }
  }

  return {
    createNetwork: () => createMemoryNetwork(publish, connect),
    cut() {
      for (const pair of pairs) pair.cut()
    },
    setUnreachable(value) {
      unreachable = value
    },
    linkCount: () => pairs.size,
  }
}

function createMemoryNetwork(
  publish: (options: ListenOptions) => RecordListener,
  connect: (options: DialOptions) => Promise<RecordLink>,
): RecordNetwork {
  const open = new Set<{ close(): Promise<void> }>()
  const stopping = new AbortController()
  const assertRunning = (): void => {
    if (stopping.signal.aborted) throw transportError('TRANSPORT_STOPPED')
  }
  return {
    async listen(options) {
      assertRunning()
      const listener = publish(options)
      const tracked: RecordListener = {
        ...listener,
        async close() {
          open.delete(tracked)
          await listener.close()
        },
      }
      open.add(tracked)
      return tracked
    },
    async dial(options) {
      assertRunning()
      const signal = AbortSignal.any([options.signal, stopping.signal])
      try {
        const link = await connect({ ...options, signal })
        if (signal.aborted) await link.close()
        signal.throwIfAborted()
        open.add(link)
        void link.closed.then(() => open.delete(link))
        return link
      } catch (error: unknown) {
        assertRunning()
        throw error
      }
    },
    async stop() {
      stopping.abort()
      await Promise.all([...open].map((resource) => resource.close()))
    },
  }
}
