/**
 * Where a host keeps the boxes of others until they expire.
 * Never verifies a signature and never asks who writes or reads: that is the host's work, before `put`. Spec 03-mailbox §5.1.
 * @module
 */

/** A box as it lies on a host; what `wire` calls `Box`. The store checks the sizes, nothing else. */
export interface StoreBox {
  /** 32 bytes. */
  readonly boxId: Uint8Array
  /** 64 bytes. */
  readonly signature: Uint8Array
  /** `BOX_CIPHERTEXT_BYTES`. */
  readonly ciphertext: Uint8Array
}

/** What became of a box. Only with `stored` and `present` is it there, until `expiresAtMs`; a receipt may be signed. */
export type BoxPutOutcome =
  | {
      /** `present`: the same bytes were there already, with the expiry they came with. A later expiry is not taken over. */
      readonly status: 'stored' | 'present'
      /** In whole seconds, rounded down from what `put` was first given. */
      readonly expiresAtMs: number
    }
  | {
      /**
       * `conflict`: other bytes lie under this id. `full`: no room even without what has expired, in the quota, on the
       * disk, or in the queue. `tombstoned`: the box was taken back, and nothing takes its place before it would expire.
       */
      readonly status: 'conflict' | 'full' | 'tombstoned'
    }

export interface BoxStoreStats {
  /** Boxes that are there; those that have expired count until they are dropped. */
  readonly boxes: number
  /** Marks of boxes that were taken back. */
  readonly tombstones: number
  /** What boxes and marks together are charged against the quota, in bytes. */
  readonly usedBytes: number
  readonly quotaBytes: number
}

export interface BoxStore {
  /**
   * Puts a box unless something is there under its id: the first write wins, the same bytes again change nothing. When it
   * resolves, `stored` and `present` survive `kill -9` and power loss. Puts that run side by side share one sync, so call
   * without waiting for the one before. Bytes are copied at once.
   * What the layout cannot hold (an expiry beyond u32 seconds, a part of a wrong size) throws `RangeError`. An expiry that
   * has passed is taken, and dropped with the next `expire`.
   * @throws {AppError} `STORE_IO`, `STORE_CORRUPT`, `STORE_CLOSED`; a full disk is no error but `full`
   */
  put(box: StoreBox, expiresAtMs: number): Promise<BoxPutOutcome>
  /**
   * The box, or undefined for an id that is unknown, tombstoned or dropped. Hit and miss do the same work: one seek and
   * one read of a record of the same size. A box that has expired is there until `expire` or a put that needs room
   * drops it. A reader of damaged bytes finds that out by the signature, not here.
   * @throws {AppError} `STORE_FULL` after a failed write, until there is room again; `STORE_IO`, `STORE_CORRUPT`, `STORE_CLOSED`
   */
  get(boxId: Uint8Array): Promise<StoreBox | undefined>
  /** Whether `get` would give a box, for the same work. */
  has(boxId: Uint8Array): Promise<boolean>
  /**
   * Takes a box back: its data goes at once, and a small mark keeps writes away from its id until the box's expiry. True
   * when a box was there; on every other id nothing happens. Durable when it resolves. Marks are bounded: beyond that
   * the ones nearest to their expiry go.
   * @throws {AppError} `STORE_FULL`, `STORE_IO`, `STORE_CORRUPT`, `STORE_CLOSED`
   */
  tombstone(boxId: Uint8Array): Promise<boolean>
  /**
   * Drops a box that its reader found damaged, without a mark: another copy may take its place. True when a box was there.
   * Durable when it resolves.
   * @throws {AppError} `STORE_FULL`, `STORE_IO`, `STORE_CORRUPT`, `STORE_CLOSED`
   */
  discard(boxId: Uint8Array): Promise<boolean>
  /**
   * Drops boxes and marks whose expiry has passed, at most a bounded number at a time: the number dropped, and whether to
   * call again at once. May keep something up to an hour longer, never drops it early. A clock that was ahead and goes
   * back loses nothing that was not dropped by then.
   * @throws {AppError} `STORE_FULL`, `STORE_IO`, `STORE_CORRUPT`, `STORE_CLOSED`
   */
  expire(nowMs: number): Promise<{ readonly dropped: number; readonly more: boolean }>
  /**
   * Ids of boxes in the order of their bytes, those above `after` (undefined: from the lowest); fewer than `limit` (1 to
   * 4,096) when there are no more. For repair, which calls `get` for what it wants to pass on.
   * @throws {AppError} `STORE_FULL` as with `get`, `STORE_IO`, `STORE_CORRUPT`, `STORE_CLOSED`
   */
  list(after: Uint8Array | undefined, limit: number): Promise<readonly StoredBoxId[]>
  stats(): BoxStoreStats
  /** Waits for what is under way. Idempotent; every other call fails with `STORE_CLOSED` from then on. */
  close(): Promise<void>
}

export interface StoredBoxId {
  readonly boxId: Uint8Array
  /** In whole seconds. */
  readonly expiresAtMs: number
}
