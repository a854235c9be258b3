/**
 * The mesh of hosts of one process, for captures: requests are calls, a drawn time later, and every host knows every other.
 * Never a model of failing hosts, as the memory mesh is: nothing is lost, nothing has a deadline, and so it costs next to nothing.
 * @module
 */
import { hexEncode } from '../../src/base/index.ts'
import type { Clock, HostMesh, MeshPeer, MeshRequest } from '../../src/ports/index.ts'
import { transportError } from '../../src/transport/errors.ts'

export interface DirectMeshHub {
  createMesh(own: MeshPeer): HostMesh
}

interface Member extends MeshPeer {
  handler: ((request: MeshRequest) => Promise<Uint8Array | undefined>) | undefined
}

/** `latencyMs` draws how long a message takes one way. */
export function createDirectMeshHub(clock: Clock, latencyMs: () => number): DirectMeshHub {
  const members = new Map<string, Member>()
  /** By host key; the hub keeps what a DHT would. */
  const records = new Map<string, Uint8Array>()

  return {
    createMesh({ hostKey, meshOnionKey }) {
      const own: Member = { hostKey, meshOnionKey, handler: undefined }
      const name = hexEncode(hostKey)
      const peers = new Map<string, MeshPeer>()
      return {
        async start() {
          members.set(name, own)
        },
        async stop() {
          members.delete(name)
        },
        addPeer: (peer) => void peers.set(hexEncode(peer.hostKey), peer),
        removePeer: (key) => void peers.delete(hexEncode(key)),
        peers: () => [...peers.values()],
        async published() {
          // There is nothing to publish.
        },
        async request(key, operation, body, signal) {
          const other = members.get(hexEncode(key))
          if (other?.handler === undefined) throw transportError('MESH_UNREACHABLE')
          await clock.sleep(latencyMs())
          const answer = await other.handler({ hostKey, operation, body: Uint8Array.from(body) })
          await clock.sleep(latencyMs())
          signal.throwIfAborted()
          if (answer === undefined) throw transportError('MESH_REFUSED')
          return answer
        },
        serve(handler) {
          own.handler = handler
        },
        async putRecord(key, value) {
          records.set(hexEncode(key), Uint8Array.from(value))
        },
        getRecord: async (key) => records.get(hexEncode(key)),
        async crawl() {
          return [...members.values()].filter((member) => member !== own)
        },
      }
    },
  }
}
