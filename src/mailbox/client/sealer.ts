/**
 * Seals requests to intermediates, and makes requests that look the same and mean nothing.
 * Never seals to a courier in use or a replica of the box while there is anybody else. Spec 03-mailbox §4.3, DESIGN §7.
 * @module
 */
import { hexDecode, hexEncode } from '../../base/index.ts'
import { randomBytes } from '../../crypto/index.ts'
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
import { separationOf } from '../guarantee.ts'
import type { HostRecord } from '../host-descriptor.ts'
import type { HostTable } from '../host-table.ts'
import { CLIENT_FUNCTIONS, type ClientFunctions } from './deps.ts'
import type { HostBook } from './host-book.ts'
import type { Silence } from './silence.ts'

export interface SealedRequest {
  readonly routed: RoutedRequest
  /** Of the intermediate; undefined without hosts, when nobody can open it. 64 hexadecimal characters. */
  readonly intermediate: string | undefined
}

export interface Sealer {
  /** `used` holds intermediates that are not to be taken while there are others; the chosen one is added. */
  seal(request: MailboxRequest, boxId: Uint8Array, used: Set<HostRecord>): SealedRequest
  /** What became of a request to this intermediate. */
  noteAnswer(intermediate: string, answered: boolean): void
  /** An id that nobody has, and that could be a box's. */
  dummyId(): Uint8Array
  dummySignature(): Uint8Array
}

interface Eligible {
  readonly version: number
  readonly excluded: ReadonlySet<string>
  readonly silent: ReadonlySet<string>
  readonly couriers: string
  readonly hosts: readonly HostRecord[]
  /** Where each host stands in `hosts`. */
  readonly places: ReadonlyMap<HostRecord, number>
}

export function createSealer(
  book: HostBook,
  random: Random,
  couriers: () => ReadonlySet<string>,
  silence: Silence,
  functions: ClientFunctions = CLIENT_FUNCTIONS,
): Sealer {
  let eligible: Eligible | undefined

  /**
   * Neither courier in use nor excluded, as far as there are others; of these the ones that answer. Where none does and
   * roles fall together anyway, a courier that answers will do; elsewhere a courier that drops what is not for itself would
   * gain by it. Made anew when any of this changes.
   */
  const eligibleHosts = (): Eligible => {
    const { table } = book
    const excluded = book.excluded()
    const inUse = couriers()
    const silent = silence.silent()
    const names = [...inUse].join()
    const isSame =
      eligible?.version === table.version &&
      eligible.excluded === excluded &&
      eligible.silent === silent &&
      eligible.couriers === names
    if (eligible === undefined || !isSame) {
      const good = orAll(table.all(), named(table, excluded))
      const mute = named(table, silent)
      const others = orAll(good, named(table, inUse))
      const isApart = separationOf(table.size) === 'full'
      const hosts = isApart || others.some((host) => !mute.has(host)) ? orAll(others, mute) : orAll(good, mute)
      const places = new Map(hosts.map((host, place) => [host, place] as const))
      eligible = { version: table.version, excluded, silent, couriers: names, hosts, places }
    }
    return eligible
  }

  /** Wishes in the order of their weight: no replica, nobody who has been asked in this record. */
  const choose = (boxId: Uint8Array, used: ReadonlySet<HostRecord>): HostRecord | undefined => {
    const { hosts, places } = eligibleHosts()
    const placesOf = (some: Iterable<HostRecord>): readonly number[] =>
      [...some].map((host) => places.get(host)).filter((place) => place !== undefined)
    /** Those to pass over, or the weightier ones alone where nobody would be left. */
    const orLess = (passed: ReadonlySet<number>, less: ReadonlySet<number>): ReadonlySet<number> =>
      passed.size < hosts.length ? passed : less
    const replicas = orLess(new Set(placesOf(book.table.closest(boxId, REPLICA_COUNT))), NOBODY)
    const passed = orLess(new Set([...replicas, ...placesOf(used)]), replicas)
    // One draw among the rest, without looking at each host: a table may have thousands.
    let place = Math.floor(random.uniform() * (hosts.length - passed.size))
    for (const taken of [...passed].sort((a, b) => a - b)) if (taken <= place) place += 1
    return hosts[place]
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
      return { routed: { route, sealed: functions.sealRequest(sealKey, hostKey, bytes) }, intermediate: keyOf(host) }
    },
    noteAnswer: (intermediate, answered) => silence.note(intermediate, answered),
    dummyId: functions.createDummyId,
    dummySignature: () => randomBytes(SIGNATURE_BYTES),
  }
}

const NOBODY: ReadonlySet<number> = new Set()

/** Hosts of the table by their hexadecimal keys. */
function named(table: HostTable, names: ReadonlySet<string>): ReadonlySet<HostRecord> {
  const hosts = [...names].map((name) => {
    const hostKey = hexDecode(name)
    return hostKey && table.byKey(hostKey)
  })
  return new Set(hosts.filter((host) => host !== undefined))
}

/** All but these, or all when there are no others. */
function orAll(hosts: readonly HostRecord[], unwanted: ReadonlySet<HostRecord>): readonly HostRecord[] {
  const left = hosts.filter((host) => !unwanted.has(host))
  return left.length > 0 ? left : hosts
}

function keyOf(host: HostRecord): string {
  return hexEncode(host.descriptor.hostKey)
}
