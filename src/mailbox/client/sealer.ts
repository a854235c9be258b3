/**
 * Seals requests to intermediates, and makes requests that look the same and mean nothing.
 * Never seals to a courier in use or a replica of the box while there is anybody else. Spec 03-mailbox §4.3, DESIGN §7.
 * @module
 */
import { hexEncode } from '../../base/index.ts'
import { ed25519PublicKey, KEY_BYTES, randomBytes } from '../../crypto/index.ts'
import type { Random } from '../../ports/index.ts'
import {
  encodeMailboxRequest,
  HOST_ROUTE_BYTES,
  type MailboxRequest,
  REPLICA_COUNT,
  REQUEST_SEAL_BYTES,
  type RoutedRequest,
  SIGNATURE_BYTES,
} from '../../wire/index.ts'
import type { HostRecord } from '../host-descriptor.ts'
import { sealRequest } from '../sealed-request.ts'
import type { HostBook } from './host-book.ts'

export interface SealedRequest {
  readonly routed: RoutedRequest
  /** Of the intermediate; undefined without hosts, when nobody can open it. 64 hexadecimal characters. */
  readonly intermediate: string | undefined
}

export interface Sealer {
  /** `used` holds intermediates that are not to be taken while there are others; the chosen one is added. */
  seal(request: MailboxRequest, boxId: Uint8Array, used: Set<HostRecord>): SealedRequest
  /** An id that nobody has, and that could be a box's. */
  dummyId(): Uint8Array
  dummySignature(): Uint8Array
}

interface Eligible {
  readonly version: number
  readonly excluded: ReadonlySet<string>
  readonly couriers: string
  readonly hosts: readonly HostRecord[]
}

export function createSealer(book: HostBook, random: Random, couriers: () => ReadonlySet<string>): Sealer {
  let eligible: Eligible | undefined

  /** Neither courier in use nor excluded, as far as there are others; made anew when table, couriers or scores change. */
  const eligibleHosts = (): readonly HostRecord[] => {
    const { table } = book
    const excluded = book.excluded()
    const inUse = couriers()
    const names = [...inUse].join()
    if (eligible?.version !== table.version || eligible.excluded !== excluded || eligible.couriers !== names) {
      const others = orAll(table.all(), (host) => !inUse.has(keyOf(host)))
      const hosts = orAll(others, (host) => !excluded.has(keyOf(host)))
      eligible = { version: table.version, excluded, couriers: names, hosts }
    }
    return eligible.hosts
  }

  /** Wishes in the order of their weight: no replica, nobody who has been asked in this record. */
  const choose = (boxId: Uint8Array, used: ReadonlySet<HostRecord>): HostRecord | undefined => {
    const replicas = new Set(book.table.closest(boxId, REPLICA_COUNT))
    const strangers = orAll(eligibleHosts(), (host) => !replicas.has(host))
    const candidates = orAll(strangers, (host) => !used.has(host))
    return candidates[Math.floor(random.uniform() * candidates.length)]
  }

  return {
    seal(request, boxId, used) {
      const bytes = encodeMailboxRequest(request)
      const host = choose(boxId, used)
      if (host === undefined) {
        const sealed = randomBytes(REQUEST_SEAL_BYTES + bytes.length)
        return { routed: { route: randomBytes(HOST_ROUTE_BYTES), sealed }, intermediate: undefined }
      }
      used.add(host)
      const { hostKey, sealKey } = host.descriptor
      const route = host.hostId.slice(0, HOST_ROUTE_BYTES)
      return { routed: { route, sealed: sealRequest(sealKey, hostKey, bytes) }, intermediate: keyOf(host) }
    },
    // A point of the curve, as box ids are: half of all random bytes would not be.
    dummyId: () => ed25519PublicKey(randomBytes(KEY_BYTES)),
    dummySignature: () => randomBytes(SIGNATURE_BYTES),
  }
}

/** Those of whom the wish holds, or all when there are none. */
function orAll(hosts: readonly HostRecord[], wish: (host: HostRecord) => boolean): readonly HostRecord[] {
  const left = hosts.filter(wish)
  return left.length > 0 ? left : hosts
}

function keyOf(host: HostRecord): string {
  return hexEncode(host.descriptor.hostKey)
}
