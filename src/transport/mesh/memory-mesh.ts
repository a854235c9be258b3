/**
 * The mesh of hosts in memory, for tests and simulations in virtual time.
 * Never more forgiving than the real one: hosts must know each other, dead ones cost a whole timeout, connections are
 * lost with their host, records are checked by whoever takes them. Spec 01a-transport §8.6.
 * @module
 */
import { equalBytes, hexEncode, InternalError } from '../../base/index.ts'
import type { Clock, HostMesh, MeshPeer, MeshRequest } from '../../ports/index.ts'
import { MESH_BODY_MAX_BYTES } from '../../wire/index.ts'
import { transportError } from '../errors.ts'
import { drawnBy } from '../memory-link.ts'
import { createMemoryDht, type DhtNode, type RecordRules } from './memory-dht.ts'
import { createPeerBook } from './peer-book.ts'
import { createRequester, type MeshLine, untilAborted } from './requester.ts'

export interface MemoryMeshHubOptions {
  readonly clock: Clock
  /** One way, or what draws it for each message; a dial takes two of them beforehand. Default 0. */
  readonly latencyMs?: number | (() => number)
}

/** Injected into one host. What is left out is as it should be. */
export interface MeshFaults {
  /** Gone without a word: its connections are lost, dials to it and by it run into their timeout. */
  readonly down?: boolean
  /** It takes so much longer to answer. */
  readonly slowMs?: number
  /** Requests to it that it never answers. */
  readonly drops?: (request: MeshRequest) => boolean
}

export interface MemoryMeshOptions extends MeshPeer, RecordRules {
  /** For a request from beginning to end, and for a dial. */
  readonly meshTimeoutMs: number
}

/** What the meshes of several hosts have in common. */
export interface MemoryMeshHub {
  /** The mesh of one host. The same keys may be used again when the former mesh was stopped. */
  createMesh(options: MemoryMeshOptions): HostMesh
  /** Replaces the faults of a host; an empty object heals it. */
  setFaults(hostKey: Uint8Array, faults: MeshFaults): void
  /** Ends all connections at once, as lost circuits do. */
  cut(): void
  /** Open connections, each counted once. */
  connectionCount(): number
}

interface Host extends DhtNode {
  readonly answer: (request: MeshRequest) => Promise<Uint8Array | undefined>
  readonly onConnection: (hostKey: Uint8Array) => void
}

interface Connection {
  readonly ends: readonly [Host, Host]
  readonly lost: AbortController
}

