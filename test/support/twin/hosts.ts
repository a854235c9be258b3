/**
 * The hosts of a twin run: one table, one set of boxes that every replica has, and answers as honest intermediates give them.
 * Never more lenient than hosts: first write wins, tombstones stay, and what its key did not sign is not kept.
 * @module
 */
import { DAY_MS, equalBytes, SECOND_MS } from '../../../src/base/index.ts'
import { ed25519PublicKey, sha256 } from '../../../src/crypto/index.ts'
import { hostRecordOf, signHostDescriptor } from '../../../src/mailbox/host-descriptor.ts'
import { BOX_LIFETIME_MS, createHostTable, hostWorkPeriod, type MailboxParameters } from '../../../src/mailbox/index.ts'
import type { Clock } from '../../../src/ports/index.ts'
import {
  type Box,
  decodeHostDescriptor,
  decodeMailboxRequest,
  encodeFetchReply,
  encodeStoreReply,
  HOST_ROUTE_BYTES,
  type HostEntry,
  REPLICA_COUNT,
  type RoutedRequest,
  TABLE_PAGE_COUNT,
  type TablePage,
} from '../../../src/wire/index.ts'
import { createSealKeys, type TwinCodec, type TwinHostKeys } from './codec.ts'

interface StoredBox {
  /** Undefined once it was taken back. */
  box: Box | undefined
  readonly expiresAtMs: number
}

export type PutResult = 'stored' | 'conflict' | 'full'

export interface TwinHosts {
  readonly entries: readonly HostEntry[]
  /** As replicas do; also for contacts, who are nobody's subject here. Says until when it is kept. */
  put(box: Box): { readonly result: PutResult; readonly untilMs: number }
  get(boxId: Uint8Array): Box | undefined
  /** Takes a box back. */
  bury(boxId: Uint8Array): void
  page(cursor: Uint8Array): TablePage
  /** The reply to a sealed request; undefined for none. */
  answer(request: RoutedRequest): Uint8Array | undefined
  /** What was asked so far. */
  readonly counts: { stores: number; full: number; conflicts: number; hits: number; misses: number; buried: number }
}

export interface TwinHostsOptions {
  readonly clock: Clock
  readonly parameters: MailboxParameters
  readonly codec: TwinCodec
  readonly count: number
  readonly seed: number
  /** Whether disks are full at this moment, which is the network's and no client's. */
  readonly isFull: (nowMs: number) => boolean
}

interface Member extends TwinHostKeys {
  readonly sealKey: Uint8Array
  readonly courierOnionKey: Uint8Array
  signedAtMs: number
}

const nameOf = (boxId: Uint8Array): string => Buffer.from(boxId).toString('latin1')

