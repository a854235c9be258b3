/**
 * The DHT of host descriptors over kad-dht.
 * Never keeps, gives or believes a record that our own check refuses, nor goes back to an older one; what kad-dht leaves
 * open (a put is not compared, one liar ends a get) is closed here. Spec 01a-transport §8.4.
 * @module
 */
import type { PeerId } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import { concatBytes, equalBytes, hexEncode, utf8Encode } from '../../base/index.ts'
import type { MeshPeer } from '../../ports/index.ts'
import { onionPublicKey } from '../../wire/index.ts'
import { transportError } from '../errors.ts'
import { parseOnionMultiaddr } from '../onion-multiaddr.ts'
import { keyOfPeerId } from '../peer-identity.ts'
import type { RecordRules } from './memory-dht.ts'
import type { MeshKad } from './mesh-instance.ts'
import { MESH_CRAWL_MAX_COUNT, MESH_NAMESPACE, MESH_RECORDS_MAX_COUNT } from './options.ts'

const KEY_BYTES = 32
const PREFIX = utf8Encode(`/${MESH_NAMESPACE}/`)

/** The newest records that were seen, also those that the DHT asks other hosts to keep. */
export interface RecordBook {
  /** For kad-dht. @throws {AppError} `MESH_RECORD_REFUSED` */
  validate(key: Uint8Array, value: Uint8Array): Promise<void>
  /** For kad-dht. */
  select(key: Uint8Array, values: readonly Uint8Array[]): number
  /** The best of a record and of what was seen. @throws {AppError} `MESH_RECORD_REFUSED` for one that does not pass */
  take(hostKey: Uint8Array, value: Uint8Array): Promise<Uint8Array>
  /** The best record that passes now. */
  best(hostKey: Uint8Array): Promise<Uint8Array | undefined>
}

export function createRecordBook(rules: RecordRules): RecordBook {
  const seen = new Map<string, Uint8Array>()
  const take = async (hostKey: Uint8Array, value: Uint8Array): Promise<Uint8Array> => {
    if (!(await rules.validateRecord(hostKey, value))) throw transportError('MESH_RECORD_REFUSED')
    const name = hexEncode(hostKey)
    const held = seen.get(name)
    if (held !== undefined && (equalBytes(held, value) || rules.selectRecord([held, value]) === 0)) return held
    const copy = Uint8Array.from(value)
    seen.delete(name)
    seen.set(name, copy)
    const [oldest] = seen.keys()
    if (seen.size > MESH_RECORDS_MAX_COUNT && oldest !== undefined) seen.delete(oldest)
    return copy
  }
  return {
    take,
    async validate(key, value) {
      const hostKey = hostKeyOf(key)
      if (hostKey === undefined) throw transportError('MESH_RECORD_REFUSED')
      const best = await take(hostKey, value)
      if (!equalBytes(best, value)) throw transportError('MESH_RECORD_REFUSED')
    },
    select: (_key, values) => rules.selectRecord(values),
    async best(hostKey) {
      const held = seen.get(hexEncode(hostKey))
      return held !== undefined && (await rules.validateRecord(hostKey, held)) ? held : undefined
    },
  }
}

/** The DHT's key for a host. */
export function recordKey(hostKey: Uint8Array): Uint8Array {
  return concatBytes(PREFIX, hostKey)
}

function hostKeyOf(key: Uint8Array): Uint8Array | undefined {
  const isOurs = key.length === PREFIX.length + KEY_BYTES && equalBytes(key.subarray(0, PREFIX.length), PREFIX)
  return isOurs ? Uint8Array.from(key.subarray(PREFIX.length)) : undefined
}

export interface MeshDhtDeps {
  readonly kad: MeshKad
  readonly book: RecordBook
  /** What libp2p knows of a peer's addresses. */
  readonly addressesOf: (peerId: PeerId) => Promise<readonly Multiaddr[]>
  readonly randomPoint: () => Uint8Array
  readonly ownKey: Uint8Array
}

export interface MeshDht {
  /** How many other hosts took it. Ends early, and without an error, with the signal. */
  put(hostKey: Uint8Array, value: Uint8Array, signal: AbortSignal): Promise<number>
  /** As the walk leaves the book behind. */
  get(hostKey: Uint8Array, signal: AbortSignal): Promise<Uint8Array | undefined>
  crawl(signal: AbortSignal): Promise<readonly MeshPeer[]>
}

export function createMeshDht({ kad, book, addressesOf, randomPoint, ownKey }: MeshDhtDeps): MeshDht {
  return {
    async put(hostKey, value, signal) {
      let takenCount = 0
      const key = recordKey(hostKey)
      await walk(kad.put(key, value, { signal }), (event) => {
        if (event.name !== 'PEER_RESPONSE' || event.messageName !== 'PUT_VALUE' || event.record === undefined) return
        if (equalBytes(event.record.value, value)) takenCount += 1
      })
      return takenCount
    },
    async get(hostKey, signal) {
      // Every record that comes is shown to `validate`, and what passes is in the book: kad-dht's own result is not needed.
      await walk(kad.get(recordKey(hostKey), { signal }), () => undefined)
      return book.best(hostKey)
    },
    async crawl(signal) {
      const found = new Map<string, MeshPeer>()
      const add = (peerId: PeerId, addresses: readonly Multiaddr[]): void => {
        const hostKey = keyOfPeerId(peerId)
        const onion = addresses.map(parseOnionMultiaddr).find((target) => target !== undefined)
        if (hostKey === undefined || onion === undefined || equalBytes(hostKey, ownKey)) return
        if (found.size < MESH_CRAWL_MAX_COUNT) {
          found.set(hexEncode(hostKey), { hostKey, meshOnionKey: onionPublicKey(onion.address) })
        }
      }
      const named: PeerId[] = []
      await walk(kad.getClosestPeers(randomPoint(), { signal }), (event) => {
        if (event.name === 'PEER_RESPONSE') for (const { id, multiaddrs } of event.closer) add(id, multiaddrs)
        if (event.name === 'FINAL_PEER') named.push(event.peer.id)
      })
      for (const peerId of named) add(peerId, await addressesOf(peerId))
      return [...found.values()]
    },
  }
}

type KadEvent = ReturnType<MeshKad['get']> extends AsyncIterable<infer Event> ? Event : never

/** Whatever ends a walk, what came before it counts. */
async function walk(events: AsyncIterable<KadEvent>, onEvent: (event: KadEvent) => void): Promise<void> {
  try {
    for await (const event of events) onEvent(event)
  } catch {
    // An aborted walk, a stopped DHT, a peer that does not take a correction.
  }
}
