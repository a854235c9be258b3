/**
 * All hosts that this host knows, which of them answer, and who keeps a box.
 * Never believes a descriptor that was not checked, and never calls others dead while nobody at all is heard.
 * Spec 03-mailbox §3.4, §5.4.
 * @module
 */
import { createMutex, equalBytes, hexEncode } from '../../base/index.ts'
import { decodeHostDescriptor, REPLICA_COUNT } from '../../wire/index.ts'
import { type DescriptorFault, type HostRecord, isNewerDescriptor } from '../host-descriptor.ts'
import { createHostTable, decodeHostTable, type HostTable } from '../host-table.ts'
import { HOST_TABLE_MAX_COUNT } from '../options.ts'
import { HOST_FUNCTIONS, type HostNodeDeps } from './context.ts'
import { CHECKS_WAITING_MAX_COUNT, FLOOD_RENEWAL_SHARE, HOST_STATE_TABLE } from './options.ts'

const TABLE_KEY = 'table'

export type Learned =
  /** A host that was not known. */
  | 'added'
  /** A newer descriptor; `updated-flood` where it is worth telling others. */
  | 'updated'
  | 'updated-flood'
  | 'unchanged'
  /** Not believed, or not looked at; may be nobody's fault: clocks and tables differ. */
  | 'refused'
  /** Nothing that a host which checks what it takes could pass on. */
  | 'forged'

/** How a descriptor came: in the answer to a question of this host's, or without one. */
export type LearnedFrom = 'asked' | 'told'

export interface KnownHosts {
  table(): HostTable
  /** What was saved, before everything else. @throws {AppError} the store's codes */
  load(): Promise<void>
  /** Writes the table when it has changed. Durable when it resolves. @throws {AppError} the store's codes */
  save(): Promise<void>
  /**
   * Checks a descriptor that somebody gave and takes it in. Work is computed one after the other, a bounded number of
   * descriptors waits for it; what this host was told never holds up what it asked for, and neither what needs no work.
   */
  learn(bytes: Uint8Array, from: LearnedFrom): Promise<Learned>
  /** This host's own, just signed: it counts, though a clock that was put right may have made one that looks newer. */
  setSelf(record: HostRecord): void
  isSelf(host: HostRecord): boolean
  /** Whose replicas a box is, nearest first, this host among them; hosts that are dead are passed over. */
  replicasOf(boxId: Uint8Array): readonly HostRecord[]
  heard(hostKey: Uint8Array): void
  silent(hostKey: Uint8Array): void
  isAlive(host: HostRecord): boolean
  /** All others. */
  others(): readonly HostRecord[]
  /** Up to `count` different others that live, at random. */
  pick(count: number): readonly HostRecord[]
  /** The other of which nothing is known for the longest time, dead or alive. */
  stalest(): HostRecord | undefined
  /** Drops what is no longer valid; true when a host has gone or died since the last time. */
  sweep(): boolean
}

/** Faults that do not depend on anybody's clock. */
const FORGERIES: ReadonlySet<DescriptorFault> = new Set(['malformed', 'signature', 'work'])

interface Liveness {
  /** Monotonic. */
  heardAtMs: number
  /** When it was last heard or last did not answer. */
  triedAtMs: number
  isSilent: boolean
}

