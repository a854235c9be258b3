/**
 * How this host learns of others and they of it: joining, announcing, gossip, the crawl of the DHT.
 * Never relies on one source: whoever leaves a host out is corrected by the next one asked. Spec 03-mailbox §6.2, §6.3.
 * @module
 */
import { AppError, equalBytes, hexEncode, isForeseen } from '../../base/index.ts'
import {
  decodeHostDescriptor,
  decodeHostEntry,
  encodeHostEntry,
  HOST_ENTRY_BYTES,
  HOST_ID_BYTES,
  type HostEntry,
  MESH_TABLE_PAGE_COUNT,
} from '../../wire/index.ts'
import type { HostRecord } from '../host-descriptor.ts'
import { HOST_TABLE_MAX_COUNT } from '../options.ts'
import { compareBytes } from '../placement.ts'
import { hostIdOf } from '../work.ts'
import type { HostNodeDeps } from './context.ts'
import type { HostCalls } from './host-calls.ts'
import { jittered } from './jitter.ts'
import type { KnownHosts } from './known-hosts.ts'
import {
  CRAWL_LOOKS_MAX_COUNT,
  ENTRIES_MAX_COUNT,
  FLOOD_COUNT,
  FORGER_IGNORED_MS,
  FORGERS_MAX_COUNT,
  HOST_STATE_TABLE,
  JOIN_RETRY_FIRST_MS,
  JOIN_RETRY_MAX_MS,
  OWN_ANNOUNCE_COUNT,
} from './options.ts'

const ENTRIES_KEY = 'entries'
const PAGES_MAX_COUNT = Math.ceil(HOST_TABLE_MAX_COUNT / MESH_TABLE_PAGE_COUNT)
const ZERO_CURSOR = new Uint8Array(HOST_ID_BYTES)

export interface Discovery {
  /** Entries that were kept. @throws {AppError} the store's codes */
  load(): Promise<void>
  /** Durable when it resolves; joining through them begins at once. @throws {AppError} the store's codes */
  addEntries(entries: readonly HostEntry[]): Promise<void>
  /** Loops, to be owned by the caller; they end with the signal. */
  runJoin(signal: AbortSignal): Promise<void>
  runGossip(signal: AbortSignal): Promise<void>
  runCrawl(signal: AbortSignal): Promise<void>
  /** Tells others of this host's new descriptor. */
  announce(self: HostRecord, signal: AbortSignal): Promise<void>
  /** Takes what was announced; what is news is passed on. Resolves when it was looked at. */
  onAnnounced(descriptor: Uint8Array, from: Uint8Array, signal: AbortSignal): Promise<void>
}

export interface DiscoveryDeps
  extends Pick<HostNodeDeps, 'clock' | 'random' | 'logger' | 'mesh' | 'store' | 'keys' | 'parameters'> {
  readonly fetchHostTable: HostNodeDeps['fetchHostTable']
  readonly known: KnownHosts
  readonly calls: HostCalls
  readonly self: () => HostRecord | undefined
  readonly own: (task: Promise<void>) => void
}

