/**
 * What this host asks of others over the mesh, one function for each operation.
 * Never throws for what others do: silence, refusal and garbage are undefined, and noted. Spec 03-mailbox §6.1.
 * @module
 */
import { hexEncode, isAppError, isForeseen } from '../../base/index.ts'
import {
  type Box,
  decodeFetchReply,
  decodeMeshFlag,
  decodeMeshInventoryResult,
  decodeMeshStoreResult,
  decodeMeshTablePage,
  decodeMeshTableRoot,
  encodeMeshInventory,
  encodeMeshStore,
  encodeMeshTombstone,
  type FetchReply,
  MESH_OPERATION,
  type MeshStoreResult,
  type MeshTableRoot,
} from '../../wire/index.ts'
import type { HostRecord } from '../host-descriptor.ts'
import type { HostIdentity, HostNodeDeps } from './context.ts'
import type { KnownHosts } from './known-hosts.ts'
import { INTRODUCTIONS_MAX_COUNT } from './options.ts'

export interface HostCalls {
  relay(host: HostRecord, sealed: Uint8Array, signal: AbortSignal): Promise<Uint8Array | undefined>
  /** `expiresAtSeconds` 0 for the full life. The receipt is not verified yet. */
  store(host: HostRecord, box: Box, expiresAtSeconds: number, signal: AbortSignal): Promise<MeshStoreResult | undefined>
  has(host: HostRecord, boxId: Uint8Array, signal: AbortSignal): Promise<boolean | undefined>
  /** The signature is not verified yet. */
  fetchBox(host: HostRecord, boxId: Uint8Array, signal: AbortSignal): Promise<FetchReply | undefined>
  tombstone(
    host: HostRecord,
    boxId: Uint8Array,
    signature: Uint8Array,
    signal: AbortSignal,
  ): Promise<boolean | undefined>
  inventory(
    host: HostRecord,
    boxIds: readonly Uint8Array[],
    signal: AbortSignal,
  ): Promise<readonly boolean[] | undefined>
  tableRoot(host: HostRecord, signal: AbortSignal): Promise<MeshTableRoot | undefined>
  tablePage(host: HostRecord, cursor: Uint8Array, signal: AbortSignal): Promise<readonly Uint8Array[] | undefined>
  announce(host: HostRecord, descriptor: Uint8Array, signal: AbortSignal): Promise<boolean | undefined>
}

const NOTHING = new Uint8Array(0)

export function createHostCalls(
  deps: Pick<HostNodeDeps, 'clock' | 'logger' | 'mesh' | 'parameters'>,
  known: KnownHosts,
  identity: HostIdentity,
): HostCalls {
  const { clock, logger, mesh, parameters } = deps
  const introductions = new Map<string, number>()

  /**
   * A host serves those that it knows: perhaps it has not heard of this one yet. True when it is worth asking again; now
   * and then only, because hosts refuse for other reasons as well.
   */
  const introduce = async (host: HostRecord, signal: AbortSignal): Promise<boolean> => {
    const self = identity.self()
    const name = hexEncode(host.descriptor.hostKey)
    const nowMs = clock.monotonicMs()
    const lastMs = introductions.get(name) ?? Number.NEGATIVE_INFINITY
    if (self === undefined || nowMs - lastMs < parameters.gossipIntervalMs) return false
    if (introductions.size >= INTRODUCTIONS_MAX_COUNT) introductions.clear()
    introductions.set(name, nowMs)
    return (await announce(host, self.bytes, signal)) !== undefined
  }

  const ask = async <T>(
    host: HostRecord,
    operation: number,
    body: Uint8Array,
    decode: (bytes: Uint8Array) => T | undefined,
    signal: AbortSignal,
  ): Promise<T | undefined> => {
    const { hostKey } = host.descriptor
    for (let isIntroduced = false; ; isIntroduced = true) {
      try {
        const answer = await mesh.request(hostKey, operation, body, signal)
        known.heard(hostKey)
        const value = decode(answer)
        if (value === undefined) logger.warn('host gave garbage', { operation })
        return value
      } catch (error: unknown) {
        // Whether it was too slow for the asker or for the mesh, it has not answered.
        if (signal.aborted) known.silent(hostKey)
        signal.throwIfAborted()
        if (!isForeseen(error)) throw error
        const isRefused = isAppError(error, 'MESH_REFUSED')
        if (isRefused) known.heard(hostKey)
        else known.silent(hostKey)
        if (!isRefused || isIntroduced || operation === MESH_OPERATION.announce) return undefined
        if (!(await introduce(host, signal))) return undefined
      }
    }
  }

  const announce: HostCalls['announce'] = (host, descriptor, signal) =>
    ask(host, MESH_OPERATION.announce, descriptor, decodeMeshFlag, signal)

  return {
    relay: (host, sealed, signal) => ask(host, MESH_OPERATION.relay, sealed, (bytes) => bytes, signal),
    store: (host, box, expiresAtSeconds, signal) =>
      ask(host, MESH_OPERATION.store, encodeMeshStore({ box, expiresAtSeconds }), decodeMeshStoreResult, signal),
    has: (host, boxId, signal) => ask(host, MESH_OPERATION.has, boxId, decodeMeshFlag, signal),
    fetchBox: (host, boxId, signal) => ask(host, MESH_OPERATION.fetch, boxId, decodeFetchReply, signal),
    tombstone: (host, boxId, signature, signal) =>
      ask(host, MESH_OPERATION.tombstone, encodeMeshTombstone({ boxId, signature }), decodeMeshFlag, signal),
    inventory: (host, boxIds, signal) =>
      ask(
        host,
        MESH_OPERATION.inventory,
        encodeMeshInventory(boxIds),
        (bytes) => decodeMeshInventoryResult(bytes, boxIds.length),
        signal,
      ),
    tableRoot: (host, signal) => ask(host, MESH_OPERATION.tableRoot, NOTHING, decodeMeshTableRoot, signal),
    tablePage: (host, cursor, signal) => ask(host, MESH_OPERATION.tablePage, cursor, decodeMeshTablePage, signal),
    announce,
  }
}
