/**
 * The mesh of hosts over libp2p and Tor.
 * Never dials on its own accord beyond what kad-dht needs for its table; requests dial by demand, and use whatever
 * connection there is, from either side. Spec 01a-transport §8.
 * @module
 */
import { randomBytes } from 'node:crypto'
import type { Duplex } from 'node:stream'
import type { Connection, PeerId, Stream, Transport } from '@libp2p/interface'
import { hexEncode, InternalError, isAppError } from '../../base/index.ts'
import type {
  Clock,
  HostMesh,
  Logger,
  MeshPeer,
  MeshRequest,
  OnionSecretKey,
  OnionService,
  TorProvider,
} from '../../ports/index.ts'
import { onionAddress } from '../../wire/index.ts'
import { transportError } from '../errors.ts'
import { onionMultiaddr, parseOnionMultiaddr } from '../onion-multiaddr.ts'
import { type OnionTransportComponents, onionTransport } from '../onion-transport.ts'
import { ONION_VIRTUAL_PORT, pendingMaxCount } from '../options.ts'
import { keyOfPeerId, peerIdOfKey, transportPublicKey } from '../peer-identity.ts'
import { redactError } from '../redact-error.ts'
import type { RecordRules } from './memory-dht.ts'
import { createMeshChannel, type MeshChannel } from './mesh-channel.ts'
import { createMeshDht, createRecordBook, type MeshDht } from './mesh-dht.ts'
import { createMeshInstance, type MeshLibp2p } from './mesh-instance.ts'
import {
  MESH_CONNECTIONS_MAX_COUNT,
  MESH_ENTRY_COUNT,
  MESH_PROTOCOL,
  MESH_SERVED_MAX_COUNT,
  MESH_STRANGERS_MAX_COUNT,
  MESH_WALK_FACTOR,
} from './options.ts'
import { createPeerBook } from './peer-book.ts'
import { createRequester, isOurOwnFault, type MeshLine, startDeadline, untilAborted } from './requester.ts'

export interface HostMeshDeps extends RecordRules {
  readonly torProvider: TorProvider
  readonly logger: Logger
  readonly clock: Clock
  /** 32-byte Ed25519 seed of the host key, which is the peer id. */
  readonly hostSeed: Uint8Array
  readonly meshOnionSecretKey: OnionSecretKey
  /** For a request from beginning to end, and for a dial. */
  readonly meshTimeoutMs: number
}

type Handler = (request: MeshRequest) => Promise<Uint8Array | undefined>

interface Running {
  readonly service: OnionService
  readonly instance: MeshLibp2p
  readonly dht: MeshDht
}

