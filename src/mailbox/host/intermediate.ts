/**
 * Opens what a client sealed, asks the replicas, and seals their answer for that client alone.
 * Never learns who asks, never answers one request twice, and believes no replica without proof. Spec 03-mailbox §4.3, §5.2.
 * @module
 */
import { InternalError, isAbortError, whenAborted, withDeadline } from '../../base/index.ts'
import { importX25519Key, type X25519Key } from '../../crypto/index.ts'
import type { Clock } from '../../ports/index.ts'
import {
  type Box,
  decodeMailboxRequest,
  encodeFetchReply,
  encodeStoreReply,
  type MailboxRequest,
  type Receipt,
  type StoreReply,
} from '../../wire/index.ts'
import type { HostRecord } from '../host-descriptor.ts'
import { type MailboxParameters, SEEN_REQUEST_MAX_COUNT } from '../options.ts'
import { quorumOf } from '../receipt.ts'
import { checkReply, createSeenRequests, openRequest, sealReply } from '../sealed-request.ts'
import type { HostIdentity } from './context.ts'
import type { HostKeys } from './host-keys.ts'
import { FETCH_WITNESS_COUNT, REPLICA_WAIT_SHARE, STORE_GRACE_SHARE, STORE_WAIT_SHARE } from './options.ts'
import type { ReplicaStoreResult, Replicas } from './replicas.ts'

export interface IntermediateDeps {
  readonly clock: Clock
  readonly parameters: MailboxParameters
  readonly identity: HostIdentity
  readonly replicas: Replicas
  /** Hosts in the own table, this one included. */
  readonly hostCount: () => number
  readonly signal: AbortSignal
  /** Owns what outlives the answer. */
  readonly own: (task: Promise<void>) => void
}

/** The sealed reply; empty for a tombstone. Undefined for what does not open, was seen before or says nothing. */
export type Intermediate = (sealed: Uint8Array) => Promise<Uint8Array | undefined>

const EMPTY = new Uint8Array(0)

