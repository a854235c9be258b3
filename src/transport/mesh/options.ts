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
