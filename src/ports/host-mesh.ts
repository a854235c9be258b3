/**
 * How hosts talk to each other and find each other: requests, and the DHT of host descriptors.
 * Never used by clients, which look nothing up. Spec 03-mailbox §3, §6; DESIGN §7.
 * @module
 */
import type { Startable } from './startable.ts'

/** Enough to dial a host. Both are raw Ed25519 public keys. */
export interface MeshPeer {
  readonly hostKey: Uint8Array
  readonly meshOnionKey: Uint8Array
}

export interface MeshRequest {
  /** Whom the handshake proved to be asking. */
  readonly hostKey: Uint8Array
  readonly operation: number
  readonly body: Uint8Array
}

export interface HostMesh extends Startable {
  /** Makes a host known, or gives it its newest address. At most a bounded number is kept, beyond it none is taken. */
  addPeer(peer: MeshPeer): void
  removePeer(hostKey: Uint8Array): void
  /** Hosts that are known, connected or not. */
  peers(): readonly MeshPeer[]
  /** Resolves when the onion service has reached its directories. */
  published(signal?: AbortSignal): Promise<void>
  /**
   * Sends one request and gives its response; dials first where there is no connection, also one that the other host
   * opened. Bodies hold at most `MESH_BODY_MAX_BYTES`, else `RangeError`. Requests to one host run side by side, a bounded
   * number at once, the others wait. A host that could not be dialled is not dialled again at once: until its short
   * backoff is over, requests to it fail without delay.
   * @throws {AppError} `MESH_UNKNOWN_PEER`, `MESH_UNREACHABLE`, `MESH_TIMED_OUT`, `MESH_REFUSED`, `TRANSPORT_STOPPED`; the signal's reason
   */
  request(hostKey: Uint8Array, operation: number, body: Uint8Array, signal: AbortSignal): Promise<Uint8Array>
  /**
   * Who answers the requests of others; undefined refuses. To be called once, before `start`. What the handler throws is
   * logged and refused.
   */
  serve(handler: (request: MeshRequest) => Promise<Uint8Array | undefined>): void
  /**
   * Puts a record into the DHT under `/<namespace>/<host key>`.
   * @throws {AppError} `MESH_UNREACHABLE` when no other host took it, `MESH_RECORD_REFUSED` when our own check refuses it
   */
  putRecord(hostKey: Uint8Array, value: Uint8Array, signal: AbortSignal): Promise<void>
  /** The best valid record of that host; undefined for none. */
  getRecord(hostKey: Uint8Array, signal: AbortSignal): Promise<Uint8Array | undefined>
  /** Host keys that the DHT knows near a random point: one step of the crawl. */
  crawl(signal: AbortSignal): Promise<readonly MeshPeer[]>
}
