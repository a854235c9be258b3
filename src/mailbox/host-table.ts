/**
 * All hosts that are known to live, in memory: by id, by key, by route, by closeness to a box.
 * Never holds two records of one host, and never more hosts than it was made for. Spec 03-mailbox §3.4.
 * @module
 */
import { createByteReader, createByteWriter, equalBytes, hexEncode } from '../base/index.ts'
import { framed, label, sha256 } from '../crypto/index.ts'
import { decodeHostDescriptor, HOST_DESCRIPTOR_BYTES, HOST_ID_BYTES, HOST_ROUTE_BYTES } from '../wire/index.ts'
import { type HostRecord, isNewerDescriptor } from './host-descriptor.ts'
import { CLOCK_TOLERANCE_MS } from './options.ts'
import { closestOf, compareBytes, placementKey } from './placement.ts'

export type MergeResult =
  | 'added'
  /** A newer descriptor of a host that was there. */
  | 'updated'
  /** Nothing new: the same descriptor or an older one. */
  | 'unchanged'
  /** No room: who was there first stays. */
  | 'full'

export interface HostTable {
  /**
   * Takes a record that was checked. Of one host the newest descriptor stays, with the time when it was first seen; in a
   * full table no new host gets a place, so that a flood of new hosts pushes nobody out.
   */
  merge(host: HostRecord): MergeResult
  /** Forgets a host; false when it was not there. */
  remove(hostKey: Uint8Array): boolean
  /** Forgets whatever is no longer valid; gives the records that went. */
  expire(nowMs: number): readonly HostRecord[]
  readonly size: number
  /** Grows whenever anything changed, for caches. */
  readonly version: number
  /** One hash of all host ids: tables of the same hosts have the same root, however old their descriptors. */
  root(): Uint8Array
  /** Up to `count` records with ids above `cursor`, ascending; all zeros begins. */
  page(cursor: Uint8Array, count: number): readonly HostRecord[]
  /** Up to `count` hosts where this box belongs, nearest first. */
  closest(boxId: Uint8Array, count: number): readonly HostRecord[]
  /**
   * By the first `HOST_ROUTE_BYTES` of the host id, or of the one that it had before it moved: tables of others may have that
   * one for as long as the descriptor it came from was valid.
   */
  byRoute(route: Uint8Array): HostRecord | undefined
  byKey(hostKey: Uint8Array): HostRecord | undefined
  /** Ascending by host id. */
  all(): readonly HostRecord[]
  /** For a file of this node: not to be taken from strangers. */
  encode(): Uint8Array
}

export interface HostTableOptions {
  /** Hosts at most; more than `HOST_TABLE_MAX_COUNT` are never needed. */
  readonly maxCount: number
}

/** The root of a table of these hosts, given in ascending order without repetition. */
export function hostTableRoot(hostIds: readonly Uint8Array[]): Uint8Array {
  return sha256(framed(label('host-table')), ...hostIds)
}

/** A table without hosts. */
export function createHostTable({ maxCount }: HostTableOptions): HostTable {
  return new MemoryHostTable(maxCount, [])
}

const FILE_VERSION = 1
const FILE_HEADER_BYTES = 1 + 4
/** First seen u64, valid until u64, host id, descriptor: what two hashes would give is kept, or loading would wait for them. */
const FILE_ENTRY_BYTES = 8 + 8 + HOST_ID_BYTES + HOST_DESCRIPTOR_BYTES

/**
 * A table from what {@link HostTable.encode} gave; undefined for anything else, also for more hosts than `maxCount`.
 * Signatures, work and ids are not looked at again: the file is this node's own. What is no longer valid is still in it until
 * `expire`.
 */
export function decodeHostTable(bytes: Uint8Array, { maxCount }: HostTableOptions): HostTable | undefined {
  const reader = createByteReader(bytes)
  const version = reader.u8()
  const count = reader.u32()
  if (version !== FILE_VERSION || count > maxCount || reader.remaining() !== count * FILE_ENTRY_BYTES) return undefined
  const hosts: HostRecord[] = []
  for (let index = 0; index < count; index += 1) {
    const firstSeenAtMs = reader.u64()
    const validUntilMs = reader.u64()
    const hostId = reader.bytes(HOST_ID_BYTES)
    const encoded = reader.bytes(HOST_DESCRIPTOR_BYTES)
    const descriptor = decodeHostDescriptor(encoded)
    if (descriptor === undefined) return undefined
    hosts.push({ hostId, descriptor, bytes: encoded, validUntilMs, firstSeenAtMs })
  }
  if (!reader.end() || hosts.some((host, index) => !isAfter(host, hosts[index - 1]))) return undefined
  const table = new MemoryHostTable(maxCount, hosts)
  return table.size === count ? table : undefined
}

function isAfter(host: HostRecord, previous: HostRecord | undefined): boolean {
  return previous === undefined || compareBytes(previous.hostId, host.hostId) < 0
}

