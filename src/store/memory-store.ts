/**
 * The key-value port without a disk, for `--ephemeral` and for tests of the layers above.
 * Never leaves a replaced, deleted or closed value in memory.
 * @module
 */
import { wipe } from '../crypto/index.ts'
import type { KeyValueStore } from '../ports/index.ts'
import { storeError } from './errors.ts'
import { assertTableName, assertValueSize } from './limits.ts'

/** A store that is gone with the process; erasure is immediate. */
export function createMemoryStore(): KeyValueStore {
  const tables = new Map<string, Map<string, Uint8Array>>()
  let closed = false

  const assertOpen = (): void => {
    if (closed) throw storeError('STORE_CLOSED')
  }

  const tableOf = (name: string): Map<string, Uint8Array> => {
    const table = tables.get(name) ?? new Map<string, Uint8Array>()
    tables.set(name, table)
    return table
  }

  const remove = (table: Map<string, Uint8Array>, key: string): void => {
    const value = table.get(key)
    if (value !== undefined) wipe(value)
    table.delete(key)
  }

  return {
    async get(table, key) {
      assertOpen()
      return tables.get(table)?.get(key)?.slice()
    },
    async batch(operations) {
      assertOpen()
      for (const operation of operations) {
        assertTableName(operation.table)
        if (operation.type === 'put') assertValueSize(operation.value)
      }
      for (const operation of operations) {
        const table = tableOf(operation.table)
        const value = operation.type === 'put' ? operation.value.slice() : undefined
        remove(table, operation.key)
        if (value !== undefined) table.set(operation.key, value)
      }
    },
    async renewErasureKey() {
      assertOpen()
    },
    async close() {
      closed = true
      for (const table of tables.values()) wipe(...table.values())
      tables.clear()
    },
  }
}
