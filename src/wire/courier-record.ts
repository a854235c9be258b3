/**
 * Records between a client and its courier: one up in each slot, one down for each a constant time later.
 * Never of another size, whatever they carry; what they carry is sealed to others. Spec 03-mailbox §4.2.
 * @module
 */
import { createByteReader, createByteWriter } from '../base/index.ts'
import {
  COURIER_RECORD_BYTES,
  HOST_DESCRIPTOR_BYTES,
  HOST_ID_BYTES,
  HOST_ROUTE_BYTES,
  LOOK_REQUEST_BYTES,
  READ_CHECK_COUNT,
  REPLY_HEADER_BYTES,
  REQUEST_SEAL_BYTES,
  STORE_REQUEST_BYTES,
  TABLE_PAGE_COUNT,
  TOMBSTONE_REQUEST_BYTES,
} from './geometry.ts'
import { isZero } from './pad.ts'

const UP = { hello: 1, write: 2, read: 3, table: 4 } as const
const DOWN = { welcome: 1, replies: 2, table: 3 } as const

/** A sealed request and the intermediate that can open it. */
export interface RoutedRequest {
  /** First `HOST_ROUTE_BYTES` of the intermediate's host id. */
  readonly route: Uint8Array
  readonly sealed: Uint8Array
}

const SEALED_STORE_BYTES = STORE_REQUEST_BYTES + REQUEST_SEAL_BYTES
const SEALED_LOOK_BYTES = LOOK_REQUEST_BYTES + REQUEST_SEAL_BYTES
const SEALED_TOMBSTONE_BYTES = TOMBSTONE_REQUEST_BYTES + REQUEST_SEAL_BYTES

/** Sealed sizes of a read record's requests, in order: the checks, the fetch, the tombstone. */
const READ_SEALED_BYTES: readonly number[] = [
  ...new Array<number>(READ_CHECK_COUNT).fill(SEALED_LOOK_BYTES),
  SEALED_LOOK_BYTES,
  SEALED_TOMBSTONE_BYTES,
]

export type CourierRequest =
  /** First on each link: proof of work for this session. Asks for a page of the table as well. Spec 03-mailbox §4.1. */
  | {
      readonly kind: 'hello'
      readonly period: number
      readonly workNonce: number
      /** Number of the client's profile, which its rhythm shows anyway; sets the courier's delay and hold. */
      readonly profile: number
      readonly cursor: Uint8Array
    }
  /** One store request. `firstTag` names it. */
  | { readonly kind: 'write'; readonly firstTag: number; readonly requests: readonly RoutedRequest[] }
  /** The checks, then a fetch, then a tombstone; tags count up from `firstTag`. */
  | { readonly kind: 'read'; readonly firstTag: number; readonly requests: readonly RoutedRequest[] }
  /** Descriptors with ids above `cursor`, in order; all zeros begins. */
  | { readonly kind: 'table'; readonly cursor: Uint8Array }

/** Requests in a read record; a write record has one. */
export const READ_REQUEST_COUNT = READ_SEALED_BYTES.length

/** Always `COURIER_RECORD_BYTES` long. */
export function encodeCourierRequest(request: CourierRequest): Uint8Array {
  switch (request.kind) {
    case 'hello':
      assertCursor(request.cursor)
      return pad(
        createByteWriter(1 + 4 + 8 + 1 + HOST_ID_BYTES)
          .u8(UP.hello)
          .u32(request.period)
          .u64(request.workNonce)
          .u8(request.profile)
          .bytes(request.cursor)
          .finish(),
      )
    case 'table':
      assertCursor(request.cursor)
      return pad(
        createByteWriter(1 + HOST_ID_BYTES)
          .u8(UP.table)
          .bytes(request.cursor)
          .finish(),
      )
    default: {
      const sizes = request.kind === 'write' ? [SEALED_STORE_BYTES] : READ_SEALED_BYTES
      if (request.requests.length !== sizes.length) throw new RangeError('record has the wrong count of requests')
      const length = sizes.reduce((sum, size) => sum + HOST_ROUTE_BYTES + size, 1 + 2)
      const writer = createByteWriter(length).u8(UP[request.kind]).u16(request.firstTag)
      for (const [index, { route, sealed }] of request.requests.entries()) {
        if (route.length !== HOST_ROUTE_BYTES || sealed.length !== sizes[index])
          throw new RangeError('sealed request has the wrong length')
        writer.bytes(route).bytes(sealed)
      }
      return pad(writer.finish())
    }
  }
}

function assertCursor(cursor: Uint8Array): void {
  if (cursor.length !== HOST_ID_BYTES) throw new RangeError('cursor must have 32 bytes')
}

function pad(bytes: Uint8Array): Uint8Array {
  if (bytes.length > COURIER_RECORD_BYTES) throw new RangeError('too long for a courier record')
  const record = new Uint8Array(COURIER_RECORD_BYTES)
  record.set(bytes)
  return record
}

