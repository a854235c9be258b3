/**
 * Answers what other hosts ask over the mesh.
 * Never sooner than the next tick of a coarse clock, so that the time says nothing of the answer, and never to strangers
 * but for what they need to become known. Spec 03-mailbox §6.1.
 * @module
 */
import type { Clock, MeshRequest } from '../../ports/index.ts'
import {
  decodeMeshId,
  decodeMeshInventory,
  decodeMeshStore,
  decodeMeshTombstone,
  encodeFetchReply,
  encodeMeshFlag,
  encodeMeshInventoryResult,
  encodeMeshStoreResult,
  encodeMeshTablePage,
  encodeMeshTableRoot,
  MESH_OPERATION,
  MESH_TABLE_PAGE_COUNT,
} from '../../wire/index.ts'
import type { BoxService } from './box-service.ts'
import type { HostCounts } from './context.ts'
import type { Intermediate } from './intermediate.ts'
import type { KnownHosts } from './known-hosts.ts'
import { RELAYS_MAX_COUNT } from './options.ts'

export interface MeshServerDeps {
  readonly clock: Clock
  readonly answerBucketMs: number
  readonly known: KnownHosts
  readonly service: BoxService
  readonly intermediate: Intermediate
  readonly counts: HostCounts
  /** A descriptor that somebody announced; resolves when it was looked at. */
  readonly onAnnounced: (descriptor: Uint8Array, from: Uint8Array) => Promise<void>
  readonly signal: AbortSignal
}

export interface MeshServer {
  /** For `HostMesh.serve`. */
  serve(request: MeshRequest): Promise<Uint8Array | undefined>
  /** What a courier on this host asks this host's own intermediate; takes as long as for others. */
  relay(sealed: Uint8Array): Promise<Uint8Array | undefined>
}

const KNOWN_HOSTS_ONLY: ReadonlySet<number> = new Set([
  MESH_OPERATION.relay,
  MESH_OPERATION.store,
  MESH_OPERATION.has,
  MESH_OPERATION.fetch,
  MESH_OPERATION.tombstone,
  MESH_OPERATION.inventory,
])

export function createMeshServer(deps: MeshServerDeps): MeshServer {
  const { clock, known, service, counts, signal } = deps
  let relays = 0

  const relay = async (sealed: Uint8Array): Promise<Uint8Array | undefined> => {
    if (relays >= RELAYS_MAX_COUNT) return undefined
    relays += 1
    try {
      const reply = await deps.intermediate(sealed)
      if (reply !== undefined) counts.relayed += 1
      return reply
    } finally {
      relays -= 1
    }
  }

  const store = async (body: Uint8Array): Promise<Uint8Array | undefined> => {
    const request = decodeMeshStore(body)
    if (request === undefined) return undefined
    return encodeMeshStoreResult(await service.store(request.box, request.expiresAtSeconds))
  }

  const has = async (body: Uint8Array): Promise<Uint8Array | undefined> => {
    const boxId = decodeMeshId(body)
    return boxId === undefined ? undefined : encodeMeshFlag(await service.has(boxId))
  }

  const fetchBox = async (body: Uint8Array): Promise<Uint8Array | undefined> => {
    const boxId = decodeMeshId(body)
    return boxId === undefined ? undefined : encodeFetchReply(await service.fetchBox(boxId))
  }

  const tombstone = async (body: Uint8Array): Promise<Uint8Array | undefined> => {
    const request = decodeMeshTombstone(body)
    if (request === undefined) return undefined
    await service.tombstone(request.boxId, request.signature)
    return encodeMeshFlag(true)
  }

  const inventory = async (body: Uint8Array): Promise<Uint8Array | undefined> => {
    const boxIds = decodeMeshInventory(body)
    if (boxIds === undefined) return undefined
    return encodeMeshInventoryResult(await Promise.all(boxIds.map((boxId) => service.has(boxId))))
  }

  const tablePage = (body: Uint8Array): Uint8Array | undefined => {
    const cursor = decodeMeshId(body)
    if (cursor === undefined) return undefined
    return encodeMeshTablePage(
      known
        .table()
        .page(cursor, MESH_TABLE_PAGE_COUNT)
        .map(({ bytes }) => bytes),
    )
  }

  const answer = async ({ operation, body, hostKey }: MeshRequest): Promise<Uint8Array | undefined> => {
    if (KNOWN_HOSTS_ONLY.has(operation) && known.table().byKey(hostKey) === undefined) return undefined
    switch (operation) {
      case MESH_OPERATION.relay:
        return relay(body)
      case MESH_OPERATION.store:
        return store(body)
      case MESH_OPERATION.has:
        return has(body)
      case MESH_OPERATION.fetch:
        return fetchBox(body)
      case MESH_OPERATION.tombstone:
        return tombstone(body)
      case MESH_OPERATION.inventory:
        return inventory(body)
      case MESH_OPERATION.tableRoot:
        return body.length === 0
          ? encodeMeshTableRoot({ root: known.table().root(), hostCount: known.table().size })
          : undefined
      case MESH_OPERATION.tablePage:
        return tablePage(body)
      case MESH_OPERATION.announce:
        await deps.onAnnounced(body, hostKey)
        return encodeMeshFlag(true)
      default:
        return undefined
    }
  }

  /** Every answer takes a whole number of ticks, one at least. */
  const onTick = async <T>(body: () => Promise<T>): Promise<T> => {
    const startMs = clock.monotonicMs()
    const result = await body()
    const tookMs = clock.monotonicMs() - startMs
    const ticks = Math.max(1, Math.ceil(tookMs / deps.answerBucketMs))
    await clock.sleep(ticks * deps.answerBucketMs - tookMs, signal)
    return result
  }

  return {
    async serve(request) {
      known.heard(request.hostKey)
      return onTick(() => answer(request))
    },
    relay: (sealed) => onTick(() => relay(sealed)),
  }
}
