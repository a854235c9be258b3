/**
 * The libp2p instance of a host: Noise, yamux, kad-dht as a server, and what kad-dht cannot do without.
 * Never anything that tells about the machine: identify says a constant, nothing is observed, nothing is resolved, nobody
 * is dialled but onions. Shares nothing with the instances of record links. Spec 01a-transport §8.1, §8.4.
 * @module
 */
import { identify } from '@libp2p/identify'
import type { Libp2p, PeerId, Stream, Transport } from '@libp2p/interface'
import { type KadDHT, type KadDHTComponents, type KadDHTInit, kadDHT } from '@libp2p/kad-dht'
import { noise } from '@libp2p/noise'
import { ping } from '@libp2p/ping'
import { yamux } from '@libp2p/yamux'
import { createLibp2p } from 'libp2p'
import type { Logger } from '../../ports/index.ts'
import { transportError } from '../errors.ts'
import { createGater } from '../gater.ts'
import { onionOnly } from '../onion-multiaddr.ts'
import type { OnionTransportComponents } from '../onion-transport.ts'
import { AGENT, CLOSE_TIMEOUT_MS, INBOUND_UPGRADE_TIMEOUT_MS, pendingMaxCount } from '../options.ts'
import { transportKey } from '../peer-identity.ts'
import { createRedactingLogger } from '../redacting-logger.ts'
import { createBoundedDatastore } from './bounded-datastore.ts'
import {
  MESH_CLOSEST_COUNT,
  MESH_CONNECTIONS_MAX_COUNT,
  MESH_DIALS_MAX_COUNT,
  MESH_KAD_PROTOCOL,
  MESH_KAD_STREAM_MAX_BYTES,
  MESH_NAMESPACE,
  MESH_PROTOCOL_PREFIX,
  MESH_WRITE_BUFFER_MAX_BYTES,
} from './options.ts'

/** What is used of kad-dht beyond its interface. */
export type MeshKad = KadDHT & {
  readonly routingTable: EventTarget & { readonly size: number; remove(peerId: PeerId): Promise<void> }
}

export type MeshLibp2p = Libp2p<{ readonly dht: MeshKad }>

export interface MeshInstanceOptions {
  readonly hostSeed: Uint8Array
  /** The one multiaddr that it listens on and tells. */
  readonly address: string
  readonly transport: (components: OnionTransportComponents) => Transport
  readonly mayDial: (peer: PeerId) => boolean
  /** Rejects what is not to be kept or believed. */
  readonly validate: (key: Uint8Array, value: Uint8Array) => Promise<void>
  readonly select: (key: Uint8Array, values: Uint8Array[]) => number
  readonly timeoutMs: number
  readonly logger: Logger
}

