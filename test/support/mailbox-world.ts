/**
 * Hosts in one process: virtual time, memory mesh, memory onions, stores that survive a restart.
 * Never real time, a socket or real work; keys come from the seed, so the same world comes again.
 * @module
 */
import { equalBytes, MINUTE_MS } from '../../src/base/index.ts'
import { onionPublicKey, sha256, x25519PublicKey } from '../../src/crypto/index.ts'
import { saveHostKeys } from '../../src/mailbox/host/host-keys.ts'
import { hostRecordOf } from '../../src/mailbox/host-descriptor.ts'
import {
  checkHostDescriptor,
  createHostNode,
  type HostFunctions,
  type HostKeys,
  type HostNode,
  hostEntryOf,
  hostWorkPeriod,
  loadHostKeys,
  MAILBOX_PARAMETERS,
  type MailboxParameters,
  selectDescriptorRecord,
} from '../../src/mailbox/index.ts'
import type { BoxStore, Clock, HostMesh, KeyValueStore, Logger, RecordNetwork } from '../../src/ports/index.ts'
import { createMemoryBoxStore, createMemoryStore } from '../../src/store/index.ts'
import {
  createMemoryMeshHub,
  createMemoryRecordHub,
  type MemoryMeshHub,
  type MemoryRecordHub,
} from '../../src/transport/index.ts'
import { decodeHostDescriptor, type HostEntry, onionAddress } from '../../src/wire/index.ts'
import { fetchTableThroughCourier } from './courier-probe.ts'
import { faultyBoxes, faultyMesh, faultyNetwork, type HostFaults } from './mailbox-faults.ts'
import { createSeededRandom } from './seeded-random.ts'
import { silentLogger } from './silent-logger.ts'
import { createVirtualClock, type VirtualClock } from './virtual-clock.ts'

/** No real work: it is found at once and believed, everything else is checked. A session's nonce 0 is no work. */
export const WORLD_FUNCTIONS: HostFunctions = {
  async checkHostDescriptor(bytes, rules) {
    const descriptor = decodeHostDescriptor(bytes)
    if (descriptor === undefined) return checkHostDescriptor(bytes, rules)
    const firstSeenAtMs = rules.known?.firstSeenAtMs ?? rules.nowMs
    return checkHostDescriptor(bytes, { ...rules, known: hostRecordOf(descriptor, bytes, firstSeenAtMs) })
  },
  async mintHostWork(hostKey, nowMs, _bits, signal, random) {
    signal.throwIfAborted()
    return { period: hostWorkPeriod(hostKey, nowMs), nonce: 1 + Math.floor(random.uniform() * 2 ** 40) }
  },
  verifySessionWork: (context, work, nowMs) =>
    Promise.resolve(work.nonce !== 0 && Math.abs(Math.floor(nowMs / context.epochMs) - work.period) <= 1),
}

export interface WorldHost {
  readonly number: number
  readonly keys: HostKeys
  readonly entry: HostEntry
  readonly boxes: BoxStore
  readonly store: KeyValueStore
  /** May be changed while the host runs. */
  readonly faults: HostFaults
  readonly node: HostNode
  /** The host's own wall clock, its error included. */
  readonly clock: Clock
  isRunning(): boolean
}

export interface HostWorldOptions {
  readonly hosts: number
  readonly seed?: number
  readonly parameters?: Partial<MailboxParameters>
  /** One way, of mesh and onions, or what draws it for each message. */
  readonly latencyMs?: number | (() => number)
  readonly quotaBytes?: number
  readonly faults?: Readonly<Record<number, HostFaults>>
  /** By how much the clock of a host is wrong. */
  readonly clockErrorsMs?: Readonly<Record<number, number>>
  readonly logger?: (number: number) => Logger
  /** Leaves joining and waiting to the test. */
  readonly isManual?: boolean
}

export interface HostWorld {
  readonly clock: VirtualClock
  readonly parameters: MailboxParameters
  readonly recordHub: MemoryRecordHub
  readonly meshHub: MemoryMeshHub
  /** What hosts reported as bugs. */
  readonly failures: unknown[]
  readonly hosts: readonly WorldHost[]
  host(number: number): WorldHost
  /** A running host's mesh, to ask others in its name. */
  meshOf(number: number): HostMesh
  /** Another host, started and joined through host 0. */
  addHost(): Promise<WorldHost>
  /** Stops a host without a word to the others, as `kill -9` does: what it has on disk stays. */
  kill(number: number): Promise<void>
  /** Starts a host again from what it has on disk. */
  restart(number: number): Promise<void>
  /** Host numbers that keep the box. */
  holders(boxId: Uint8Array): Promise<readonly number[]>
  /** Moves time until the promise is settled; fails after `limitMs` of virtual time. */
  run<T>(promise: Promise<T>, limitMs?: number): Promise<T>
  /** Moves time until all running hosts know each other. */
  meet(limitMs?: number): Promise<void>
  stop(): Promise<void>
}

interface Member extends Omit<WorldHost, 'node'> {
  node: HostNode
  mesh: HostMesh
  network: RecordNetwork
  running: boolean
  starts: number
}

const QUOTA_BYTES = 64 * 2 ** 20

