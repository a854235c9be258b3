/**
 * libp2p's transport over v3 onion services.
 * Never dials, listens on or keeps any other kind of address, and never looks a name up. DESIGN §5, spec 01a-transport §2.
 * @module
 */
import type {
  ComponentLogger,
  Connection,
  CreateListenerOptions,
  DialTransportOptions,
  Listener,
  Transport,
} from '@libp2p/interface'
import { serviceCapabilities, transportSymbol } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { TorProvider } from '../ports/index.ts'
import { transportError } from './errors.ts'
import { OnionConnection } from './onion-connection.ts'
import { OnionListener, type PublishEndpoint } from './onion-listener.ts'
import { type OnionTarget, onionOnly, parseOnionMultiaddr } from './onion-multiaddr.ts'
import { LISTENER_MAX_PENDING } from './options.ts'
import { redactError } from './redact-error.ts'
import { type UpgradeMode, upgradeOutbound } from './upgrade.ts'

export interface OnionTransportOptions {
  readonly torProvider: Pick<TorProvider, 'connect'>
  /** Puts up the service of an address that this instance listens on. Left out by instances that never listen. */
  readonly publish?: PublishEndpoint
  /** The SOCKS isolation token of a dial: one per peer, purpose and epoch. */
  readonly isolationFor: (target: OnionTarget) => string
  readonly mode: UpgradeMode
  /** See {@link OnionConnection}. */
  readonly coalesce: boolean
  /**
   * True tells libp2p when listeners open and close, for instances that announce their address to others. False keeps it
   * out of libp2p's address book, whose update leaves a timer behind that outlives the instance by a second.
   */
  readonly announce: boolean
  /** Inbound streams that may wait for their authentication; a contact's number unless given. */
  readonly maxPending?: number
}

export interface OnionTransportComponents {
  readonly logger: ComponentLogger
}

/** For libp2p's `transports` option. */
export function onionTransport(options: OnionTransportOptions): (components: OnionTransportComponents) => Transport {
  return (components) => new OnionTransport(options, components)
}

class OnionTransport implements Transport {
  readonly [transportSymbol] = true
  readonly [Symbol.toStringTag] = 'noctule/onion'
  readonly [serviceCapabilities]: string[] = ['@libp2p/transport']
  readonly dialFilter = onionOnly
  readonly #options: OnionTransportOptions
  readonly #components: OnionTransportComponents

  constructor(options: OnionTransportOptions, components: OnionTransportComponents) {
    this.#options = options
    this.#components = components
  }

  listenFilter(addresses: Multiaddr[]): Multiaddr[] {
    return this.#options.publish === undefined ? [] : onionOnly(addresses)
  }

  /** @throws {AppError} `TRANSPORT_ADDRESS_REFUSED`, `LINK_PEER_UNEXPECTED` and the provider's `TOR_*`; else what libp2p throws */
  async dial(address: Multiaddr, { signal, upgrader }: DialTransportOptions): Promise<Connection> {
    signal.throwIfAborted()
    const target = parseOnionMultiaddr(address)
    if (target === undefined) throw transportError('TRANSPORT_ADDRESS_REFUSED')
    const { torProvider, isolationFor, mode, coalesce } = this.#options
    // Optimistic: the first message of Noise travels behind the SOCKS request and saves a round trip (TORNET §2.1).
    const isolation = isolationFor(target)
    const stream = await torProvider.connect(target.address, target.port, { isolation, signal, optimistic: true })
    // An optimistic stream may have failed before anybody listened to it.
    if (stream.destroyed) throw stream.errored ?? transportError('LINK_CLOSED')
    const log = this.#components.logger.forComponent('libp2p:onion')
    const connection = new OnionConnection({ stream, remoteAddr: address, direction: 'outbound', log, coalesce })
    try {
      return await upgradeOutbound(connection, target.peerId, { upgrader, mode, signal })
    } catch (error: unknown) {
      // A stream that is still open was answered, but not by whom or as we expected.
      const isRefused = connection.status === 'open' && !signal.aborted
      connection.abort(transportError('LINK_SETUP_FAILED'))
      if (isRefused) throw transportError('LINK_PEER_UNEXPECTED', { cause: redactError(error) })
      throw connection.failure ?? error
    }
  }

  createListener({ upgrader }: CreateListenerOptions): Listener {
    const { publish, mode, coalesce, announce, maxPending = LISTENER_MAX_PENDING } = this.#options
    if (publish === undefined) throw transportError('TRANSPORT_ADDRESS_REFUSED')
    const log = this.#components.logger.forComponent('libp2p:onion')
    return new OnionListener({ publish, upgrader, mode, coalesce, announce, maxPending, log })
  }
}