export function createIntermediate(deps: IntermediateDeps): Intermediate {
  const { clock, parameters, identity, replicas } = deps
  const seen = createSeenRequests(SEEN_REQUEST_MAX_COUNT)
  const replicaWaitMs = parameters.meshTimeoutMs * REPLICA_WAIT_SHARE
  const storeWaitMs = parameters.meshTimeoutMs * STORE_WAIT_SHARE
  const graceMs = parameters.meshTimeoutMs * STORE_GRACE_SHARE

  /** Undefined when it took too long; what was begun is given up. */
  const within = async <T>(
    waitMs: number,
    body: (signal: AbortSignal) => Promise<T | undefined>,
  ): Promise<T | undefined> => {
    try {
      return await withDeadline(clock, waitMs, deps.signal, body)
    } catch (error: unknown) {
      deps.signal.throwIfAborted()
      if (isAbortError(error)) return undefined
      throw error
    }
  }

  const store = async (box: Box): Promise<StoreReply> => {
    const hosts = replicas.of(box.boxId)
    const quorum = quorumOf(deps.hostCount())
    const results: ReplicaStoreResult[] = []
    const enough = new AbortController()
    const asked = hosts.map(async (host) => {
      // Not ended with the wait: a slow replica may still take the box.
      const result = await replicas.store(host, box, 0, deps.signal)
      if (result !== undefined) results.push(result)
      if (results.filter(({ status }) => status === 'stored').length >= quorum) enough.abort()
    })
    for (const task of asked) deps.own(task)
    const all = Promise.allSettled(asked)
    await within(storeWaitMs, (signal) => Promise.race([all, whenAborted(enough.signal), whenAborted(signal)]))
    if (enough.signal.aborted) await within(graceMs, (signal) => Promise.race([all, whenAborted(signal)]))
    deps.signal.throwIfAborted()
    return summarize(results, quorum)
  }

  const check = async (boxId: Uint8Array, rank: number): Promise<boolean> => {
    const hosts = replicas.of(boxId)
    const host = hosts[rank % Math.max(1, hosts.length)]
    if (host === undefined) return false
    return (await within(replicaWaitMs, (signal) => replicas.has(host, boxId, signal))) === true
  }

  /**
   * Asks one replica for the box and some more whether they have it, all at once, and waits for all of them: whoever watches
   * how long this takes, or what goes to and fro, cannot tell a hit from a miss. Another is asked for it only where the first
   * lacks what the others have, lied or fell silent.
   */
  const fetchBox = async (boxId: Uint8Array, rank: number): Promise<Box | undefined> => {
    const nearest = replicas.of(boxId)
    const at = rank % Math.max(1, nearest.length)
    const [first, ...others] = [...nearest.slice(at), ...nearest.slice(0, at)].slice(0, 1 + FETCH_WITNESS_COUNT)
    if (first === undefined) return undefined
    const take = async (host: HostRecord): Promise<Box | undefined> => {
      const box = await within(replicaWaitMs / 2, (signal) => replicas.fetchBox(host, boxId, signal))
      return box === 'missing' ? undefined : box
    }
    const has = (host: HostRecord): Promise<boolean | undefined> =>
      within(replicaWaitMs / 2, (signal) => replicas.has(host, boxId, signal))
    const [found, answers] = await Promise.all([take(first), Promise.all(others.map(has))])
    if (found !== undefined) return found
    for (const host of others.filter((_, index) => answers[index] === true)) {
      const box = await take(host)
      if (box !== undefined) return box
    }
    return undefined
  }

  const act = async (request: MailboxRequest): Promise<Uint8Array> => {
    const { replyKey } = request
    switch (request.operation) {
      case 'store':
        return sealReply(replyKey, encodeStoreReply(await store(request.box)))
      case 'check':
        return checkReply(replyKey, await check(request.boxId, request.rank))
      case 'fetch':
        return sealReply(replyKey, encodeFetchReply(await fetchBox(request.boxId, request.rank)))
      case 'tombstone': {
        const { boxId, signature } = request
        await within(replicaWaitMs, (signal) =>
          Promise.all(replicas.of(boxId).map((host) => replicas.tombstone(host, boxId, signature, signal))),
        )
        return EMPTY
      }
      default:
        throw new InternalError('unknown operation')
    }
  }

  let imported: { readonly of: HostKeys['sealKeys']; readonly keys: readonly X25519Key[] } | undefined
  /** Imported anew when they change: an import costs as much as all else that opens a request. */
  const importedSealKeys = (sealKeys: HostKeys['sealKeys']): readonly X25519Key[] => {
    if (imported?.of !== sealKeys) {
      imported = { of: sealKeys, keys: sealKeys.map(({ privateKey }) => importX25519Key(privateKey)) }
    }
    return imported.keys
  }

  return async (sealed) => {
    const keys = identity.keys()
    const opened = openRequest(importedSealKeys(keys.sealKeys), keys.hostKey, sealed)
    const request = opened === undefined ? undefined : decodeMailboxRequest(opened)
    if (request === undefined || !seen.add(sealed)) return undefined
    return act(request)
  }
}

/** One answer out of many: receipts above all, then what the client can act upon. */
function summarize(results: readonly ReplicaStoreResult[], quorum: number): StoreReply {
  const receipts: Receipt[] = results.flatMap((result) => (result.status === 'stored' ? [result.receipt] : []))
  const has = (status: ReplicaStoreResult['status']): boolean => results.some((result) => result.status === status)
  if (receipts.length > 0 && receipts.length >= quorum) return { status: 'stored', receipts }
  // An id that was taken back is taken: another box never gets it.
  if (has('conflict') || has('tombstoned')) return { status: 'conflict', receipts }
  if (has('full')) return { status: 'full', receipts }
  return { status: receipts.length > 0 ? 'stored' : 'failed', receipts }
}
