/**
 * Durable, sealed, atomic storage of small values under string keys.
 * Never shows which keys belong together: adapters hash keys and seal values. DESIGN §10, spec 09-store.
 * @module
 */

export interface StorePut {
  readonly type: 'put'
  readonly table: string
  readonly key: string
  readonly value: Uint8Array
  /**
   * Seals the value under the erasure key as well, so that it is unreadable after it was deleted or replaced
   * and the key was renewed. For ratchet states, onion keys and other secrets with forward secrecy.
   */
  readonly erasable?: boolean
}

export interface StoreDelete {
  readonly type: 'delete'
  readonly table: string
  readonly key: string
}

export type StoreOperation = StorePut | StoreDelete

export interface KeyValueStore {
  /** The stored value, or undefined. @throws {AppError} `STORE_CORRUPT` when it does not open. */
  get(table: string, key: string): Promise<Uint8Array | undefined>
  /**
   * Applies all operations or none; when it resolves they survive `kill -9` and power loss.
   * Batches are applied in the order of the calls.
   * @throws {AppError} `STORE_FULL`, `STORE_CLOSED`
   */
  batch(operations: readonly StoreOperation[]): Promise<void>
  /** Makes everything erasable that was deleted or replaced so far unreadable. Called on the store's own clock too. */
  renewErasureKey(): Promise<void>
  /** Idempotent. */
  close(): Promise<void>
}