class MemoryHostTable implements HostTable {
  private readonly maxCount: number
  private readonly hostsByKey = new Map<string, HostRecord>()
  private readonly hostsByRoute = new Map<string, HostRecord>()
  /** Where hosts were before they moved, one place each, by host key: moving costs work, and nobody moves twice in this time. */
  private readonly formerPlaces = new Map<string, { readonly route: string; readonly untilMs: number }>()
  private readonly keysByFormerRoute = new Map<string, string>()
  /** Ascending by host id. */
  private readonly sorted: HostRecord[]
  /** Both are made when they are asked for after a change. */
  private snapshot: readonly HostRecord[] | undefined
  private rootHash: Uint8Array | undefined
  private changes = 0

  /** `hosts` ascend by id. */
  constructor(maxCount: number, hosts: readonly HostRecord[]) {
    this.maxCount = maxCount
    this.sorted = [...hosts]
    for (const host of hosts) this.index(host)
  }

  get size(): number {
    return this.hostsByKey.size
  }

  get version(): number {
    return this.changes
  }

  merge(host: HostRecord): MergeResult {
    const old = this.byKey(host.descriptor.hostKey)
    if (old === undefined) {
      if (this.size >= this.maxCount) return 'full'
      this.put(host)
      return 'added'
    }
    if (!isNewerDescriptor(host, old)) return 'unchanged'
    this.drop(old)
    if (!equalBytes(old.hostId, host.hostId)) this.noteMove(old)
    this.put({ ...host, firstSeenAtMs: Math.min(host.firstSeenAtMs, old.firstSeenAtMs) })
    return 'updated'
  }

  remove(hostKey: Uint8Array): boolean {
    const host = this.byKey(hostKey)
    if (host === undefined) return false
    this.drop(host)
    this.forgetMove(hexEncode(hostKey))
    return true
  }

  expire(nowMs: number): readonly HostRecord[] {
    const gone = [...this.hostsByKey.values()].filter(({ validUntilMs }) => validUntilMs <= nowMs)
    for (const host of gone) this.drop(host)
    for (const [key, { untilMs }] of this.formerPlaces) {
      if (untilMs <= nowMs || !this.hostsByKey.has(key)) this.forgetMove(key)
    }
    return gone
  }

  root(): Uint8Array {
    this.rootHash ??= hostTableRoot(this.sorted.map(({ hostId }) => hostId))
    return this.rootHash
  }

  page(cursor: Uint8Array, count: number): readonly HostRecord[] {
    const from = this.positionAfter(cursor)
    return this.sorted.slice(from, from + count)
  }

  closest(boxId: Uint8Array, count: number): readonly HostRecord[] {
    return closestOf(this.sorted, placementKey(boxId), count)
  }

  byRoute(route: Uint8Array): HostRecord | undefined {
    const name = hexEncode(route)
    return this.hostsByRoute.get(name) ?? this.hostsByKey.get(this.keysByFormerRoute.get(name) ?? '')
  }

  byKey(hostKey: Uint8Array): HostRecord | undefined {
    return this.hostsByKey.get(hexEncode(hostKey))
  }

  all(): readonly HostRecord[] {
    this.snapshot ??= [...this.sorted]
    return this.snapshot
  }

  encode(): Uint8Array {
    const writer = createByteWriter(FILE_HEADER_BYTES + this.size * FILE_ENTRY_BYTES)
      .u8(FILE_VERSION)
      .u32(this.size)
    for (const { firstSeenAtMs, validUntilMs, hostId, bytes } of this.sorted)
      writer.u64(firstSeenAtMs).u64(validUntilMs).bytes(hostId).bytes(bytes)
    return writer.finish()
  }

  private index(host: HostRecord): void {
    this.hostsByKey.set(hexEncode(host.descriptor.hostKey), host)
    this.hostsByRoute.set(routeOf(host), host)
  }

  private put(host: HostRecord): void {
    this.index(host)
    this.sorted.splice(this.positionAfter(host.hostId), 0, host)
    this.noteChange()
  }

  private drop(host: HostRecord): void {
    this.hostsByKey.delete(hexEncode(host.descriptor.hostKey))
    this.hostsByRoute.delete(routeOf(host))
    this.sorted.splice(this.sorted.indexOf(host, this.positionAfter(host.hostId) - 1), 1)
    this.noteChange()
  }

  private noteMove(old: HostRecord): void {
    const key = hexEncode(old.descriptor.hostKey)
    this.forgetMove(key)
    const place = { route: routeOf(old), untilMs: old.validUntilMs + CLOCK_TOLERANCE_MS }
    this.formerPlaces.set(key, place)
    this.keysByFormerRoute.set(place.route, key)
  }

  private forgetMove(key: string): void {
    const place = this.formerPlaces.get(key)
    if (place === undefined) return
    this.formerPlaces.delete(key)
    this.keysByFormerRoute.delete(place.route)
  }

  private noteChange(): void {
    this.snapshot = undefined
    this.rootHash = undefined
    this.changes += 1
  }

  /** How many hosts have ids up to this one. */
  private positionAfter(hostId: Uint8Array): number {
    let low = 0
    let high = this.sorted.length
    while (low < high) {
      const middle = (low + high) >>> 1
      const host = this.sorted[middle]
      if (host !== undefined && compareBytes(host.hostId, hostId) > 0) high = middle
      else low = middle + 1
    }
    return low
  }
}

function routeOf({ hostId }: HostRecord): string {
  return hexEncode(hostId.subarray(0, HOST_ROUTE_BYTES))
}