/** Undefined for every other form; padding must be zero. */
export function decodeCourierRequest(bytes: Uint8Array): CourierRequest | undefined {
  if (bytes.length !== COURIER_RECORD_BYTES) return undefined
  const reader = createByteReader(bytes)
  const request = readRequest(reader, reader.u8())
  const padding = reader.bytes(reader.remaining())
  return request !== undefined && reader.end() && isZero(padding) ? request : undefined
}

type Reader = ReturnType<typeof createByteReader>

function readRequest(reader: Reader, kind: number): CourierRequest | undefined {
  if (kind === UP.hello) {
    const period = reader.u32()
    const workNonce = reader.u64()
    const profile = reader.u8()
    return { kind: 'hello', period, workNonce, profile, cursor: reader.bytes(HOST_ID_BYTES) }
  }
  if (kind === UP.table) return { kind: 'table', cursor: reader.bytes(HOST_ID_BYTES) }
  if (kind !== UP.write && kind !== UP.read) return undefined
  const firstTag = reader.u16()
  const sizes = kind === UP.write ? [SEALED_STORE_BYTES] : READ_SEALED_BYTES
  const requests = sizes.map((size) => ({ route: reader.bytes(HOST_ROUTE_BYTES), sealed: reader.bytes(size) }))
  return { kind: kind === UP.write ? 'write' : 'read', firstTag, requests }
}

/** A sealed reply to the request with this tag. */
export interface TaggedReply {
  readonly tag: number
  readonly reply: Uint8Array
}

/** A page of the courier's host table. */
export interface TablePage {
  /** Of the whole table, so that two couriers can be compared. */
  readonly root: Uint8Array
  readonly hostCount: number
  /** Encoded descriptors, ascending by host id; none when the cursor is past the last. */
  readonly descriptors: readonly Uint8Array[]
}

export type CourierAnswer =
  /** The session is open. */
  | ({ readonly kind: 'welcome' } & TablePage)
  /** What has arrived for this client, as much as fits. */
  | { readonly kind: 'replies'; readonly replies: readonly TaggedReply[] }
  | ({ readonly kind: 'table' } & TablePage)

/** Bytes for replies in one record, each with its `REPLY_HEADER_BYTES`. */
export const REPLIES_BYTES = COURIER_RECORD_BYTES - 1

/** Always `COURIER_RECORD_BYTES` long. */
export function encodeCourierAnswer(answer: CourierAnswer): Uint8Array {
  if (answer.kind === 'replies') {
    const length = answer.replies.reduce((sum, { reply }) => sum + REPLY_HEADER_BYTES + reply.length, 1)
    const writer = createByteWriter(length).u8(DOWN.replies)
    for (const { tag, reply } of answer.replies) {
      if (reply.length === 0) throw new RangeError('a reply is not empty')
      writer.u16(tag).u16(reply.length).bytes(reply)
    }
    return pad(writer.finish())
  }
  const { descriptors } = answer
  if (descriptors.length > TABLE_PAGE_COUNT) throw new RangeError('too many descriptors for a page')
  if (answer.root.length !== HOST_ID_BYTES) throw new RangeError('root must have 32 bytes')
  if (descriptors.some((descriptor) => descriptor.length !== HOST_DESCRIPTOR_BYTES))
    throw new RangeError('descriptor has the wrong length')
  const writer = createByteWriter(1 + HOST_ID_BYTES + 4 + 1 + descriptors.length * HOST_DESCRIPTOR_BYTES)
    .u8(DOWN[answer.kind])
    .bytes(answer.root)
    .u32(answer.hostCount)
    .u8(descriptors.length)
  for (const descriptor of descriptors) writer.bytes(descriptor)
  return pad(writer.finish())
}

/** Undefined for every other form; padding must be zero. */
export function decodeCourierAnswer(bytes: Uint8Array): CourierAnswer | undefined {
  if (bytes.length !== COURIER_RECORD_BYTES) return undefined
  const reader = createByteReader(bytes)
  const answer = readAnswer(reader, reader.u8())
  const padding = reader.bytes(reader.remaining())
  return answer !== undefined && reader.end() && isZero(padding) ? answer : undefined
}

function readAnswer(reader: Reader, kind: number): CourierAnswer | undefined {
  if (kind === DOWN.welcome || kind === DOWN.table) {
    const root = reader.bytes(HOST_ID_BYTES)
    const hostCount = reader.u32()
    const count = reader.u8()
    if (count > TABLE_PAGE_COUNT) return undefined
    const descriptors = Array.from({ length: count }, () => reader.bytes(HOST_DESCRIPTOR_BYTES))
    return { kind: kind === DOWN.welcome ? 'welcome' : 'table', root, hostCount, descriptors }
  }
  if (kind !== DOWN.replies) return undefined
  const replies: TaggedReply[] = []
  // A length of zero ends the list: the rest is padding. What is shorter than a header cannot hold a reply.
  while (reader.remaining() >= REPLY_HEADER_BYTES) {
    const tag = reader.u16()
    const length = reader.u16()
    if (length === 0) return tag === 0 ? { kind: 'replies', replies } : undefined
    if (length > reader.remaining()) return undefined
    replies.push({ tag, reply: reader.bytes(length) })
  }
  return { kind: 'replies', replies }
}