export function createTwinHosts(options: TwinHostsOptions): TwinHosts {
  const { clock, codec, parameters } = options
  const table = createHostTable({ maxCount: options.count })
  const boxes = new Map<string, StoredBox>()
  /** By route, those of former periods as well: what a client's table has to catch up with is another matter. */
  const routes = new Map<string, Member>()
  const counts = { stores: 0, full: 0, conflicts: 0, hits: 0, misses: 0, buried: 0 }
  let sweptMs = clock.nowMs()

  const members = Array.from({ length: options.count }, (_, number): Member => {
    const seedOf = (name: string): Uint8Array =>
      sha256(new TextEncoder().encode(`twin host ${options.seed} ${number} ${name}`))
    const hostSeed = seedOf('host')
    const seal = createSealKeys()
    return {
      hostSeed,
      hostKey: ed25519PublicKey(hostSeed),
      sealKey: seal.publicKey,
      sealPrivateKey: seal.privateKey,
      courierOnionKey: ed25519PublicKey(seedOf('courier')),
      signedAtMs: Number.NEGATIVE_INFINITY,
    }
  })

  /** Hosts sign anew long before their word runs out, and move with their periods. */
  const renew = (): void => {
    const nowMs = clock.nowMs()
    for (const [number, member] of members.entries()) {
      if (nowMs - member.signedAtMs < parameters.descriptorRenewMs) continue
      member.signedAtMs = nowMs
      const issuedAtSeconds = Math.floor(nowMs / SECOND_MS)
      const workPeriod = hostWorkPeriod(member.hostKey, nowMs)
      const bytes = signHostDescriptor(member.hostSeed, {
        hostKey: member.hostKey,
        sealKey: member.sealKey,
        courierOnionKey: member.courierOnionKey,
        meshOnionKey: member.courierOnionKey,
        issuedAtSeconds,
        expiresAtSeconds: issuedAtSeconds + Math.floor(parameters.descriptorLifetimeMs / SECOND_MS),
        startedAtSeconds: issuedAtSeconds - 1_000,
        capacityMib: 1_024,
        workPeriod,
        workNonce: 1_000 * (workPeriod + 1) + number,
      })
      const descriptor = decodeHostDescriptor(bytes)
      if (descriptor === undefined) throw new Error('a descriptor that does not decode')
      const record = hostRecordOf(descriptor, bytes, nowMs)
      table.merge(record)
      routes.set(nameOf(record.hostId.subarray(0, HOST_ROUTE_BYTES)), member)
    }
    table.expire(nowMs)
    if (nowMs - sweptMs < DAY_MS / 4) return
    sweptMs = nowMs
    for (const [name, { expiresAtMs }] of boxes) if (expiresAtMs <= nowMs) boxes.delete(name)
  }

  const find = (boxId: Uint8Array): Box | undefined => {
    const stored = boxes.get(nameOf(boxId))
    return stored !== undefined && stored.expiresAtMs > clock.nowMs() ? stored.box : undefined
  }

  const hosts: TwinHosts = {
    entries: members.map(({ hostKey, courierOnionKey }) => ({ hostKey, courierOnionKey })),
    counts,
    put(box) {
      const nowMs = clock.nowMs()
      const name = nameOf(box.boxId)
      const before = boxes.get(name)
      if (before !== undefined && before.expiresAtMs > nowMs) {
        const isSame = before.box !== undefined && equalBytes(before.box.ciphertext, box.ciphertext)
        if (!isSame) counts.conflicts += 1
        return { result: isSame ? 'stored' : 'conflict', untilMs: before.expiresAtMs }
      }
      if (options.isFull(nowMs)) {
        counts.full += 1
        return { result: 'full', untilMs: 0 }
      }
      const untilMs = Math.floor((nowMs + BOX_LIFETIME_MS) / SECOND_MS) * SECOND_MS
      const { boxId, ciphertext, signature } = box
      boxes.set(name, {
        box: { boxId: boxId.slice(), signature: signature.slice(), ciphertext: ciphertext.slice() },
        expiresAtMs: untilMs,
      })
      counts.stores += 1
      return { result: 'stored', untilMs }
    },
    get: find,
    bury(boxId) {
      const stored = boxes.get(nameOf(boxId))
      if (stored?.box === undefined) return
      stored.box = undefined
      counts.buried += 1
    },
    page(cursor) {
      renew()
      const descriptors = table.page(cursor, TABLE_PAGE_COUNT).map(({ bytes }) => bytes)
      return { root: table.root(), hostCount: table.size, descriptors }
    },
    answer({ route, sealed }) {
      const member = routes.get(nameOf(route))
      const opened = member && codec.openRequest(member, sealed)
      const request = opened && decodeMailboxRequest(opened)
      if (request === undefined) return undefined
      const { replyKey } = request
      switch (request.operation) {
        case 'check':
          return codec.checkReply(replyKey, find(request.boxId) !== undefined)
        case 'fetch': {
          const box = find(request.boxId)
          if (box === undefined) counts.misses += 1
          else counts.hits += 1
          return codec.sealReply(replyKey, encodeFetchReply(box))
        }
        case 'tombstone':
          if (codec.isTombstone(request.boxId, request.signature)) hosts.bury(request.boxId)
          return undefined
        default:
          return codec.sealReply(replyKey, store(request.box))
      }
    },
  }

  const store = (box: Box): Uint8Array => {
    if (!codec.isBox(box)) return encodeStoreReply({ status: 'failed', receipts: [] })
    const { result, untilMs } = hosts.put(box)
    if (result !== 'stored') return encodeStoreReply({ status: result, receipts: [] })
    const receipts = table.closest(box.boxId, REPLICA_COUNT).flatMap(({ descriptor, hostId }) => {
      const member = members.find(({ hostKey }) => equalBytes(hostKey, descriptor.hostKey))
      return member === undefined ? [] : [codec.receipt(member, hostId, box, untilMs / SECOND_MS)]
    })
    return encodeStoreReply({ status: 'stored', receipts })
  }

  renew()
  return hosts
}
