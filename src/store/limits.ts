/**
 * What every adapter refuses as a bug of its caller.
 * Never depends on what is stored.
 * @module
 */
import { utf8Encode } from '../base/index.ts'

/** The name is part of each key derivation. Guessed. */
const TABLE_NAME_MAX_BYTES = 64
/** More is a bug of the caller: one value is held in memory several times. Guessed. */
const VALUE_MAX_BYTES = 16 * 1024 * 1024

/** @throws {RangeError} unless the name has 1 to 64 bytes */
export function assertTableName(table: string): void {
  const { length } = utf8Encode(table)
  if (length === 0 || length > TABLE_NAME_MAX_BYTES) throw new RangeError('table name of a wrong length')
}

/** @throws {RangeError} above 16 MiB */
export function assertValueSize(value: Uint8Array): void {
  if (value.length > VALUE_MAX_BYTES) throw new RangeError('value is too large for the store')
}
