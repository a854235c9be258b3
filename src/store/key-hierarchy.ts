/**
 * Derives every key of the store from the random master key. Spec 09-store §3.
 * Never uses one key for two purposes.
 * @module
 */
import { utf8Encode } from '../base/index.ts'
import { framed, hkdfSha256, hmacSha256, KEY_BYTES, label, wipe } from '../crypto/index.ts'
import { assertTableName } from './limits.ts'

const NO_SALT = new Uint8Array(0)

export interface KeyHierarchy {
  /** 32 bytes under which a record is found; tells nothing about table and key without the index key. */
  hashKey(table: string, key: string): Uint8Array
  /** The key of the values of one table. The caller must not wipe it. */
  tableKey(table: string): Uint8Array
  /** Seals the page that holds the erasure key. The caller must not wipe it. */
  readonly pageKey: Uint8Array
  wipe(): void
}

/** Takes the master key over: `wipe` erases it with everything derived from it. */
export function createKeyHierarchy(masterKey: Uint8Array): KeyHierarchy {
  const derive = (...info: readonly Uint8Array[]): Uint8Array =>
    hkdfSha256(masterKey, NO_SALT, framed(...info), KEY_BYTES)
  const indexKey = derive(label('store/index'))
  const pageKey = derive(label('store/erasure-page'))
  const tableKeys = new Map<string, Uint8Array>()
  return {
    pageKey,
    hashKey: (table, key) => hmacSha256(indexKey, framed(utf8Encode(table), utf8Encode(key))),
    tableKey(table) {
      const known = tableKeys.get(table)
      if (known !== undefined) return known
      assertTableName(table)
      const made = derive(label('store/table'), utf8Encode(table))
      tableKeys.set(table, made)
      return made
    },
    wipe() {
      wipe(masterKey, indexKey, pageKey, ...tableKeys.values())
      tableKeys.clear()
    },
  }
}

/** The key of the outer layer of erasable values, gone for good when the erasure key is. */
export function deriveErasableKey(erasureKey: Uint8Array): Uint8Array {
  return hkdfSha256(erasureKey, NO_SALT, framed(label('store/erasable')), KEY_BYTES)
}