export function createDiscovery(deps: DiscoveryDeps): Discovery {
  const { clock, random, logger, mesh, store, parameters, known, calls } = deps
  let entries: readonly HostEntry[] = []
  /** Entries that were not tried yet. */
  let fresh: readonly HostEntry[] = []
  let wake = new AbortController()
  let loading: Promise<void> | undefined

  const readEntries = async (): Promise<void> => {
    const bytes = (await store.get(HOST_STATE_TABLE, ENTRIES_KEY)) ?? new Uint8Array(0)
    const kept: HostEntry[] = []
    for (let at = 0; at < bytes.length; at += HOST_ENTRY_BYTES) {
      const entry = decodeHostEntry(bytes.subarray(at, at + HOST_ENTRY_BYTES))
      if (entry !== undefined) kept.push(entry)
    }
    entries = kept
  }
  /** Once, whoever comes first: entries may be added before the start. */
  const load = (): Promise<void> => (loading ??= readEntries())

  const tell = async (hosts: readonly HostRecord[], descriptor: Uint8Array, signal: AbortSignal): Promise<void> => {
    await Promise.all(hosts.map((host) => calls.announce(host, descriptor, signal)))
  }

  /** Monotonic; who announced forgeries, oldest first. */
  const forgers = new Map<string, number>()
  const isForger = (name: string): boolean => {
    const sinceMs = forgers.get(name)
    return sinceMs !== undefined && clock.monotonicMs() - sinceMs < FORGER_IGNORED_MS
  }
  const noteForger = (name: string): void => {
    forgers.delete(name)
    forgers.set(name, clock.monotonicMs())
    const oldest = forgers.keys().next().value
    if (forgers.size > FORGERS_MAX_COUNT && oldest !== undefined) forgers.delete(oldest)
  }

  const takeNews = async (bytes: Uint8Array, from: Uint8Array | undefined, signal: AbortSignal): Promise<void> => {
    const learned = await known.learn(bytes, from === undefined ? 'asked' : 'told')
    if (learned === 'forged' && from !== undefined) noteForger(hexEncode(from))
    if (learned !== 'added' && learned !== 'updated-flood') return
    const about = decodeHostDescriptor(bytes)?.hostKey
    const targets = known
      .pick(FLOOD_COUNT + 2)
      .filter(({ descriptor: { hostKey } }) => ![about, from].some((key) => key && equalBytes(key, hostKey)))
    deps.own(tell(targets.slice(0, FLOOD_COUNT), bytes, signal))
  }

  const announce: Discovery['announce'] = async (self, signal) => {
    await tell(known.pick(OWN_ANNOUNCE_COUNT), self.bytes, signal)
    try {
      await mesh.putRecord(self.descriptor.hostKey, self.bytes, signal)
    } catch (error: unknown) {
      signal.throwIfAborted()
      // A first host has nobody who could take it; a clock that jumped makes a record invalid until the next one.
      if (!(error instanceof AppError)) throw error
      logger.debug('host record not taken', {}, error)
    }
  }

  /** Ids must ascend from page to page: a host that turns in circles is left. */
  const pageThrough = async (host: HostRecord, signal: AbortSignal): Promise<void> => {
    let cursor: Uint8Array = ZERO_CURSOR
    for (let pages = 0; pages < PAGES_MAX_COUNT; pages += 1) {
      const page = await calls.tablePage(host, cursor, signal)
      if (page === undefined) return
      for (const bytes of page) {
        const descriptor = decodeHostDescriptor(bytes)
        if (descriptor === undefined) return
        const { hostKey, workPeriod: period, workNonce: nonce } = descriptor
        const hostId = hostIdOf(hostKey, { period, nonce })
        if (compareBytes(hostId, cursor) <= 0) {
          logger.warn('host gave a table out of order')
          return
        }
        cursor = hostId
        if ((await known.learn(bytes, 'asked')) === 'forged') {
          logger.warn('host gave a forged descriptor')
          return
        }
      }
      if (page.length < MESH_TABLE_PAGE_COUNT) return
    }
  }

  const compareWith = async (host: HostRecord, signal: AbortSignal): Promise<void> => {
    const answer = await calls.tableRoot(host, signal)
    if (answer !== undefined && !equalBytes(answer.root, known.table().root())) await pageThrough(host, signal)
  }

  const crawlOnce = async (signal: AbortSignal): Promise<void> => {
    const found = await mesh.crawl(signal)
    const unknown = found.filter(
      ({ hostKey }) => !equalBytes(hostKey, deps.keys.hostKey) && known.table().byKey(hostKey) === undefined,
    )
    for (let looks = 0; looks < CRAWL_LOOKS_MAX_COUNT && unknown.length > 0; looks += 1) {
      const [peer] = unknown.splice(Math.floor(random.uniform() * unknown.length), 1)
      if (peer === undefined) return
      const { hostKey } = peer
      const record = await mesh.getRecord(hostKey, signal)
      if (record !== undefined) await takeNews(record, undefined, signal)
    }
  }

  /** True when the entry's table was read. */
  const joinThrough = async (entry: HostEntry, signal: AbortSignal): Promise<boolean> => {
    if (equalBytes(entry.hostKey, deps.keys.hostKey)) return false
    try {
      for (const bytes of await deps.fetchHostTable(entry, signal)) {
        if ((await known.learn(bytes, 'asked')) === 'forged') break
      }
      return true
    } catch (error: unknown) {
      signal.throwIfAborted()
      if (!isForeseen(error)) throw error
      logger.debug('host entry not reached', {}, error)
      return false
    }
  }

  const isAlone = (): boolean => known.others().length === 0

  const tryEntries = async (signal: AbortSignal): Promise<void> => {
    const candidates = isAlone() ? entries : fresh
    fresh = []
    for (const entry of candidates) {
      const hosts = known.others().length
      if (!(await joinThrough(entry, signal))) continue
      const self = deps.self()
      if (known.others().length > hosts) {
        if (self !== undefined) await announce(self, signal)
        // Whoever joined at the same time was not in the table that the entry gave.
        for (const host of known.pick(1)) await compareWith(host, signal)
      }
      if (!isAlone()) await known.save()
    }
  }

  return {
    load,
    async addEntries(added) {
      await load()
      const isNew = (entry: HostEntry): boolean => !entries.some(({ hostKey }) => equalBytes(hostKey, entry.hostKey))
      // Newest first; the oldest make room.
      const next = [
        ...added,
        ...entries.filter((old) => !added.some(({ hostKey }) => equalBytes(hostKey, old.hostKey))),
      ]
      const kept = next.slice(0, ENTRIES_MAX_COUNT)
      const value = new Uint8Array(kept.length * HOST_ENTRY_BYTES)
      for (const [index, entry] of kept.entries()) value.set(encodeHostEntry(entry), index * HOST_ENTRY_BYTES)
      await store.batch([{ type: 'put', table: HOST_STATE_TABLE, key: ENTRIES_KEY, value }])
      fresh = [...fresh, ...added.filter(isNew)]
      entries = kept
      wake.abort()
    },
    async runJoin(signal) {
      for (let failures = 0; ; ) {
        await tryEntries(signal)
        failures = isAlone() ? failures + 1 : 0
        const pauseMs = isAlone() ? Math.min(JOIN_RETRY_MAX_MS, JOIN_RETRY_FIRST_MS * 2 ** failures) : JOIN_RETRY_MAX_MS
        wake = fresh.length > 0 ? wake : new AbortController()
        if (wake.signal.aborted) continue
        await clock.sleep(jittered(pauseMs, random), AbortSignal.any([signal, wake.signal])).catch(() => undefined)
        signal.throwIfAborted()
      }
    },
    async runGossip(signal) {
      for (;;) {
        await clock.sleep(jittered(parameters.gossipIntervalMs, random), signal)
        const [host] = known.pick(1)
        if (host !== undefined) await compareWith(host, signal)
        // Also the dead are asked now and then: they may have come back.
        const stalest = known.stalest()
        if (stalest !== undefined && stalest !== host) await compareWith(stalest, signal)
      }
    },
    async runCrawl(signal) {
      for (;;) {
        await clock.sleep(jittered(parameters.crawlIntervalMs, random), signal)
        try {
          await crawlOnce(signal)
        } catch (error: unknown) {
          signal.throwIfAborted()
          if (!isForeseen(error)) throw error
          logger.debug('crawl failed', {}, error)
        }
      }
    },
    announce,
    async onAnnounced(bytes, from, signal) {
      const about = decodeHostDescriptor(bytes)?.hostKey
      // A stranger speaks for itself only: what it says of others costs a scrypt each, and keys are free.
      const mayTell = known.table().byKey(from) !== undefined || (about !== undefined && equalBytes(about, from))
      if (mayTell && !isForger(hexEncode(from))) await takeNews(bytes, from, signal)
    },
  }
}
