/**
 * A client without a rhythm: says to a courier what a test wants said, and reads what comes down.
 * Never what a user runs: it sends when it is told to.
 * @module
 */
import { ed25519PublicKey, randomBytes } from '../../src/crypto/index.ts'
import { hostRecordOf } from '../../src/mailbox/host-descriptor.ts'
import {
  type HostRecord,
  type MailboxParameters,
  openReply,
  readCheckReply,
  sealRequest,
} from '../../src/mailbox/index.ts'
import { DEFAULT_PROFILE, profileNumber, profileOf } from '../../src/padding/index.ts'
import type { Clock, Random, RecordLink, RecordNetwork } from '../../src/ports/index.ts'
import {
  type Box,
  COURIER_RECORD_BYTES,
  type CourierAnswer,
  type CourierRequest,
  decodeCourierAnswer,
  decodeFetchReply,
  decodeHostDescriptor,
  decodeStoreReply,
  encodeCourierRequest,
  encodeMailboxRequest,
  HOST_ID_BYTES,
  HOST_ROUTE_BYTES,
  type HostEntry,
  LOOK_REQUEST_BYTES,
  onionAddress,
  READ_CHECK_COUNT,
  REQUEST_SEAL_BYTES,
  type RoutedRequest,
  type StoreReply,
  TOMBSTONE_REQUEST_BYTES,
} from '../../src/wire/index.ts'

export interface ProbeDeps {
  readonly network: RecordNetwork
  readonly clock: Clock
  readonly random: Random
  readonly parameters: MailboxParameters
}

export interface CourierProbe {
  readonly clientKey: Uint8Array
  readonly link: RecordLink
  send(request: CourierRequest): Promise<void>
  /** The next record down; undefined when the link has ended. */
  receive(): Promise<CourierAnswer | undefined>
  /** Says hello and waits for the welcome; false when the courier hangs up. */
  hello(work?: { readonly period?: number; readonly nonce?: number; readonly profile?: number }): Promise<boolean>
  /** The courier's whole table. */
  table(): Promise<readonly HostRecord[]>
  /** Undefined when nothing has come after `records` further records. */
  store(intermediate: HostRecord, box: Box, records?: number): Promise<StoreReply | undefined>
  check(intermediate: HostRecord, boxId: Uint8Array, rank: number, records?: number): Promise<boolean | undefined>
  fetchBox(
    intermediate: HostRecord,
    boxId: Uint8Array,
    rank: number,
    records?: number,
  ): Promise<Box | 'missing' | undefined>
  tombstone(intermediate: HostRecord, boxId: Uint8Array, signature: Uint8Array): Promise<void>
  close(): Promise<void>
}