export function createMemoryMeshHub({ clock, latencyMs }: MemoryMeshHubOptions): MemoryMeshHub {
  const oneWayMs = drawnBy(latencyMs)
  /** Running hosts by their onion key, which is how they are dialled. */
  const services = new Map<string, Host>()
  const faults = new Map<string, MeshFaults>()
  const connections = new Set<Connection>()

  const faultsOf = (hostKey: Uint8Array): MeshFaults => faults.get(hexEncode(hostKey)) ?? {}
  const isDown = (hostKey: Uint8Array): boolean => faultsOf(hostKey).down === true
  const travel = async (signal: AbortSignal, extraMs = 0): Promise<void> => {
    const waitMs = oneWayMs() + extraMs
    if (waitMs > 0) await clock.sleep(waitMs, signal)
    signal.throwIfAborted()
  }
  const connectionsOf = (host: Host): Connection[] => [...connections].filter(({ ends }) => ends.includes(host))
  const connectionTo = (host: Host, hostKey: Uint8Array): Connection | undefined =>
    connectionsOf(host).find(({ ends }) => ends.some((end) => end !== host && equalBytes(end.hostKey, hostKey)))
  const lose = (connection: Connection): void => {
    connections.delete(connection)
    connection.lost.abort(transportError('MESH_UNREACHABLE'))
  }
  const farEnd = (host: Host, { ends: [a, b] }: Connection): Host => (a === host ? b : a)

  /** The service that answers at an address, if it is up and whom it should be. */
  const find = (host: Host, peer: MeshPeer): Host | undefined => {
    const other = services.get(hexEncode(peer.meshOnionKey))
    if (other === undefined || other === host || isDown(host.hostKey) || isDown(other.hostKey)) return undefined
    return equalBytes(other.hostKey, peer.hostKey) ? other : undefined
  }
  const join = (host: Host, other: Host): Connection => {
    const connection = connectionTo(host, other.hostKey) ?? { ends: [host, other], lost: new AbortController() }
    if (!connections.has(connection)) {
      connections.add(connection)
      other.onConnection(host.hostKey)
    }
    return connection
  }
  const dial = async (host: Host, peer: MeshPeer, signal: AbortSignal): Promise<Connection> => {
    await travel(signal)
    const other = find(host, peer)
    if (other === undefined) {
      const service = services.get(hexEncode(peer.meshOnionKey))
      // Somebody else answers: that is seen at once. Nobody does: that is what the timeout is for.
      if (service !== undefined && !isDown(host.hostKey) && !isDown(service.hostKey)) {
        throw transportError('MESH_UNREACHABLE')
      }
      return untilAborted(new Promise<never>(() => undefined), signal)
    }
    await travel(signal)
    if (find(host, peer) !== other) throw transportError('MESH_UNREACHABLE')
    return join(host, other)
  }

  const lineOver = (host: Host, connection: Connection): MeshLine => ({
    async ask(operation, body, asking) {
      const other = farEnd(host, connection)
      const signal = AbortSignal.any([asking, connection.lost.signal])
      const request: MeshRequest = { hostKey: host.hostKey, operation, body: Uint8Array.from(body) }
      const { drops, slowMs = 0 } = faultsOf(other.hostKey)
      await travel(signal, slowMs)
      if (drops?.(request) === true) return untilAborted(new Promise<never>(() => undefined), signal)
      const response = await untilAborted(other.answer(request), signal)
      await travel(signal)
      return response === undefined ? undefined : Uint8Array.from(response)
    },
  })

  const dht = createMemoryDht<Host>({
    neighbours: (host) => [
      ...host.knownPeers(),
      ...connectionsOf(host).map((connection) => {
        const { hostKey, meshOnionKey } = farEnd(host, connection)
        return { hostKey, meshOnionKey }
      }),
    ],
    async reach(host, peer, signal) {
      const other = find(host, peer)
      if (other === undefined) return undefined
      // A dial takes a round trip before the question's own.
      if (connectionTo(host, other.hostKey) === undefined) await travel(signal, oneWayMs())
      await travel(signal, oneWayMs())
      if (find(host, peer) !== other) return undefined
      join(host, other)
      return other
    },
  })

  const createMesh = (options: MemoryMeshOptions): HostMesh => {
    const own = { hostKey: Uint8Array.from(options.hostKey), meshOnionKey: Uint8Array.from(options.meshOnionKey) }
    const book = createPeerBook(own.hostKey)
    const stopping = new AbortController()
    let state: 'new' | 'running' | 'stopped' = 'new'
    let handler: ((request: MeshRequest) => Promise<Uint8Array | undefined>) | undefined
    const host: Host = {
      ...own,
      rules: options,
      records: new Map(),
      knownPeers: book.all,
      async answer(request) {
        try {
          const response = await handler?.(request)
          return response !== undefined && response.length > MESH_BODY_MAX_BYTES ? undefined : response
        } catch {
          return undefined
        }
      },
      onConnection: (hostKey) => requester.forgive(hostKey),
    }
    const requester = createRequester({
      clock,
      timeoutMs: options.meshTimeoutMs,
      book,
      stopping: stopping.signal,
      openLine(hostKey) {
        const connection = connectionTo(host, hostKey)
        return connection === undefined ? undefined : lineOver(host, connection)
      },
      dial: async (peer, signal) => lineOver(host, await dial(host, peer, signal)),
    })
    const assertRunning = (): void => {
      if (state !== 'running') throw transportError('TRANSPORT_STOPPED')
    }
    const name = hexEncode(own.meshOnionKey)
    return {
      async start() {
        if (state !== 'new') throw new InternalError('a mesh starts once')
        if (services.has(name)) throw new RangeError('"meshOnionKey" belongs to a mesh that is up already')
        state = 'running'
        services.set(name, host)
      },
      async stop() {
        if (state === 'running') services.delete(name)
        state = 'stopped'
        for (const connection of connectionsOf(host)) lose(connection)
        stopping.abort()
        await requester.idle()
      },
      addPeer(peer) {
        if (book.add(peer)) requester.forgive(peer.hostKey)
      },
      removePeer(hostKey) {
        book.remove(hostKey)
        requester.forgive(hostKey)
      },
      peers: () => book.all(),
      async published(signal) {
        signal?.throwIfAborted()
        assertRunning()
      },
      async request(hostKey, operation, body, signal) {
        assertRunning()
        return requester.request(hostKey, operation, body, signal)
      },
      serve(answer) {
        if (state !== 'new' || handler !== undefined) throw new InternalError('"serve" comes once, before the start')
        handler = answer
      },
      async putRecord(hostKey, value, signal) {
        assertRunning()
        await dht.put(host, hostKey, value, AbortSignal.any([signal, stopping.signal]))
      },
      async getRecord(hostKey, signal) {
        assertRunning()
        return dht.get(host, hostKey, AbortSignal.any([signal, stopping.signal]))
      },
      async crawl(signal) {
        assertRunning()
        return dht.crawl(host, AbortSignal.any([signal, stopping.signal]))
      },
    }
  }

  return {
    createMesh,
    setFaults(hostKey, next) {
      faults.set(hexEncode(hostKey), next)
      if (next.down !== true) return
      for (const connection of connections) {
        if (connection.ends.some((end) => equalBytes(end.hostKey, hostKey))) lose(connection)
      }
    },
    cut() {
      for (const connection of connections) lose(connection)
    },
    connectionCount: () => connections.size,
  }
}
