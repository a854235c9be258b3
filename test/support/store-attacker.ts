/**
 * Somebody who has the disk and the master key, and looks for what was deleted.
 * Never uses the store itself: it reads bytes.
 * @module
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { readPage } from '../../src/store/erasure-page.ts'
import { decodeHeader } from '../../src/store/header.ts'
import { createKeyHierarchy, deriveErasableKey } from '../../src/store/key-hierarchy.ts'
import { readLog } from '../../src/store/leveldb-files/index.ts'
import { unwrapMasterKey } from '../../src/store/master-key.ts'
import { bucketBytes, openErasable, openValue, SEALED_OVERHEAD_BYTES } from '../../src/store/sealed-value.ts'
import { passphrase } from './store.ts'

/** Every file as it is, and every log also as the records in it, free of LevelDB's block headers. */
function allBytes(directory: string): Uint8Array[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .flatMap((entry) => {
      const content = new Uint8Array(readFileSync(join(entry.parentPath, entry.name)))
      return entry.name.endsWith('.log')
        ? [content, ...readLog(content).records.map(({ payload }) => payload)]
        : [content]
    })
}

async function readMasterKey(directory: string): Promise<Uint8Array> {
  const header = decodeHeader(new Uint8Array(readFileSync(join(directory, 'store.header'))))
  if (!header.ok) throw new Error('no header')
  return unwrapMasterKey(header.header, passphrase('correct horse'), { unsafeWeakKdf: true })
}

/** The erasure keys that the page gives away. */
export async function readErasureKeys(directory: string): Promise<Uint8Array[]> {
  const keys = createKeyHierarchy(await readMasterKey(directory))
  const page = new Uint8Array(readFileSync(join(directory, 'erasure.page')))
  return (readPage(page, keys.pageKey)?.keys ?? []).map(({ key }) => key)
}

export interface Attack {
  /** Values of this size under this table and key that could be opened, as text. */
  readonly found: readonly string[]
  /** Places that were tried; zero would prove nothing. */
  readonly triedCount: number
}

/**
 * Tries to open a value at every offset of every file, with the keys that are there and those given in addition.
 * It even knows table, key and size.
 */
export async function attack(
  directory: string,
  target: { readonly table: string; readonly key: string; readonly valueBytes: number },
  stolenErasureKeys: readonly Uint8Array[] = [],
): Promise<Attack> {
  const keys = createKeyHierarchy(await readMasterKey(directory))
  const erasableKeys = [...(await readErasureKeys(directory)), ...stolenErasureKeys].map(deriveErasableKey)
  const hashedKey = keys.hashKey(target.table, target.key)
  const tableKey = keys.tableKey(target.table)
  const place = { table: target.table, hashedKey }
  const innerBytes = bucketBytes(target.valueBytes) + SEALED_OVERHEAD_BYTES
  const found: string[] = []
  let triedCount = 0
  for (const content of allBytes(directory)) {
    // A sealed layer begins with its format, 1.
    for (let at = content.indexOf(1); at >= 0; at = content.indexOf(1, at + 1)) {
      triedCount += 1
      const candidates = [
        content.subarray(at, at + innerBytes),
        ...erasableKeys.map((key) =>
          openErasable(key, hashedKey, content.subarray(at, at + innerBytes + SEALED_OVERHEAD_BYTES)),
        ),
      ]
      for (const candidate of candidates) {
        const value = candidate && openValue(tableKey, place, candidate)
        if (value !== undefined) found.push(Buffer.from(value).toString())
      }
    }
  }
  return { found, triedCount }
}
