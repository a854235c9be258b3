/**
 * Links that carry records of one fixed size between two daemons over an onion service.
 * Never decides when a record leaves: the caller's clock does. Spec 01-wire §3, DESIGN §5.
 * @module
 */
import type { OnionAddress, OnionSecretKey } from './tor-provider.ts'

export interface RecordLink {
  /** Bytes of each record, both ways. */
  readonly recordBytes: number
  /** Raw Ed25519 public key of the other side's transport identity, as the handshake proved it. */
  readonly remoteKey: Uint8Array
  /**
   * Hands one record to the socket as one write. Resolves when the socket took it.
   * @throws {AppError} `LINK_CLOSED`
   */
  send(record: Uint8Array): Promise<void>
  /** The next record in order; undefined when the link has ended. Single consumer. */
  receive(): Promise<Uint8Array | undefined>
  /** Resolves once, when the link has ended for whatever reason. */
  readonly closed: Promise<void>
  close(): Promise<void>
}

/** What both ends agree on beforehand. */
export interface LinkOptions {
  /** Names the protocol, for instance `/noctule/lane/1`. */
  readonly protocol: string
  readonly recordBytes: number
  /** Seed of this side's transport identity; made for this endpoint alone. 32 bytes. */
  readonly localSeed: Uint8Array
  /** Seed from which the other side's transport identity was made; undefined admits any (one that knows the onion key). */
  readonly remoteSeed: Uint8Array | undefined
  /** Its raw Ed25519 public key, where that is public: a host's. At most one of the two is given. */
  readonly remoteKey?: Uint8Array
}

export interface ListenOptions extends LinkOptions {
  readonly onionSecretKey: OnionSecretKey
  /** Raw X25519 public keys that may read the descriptor; empty means everybody, for hosts only. */
  readonly authorizedClients: readonly Uint8Array[]
  /** Links at once, beyond which new ones are refused; a small number for one contact unless given. */
  readonly linksMaxCount?: number
  /** Ask for tor's proof-of-work defence, where the build has it. */
  readonly proofOfWork?: boolean
  readonly onLink: (link: RecordLink) => void
}

export interface RecordListener {
  readonly address: OnionAddress
  published(signal?: AbortSignal): Promise<void>
  /** Ends the listener and every link that came through it. Idempotent. */
  close(): Promise<void>
}

/** A dialer always knows whom it dials: `remoteSeed` or `remoteKey` is there, else it throws `RangeError`. */
export interface DialOptions extends LinkOptions {
  readonly address: OnionAddress
  /** Raw X25519 private key for the descriptor; undefined for a service that everybody may read, a host's. */
  readonly clientPrivateKey: Uint8Array | undefined
  /** Never shared between contacts, purposes or epochs. */
  readonly isolation: string
  readonly signal: AbortSignal
}

export interface RecordNetwork {
  listen(options: ListenOptions): Promise<RecordListener>
  /** @throws {AppError} the `TOR_*` and `LINK_*` codes */
  dial(options: DialOptions): Promise<RecordLink>
  /** Closes all links and listeners. Idempotent. */
  stop(): Promise<void>
}
