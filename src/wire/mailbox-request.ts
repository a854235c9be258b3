/**
 * What a client asks an intermediate and what it hears, before sealing.
 * Never of a length that depends on the answer: a hit, a miss and a failure are of one size. Spec 03-mailbox §4.
 * @module
 */
import { createByteReader, createByteWriter } from '../base/index.ts'
import { KEY_BYTES } from '../crypto/index.ts'
import type { Box } from './box.ts'
import { decodeBox, encodeBox } from './box.ts'
import {
  BOX_BYTES,
  BOX_CIPHERTEXT_BYTES,
  FETCH_REPLY_BYTES,
  HOST_ROUTE_BYTES,
  LOOK_REQUEST_BYTES,
  RECEIPT_BYTES,
  REPLICA_COUNT,
  SIGNATURE_BYTES,
  STORE_REPLY_BYTES,
  STORE_REQUEST_BYTES,
  TOMBSTONE_REQUEST_BYTES,
} from './geometry.ts'
import { isZero } from './pad.ts'

const OPERATION = { store: 1, check: 2, fetch: 3, tombstone: 4 } as const

export type MailboxRequest =
  /** Keep this box on its replicas. */
  | { readonly operation: 'store'; readonly replyKey: Uint8Array; readonly box: Box }
  /** Is the box there? Asks the replica of this rank alone, counted by distance from 0. */
  | { readonly operation: 'check'; readonly replyKey: Uint8Array; readonly boxId: Uint8Array; readonly rank: number }
  /** Give the box; begins with the replica of this rank and goes on with the others until one has it. */
  | { readonly operation: 'fetch'; readonly replyKey: Uint8Array; readonly boxId: Uint8Array; readonly rank: number }
  /** Forget the box; signed by its one-time key. Not answered. */
  | {
      readonly operation: 'tombstone'
      readonly replyKey: Uint8Array
      readonly boxId: Uint8Array
      readonly signature: Uint8Array
    }

/** One of three lengths, by operation: store, look (check and fetch), tombstone. */
export function encodeMailboxRequest(request: MailboxRequest): Uint8Array {
  if (request.replyKey.length !== KEY_BYTES) throw new RangeError('reply key must have 32 bytes')
  if (request.operation !== 'store' && request.boxId.length !== KEY_BYTES)
    throw new RangeError('box id must have 32 bytes')
  const code = OPERATION[request.operation]
  switch (request.operation) {
    case 'store':
      return createByteWriter(STORE_REQUEST_BYTES)
        .u8(code)
        .bytes(request.replyKey)
        .bytes(encodeBox(request.box))
        .finish()
    case 'tombstone':
      return createByteWriter(TOMBSTONE_REQUEST_BYTES)
        .u8(code)
        .bytes(request.replyKey)
        .bytes(request.boxId)
        .bytes(request.signature)
        .finish()
    default:
      if (request.rank >= REPLICA_COUNT) throw new RangeError('no box has a replica of this rank')
      return createByteWriter(LOOK_REQUEST_BYTES)
        .u8(code)
        .bytes(request.replyKey)
        .bytes(request.boxId)
        .u8(request.rank)
        .finish()
  }
}

/** Undefined for every length that is not its operation's, and for ranks that no box has. */
export function decodeMailboxRequest(bytes: Uint8Array): MailboxRequest | undefined {
  const reader = createByteReader(bytes)
  const code = reader.u8()
  const replyKey = reader.bytes(KEY_BYTES)
  if (code === OPERATION.store) {
    const box = decodeBox(reader.bytes(BOX_BYTES))
    return reader.end() && box !== undefined ? { operation: 'store', replyKey, box } : undefined
  }
  const boxId = reader.bytes(KEY_BYTES)
  if (code === OPERATION.tombstone) {
    const signature = reader.bytes(SIGNATURE_BYTES)
    return reader.end() ? { operation: 'tombstone', replyKey, boxId, signature } : undefined
  }
  const rank = reader.u8()
  if (!reader.end() || rank >= REPLICA_COUNT) return undefined
  if (code === OPERATION.check) return { operation: 'check', replyKey, boxId, rank }
  return code === OPERATION.fetch ? { operation: 'fetch', replyKey, boxId, rank } : undefined
}