export function createKnownHosts(
  deps: Pick<HostNodeDeps, 'clock' | 'random' | 'logger' | 'mesh' | 'store' | 'keys' | 'parameters' | 'functions'>,
): KnownHosts {
  const { clock, mesh, parameters } = deps
  const { checkHostDescriptor } = deps.functions ?? HOST_FUNCTIONS
  const ownKey = deps.keys.hostKey
  let table = createHostTable({ maxCount: HOST_TABLE_MAX_COUNT })
  let savedVersion = 0
  let lastHeardAtMs = Number.NEGATIVE_INFINITY
  const checks = {
    asked: { turns: createMutex(), waiting: 0 },
    told: { turns: createMutex(), waiting: 0 },
  } satisfies Record<LearnedFrom, unknown>
  const liveness = new Map<string, Liveness>()
  const dead = new Set<string>()

  const isOwn = (host: HostRecord): boolean => equalBytes(host.descriptor.hostKey, ownKey)
  const livenessOf = (hostKey: Uint8Array): Liveness => {
    const name = hexEncode(hostKey)
    const known = liveness.get(name)
    if (known !== undefined) return known
    const nowMs = clock.monotonicMs()
    const fresh: Liveness = { heardAtMs: nowMs, triedAtMs: nowMs, isSilent: false }
    // Only hosts of the table are remembered, which is bounded.
    if (table.byKey(hostKey) !== undefined) liveness.set(name, fresh)
    return fresh
  }
  const isAlive = (host: HostRecord): boolean => {
    if (isOwn(host)) return true
    const { heardAtMs, isSilent } = livenessOf(host.descriptor.hostKey)
    if (!isSilent) return true
    const deadlineMs = clock.monotonicMs() - parameters.deadAfterMs
    // When nobody is heard it is this host that is cut off.
    return heardAtMs > deadlineMs || lastHeardAtMs <= deadlineMs
  }
  const adopt = (host: HostRecord): void => {
    const { hostKey, meshOnionKey } = host.descriptor
    mesh.addPeer({ hostKey, meshOnionKey })
    livenessOf(hostKey)
  }
  const forget = (host: HostRecord): void => {
    const { hostKey } = host.descriptor
    mesh.removePeer(hostKey)
    liveness.delete(hexEncode(hostKey))
    dead.delete(hexEncode(hostKey))
  }
  const others = (): readonly HostRecord[] => table.all().filter((host) => !isOwn(host))

  const check = async (bytes: Uint8Array, hostKey: Uint8Array): Promise<Learned> => {
    const known = table.byKey(hostKey)
    const rules = { nowMs: clock.nowMs(), hostWorkBits: parameters.hostWorkBits, known }
    const verdict = await checkHostDescriptor(bytes, rules)
    if (!verdict.ok) return FORGERIES.has(verdict.reason) ? 'forged' : 'refused'
    const outcome = table.merge(verdict.host)
    if (outcome === 'full') return 'refused'
    if (outcome === 'unchanged') return 'unchanged'
    adopt(verdict.host)
    if (outcome === 'added' || known === undefined) return 'added'
    const ageSeconds = verdict.host.descriptor.issuedAtSeconds - known.descriptor.issuedAtSeconds
    const isWorthTelling = ageSeconds * 1_000 >= parameters.descriptorRenewMs * FLOOD_RENEWAL_SHARE
    return isWorthTelling || !equalBytes(verdict.host.hostId, known.hostId) ? 'updated-flood' : 'updated'
  }

  return {
    table: () => table,
    async load() {
      const bytes = await deps.store.get(HOST_STATE_TABLE, TABLE_KEY)
      const stored = bytes === undefined ? undefined : decodeHostTable(bytes, { maxCount: HOST_TABLE_MAX_COUNT })
      if (bytes !== undefined && stored === undefined) deps.logger.warn('stored host table is of no use')
      if (stored === undefined) return
      table = stored
      table.remove(ownKey)
      table.expire(clock.nowMs())
      savedVersion = table.version
      for (const host of table.all()) adopt(host)
    },
    async save() {
      const { version } = table
      if (version === savedVersion) return
      await deps.store.batch([{ type: 'put', table: HOST_STATE_TABLE, key: TABLE_KEY, value: table.encode() }])
      savedVersion = version
    },
    async learn(bytes, from) {
      const descriptor = decodeHostDescriptor(bytes)
      if (descriptor === undefined) return 'forged'
      const { hostKey, workNonce, workPeriod } = descriptor
      if (equalBytes(hostKey, ownKey)) return 'unchanged'
      const known = table.byKey(hostKey)
      if (known !== undefined && !isNewerDescriptor({ descriptor, bytes }, known)) return 'unchanged'
      // Renewals cost a signature only: floods of work to be checked must not keep them out, or the table would run dry.
      const isWorkKnown = known?.descriptor.workNonce === workNonce && known.descriptor.workPeriod === workPeriod
      if (isWorkKnown) return check(bytes, hostKey)
      const lane = checks[from]
      if (lane.waiting >= CHECKS_WAITING_MAX_COUNT) return 'refused'
      lane.waiting += 1
      try {
        return await lane.turns.run(() => check(bytes, hostKey))
      } finally {
        lane.waiting -= 1
      }
    },
    setSelf(record) {
      const former = table.byKey(ownKey)
      if (former !== undefined && !isNewerDescriptor(record, former)) table.remove(ownKey)
      table.merge(record)
    },
    isSelf: isOwn,
    replicasOf: (boxId) =>
      table
        .closest(boxId, 2 * REPLICA_COUNT)
        .filter(isAlive)
        .slice(0, REPLICA_COUNT),
    heard(hostKey) {
      const nowMs = clock.monotonicMs()
      const state = livenessOf(hostKey)
      state.heardAtMs = nowMs
      state.triedAtMs = nowMs
      state.isSilent = false
      // A stranger that gets through says nothing of whether the hosts could.
      if (table.byKey(hostKey) !== undefined) lastHeardAtMs = nowMs
    },
    silent(hostKey) {
      const state = livenessOf(hostKey)
      state.triedAtMs = clock.monotonicMs()
      state.isSilent = true
    },
    isAlive,
    others,
    pick(count) {
      const pool = others().filter(isAlive)
      const picked: HostRecord[] = []
      while (picked.length < count && pool.length > 0) {
        const [host] = pool.splice(Math.floor(deps.random.uniform() * pool.length), 1)
        if (host !== undefined) picked.push(host)
      }
      return picked
    },
    stalest() {
      let oldest: HostRecord | undefined
      let oldestAtMs = Number.POSITIVE_INFINITY
      for (const host of others()) {
        const { triedAtMs } = livenessOf(host.descriptor.hostKey)
        if (triedAtMs >= oldestAtMs) continue
        oldest = host
        oldestAtMs = triedAtMs
      }
      return oldest
    },
    sweep() {
      const gone = table.expire(clock.nowMs()).filter((host) => !isOwn(host))
      for (const host of gone) forget(host)
      let hasDied = false
      for (const host of others()) {
        const name = hexEncode(host.descriptor.hostKey)
        if (isAlive(host)) dead.delete(name)
        else if (!dead.has(name)) {
          dead.add(name)
          hasDied = true
        }
      }
      return hasDied || gone.length > 0
    },
  }
}
