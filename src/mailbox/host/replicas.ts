/**
 * The replicas of a box, this host being perhaps one of them, asked alike.
 * Never passes on what does not verify: forged receipts and boxes with a wrong signature count as silence.
 * Spec 03-mailbox §5.2, §6.1.
 * @module
 */
import type { Logger } from '../../ports/index.ts'
import { type Box, HOST_ROUTE_BYTES, type Receipt } from '../../wire/index.ts'
import { verifyBox } from '../box-keys.ts'
import type { HostRecord } from '../host-descriptor.ts'
import { ciphertextHashOf, verifyReceipt } from '../receipt.ts'
import type { BoxService } from './box-service.ts'
import type { HostCalls } from './host-calls.ts'
import type { KnownHosts } from './known-hosts.ts'

export type ReplicaStoreResult =
  | { readonly status: 'stored'; readonly receipt: Receipt }
  | { readonly status: 'conflict' | 'full' | 'invalid' | 'tombstoned' }

export interface Replicas {
  /** Nearest first. */
  of(boxId: Uint8Array): readonly HostRecord[]
  /** Undefined when the host is silent or lies. */
  store(
    host: HostRecord,
    box: Box,
    expiresAtSeconds: number,
    signal: AbortSignal,
  ): Promise<ReplicaStoreResult | undefined>
  has(host: HostRecord, boxId: Uint8Array, signal: AbortSignal): Promise<boolean | undefined>
  /** A box whose signature holds; `missing` when the host says that it has none. */
  fetchBox(host: HostRecord, boxId: Uint8Array, signal: AbortSignal): Promise<Box | 'missing' | undefined>
  tombstone(host: HostRecord, boxId: Uint8Array, signature: Uint8Array, signal: AbortSignal): Promise<void>
}

export function createReplicas(logger: Logger, known: KnownHosts, calls: HostCalls, service: BoxService): Replicas {
  return {
    of: (boxId) => known.replicasOf(boxId),
    async store(host, box, expiresAtSeconds, signal) {
      const isSelf = known.isSelf(host)
      const result = await (isSelf
        ? service.store(box, expiresAtSeconds)
        : calls.store(host, box, expiresAtSeconds, signal))
      if (result?.status !== 'stored') return result
      const { signature } = result
      const receipt = {
        route: host.hostId.slice(0, HOST_ROUTE_BYTES),
        expiresAtSeconds: result.expiresAtSeconds,
        signature,
      }
      if (isSelf || verifyReceipt(host.descriptor.hostKey, box.boxId, ciphertextHashOf(box), receipt))
        return { status: 'stored', receipt }
      logger.warn('host forged a receipt')
      return undefined
    },
    async has(host, boxId, signal) {
      return known.isSelf(host) ? service.has(boxId) : calls.has(host, boxId, signal)
    },
    async fetchBox(host, boxId, signal) {
      if (known.isSelf(host)) return (await service.fetchBox(boxId)) ?? 'missing'
      const reply = await calls.fetchBox(host, boxId, signal)
      if (reply === undefined) return undefined
      if (!reply.found) return 'missing'
      const box = { boxId, signature: reply.signature, ciphertext: reply.ciphertext }
      if (verifyBox(box)) return box
      logger.warn('host gave a box with a wrong signature')
      return undefined
    },
    async tombstone(host, boxId, signature, signal) {
      if (known.isSelf(host)) await service.tombstone(boxId, signature)
      else await calls.tombstone(host, boxId, signature, signal)
    },
  }
}
