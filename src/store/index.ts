/** Adapters of the key-value port: sealed on disk, or in memory. @module */
export { changePassphrase } from './change-passphrase.ts'
export type { StoreErrorCode } from './errors.ts'
export { STORE_ERRORS } from './errors.ts'
export { createMemoryStore } from './memory-store.ts'
export { openStore } from './open-store.ts'
export type { ChangePassphraseOptions, OpenStoreOptions, StoreSecret } from './options.ts'
export { KDF_DEFAULT } from './options.ts'