/** A host's word that it keeps a box; what it signs is in spec 03-mailbox §5.2. */
export interface Receipt {
  /** First `HOST_ROUTE_BYTES` of the host's id. */
  readonly route: Uint8Array
  /** Whole seconds since the Unix epoch. */
  readonly expiresAtSeconds: number
  readonly signature: Uint8Array
}

/** `stored`: the receipts tell where; `conflict`: the id holds another box; `full`: no replica has room. */
export type StoreStatus = 'stored' | 'conflict' | 'full' | 'failed'

const STORE_STATUS: Readonly<Record<StoreStatus, number>> = { stored: 1, conflict: 2, full: 3, failed: 4 }
const STORE_STATUSES = new Map(Object.entries(STORE_STATUS).map(([status, code]) => [code, status as StoreStatus]))

export interface StoreReply {
  readonly status: StoreStatus
  /** At most `REPLICA_COUNT`. */
  readonly receipts: readonly Receipt[]
}

/** Always `STORE_REPLY_BYTES` long. */
export function encodeStoreReply(reply: StoreReply): Uint8Array {
  const { receipts } = reply
  if (receipts.length > REPLICA_COUNT) throw new RangeError('more receipts than replicas')
  const writer = createByteWriter(STORE_REPLY_BYTES).u8(STORE_STATUS[reply.status]).u8(receipts.length)
  for (const { route, expiresAtSeconds, signature } of receipts) {
    if (route.length !== HOST_ROUTE_BYTES || signature.length !== SIGNATURE_BYTES)
      throw new RangeError('receipt has a wrong form')
    writer.bytes(route).u32(expiresAtSeconds).bytes(signature)
  }
  return writer.bytes(new Uint8Array((REPLICA_COUNT - receipts.length) * RECEIPT_BYTES)).finish()
}

/** Undefined for every other form. Says nothing of the signatures. */
export function decodeStoreReply(bytes: Uint8Array): StoreReply | undefined {
  const reader = createByteReader(bytes)
  const status = STORE_STATUSES.get(reader.u8())
  const count = reader.u8()
  if (status === undefined || count > REPLICA_COUNT) return undefined
  const receipts: Receipt[] = []
  for (let index = 0; index < count; index += 1) {
    const route = reader.bytes(HOST_ROUTE_BYTES)
    const expiresAtSeconds = reader.u32()
    receipts.push({ route, expiresAtSeconds, signature: reader.bytes(SIGNATURE_BYTES) })
  }
  const padding = reader.bytes((REPLICA_COUNT - count) * RECEIPT_BYTES)
  return reader.end() && isZero(padding) ? { status, receipts } : undefined
}

const FETCH_MISS = 0
const FETCH_HIT = 1

/** Signature and ciphertext of the box, or undefined for none; `FETCH_REPLY_BYTES` long either way. */
export function encodeFetchReply(box: Pick<Box, 'signature' | 'ciphertext'> | undefined): Uint8Array {
  if (box !== undefined && box.signature.length !== SIGNATURE_BYTES)
    throw new RangeError('signature must have 64 bytes')
  return createByteWriter(FETCH_REPLY_BYTES)
    .u8(box === undefined ? FETCH_MISS : FETCH_HIT)
    .bytes(box?.signature ?? new Uint8Array(SIGNATURE_BYTES))
    .bytes(box?.ciphertext ?? new Uint8Array(BOX_CIPHERTEXT_BYTES))
    .finish()
}

export type FetchReply =
  | { readonly found: true; readonly signature: Uint8Array; readonly ciphertext: Uint8Array }
  | { readonly found: false }

/** Undefined for every other form. */
export function decodeFetchReply(bytes: Uint8Array): FetchReply | undefined {
  const reader = createByteReader(bytes)
  const status = reader.u8()
  const signature = reader.bytes(SIGNATURE_BYTES)
  const ciphertext = reader.bytes(BOX_CIPHERTEXT_BYTES)
  if (!reader.end()) return undefined
  if (status === FETCH_HIT) return { found: true, signature, ciphertext }
  return status === FETCH_MISS && isZero(signature) && isZero(ciphertext) ? { found: false } : undefined
}
