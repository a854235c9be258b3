/**
 * The DHT of host descriptors in memory: a walk over whoever can be reached, and records at all of them.
 * Never takes or gives a record that the host's own check refuses. Spec 01a-transport §8.6.
 * @module
 */
import { equalBytes, hexEncode } from '../../base/index.ts'
import type { MeshPeer } from '../../ports/index.ts'
import { transportError } from '../errors.ts'
import { MESH_CLOSEST_COUNT } from './options.ts'

/** Which records count, and which of several for one host. */
export interface RecordRules {
  /** False for every record that is not to be kept or believed. */
  readonly validateRecord: (hostKey: Uint8Array, value: Uint8Array) => Promise<boolean>
  /** Index of the best of several valid records for one host; at least one is given. */
  readonly selectRecord: (values: readonly Uint8Array[]) => number
}

export interface DhtNode extends MeshPeer {
  readonly rules: RecordRules
  /** Records by host key. */
  readonly records: Map<string, Uint8Array>
  readonly knownPeers: () => readonly MeshPeer[]
}

export interface MemoryDhtDeps<Node extends DhtNode> {
  /** Whom a node would name when it is asked. */
  readonly neighbours: (node: Node) => readonly MeshPeer[]
  /** Asks a host; undefined when it cannot be reached. */
  readonly reach: (node: Node, peer: MeshPeer, signal: AbortSignal) => Promise<Node | undefined>
}

export interface MemoryDht<Node extends DhtNode> {
  put(node: Node, hostKey: Uint8Array, value: Uint8Array, signal: AbortSignal): Promise<void>
  get(node: Node, hostKey: Uint8Array, signal: AbortSignal): Promise<Uint8Array | undefined>
  crawl(node: Node, signal: AbortSignal): Promise<readonly MeshPeer[]>
}

export function createMemoryDht<Node extends DhtNode>(deps: MemoryDhtDeps<Node>): MemoryDht<Node> {
  let crawls = 0

  /** Everybody who can be reached from a node, step by step, in a fixed order. */
  const walk = async (from: Node, signal: AbortSignal): Promise<Node[]> => {
    const seen = new Set([hexEncode(from.hostKey)])
    const reached: Node[] = []
    let front: readonly Node[] = [from]
    while (front.length > 0) {
      const next = front.flatMap(deps.neighbours).filter(({ hostKey }) => {
        const name = hexEncode(hostKey)
        return seen.has(name) ? false : seen.add(name)
      })
      const found = await Promise.all(next.map((peer) => deps.reach(from, peer, signal)))
      signal.throwIfAborted()
      front = found.filter((node) => node !== undefined)
      reached.push(...front)
    }
    return reached
  }

  const keep = async (node: Node, hostKey: Uint8Array, value: Uint8Array): Promise<boolean> => {
    if (!(await node.rules.validateRecord(hostKey, value))) return false
    const name = hexEncode(hostKey)
    const held = node.records.get(name)
    if (held === undefined || equalBytes(held, value) || node.rules.selectRecord([held, value]) === 1) {
      node.records.set(name, Uint8Array.from(value))
    }
    return true
  }

  return {
    async put(node, hostKey, value, signal) {
      signal.throwIfAborted()
      if (!(await keep(node, hostKey, value))) throw transportError('MESH_RECORD_REFUSED')
      const others = await walk(node, signal)
      const taken = await Promise.all(others.map((other) => keep(other, hostKey, value)))
      if (!taken.includes(true)) throw transportError('MESH_UNREACHABLE')
    },
    async get(node, hostKey, signal) {
      signal.throwIfAborted()
      const name = hexEncode(hostKey)
      const held = [node, ...(await walk(node, signal))].flatMap(({ records }) => records.get(name) ?? [])
      const checks = await Promise.all(held.map((value) => node.rules.validateRecord(hostKey, value)))
      const valid = held.filter((_value, at) => checks[at] === true)
      const best = valid.length === 0 ? undefined : valid[node.rules.selectRecord(valid)]
      return best === undefined ? undefined : Uint8Array.from(best)
    },
    async crawl(node, signal) {
      signal.throwIfAborted()
      const reached = await walk(node, signal)
      // One point after the other, so that some crawls see everybody.
      const start = reached.length === 0 ? 0 : (crawls * MESH_CLOSEST_COUNT) % reached.length
      crawls += 1
      return [...reached.slice(start), ...reached.slice(0, start)]
        .slice(0, MESH_CLOSEST_COUNT)
        .map(({ hostKey, meshOnionKey }) => ({ hostKey, meshOnionKey }))
    },
  }
}
