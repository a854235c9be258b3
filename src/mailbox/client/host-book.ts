/**
 * What the client knows of hosts: the table from couriers, the entries from people, and who loses what.
 * Never believes a descriptor before its signature and work were checked, and asks nobody for more. Spec 03-mailbox §3.4, §9.
 * @module
 */
import { createByteReader, createByteWriter, createMutex, equalBytes, hexEncode } from '../../base/index.ts'
import type { Clock, KeyValueStore } from '../../ports/index.ts'
import {
  decodeHostDescriptor,
  decodeHostEntry,
  encodeHostEntry,
  HOST_ENTRY_BYTES,
  HOST_ID_BYTES,
  type HostEntry,
  TABLE_PAGE_COUNT,
} from '../../wire/index.ts'
import type { HostInfo } from '../api.ts'
import type { HostRecord } from '../host-descriptor.ts'
import { createHostTable, decodeHostTable, type HostTable } from '../host-table.ts'
import { HOST_TABLE_MAX_COUNT } from '../options.ts'
import { compareBytes } from '../placement.ts'
import { ageScores, createScores, excludedHosts, keepScores, noteProbe, type Suspect, totalOf } from '../score.ts'
import { hostIdOf } from '../work.ts'
import type { ClientFunctions } from './deps.ts'
import { ENTRY_MAX_COUNT } from './options.ts'

const STORE_TABLE = 'mailbox-hosts'
const TABLE_KEY = 'table'
const ENTRIES_KEY = 'entries'
const ENTRIES_VERSION = 1

interface KnownEntry extends HostEntry {
  readonly firstSeenAtMs: number
}

export interface HostBookDeps {
  readonly clock: Clock
  readonly store: KeyValueStore
  readonly hostWorkBits: number
  readonly functions: ClientFunctions
}

export interface PageVerdict {
  /** False for a page that no honest courier sends. */
  readonly isHonest: boolean
  /** The last id of the page; all zeros for the last page, and for one that is not honest. */
  readonly next: Uint8Array
}

export interface HostBook {
  readonly table: HostTable
  /** Reads what was saved, once; what is damaged is as good as nothing, and is fetched anew. */
  load(): Promise<void>
  /** Writes the table if it has changed. @throws {AppError} the codes of `KeyValueStore.batch` */
  save(): Promise<void>
  /** True when the table knows twice as many hosts as its copy on disk: what is there may be dead by the next start. */
  hasOutgrownDisk(): boolean
  /** Durable when it resolves. @throws {AppError} the codes of `KeyValueStore.batch` */
  addEntries(entries: readonly HostEntry[]): Promise<void>
  entries(): readonly HostEntry[]
  /** Checks a page and merges what holds. */
  takePage(cursor: Uint8Array, descriptors: readonly Uint8Array[]): Promise<PageVerdict>
  /** Forgets hosts whose descriptors have run out. */
  expire(): void
  /** Hosts that couriers are drawn from. */
  courierCandidates(): readonly (HostEntry & { readonly firstSeenAtMs: number })[]
  noteProbe(suspects: readonly Suspect[], lost: boolean): void
  /** Hexadecimal host keys of those that lose too much. */
  excluded(): ReadonlySet<string>
  infos(couriers: ReadonlySet<string>): readonly HostInfo[]
}

export function createHostBook(deps: HostBookDeps): HostBook {
  return new StoredHostBook(deps)
}

class StoredHostBook implements HostBook {
  table = createHostTable({ maxCount: HOST_TABLE_MAX_COUNT })
  private readonly deps: HostBookDeps
  private readonly writing = createMutex()
  private known: readonly KnownEntry[] = []
  private loading: Promise<void> | undefined
  private savedVersion = 0
  private savedSize = 0
  private scores = createScores()
  private scoresAgedMs: number
  /** Made anew when scores or table have changed. */
  private leftOut: { readonly version: number; readonly hosts: ReadonlySet<string> } | undefined

  constructor(deps: HostBookDeps) {
    this.deps = deps
    this.scoresAgedMs = deps.clock.monotonicMs()
  }

  load(): Promise<void> {
    this.loading ??= this.read()
    return this.loading
  }

  private async read(): Promise<void> {
    const { clock, store } = this.deps
    const [table, entries] = await Promise.all([store.get(STORE_TABLE, TABLE_KEY), store.get(STORE_TABLE, ENTRIES_KEY)])
    const loaded = table && decodeHostTable(table, { maxCount: HOST_TABLE_MAX_COUNT })
    if (loaded !== undefined) this.table = loaded
    this.savedVersion = this.table.version
    this.savedSize = this.table.size
    this.table.expire(clock.nowMs())
    this.known = (entries && decodeEntries(entries)) ?? []
  }

  save(): Promise<void> {
    return this.writing.run(async () => {
      const { size, version } = this.table
      if (version === this.savedVersion) return
      await this.deps.store.batch([{ type: 'put', table: STORE_TABLE, key: TABLE_KEY, value: this.table.encode() }])
      this.savedVersion = version
      this.savedSize = size
    })
  }

  hasOutgrownDisk(): boolean {
    return this.table.size > 0 && this.table.size >= 2 * this.savedSize
  }

