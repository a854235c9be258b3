/**
 * Numbers of the mesh of hosts.
 * Never seen by clients, whose links have numbers of their own. Spec 01a-transport §8.
 * @module
 */
import { SECOND_MS } from '../../base/index.ts'

/** Known hosts; as many as a host table has (DESIGN §7). Bounds what a liar's pages can make us keep. */
export const MESH_PEERS_MAX_COUNT = 20_000

/** Requests under way to one host; more wait. With the body's size it bounds what one host can make us hold. Guessed. */
export const MESH_REQUESTS_MAX_COUNT = 16

/** A host that could not be dialled is left alone for so long at first, then twice as long each time. Guessed. */
export const MESH_BACKOFF_MIN_MS = 5 * SECOND_MS

/** The longest such pause, as a multiple of the time one request has: short, because hosts come back. Guessed. */
export const MESH_BACKOFF_MAX_FACTOR = 2

/** Operations are one byte. */
export const MESH_OPERATION_MAX = 255

/** Hosts that one step of the crawl gives, and replicas of a record in the DHT: kad-dht's bucket. */
export const MESH_CLOSEST_COUNT = 20

/** The protocols of the mesh; none is one of another libp2p network's. */
export const MESH_PROTOCOL = '/noctule/mesh/1'
export const MESH_KAD_PROTOCOL = '/noctule/kad/1'
export const MESH_PROTOCOL_PREFIX = 'noctule'

/** Namespace of the DHT's records, which are keyed by host key. */
export const MESH_NAMESPACE = 'noctule-host'

/** Requests of one host that are served at once; twice what an honest one sends, as late ones may still be served. */
export const MESH_SERVED_MAX_COUNT = 2 * MESH_REQUESTS_MAX_COUNT

/** Connections at once; the one that was not used for longest gives way. Guessed: libp2p's own number is 300. */
export const MESH_CONNECTIONS_MAX_COUNT = 512

/** The same for hosts that were not made known, which come for nothing: enough for all who join at once. Guessed. */
export const MESH_STRANGERS_MAX_COUNT = 64

/** Dials at once: circuits cost tor and its relays much (TORNET §2.2). */
export const MESH_DIALS_MAX_COUNT = 8

/** What may wait in a stream for a peer that does not read; more ends it. Above what honest use can need. */
export const MESH_WRITE_BUFFER_MAX_BYTES = 1_048_576

/** Bytes that one stream of the DHT may bring: twenty peers with their addresses take about 3 KiB. */
export const MESH_KAD_STREAM_MAX_BYTES = 65_536

/** Records of the DHT, and peers in libp2p's book, that are kept at once; the oldest give way. */
export const MESH_RECORDS_MAX_COUNT = 20_000
export const MESH_STORED_PEERS_MAX_COUNT = 2_000

/** A walk through the DHT takes several requests one after the other; what came until then counts. Guessed. */
export const MESH_WALK_FACTOR = 3

/** Known hosts that are dialled when the DHT's own table is empty. Guessed. */
export const MESH_ENTRY_COUNT = 3

/** Bounds what one step of the crawl can bring from liars. */
export const MESH_CRAWL_MAX_COUNT = 256
