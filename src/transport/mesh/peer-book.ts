/**
 * The hosts that a mesh knows.
 * Never more than a bounded number, and never one that is malformed. Spec 01a-transport §8.2.
 * @module
 */
import { equalBytes, hexEncode } from '../../base/index.ts'
import type { MeshPeer } from '../../ports/index.ts'
import { MESH_PEERS_MAX_COUNT } from './options.ts'

const KEY_BYTES = 32

export interface PeerBook {
  /** True when this changed something: a new host, or a new address of a known one. */
  add(peer: MeshPeer): boolean
  remove(hostKey: Uint8Array): void
  get(hostKey: Uint8Array): MeshPeer | undefined
  all(): readonly MeshPeer[]
}

/** @param ownKey the host itself, which is never in its book */
export function createPeerBook(ownKey: Uint8Array): PeerBook {
  const peers = new Map<string, MeshPeer>()
  return {
    add({ hostKey, meshOnionKey }) {
      if (hostKey.length !== KEY_BYTES || meshOnionKey.length !== KEY_BYTES) throw new RangeError('malformed mesh peer')
      if (equalBytes(hostKey, ownKey)) return false
      const name = hexEncode(hostKey)
      const known = peers.get(name)
      if (known === undefined && peers.size >= MESH_PEERS_MAX_COUNT) return false
      if (known !== undefined && equalBytes(known.meshOnionKey, meshOnionKey)) return false
      peers.set(name, { hostKey: Uint8Array.from(hostKey), meshOnionKey: Uint8Array.from(meshOnionKey) })
      return true
    },
    remove: (hostKey) => void peers.delete(hexEncode(hostKey)),
    get: (hostKey) => peers.get(hexEncode(hostKey)),
    all: () => [...peers.values()],
  }
}