  addEntries(entries: readonly HostEntry[]): Promise<void> {
    return this.writing.run(async () => {
      await this.load()
      const firstSeenAtMs = this.deps.clock.nowMs()
      const known = [...this.known]
      for (const { hostKey, courierOnionKey } of entries) {
        const at = known.findIndex((entry) => equalBytes(entry.hostKey, hostKey))
        const old = known[at]
        const entry = { hostKey, courierOnionKey, firstSeenAtMs: old?.firstSeenAtMs ?? firstSeenAtMs }
        if (old !== undefined) known[at] = entry
        else if (known.length < ENTRY_MAX_COUNT) known.push(entry)
      }
      await this.deps.store.batch([{ type: 'put', table: STORE_TABLE, key: ENTRIES_KEY, value: encodeEntries(known) }])
      this.known = known
    })
  }

  entries(): readonly HostEntry[] {
    return this.known
  }

  async takePage(cursor: Uint8Array, descriptors: readonly Uint8Array[]): Promise<PageVerdict> {
    const { clock, functions, hostWorkBits } = this.deps
    let isHonest = true
    let last = cursor
    for (const bytes of descriptors) {
      const descriptor = decodeHostDescriptor(bytes)
      if (descriptor === undefined) return { isHonest: false, next: new Uint8Array(HOST_ID_BYTES) }
      const { hostKey, workPeriod: period, workNonce: nonce } = descriptor
      const hostId = hostIdOf(hostKey, { period, nonce })
      if (compareBytes(hostId, last) <= 0) return { isHonest: false, next: new Uint8Array(HOST_ID_BYTES) }
      last = hostId
      const known = this.table.byKey(hostKey)
      const checked = await functions.checkHostDescriptor(bytes, { nowMs: clock.nowMs(), hostWorkBits, known })
      if (checked.ok) this.table.merge(checked.host)
      // Stale, future, another period: an honest courier whose clock is not ours.
      else if (checked.reason === 'signature' || checked.reason === 'work' || checked.reason === 'malformed')
        isHonest = false
    }
    return { isHonest, next: descriptors.length < TABLE_PAGE_COUNT ? new Uint8Array(HOST_ID_BYTES) : last }
  }

  expire(): void {
    const { clock } = this.deps
    if (this.table.expire(clock.nowMs()).length > 0) {
      this.scores = keepScores(this.scores, new Set(this.table.all().map(keyOf)))
    }
    const nowMs = clock.monotonicMs()
    this.scores = ageScores(this.scores, nowMs - this.scoresAgedMs)
    this.scoresAgedMs = nowMs
    this.leftOut = undefined
  }

  courierCandidates(): readonly (HostEntry & { readonly firstSeenAtMs: number })[] {
    const excluded = this.excluded()
    const listed = this.table.all().filter((host) => !excluded.has(keyOf(host)))
    if (listed.length === 0) return this.known
    return listed.map(({ descriptor, firstSeenAtMs }) => ({
      hostKey: descriptor.hostKey,
      courierOnionKey: descriptor.courierOnionKey,
      firstSeenAtMs,
    }))
  }

  noteProbe(suspects: readonly Suspect[], lost: boolean): void {
    this.scores = noteProbe(this.scores, suspects, lost)
    if (lost) this.leftOut = undefined
  }

  excluded(): ReadonlySet<string> {
    const { version } = this.table
    if (this.leftOut?.version !== version) {
      this.leftOut = { version, hosts: excludedHosts(this.scores, this.table.all().map(keyOf)) }
    }
    return this.leftOut.hosts
  }

  infos(couriers: ReadonlySet<string>): readonly HostInfo[] {
    const excluded = this.excluded()
    const common = (hostKey: string): Pick<HostInfo, 'hostKey' | 'probes' | 'losses' | 'excluded' | 'courier'> => {
      const { probes, losses } = totalOf(this.scores, hostKey)
      return {
        hostKey,
        probes: Math.round(probes),
        losses: Math.round(losses),
        excluded: excluded.has(hostKey),
        courier: couriers.has(hostKey),
      }
    }
    const listed = this.table.all().map(
      (host): HostInfo => ({
        ...common(keyOf(host)),
        kind: 'listed',
        firstSeenAtMs: host.firstSeenAtMs,
        expiresAtMs: host.validUntilMs,
        capacityMib: host.descriptor.capacityMib,
      }),
    )
    const unlisted = this.known.filter(({ hostKey }) => this.table.byKey(hostKey) === undefined)
    const entries = unlisted.map(
      ({ hostKey, firstSeenAtMs }): HostInfo => ({
        ...common(hexEncode(hostKey)),
        kind: 'entry',
        firstSeenAtMs,
        expiresAtMs: undefined,
        capacityMib: undefined,
      }),
    )
    return [...listed, ...entries]
  }
}

function keyOf(host: HostRecord): string {
  return hexEncode(host.descriptor.hostKey)
}

function encodeEntries(entries: readonly KnownEntry[]): Uint8Array {
  const writer = createByteWriter(1 + entries.length * (8 + HOST_ENTRY_BYTES)).u8(ENTRIES_VERSION)
  for (const entry of entries) writer.u64(entry.firstSeenAtMs).bytes(encodeHostEntry(entry))
  return writer.finish()
}

/** Undefined for every other form. */
function decodeEntries(bytes: Uint8Array): KnownEntry[] | undefined {
  const reader = createByteReader(bytes)
  if (reader.u8() !== ENTRIES_VERSION) return undefined
  const entries: KnownEntry[] = []
  while (reader.remaining() > 0 && entries.length < ENTRY_MAX_COUNT) {
    const firstSeenAtMs = reader.u64()
    const entry = decodeHostEntry(reader.bytes(HOST_ENTRY_BYTES))
    if (entry !== undefined) entries.push({ ...entry, firstSeenAtMs })
  }
  return reader.end() ? entries : undefined
}