/** A world whose hosts know each other already, unless `isManual`. */
export async function createHostWorld(options: HostWorldOptions): Promise<HostWorld> {
  const seed = options.seed ?? 1
  const parameters: MailboxParameters = { ...MAILBOX_PARAMETERS, ...options.parameters }
  const latencyMs = options.latencyMs ?? 0
  const clock = createVirtualClock(Date.UTC(2026, 10, 21, 12))
  const recordHub = createMemoryRecordHub({
    clock,
    latencyMs,
    addressOf: (secretKey) => onionAddress(onionPublicKey(secretKey)),
    clientPublicKeyOf: x25519PublicKey,
  })
  const meshHub = createMemoryMeshHub({ clock, latencyMs })
  const failures: unknown[] = []
  const members: Member[] = []

  const createNode = (
    member: Omit<Member, 'node' | 'mesh' | 'network'>,
  ): { node: HostNode; mesh: HostMesh; network: RecordNetwork } => {
    const random = createSeededRandom(seed * 100_000 + member.number * 100 + member.starts)
    const faultDeps = {
      ...member,
      random: createSeededRandom(seed * 100_000 + member.number * 100 + member.starts + 50),
      parameters,
      sealKeys: async () => (await loadHostKeys(member.store)).sealKeys.map(({ privateKey }) => privateKey),
    }
    const mesh = meshHub.createMesh({
      hostKey: member.keys.hostKey,
      meshOnionKey: member.keys.meshOnionKey,
      meshTimeoutMs: parameters.meshTimeoutMs,
      async validateRecord(hostKey, value) {
        const rules = { nowMs: member.clock.nowMs(), hostWorkBits: 0 }
        const verdict = await WORLD_FUNCTIONS.checkHostDescriptor(value, rules)
        return verdict.ok && equalBytes(verdict.host.descriptor.hostKey, hostKey)
      },
      selectRecord: (values) => {
        const hostKey = decodeHostDescriptor(values[0] ?? new Uint8Array(0))?.hostKey
        return hostKey === undefined ? 0 : selectDescriptorRecord(hostKey, values)
      },
    })
    const network = faultyNetwork(recordHub.createNetwork(), faultDeps)
    const logger = options.logger?.(member.number) ?? silentLogger
    const node = createHostNode({
      clock: member.clock,
      random,
      logger,
      mesh: faultyMesh(mesh, faultDeps),
      network,
      boxes: faultyBoxes(member.boxes, faultDeps),
      store: member.store,
      keys: member.keys,
      parameters,
      quotaBytes: options.quotaBytes ?? QUOTA_BYTES,
      fetchHostTable: (entry, signal) =>
        fetchTableThroughCourier({ network, clock: member.clock, parameters, random }, entry, signal),
      functions: WORLD_FUNCTIONS,
      onFailure: (error) => failures.push(error),
    })
    return { node, mesh, network }
  }

  const create = async (number: number): Promise<Member> => {
    const store = createMemoryStore()
    const seedOf = (name: string): Uint8Array => sha256(new TextEncoder().encode(`host ${seed} ${number} ${name}`))
    const fresh = await loadHostKeys(createMemoryStore())
    await saveHostKeys(store, {
      ...fresh,
      hostSeed: seedOf('host'),
      courierOnionSeed: seedOf('courier'),
      meshOnionSeed: seedOf('mesh'),
    })
    const keys = await loadHostKeys(store)
    const errorMs = options.clockErrorsMs?.[number] ?? 0
    const ownClock: Clock = { ...clock, nowMs: () => clock.nowMs() + errorMs }
    const half = {
      number,
      keys,
      entry: hostEntryOf(keys),
      boxes: createMemoryBoxStore({ quotaBytes: options.quotaBytes ?? QUOTA_BYTES, clock: ownClock }),
      store,
      faults: options.faults?.[number] ?? {},
      clock: ownClock,
      starts: 0,
      running: false,
      isRunning: () => member.running,
    }
    const member: Member = { ...half, ...createNode(half) }
    members.push(member)
    return member
  }

  const start = async (member: Member): Promise<void> => {
    if (member.number > 0) await member.node.addHosts([find(0).entry])
    await world.run(member.node.start())
    member.running = true
  }

  const find = (number: number): Member => {
    const member = members[number]
    if (member === undefined) throw new Error(`there is no host ${number}`)
    return member
  }

  const run = async <T>(promise: Promise<T>, limitMs = 10 * MINUTE_MS): Promise<T> => {
    let isSettled = false
    void Promise.allSettled([promise]).then(() => {
      isSettled = true
    })
    await clock.advanceUntil(() => isSettled, limitMs)
    return promise
  }

  const world: HostWorld = {
    clock,
    parameters,
    recordHub,
    meshHub,
    failures,
    hosts: members,
    host: find,
    meshOf: (number) => find(number).mesh,
    async addHost() {
      const member = await create(members.length)
      await start(member)
      return member
    },
    async kill(number) {
      const member = find(number)
      meshHub.setFaults(member.keys.hostKey, { down: true })
      await run(member.node.stop())
      await member.network.stop()
      member.running = false
    },
    async restart(number) {
      const member = find(number)
      if (member.running) await world.kill(number)
      meshHub.setFaults(member.keys.hostKey, {})
      member.starts += 1
      Object.assign(member, createNode({ ...member, keys: await loadHostKeys(member.store) }))
      await world.run(member.node.start())
      member.running = true
    },
    async holders(boxId) {
      const has = await Promise.all(members.map(({ boxes }) => boxes.has(boxId)))
      return members.flatMap(({ number }) => (has[number] === true ? [number] : []))
    },
    run,
    meet(limitMs = 60 * MINUTE_MS) {
      const running = (): readonly Member[] => members.filter((member) => member.running)
      return clock.advanceUntil(() => {
        const roots = running().map(({ node }) => node.stats())
        return roots.every(({ hosts, tableRoot }) => hosts >= roots.length && tableRoot === roots[0]?.tableRoot)
      }, limitMs)
    },
    async stop() {
      for (const member of members) {
        if (member.running) await run(member.node.stop())
        await member.network.stop()
        member.running = false
      }
    },
  }

  for (let number = 0; number < options.hosts; number += 1) {
    const member = await create(number)
    if (options.isManual !== true) await start(member)
  }
  if (options.isManual !== true) await world.meet()
  return world
}
