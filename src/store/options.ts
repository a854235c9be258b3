/**
 * What a store is opened with, and the numbers of the format.
 * Never changes with use: a number that is in the files changes together with the schema version. Spec 09-store §2.
 * @module
 */
import type { Sensitive } from '../base/index.ts'
import { MINUTE_MS } from '../base/index.ts'
import type { Argon2Parameters } from '../crypto/index.ts'
import type { Clock, Logger } from '../ports/index.ts'

/** What wraps the master key. */
export type StoreSecret =
  | { readonly type: 'passphrase'; readonly passphrase: Sensitive<Uint8Array> }
  /** 32 random bytes, mode 0600, ours; made with a new store when the file does not exist. */
  | { readonly type: 'key-file'; readonly path: string }

export interface OpenStoreOptions {
  /** Must be ours and 0700; made so when it does not exist and `create` allows it. */
  readonly directory: string
  readonly secret: StoreSecret
  readonly create: 'if-missing' | 'never'
  /** For a new store; an existing one has its own in the header. */
  readonly kdf?: Argon2Parameters
  /** Admits parameters below the floor, for tests: a passphrase can then be guessed fast. */
  readonly unsafeWeakKdf?: boolean
  /** A batch with a put is refused as `STORE_FULL` when less would stay free on the disk. */
  readonly reserveBytes?: number
  readonly clock: Clock
  readonly logger: Logger
}

export interface ChangePassphraseOptions {
  readonly directory: string
  readonly current: StoreSecret
  readonly next: StoreSecret
  readonly kdf?: Argon2Parameters
  readonly unsafeWeakKdf?: boolean
}

/** CRYPTO §2f: about a second on one core, and 256 MiB for each guess. */
export const KDF_DEFAULT: Argon2Parameters = { memoryKiB: 256 * 1024, passes: 3, parallelism: 1 }
/** CRYPTO §2f. */
export const KDF_FLOOR: Argon2Parameters = { memoryKiB: 64 * 1024, passes: 3, parallelism: 1 }
/** A header that asks for more is damaged: it would only exhaust the machine. Guessed. */
export const KDF_CEILING: Argon2Parameters = { memoryKiB: 4 * 1024 * 1024, passes: 64, parallelism: 16 }

/** DESIGN §10: an erased value is unreadable after at most this. */
export const ERASURE_INTERVAL_MS = 10 * MINUTE_MS

/**
 * Kept free for LevelDB itself: recovery after a failed write and one compaction each write a few files of 4 MiB.
 * Guessed.
 */
export const RESERVE_BYTES = 16 * 1024 * 1024

/** Part of the associated data of every value. */
export const SCHEMA_VERSION = 1

export const HEADER_FILE = 'store.header'
export const ERASURE_PAGE_FILE = 'erasure.page'
export const DATABASE_DIRECTORY = 'db'
