/**
 * A host's signed word that it keeps a box, and how many such words make a box stored.
 * Never counts what was not verified: no receipt, no "stored". Spec 03-mailbox §5.2, §5.3.
 * @module
 */
import { createByteWriter, equalBytes } from '../base/index.ts'
import { ed25519Sign, ed25519Verify, framed, label, sha256 } from '../crypto/index.ts'
import { type Box, HOST_ROUTE_BYTES, REPLICA_COUNT, type Receipt } from '../wire/index.ts'
import { BOX_LIFETIME_MS, CLOCK_TOLERANCE_MS, RECEIPT_LEFT_MIN_MS, STORED_QUORUM_COUNT } from './options.ts'

function receiptStatement(boxId: Uint8Array, ciphertextHash: Uint8Array, expiresAtSeconds: number): Uint8Array {
  return framed(label('receipt'), boxId, ciphertextHash, createByteWriter(4).u32(expiresAtSeconds).finish())
}

/** What a receipt says of the content: SHA-256 of the ciphertext. */
export function ciphertextHashOf(box: Pick<Box, 'ciphertext'>): Uint8Array {
  return sha256(box.ciphertext)
}

/** Deterministic: the same box and expiry give the same receipt. */
export function signReceipt(hostSeed: Uint8Array, hostId: Uint8Array, box: Box, expiresAtSeconds: number): Receipt {
  const signature = ed25519Sign(hostSeed, receiptStatement(box.boxId, ciphertextHashOf(box), expiresAtSeconds))
  return { route: hostId.slice(0, HOST_ROUTE_BYTES), expiresAtSeconds, signature }
}

/** True when the host with this key signed it. Says nothing of the time, and nothing of `route`, which is not signed. */
export function verifyReceipt(
  hostKey: Uint8Array,
  boxId: Uint8Array,
  ciphertextHash: Uint8Array,
  receipt: Receipt,
): boolean {
  return ed25519Verify(hostKey, receiptStatement(boxId, ciphertextHash, receipt.expiresAtSeconds), receipt.signature)
}

/** As much of a host as counting needs; records of the host table have it. */
export interface ReceiptHost {
  readonly hostId: Uint8Array
  readonly descriptor: { readonly hostKey: Uint8Array }
}

export interface ReceiptCountInput {
  readonly box: Pick<Box, 'boxId' | 'ciphertext'>
  readonly receipts: readonly Receipt[]
  /** The hosts of the own table that are closest to the box, `RECEIPT_HOST_COUNT` of them; others do not count. */
  readonly closest: readonly ReceiptHost[]
  /** Hosts in the own table. */
  readonly hostCount: number
  readonly nowMs: number
  /** When this box left for the first time; undefined when nobody knows, or when it leaves now. */
  readonly firstLeftMs?: number | undefined
}

/** Twice the replicas: the tables of two honest nodes differ a little. */
export const RECEIPT_HOST_COUNT = 2 * REPLICA_COUNT

export interface ReceiptCount {
  /** Hosts whose receipts hold. */
  readonly replicas: number
  /** Replicas that a box gets with so many hosts. */
  readonly wanted: number
  readonly quorum: number
  /** True when the quorum is met; never without a host. */
  readonly stored: boolean
  /** Until when a quorum keeps it, as they say; undefined unless stored. */
  readonly untilMs: number | undefined
  /** Whose receipts held, in the order of `closest`. */
  readonly hosts: readonly ReceiptHost[]
}

/**
 * The earliest expiry that a receipt may name. Of a box that left for the first time days ago hosts may have a copy since
 * then and say so: its end is as good as any other, and a shorter life is nobody's but a liar's.
 */
export function leastReceiptExpiryMs(nowMs: number, firstLeftMs?: number): number {
  const usualMs = nowMs + RECEIPT_LEFT_MIN_MS
  if (firstLeftMs === undefined) return usualMs
  const firstCopyEndsMs = firstLeftMs + BOX_LIFETIME_MS - CLOCK_TOLERANCE_MS
  // Copies of then are gone, or about to be: what hosts take now is new.
  return firstCopyEndsMs > nowMs ? Math.min(usualMs, firstCopyEndsMs) : usualMs
}

/** Counts each host once, however many receipts bear its name. */
export function countReceipts(input: ReceiptCountInput): ReceiptCount {
  const { box, receipts, closest, hostCount, nowMs, firstLeftMs } = input
  const hash = ciphertextHashOf(box)
  const earliestMs = leastReceiptExpiryMs(nowMs, firstLeftMs)
  const latestMs = nowMs + BOX_LIFETIME_MS + CLOCK_TOLERANCE_MS
  const expiries: number[] = []
  const hosts: ReceiptHost[] = []
  for (const host of closest.slice(0, RECEIPT_HOST_COUNT)) {
    const { hostKey } = host.descriptor
    if (hosts.some((other) => equalBytes(other.descriptor.hostKey, hostKey))) continue
    const held = receipts.find((receipt) => {
      const expiresAtMs = receipt.expiresAtSeconds * 1000
      if (expiresAtMs < earliestMs || expiresAtMs > latestMs) return false
      if (!equalBytes(receipt.route, host.hostId.subarray(0, HOST_ROUTE_BYTES))) return false
      return verifyReceipt(hostKey, box.boxId, hash, receipt)
    })
    if (held === undefined) continue
    hosts.push(host)
    expiries.push(held.expiresAtSeconds * 1000)
  }
  const quorum = quorumOf(hostCount)
  const stored = quorum > 0 && hosts.length >= quorum
  const untilMs = stored ? expiries.sort((a, b) => b - a)[quorum - 1] : undefined
  return { replicas: hosts.length, wanted: replicasOf(hostCount), quorum, stored, untilMs, hosts }
}

/** Receipts that make a box stored. */
export function quorumOf(hostCount: number): number {
  return Math.min(STORED_QUORUM_COUNT, hostCount)
}

/** Replicas that a box gets. */
export function replicasOf(hostCount: number): number {
  return Math.min(REPLICA_COUNT, hostCount)
}
