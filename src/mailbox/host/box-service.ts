/**
 * What this host does with boxes as one of their replicas, whoever asks.
 * Never keeps what its one-time key did not sign, and never signs a receipt before the box is on disk. Spec 03-mailbox §5.1, §5.2.
 * @module
 */
import { isForeseen, SECOND_MS } from '../../base/index.ts'
import type { BoxStore, Clock, Logger } from '../../ports/index.ts'
import type { Box, MeshStoreResult } from '../../wire/index.ts'
import { verifyBox, verifyTombstone } from '../box-keys.ts'
import { BOX_LIFETIME_MS } from '../options.ts'
import { signReceipt } from '../receipt.ts'
import type { HostCounts } from './context.ts'

export interface BoxServiceDeps {
  readonly clock: Clock
  readonly logger: Logger
  readonly boxes: BoxStore
  readonly hostSeed: Uint8Array
  readonly counts: HostCounts
}

export interface BoxService {
  /** `expiresAtSeconds` 0 gives the full life; a later expiry than that is cut. */
  store(box: Box, expiresAtSeconds: number): Promise<MeshStoreResult>
  has(boxId: Uint8Array): Promise<boolean>
  fetchBox(boxId: Uint8Array): Promise<Box | undefined>
  /** Does nothing unless the box's key signed it. */
  tombstone(boxId: Uint8Array, signature: Uint8Array): Promise<void>
}

/** A receipt names the host by its key; the route is added by whoever passes it on. */
const NO_HOST_ID = new Uint8Array(0)

export function createBoxService({ clock, logger, boxes, hostSeed, counts }: BoxServiceDeps): BoxService {
  const expiryFor = (expiresAtSeconds: number): number => {
    const latest = Math.floor((clock.nowMs() + BOX_LIFETIME_MS) / SECOND_MS)
    return expiresAtSeconds === 0 ? latest : Math.min(expiresAtSeconds, latest)
  }
  /** What the disk cannot do is not there; a later attempt of the asker's may find it well again. */
  const orElse = async <T>(fallback: T, body: () => Promise<T>): Promise<T> => {
    try {
      return await body()
    } catch (error: unknown) {
      if (!isForeseen(error)) throw error
      logger.warn('box store failed', {}, error)
      return fallback
    }
  }

  const put = async (box: Box, expiresAtMs: number): Promise<MeshStoreResult> => {
    const outcome = await boxes.put(box, expiresAtMs)
    switch (outcome.status) {
      case 'stored':
      case 'present': {
        if (outcome.status === 'stored') counts.stored += 1
        const { expiresAtSeconds, signature } = signReceipt(
          hostSeed,
          NO_HOST_ID,
          box,
          Math.floor(outcome.expiresAtMs / SECOND_MS),
        )
        return { status: 'stored', expiresAtSeconds, signature }
      }
      case 'conflict':
        counts.conflicts += 1
        return { status: 'conflict' }
      case 'full':
        counts.refusedFull += 1
        return { status: 'full' }
      default:
        return { status: 'tombstoned' }
    }
  }

  return {
    async store(box, expiresAtSeconds) {
      const expiresAtMs = expiryFor(expiresAtSeconds) * SECOND_MS
      if (expiresAtMs <= clock.nowMs() || !verifyBox(box)) return { status: 'invalid' }
      return orElse<MeshStoreResult>({ status: 'full' }, () => put(box, expiresAtMs))
    },
    has: (boxId) => orElse(false, () => boxes.has(boxId)),
    async fetchBox(boxId) {
      const box = await orElse(undefined, () => boxes.get(boxId))
      if (box === undefined) counts.missed += 1
      else counts.fetched += 1
      return box
    },
    async tombstone(boxId, signature) {
      if (verifyTombstone(boxId, signature)) await orElse(false, () => boxes.tombstone(boxId))
    },
  }
}
