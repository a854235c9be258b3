/**
 * The libp2p instance behind one listener or one dial.
 * Never shared: two links have no peer id, peerstore, timer or counter in common, so nothing ties them together.
 * DESIGN §5, spec 01a-transport §3.
 * @module
 */
import type { Libp2p, Transport } from '@libp2p/interface'
import { noise } from '@libp2p/noise'
import { createLibp2p } from 'libp2p'
import { concatBytes, utf8Encode } from '../base/index.ts'
import type { LinkOptions, Logger } from '../ports/index.ts'
import { createGater } from './gater.ts'
import { onionOnly } from './onion-multiaddr.ts'
import type { OnionTransportComponents } from './onion-transport.ts'
import {
  AGENT,
  CLOSE_TIMEOUT_MS,
  DIAL_TIMEOUT_MS,
  INBOUND_UPGRADE_TIMEOUT_MS,
  LISTENER_MAX_CONNECTIONS,
  pendingMaxCount,
  STREAM_NEGOTIATION_TIMEOUT_MS,
} from './options.ts'
import { expectedKey, peerIdOfKey, transportKey } from './peer-identity.ts'
import { recordMuxer } from './record-muxer.ts'
import { createRedactingLogger } from './redacting-logger.ts'

export interface LinkInstanceOptions {
  readonly link: LinkOptions
  readonly direction: 'inbound' | 'outbound'
  readonly transport: (components: OnionTransportComponents) => Transport
  /** Multiaddrs to listen on. */
  readonly listen: readonly string[]
  /** Connections at once; more are refused. A contact's number unless given. */
  readonly connectionsMaxCount?: number
  readonly logger: Logger
}

/**
 * An instance that is not started yet: Noise and the one-stream muxer, nothing that speaks on its own accord, no
 * service, no resolver, a peerstore in memory.
 */
export async function createLinkInstance(options: LinkInstanceOptions): Promise<Libp2p> {
  const { link, direction } = options
  const key = await expectedKey(link)
  const expectedPeer = key === undefined ? undefined : peerIdOfKey(key)
  const connectionsMaxCount = options.connectionsMaxCount ?? LISTENER_MAX_CONNECTIONS
  return createLibp2p({
    start: false,
    privateKey: await transportKey(link.localSeed),
    nodeInfo: AGENT,
    logger: createRedactingLogger(options.logger),
    addresses: { listen: [...options.listen], announceFilter: onionOnly },
    transports: [options.transport],
    connectionEncrypters: [noise({ prologueBytes: prologue(link) })],
    streamMuxers: [recordMuxer(link)],
    connectionGater: createGater({ expectedPeer, direction }),
    // It pings every connection; on a shaped one that would be the only traffic which tells something.
    connectionMonitor: { enabled: false },
    connectionManager: {
      // libp2p asks the system's resolver for /dnsaddr before any gater runs (TORNET §2.4).
      resolvers: {},
      maxConnections: connectionsMaxCount,
      maxIncomingPendingConnections: pendingMaxCount(connectionsMaxCount),
      maxParallelDials: 1,
      maxPeerAddrsToDial: 1,
      reconnectRetries: 0,
      dialTimeout: DIAL_TIMEOUT_MS,
      addressDialTimeout: DIAL_TIMEOUT_MS,
      inboundUpgradeTimeout: INBOUND_UPGRADE_TIMEOUT_MS,
      inboundStreamProtocolNegotiationTimeout: STREAM_NEGOTIATION_TIMEOUT_MS,
      outboundStreamProtocolNegotiationTimeout: STREAM_NEGOTIATION_TIMEOUT_MS,
      connectionCloseTimeout: CLOSE_TIMEOUT_MS,
    },
  })
}

/**
 * What both ends must agree on goes into Noise's prologue: other protocols and record sizes fail the handshake, though
 * nothing on the wire names them. Spec 01a-transport §4.1.
 */
function prologue(link: LinkOptions): Uint8Array {
  const size = new Uint8Array(4)
  new DataView(size.buffer).setUint32(0, link.recordBytes)
  return concatBytes(utf8Encode('noctule/v1/link'), size, utf8Encode(link.protocol))
}