/** An instance that is not started yet. */
export async function createMeshInstance(options: MeshInstanceOptions): Promise<MeshLibp2p> {
  const { timeoutMs } = options
  const adaptive = { minTimeout: timeoutMs, initialValue: timeoutMs, maxTimeout: 2 * timeoutMs }
  const instance = await createLibp2p({
    start: false,
    privateKey: await transportKey(options.hostSeed),
    nodeInfo: AGENT,
    logger: createRedactingLogger(options.logger),
    datastore: createBoundedDatastore(),
    addresses: { listen: [options.address], announce: [options.address], announceFilter: onionOnly },
    transports: [options.transport],
    connectionEncrypters: [noise()],
    streamMuxers: [
      yamux({
        // A dead circuit shows when a request gets no answer; pings on every idle connection would show nothing more.
        enableKeepAlive: false,
        maxInboundStreams: 64,
        streamOptions: { maxStreamWindowSize: 262_144, maxWriteBufferLength: MESH_WRITE_BUFFER_MAX_BYTES },
      }),
    ],
    connectionGater: createGater({ expectedPeer: undefined, direction: 'both', mayDial: options.mayDial }),
    connectionMonitor: { enabled: false },
    connectionManager: {
      resolvers: {},
      maxConnections: MESH_CONNECTIONS_MAX_COUNT,
      maxIncomingPendingConnections: pendingMaxCount(MESH_CONNECTIONS_MAX_COUNT),
      maxParallelDials: MESH_DIALS_MAX_COUNT,
      // Others may have told a wrong address beside the right one.
      maxPeerAddrsToDial: 2,
      reconnectRetries: 0,
      dialTimeout: timeoutMs,
      addressDialTimeout: timeoutMs,
      inboundUpgradeTimeout: INBOUND_UPGRADE_TIMEOUT_MS,
      inboundStreamProtocolNegotiationTimeout: timeoutMs,
      outboundStreamProtocolNegotiationTimeout: timeoutMs,
      connectionCloseTimeout: CLOSE_TIMEOUT_MS,
    },
    services: {
      // kad-dht learns from identify who speaks its protocol, and under which address.
      identify: identify({ protocolPrefix: MESH_PROTOCOL_PREFIX, timeout: timeoutMs, maxObservedAddresses: 0 }),
      // kad-dht pings whom it is about to put into its table, and nobody else does.
      ping: ping({ protocolPrefix: MESH_PROTOCOL_PREFIX, timeout: timeoutMs }),
      dht: boundedKad({
        protocol: MESH_KAD_PROTOCOL,
        clientMode: false,
        kBucketSize: MESH_CLOSEST_COUNT,
        // A first host is alone, and must not wait for others for ever.
        allowQueryWithZeroPeers: true,
        // The default one would do, but lets clearnet addresses through.
        peerInfoMapper: (peer) => ({ ...peer, multiaddrs: onionOnly(peer.multiaddrs) }),
        // Keys of libp2p's own namespace are not ours.
        validators: { [MESH_NAMESPACE]: options.validate, pk: refuse },
        selectors: { [MESH_NAMESPACE]: options.select },
        maxInboundStreams: 8,
        maxOutboundStreams: 8,
        networkDialTimeout: adaptive,
        pingNewContactTimeout: adaptive,
        pingOldContactTimeout: adaptive,
        onPeerConnectTimeout: 2 * timeoutMs,
      }),
    },
  })
  return instance as unknown as MeshLibp2p
}

async function refuse(): Promise<void> {
  throw transportError('MESH_RECORD_REFUSED')
}

/**
 * kad-dht reads messages of up to 4 MiB, in both directions; here its streams may bring less. Not by libp2p's stream
 * middleware: once there is any for a protocol, libp2p 3.3 runs the handlers of inbound streams on outbound ones too.
 */
function boundedKad(init: KadDHTInit): (components: KadDHTComponents) => KadDHT {
  const bound = (stream: Stream): Stream => boundStream(stream, MESH_KAD_STREAM_MAX_BYTES)
  return (components) => {
    const { registrar, connectionManager } = components
    return kadDHT(init)(
      override(components, {
        registrar: override(registrar, {
          handle: (protocol, handler, options) =>
            registrar.handle(protocol, (stream, connection) => handler(bound(stream), connection), options),
        }),
        connectionManager: override(connectionManager, {
          openStream: async (...target) => bound(await connectionManager.openStream(...target)),
        }),
      }),
    )
  }
}

/** The same object with other members; its own methods go on to see it as it is. */
function override<T extends object>(target: T, changes: Partial<T>): T {
  return new Proxy(target, {
    get(object, name): unknown {
      if (name in changes) return Reflect.get(changes, name)
      const value: unknown = Reflect.get(object, name, object)
      return typeof value === 'function' ? value.bind(object) : value
    },
  })
}

/** A stream that brings more than `maxBytes` ends. */
function boundStream(stream: Stream, maxBytes: number): Stream {
  const source = stream as Stream & { onData?: (data: { readonly byteLength: number }) => void }
  const onData = source.onData?.bind(stream)
  if (onData === undefined) return stream
  let seenBytes = 0
  source.onData = (data) => {
    seenBytes += data.byteLength
    if (seenBytes > maxBytes) stream.abort(transportError('MESH_UNREACHABLE'))
    else onData(data)
  }
  return stream
}