/** Dials a courier. @throws {AppError} the network's codes */
export async function openCourierProbe(
  { network, clock, random, parameters }: ProbeDeps,
  entry: HostEntry,
  options: { readonly seed?: Uint8Array; readonly signal?: AbortSignal } = {},
): Promise<CourierProbe> {
  const localSeed = options.seed ?? random.bytes(32)
  const link = await network.dial({
    protocol: '/noctule/courier/1',
    recordBytes: COURIER_RECORD_BYTES,
    localSeed,
    remoteSeed: undefined,
    remoteKey: entry.hostKey,
    address: onionAddress(entry.courierOnionKey),
    clientPrivateKey: undefined,
    isolation: 'probe',
    signal: options.signal ?? new AbortController().signal,
  })
  const arrived = new Map<number, Uint8Array>()
  let nextTag = 0

  const send = (request: CourierRequest): Promise<void> => link.send(encodeCourierRequest(request))
  const receive = async (): Promise<CourierAnswer | undefined> => {
    const record = await link.receive()
    const answer = record === undefined ? undefined : decodeCourierAnswer(record)
    if (answer?.kind === 'replies') for (const { tag, reply } of answer.replies) arrived.set(tag, reply)
    return answer
  }
  const nowhere = (bytes: number): RoutedRequest => ({
    route: random.bytes(HOST_ROUTE_BYTES),
    sealed: random.bytes(bytes + REQUEST_SEAL_BYTES),
  })
  const to = (host: HostRecord, request: Parameters<typeof encodeMailboxRequest>[0]): RoutedRequest => ({
    route: host.hostId.slice(0, HOST_ROUTE_BYTES),
    sealed: sealRequest(host.descriptor.sealKey, host.descriptor.hostKey, encodeMailboxRequest(request)),
  })
  /** A read record with one real request at this place. */
  const read = (place: number, routed: RoutedRequest): CourierRequest => {
    const requests = [
      ...Array.from({ length: READ_CHECK_COUNT + 1 }, () => nowhere(LOOK_REQUEST_BYTES)),
      nowhere(TOMBSTONE_REQUEST_BYTES),
    ].with(place, routed)
    const firstTag = nextTag
    nextTag += requests.length
    return { kind: 'read', firstTag, requests }
  }
  /** Sends the record, then others that ask for nothing, until the reply with this tag has come. */
  const ask = async (record: CourierRequest, tag: number, records: number): Promise<Uint8Array | undefined> => {
    await send(record)
    for (let count = 0; count <= records; count += 1) {
      if ((await receive()) === undefined) return undefined
      const reply = arrived.get(tag)
      if (reply !== undefined) return reply
      await clock.sleep(profileOf(DEFAULT_PROFILE, parameters.speed).read.meanMs)
      await send(read(0, nowhere(LOOK_REQUEST_BYTES)))
    }
    return undefined
  }

  return {
    clientKey: ed25519PublicKey(localSeed),
    link,
    send,
    receive,
    async hello(work = {}) {
      const period = work.period ?? Math.floor(clock.nowMs() / parameters.epochMs)
      await send({
        kind: 'hello',
        period,
        workNonce: work.nonce ?? 1,
        profile: work.profile ?? profileNumber(DEFAULT_PROFILE),
        cursor: new Uint8Array(HOST_ID_BYTES),
      })
      return (await receive())?.kind === 'welcome'
    },
    async table() {
      const hosts: HostRecord[] = []
      for (let cursor: Uint8Array = new Uint8Array(HOST_ID_BYTES); ; ) {
        await send({ kind: 'table', cursor })
        const answer = await receive()
        if (answer?.kind !== 'table') throw new Error('no table came')
        for (const bytes of answer.descriptors) {
          const descriptor = decodeHostDescriptor(bytes)
          if (descriptor !== undefined) hosts.push(hostRecordOf(descriptor, bytes, clock.nowMs()))
        }
        const last = hosts.at(-1)
        if (last === undefined || answer.descriptors.length === 0) return hosts
        cursor = last.hostId
        await clock.sleep(parameters.courierRecordIntervalMs)
      }
    },
    async store(intermediate, box, records = 4) {
      const replyKey = randomBytes(32)
      const firstTag = nextTag
      nextTag += 1
      const requests = [to(intermediate, { operation: 'store', replyKey, box })]
      const reply = await ask({ kind: 'write', firstTag, requests }, firstTag, records)
      const opened = reply === undefined ? undefined : openReply(replyKey, reply)
      return opened === undefined ? undefined : decodeStoreReply(opened)
    },
    async check(intermediate, boxId, rank, records = 4) {
      const replyKey = randomBytes(32)
      const tag = nextTag
      const record = read(0, to(intermediate, { operation: 'check', replyKey, boxId, rank }))
      const reply = await ask(record, tag, records)
      return reply === undefined ? undefined : readCheckReply(replyKey, reply)
    },
    async fetchBox(intermediate, boxId, rank, records = 4) {
      const replyKey = randomBytes(32)
      const tag = nextTag + READ_CHECK_COUNT
      const record = read(READ_CHECK_COUNT, to(intermediate, { operation: 'fetch', replyKey, boxId, rank }))
      const reply = await ask(record, tag, records)
      const opened = reply === undefined ? undefined : openReply(replyKey, reply)
      const fetched = opened === undefined ? undefined : decodeFetchReply(opened)
      if (fetched === undefined) return undefined
      return fetched.found ? { boxId, signature: fetched.signature, ciphertext: fetched.ciphertext } : 'missing'
    },
    async tombstone(intermediate, boxId, signature) {
      const replyKey = randomBytes(32)
      await send(read(READ_CHECK_COUNT + 1, to(intermediate, { operation: 'tombstone', replyKey, boxId, signature })))
      await receive()
    },
    close: () => link.close(),
  }
}

/** What a joining host asks for, without the client's own machinery. */
export async function fetchTableThroughCourier(
  deps: ProbeDeps,
  entry: HostEntry,
  signal: AbortSignal,
): Promise<readonly Uint8Array[]> {
  const probe = await openCourierProbe(deps, entry, { signal })
  try {
    if (!(await probe.hello())) return []
    return (await probe.table()).map(({ bytes }) => bytes)
  } finally {
    await probe.close()
  }
}
