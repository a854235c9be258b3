/**
 * libp2p's listener over one onion service.
 * Never gives an inbound stream an address of its own: all have the same made-up one, which says nothing if a peer is
 * told it (a listener on TCP would report 127.0.0.1 and a port). TORNET §2, spec 01a-transport §2.2.
 * @module
 */
import type { Duplex } from 'node:stream'
import type { Logger as Libp2pLogger, Listener, ListenerEvents, Upgrader } from '@libp2p/interface'
import { TypedEventEmitter } from '@libp2p/interface'
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr'
import type { OnionService } from '../ports/index.ts'
import { transportError } from './errors.ts'
import { OnionConnection } from './onion-connection.ts'
import { type OnionEndpoint, onionMultiaddr, parseOnionMultiaddr } from './onion-multiaddr.ts'
import { type UpgradeMode, upgradeInbound } from './upgrade.ts'

/** Puts the service of an endpoint up and delivers its inbound streams. */
export type PublishEndpoint = (endpoint: OnionEndpoint, onStream: (stream: Duplex) => void) => Promise<OnionService>

export interface OnionListenerInit {
  readonly publish: PublishEndpoint
  readonly upgrader: Upgrader
  readonly mode: UpgradeMode
  readonly coalesce: boolean
  readonly maxPending: number
  /** As in the options of the transport. */
  readonly announce: boolean
  readonly log: Libp2pLogger
}

const INBOUND_ADDRESS = '/memory/onion'

export class OnionListener extends TypedEventEmitter<ListenerEvents> implements Listener {
  readonly #init: OnionListenerInit
  readonly #shutdown = new AbortController()
  readonly #connections = new Set<OnionConnection>()
  #service: { readonly address: Multiaddr; readonly onion: OnionService } | undefined
  /** Not authenticated yet, the oldest first. */
  readonly #pending = new Set<OnionConnection>()

  constructor(init: OnionListenerInit) {
    super()
    this.#init = init
  }

  /** @throws {AppError} `TRANSPORT_ADDRESS_REFUSED`, and what the Tor provider throws */
  async listen(address: Multiaddr): Promise<void> {
    const target = parseOnionMultiaddr(address)
    if (target === undefined) throw transportError('TRANSPORT_ADDRESS_REFUSED')
    const onion = await this.#init.publish(target, (stream) => this.#accept(stream))
    this.#service = { address: onionMultiaddr(target), onion }
    if (this.#init.announce) this.safeDispatchEvent('listening')
  }

  getAddrs(): Multiaddr[] {
    return this.#service === undefined ? [] : [this.#service.address]
  }

  /** Onion addresses never change while they are up. */
  updateAnnounceAddrs(): void {}

  async close(): Promise<void> {
    this.#shutdown.abort()
    for (const connection of this.#connections) connection.abort(transportError('LINK_CLOSED'))
    const service = this.#service
    this.#service = undefined
    await service?.onion.close()
    if (this.#init.announce) this.safeDispatchEvent('close')
  }

  #accept(stream: Duplex): void {
    // A stream that ended before it came to us would never say so again, and hold its place until it is timed out.
    if (this.#shutdown.signal.aborted || stream.destroyed) {
      stream.on('error', () => undefined)
      stream.destroy()
      return
    }
    const [oldest] = this.#pending
    if (oldest !== undefined && this.#pending.size >= this.#init.maxPending) {
      // Whoever is turned away learns that the service exists, which the descriptor's key told before.
      this.#pending.delete(oldest)
      oldest.abort(transportError('LINK_SETUP_FAILED'))
    }
    const connection = new OnionConnection({
      stream,
      remoteAddr: multiaddr(INBOUND_ADDRESS),
      direction: 'inbound',
      log: this.#init.log,
      coalesce: this.#init.coalesce,
    })
    this.#connections.add(connection)
    connection.addEventListener('close', () => this.#connections.delete(connection))
    this.#pending.add(connection)
    void this.#upgrade(connection).finally(() => {
      this.#pending.delete(connection)
    })
  }

  async #upgrade(connection: OnionConnection): Promise<void> {
    const { upgrader, mode } = this.#init
    const signal = upgrader.createInboundAbortSignal(this.#shutdown.signal)
    try {
      await upgradeInbound(connection, { upgrader, mode, signal })
    } catch {
      // A stranger, a broken stream or a timeout: nobody is waiting for it, and no answer may serve as an oracle.
      connection.abort(transportError('LINK_SETUP_FAILED'))
    } finally {
      signal.clear()
    }
  }
}