/** The mesh of one host. */
export async function createHostMesh(deps: HostMeshDeps): Promise<HostMesh> {
  const { clock, logger, meshTimeoutMs: timeoutMs } = deps
  const ownKey = await transportPublicKey(deps.hostSeed)
  const book = createPeerBook(ownKey)
  const records = createRecordBook(deps)
  const stopping = new AbortController()
  // Nothing else shares circuits with the mesh, nor two meshes of one process with each other.
  const isolation = `mesh-${hexEncode(randomBytes(8))}`
  const channels = new WeakMap<Connection, MeshChannel>()
  const openings = new WeakMap<Connection, Promise<MeshChannel>>()
  const usedAtMs = new WeakMap<Connection, number>()
  const served = new Map<string, number>()
  let handler: Handler | undefined
  let starting: Promise<Running> | undefined
  let running: Running | undefined

  const assertRunning = (): Running => {
    if (running === undefined || stopping.signal.aborted) throw transportError('TRANSPORT_STOPPED')
    return running
  }

  const serve: Handler = async (request) => {
    try {
      return await handler?.(request)
    } catch (error: unknown) {
      logger.warn('mesh.handler-failed', { operation: request.operation }, redactError(error))
      return undefined
    }
  }
  const admit = (name: string): (() => void) | undefined => {
    const count = served.get(name) ?? 0
    if (count >= MESH_SERVED_MAX_COUNT) return undefined
    served.set(name, count + 1)
    return () => {
      const left = (served.get(name) ?? 1) - 1
      if (left === 0) served.delete(name)
      else served.set(name, left)
    }
  }
  const openChannel = (stream: Stream, connection: Connection, remoteKey: Uint8Array): MeshChannel => {
    const channel = createMeshChannel({
      stream,
      clock,
      timeoutMs,
      remoteKey,
      serve,
      admit: () => admit(hexEncode(remoteKey)),
      onUse: () => usedAtMs.set(connection, clock.monotonicMs()),
      cutOff: () => connection.abort(transportError('MESH_UNREACHABLE')),
    })
    if (channels.get(connection)?.isOpen() !== true) channels.set(connection, channel)
    return channel
  }
  /** The channel of a connection, whoever opened it; one round trip where there is none yet. */
  const channelOf = async (connection: Connection, remoteKey: Uint8Array): Promise<MeshChannel> => {
    const open = channels.get(connection)
    if (open?.isOpen() === true) return open
    let opening = openings.get(connection)
    if (opening === undefined) {
      opening = connection
        .newStream([MESH_PROTOCOL])
        .then((stream) => openChannel(stream, connection, remoteKey))
        .finally(() => openings.delete(connection))
      openings.set(connection, opening)
    }
    return opening
  }
  const lineOver = (connection: Connection, remoteKey: Uint8Array): MeshLine => ({
    async ask(operation, body, signal) {
      const channel = await untilAborted(channelOf(connection, remoteKey), signal)
      return channel.ask(operation, body, signal)
    },
  })

  const requester = createRequester({
    clock,
    timeoutMs,
    book,
    stopping: stopping.signal,
    openLine(hostKey) {
      const open = assertRunning()
        .instance.getConnections(peerIdOfKey(hostKey))
        .filter(({ status }) => status === 'open')
      const connection = open.find((candidate) => channels.get(candidate)?.isOpen() === true) ?? open[0]
      return connection === undefined ? undefined : lineOver(connection, hostKey)
    },
    async dial({ hostKey, meshOnionKey }, signal) {
      const endpoint = { address: onionAddress(meshOnionKey), port: ONION_VIRTUAL_PORT }
      const { instance } = assertRunning()
      return lineOver(await instance.dial(onionMultiaddr(endpoint, peerIdOfKey(hostKey)), { signal }), hostKey)
    },
  })

  /** libp2p's own dials, which are kad-dht's, take part in the backoff. */
  const noteFailures = (transport: Transport, onFailure: (peerId: PeerId) => void): Transport => {
    const dial = transport.dial.bind(transport)
    transport.dial = async (address, options) => {
      const startedAtMs = clock.monotonicMs()
      try {
        return await dial(address, options)
      } catch (error: unknown) {
        const peerId = parseOnionMultiaddr(address)?.peerId
        // An aborted dial counts only where it was not the walk that ended, but the time.
        const isOver = !options.signal.aborted || clock.monotonicMs() - startedAtMs >= 0.9 * timeoutMs
        if (peerId !== undefined && isOver && !isOurOwnFault(error)) onFailure(peerId)
        throw error
      }
    }
    return transport
  }

  const endOldest = (connections: readonly Connection[]): void => {
    const [oldest] = connections.toSorted((a, b) => (usedAtMs.get(a) ?? 0) - (usedAtMs.get(b) ?? 0))
    oldest?.abort(transportError('LINK_CLOSED'))
  }
  const onConnection = (instance: MeshLibp2p, connection: Connection): void => {
    usedAtMs.set(connection, clock.monotonicMs())
    const remoteKey = keyOfPeerId(connection.remotePeer)
    if (remoteKey === undefined) return connection.abort(transportError('LINK_PEER_UNEXPECTED'))
    requester.forgive(remoteKey)
    const all = instance.getConnections()
    const strangers = all.filter(({ remotePeer }) => {
      const hostKey = keyOfPeerId(remotePeer)
      return hostKey === undefined || book.get(hostKey) === undefined
    })
    // Whoever is known has paid for it; strangers come for nothing, and must not take the places of the others.
    if (strangers.length > MESH_STRANGERS_MAX_COUNT) endOldest(strangers)
    else if (all.length > MESH_CONNECTIONS_MAX_COUNT) endOldest(all)
  }

  const open = async (): Promise<Running> => {
    // The address comes from the provider, and libp2p has to know it before it starts: streams wait for libp2p.
    const inbox = Promise.withResolvers<(stream: Duplex) => void>()
    const service = await deps.torProvider.publishOnion({
      secretKey: deps.meshOnionSecretKey,
      virtualPort: ONION_VIRTUAL_PORT,
      authorizedClients: [],
      proofOfWork: true,
      onStream: (stream) => void inbox.promise.then((accept) => accept(stream)),
    })
    let instance: MeshLibp2p | undefined
    try {
      const transport = onionTransport({
        torProvider: deps.torProvider,
        publish: async (_endpoint, onStream) => {
          inbox.resolve(onStream)
          return service
        },
        isolationFor: () => isolation,
        mode: 'negotiated',
        coalesce: true,
        announce: false,
        maxPending: pendingMaxCount(MESH_CONNECTIONS_MAX_COUNT),
      })
      const withNotes = (components: OnionTransportComponents): Transport =>
        noteFailures(transport(components), (peerId) => {
          const hostKey = keyOfPeerId(peerId)
          if (hostKey !== undefined) requester.noteFailure(hostKey)
          // Whoever cannot be reached comes back into the table with its next connection.
          instance?.services.dht.routingTable.remove(peerId).catch(() => undefined)
        })
      instance = await createMeshInstance({
        hostSeed: deps.hostSeed,
        address: onionMultiaddr({ address: service.address, port: ONION_VIRTUAL_PORT }).toString(),
        transport: withNotes,
        mayDial(peerId) {
          const hostKey = keyOfPeerId(peerId)
          return hostKey !== undefined && requester.mayDial(hostKey)
        },
        validate: records.validate,
        select: records.select,
        timeoutMs,
        logger,
      })
      const started = instance
      started.addEventListener('connection:open', ({ detail }) => onConnection(started, detail))
      await started.handle(
        MESH_PROTOCOL,
        (stream, connection) => {
          const remoteKey = keyOfPeerId(connection.remotePeer)
          if (remoteKey === undefined || stopping.signal.aborted) connection.abort(transportError('LINK_CLOSED'))
          else openChannel(stream, connection, remoteKey)
        },
        { maxInboundStreams: 2, maxOutboundStreams: 2 },
      )
      await started.start()
      const dht = createMeshDht({
        kad: started.services.dht,
        book: records,
        addressesOf: async (peerId) => {
          try {
            return (await started.peerStore.get(peerId)).addresses.map(({ multiaddr }) => multiaddr)
          } catch {
            // Gone from the book in the meantime.
            return []
          }
        },
        randomPoint: () => new Uint8Array(randomBytes(32)),
        ownKey,
      })
      return { service, instance: started, dht }
    } catch (error: unknown) {
      inbox.resolve((stream) => stream.destroy())
      await stopInstance(instance)
      await service.close()
      throw isAppError(error) ? error : transportError('LINK_SETUP_FAILED', { cause: redactError(error) })
    }
  }
  const stopInstance = async (instance: MeshLibp2p | undefined): Promise<void> => {
    try {
      await instance?.stop()
    } catch (error: unknown) {
      logger.warn('close-failed', undefined, redactError(error))
    }
  }

  /** Makes sure that kad-dht has somebody to ask, if there is anybody. */
  const enterDht = async ({ instance }: Running, signal: AbortSignal): Promise<void> => {
    const { routingTable } = instance.services.dht
    if (routingTable.size > 0) return
    const added = new Promise<void>((resolve) => {
      routingTable.addEventListener('peer:add', () => resolve(), { once: true, signal })
      signal.addEventListener('abort', () => resolve(), { once: true })
    })
    const tried = await Promise.allSettled(
      pick(book.all(), MESH_ENTRY_COUNT).map(({ hostKey }) => requester.connect(hostKey, signal)),
    )
    const isConnected = tried.some(({ status }) => status === 'fulfilled') || instance.getConnections().length > 0
    // Identify and a ping come before a peer is in the table.
    if (isConnected && routingTable.size === 0) await added
  }
  /** Runs a walk within its time; what it has until then counts. */
  const walk = async <T>(signal: AbortSignal, run: (dht: MeshDht, signal: AbortSignal) => Promise<T>): Promise<T> => {
    const state = assertRunning()
    signal.throwIfAborted()
    const done = new AbortController()
    const either = AbortSignal.any([
      signal,
      stopping.signal,
      startDeadline(clock, MESH_WALK_FACTOR * timeoutMs, done.signal),
    ])
    const entering = AbortSignal.any([either, startDeadline(clock, timeoutMs, done.signal)])
    try {
      await enterDht(state, entering)
      const result = await run(state.dht, either)
      signal.throwIfAborted()
      if (stopping.signal.aborted) throw transportError('TRANSPORT_STOPPED')
      return result
    } finally {
      done.abort()
    }
  }

  return {
    async start() {
      if (starting !== undefined || stopping.signal.aborted) throw new InternalError('a mesh starts once')
      starting = open()
      const opened = await starting
      if (stopping.signal.aborted) throw transportError('TRANSPORT_STOPPED')
      running = opened
    },
    async stop() {
      stopping.abort()
      const opened = await starting?.catch(() => undefined)
      await stopInstance(opened?.instance)
      await opened?.service.close()
      await requester.idle()
    },
    addPeer(peer: MeshPeer) {
      if (book.add(peer)) requester.forgive(peer.hostKey)
    },
    removePeer(hostKey) {
      book.remove(hostKey)
      requester.forgive(hostKey)
    },
    peers: () => book.all(),
    async published(signal) {
      await assertRunning().service.published(signal)
    },
    async request(hostKey, operation, body, signal) {
      assertRunning()
      return requester.request(hostKey, operation, body, signal)
    },
    serve(answer) {
      if (starting !== undefined || handler !== undefined)
        throw new InternalError('"serve" comes once, before the start')
      handler = answer
    },
    async putRecord(hostKey, value, signal) {
      assertRunning()
      const best = await records.take(hostKey, value)
      const takenCount = await walk(signal, (dht, walking) => dht.put(hostKey, best, walking))
      if (takenCount === 0) throw transportError('MESH_UNREACHABLE')
    },
    getRecord: (hostKey, signal) => walk(signal, (dht, walking) => dht.get(hostKey, walking)),
    crawl: (signal) => walk(signal, (dht, walking) => dht.crawl(walking)),
  }
}

/** Some of the peers, at random. */
function pick(peers: readonly MeshPeer[], count: number): readonly MeshPeer[] {
  const left = [...peers]
  const picked: MeshPeer[] = []
  while (picked.length < count && left.length > 0) {
    const at = randomBytes(4).readUInt32BE() % left.length
    picked.push(...left.splice(at, 1))
  }
  return picked
}
