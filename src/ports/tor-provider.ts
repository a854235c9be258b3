/**
 * What noctule needs of Tor: onion services with client authorisation, isolated onion streams, and stages to show.
 * Never offers a way to a clearnet address or a name look-up. DESIGN §4, spec 07-tor.
 * @module
 */
import type { Duplex } from 'node:stream'
import type { Brand } from '../base/index.ts'
import type { Startable } from './startable.ts'

/** The 56 characters of a v3 onion address in lower case, without `.onion`, checksum verified. */
export type OnionAddress = Brand<string, 'OnionAddress'>

/** A v3 service key in tor's form: 64 bytes, the expanded Ed25519 secret key (scalar, then PRF key). */
export type OnionSecretKey = Brand<Uint8Array, 'OnionSecretKey'>

export type TorStage =
  | 'stopped'
  /** Looking for a tor to attach to. */
  | 'searching'
  /** Our own tor is being started. */
  | 'launching'
  | 'authenticating'
  | 'bootstrapping'
  | 'ready'
  /** The connection to tor was lost; a new attempt is scheduled. */
  | 'lost'
  /** There is neither a tor to attach to nor a binary to start; looked for again at intervals. */
  | 'missing'

export interface TorStatus {
  readonly stage: TorStage
  /** 0 to 100. */
  readonly bootstrapPercent: number
  /** tor's own tag, from a closed set (for instance `conn_done`, `loading_descriptors`); `unknown` otherwise. */
  readonly bootstrapTag: string
  readonly mode: 'attached' | 'child' | 'none'
  /** For instance `0.4.9.11`. */
  readonly version: string | undefined
  /** Code of the last failure, for instance `TOR_AUTHENTICATION_FAILED`. */
  readonly lastError: string | undefined
  /** Codes of optional features this tor refuses; what they mean is in spec 07-tor. */
  readonly warnings: readonly string[]
}

export interface OnionServiceOptions {
  readonly secretKey: OnionSecretKey
  /** Port in the onion address that dialers name. */
  readonly virtualPort: number
  /** Raw 32-byte X25519 public keys of the clients that may read the descriptor; empty means everybody. */
  readonly authorizedClients: readonly Uint8Array[]
  /** Called for each inbound stream; the callee owns the socket. */
  readonly onStream: (stream: Duplex) => void
  /** Ask for tor's proof-of-work defence; degrades with a warning where the build or a filter refuses. */
  readonly proofOfWork?: boolean
}

export interface OnionService {
  readonly address: OnionAddress
  /** Resolves when the descriptor has reached its directories (all that answered), rejects when closed before. */
  published(signal?: AbortSignal): Promise<void>
  /** Takes the service down and closes its listener and streams. Idempotent. */
  close(): Promise<void>
}

export interface ConnectOptions {
  /** Streams with different tokens never share a circuit. Opaque, at most 255 bytes of UTF-8. */
  readonly isolation: string
  readonly signal: AbortSignal
  /**
   * When true the stream is handed over as soon as the request is on its way, so that what is written first travels
   * with it and saves a round trip; a failed connect then destroys the stream with the mapped error.
   */
  readonly optimistic?: boolean
}

export interface TorProvider extends Startable {
  status(): TorStatus
  /** Calls `listener` at each change of status, starting with the next one. Returns the unsubscribe function. */
  onStatus(listener: (status: TorStatus) => void): () => void
  /** Resolves when the stage is `ready`; rejects with `AbortError`, or `TOR_STOPPED` when stopped. */
  whenReady(signal: AbortSignal): Promise<void>
  /**
   * Keeps an onion service up until it is closed, through restarts of tor and of the control connection.
   * Resolves when the service is known to tor or, with tor away, when it is queued for it.
   */
  publishOnion(options: OnionServiceOptions): Promise<OnionService>
  /**
   * Gives tor the raw 32-byte X25519 private key for a service with client authorisation, again after each restart.
   * @returns the function that takes the key away
   * @throws {AppError} `TOR_FEATURE_REFUSED` where a filter forbids the command
   */
  authorizeClient(address: OnionAddress, privateKey: Uint8Array): Promise<() => Promise<void>>
  /**
   * Opens a stream to an onion service.
   * @throws {AppError} `TOR_NOT_READY` and the `TOR_ONION_*` codes of spec 07-tor
   */
  connect(address: OnionAddress, port: number, options: ConnectOptions): Promise<Duplex>
}
