/**
 * Follows a manifest to the set of files that make up the database. LevelDB doc/impl.
 * Never guesses: an edit that does not read makes the whole manifest unreadable.
 * @module
 */
import type { VarintReader } from './varint-reader.ts'
import { createVarintReader } from './varint-reader.ts'

export interface DatabaseFiles {
  /** Logs from this number on are not yet in tables; it must exist itself, unless it is zero. */
  readonly firstLog: number
  /** Table numbers and their sizes. */
  readonly tables: ReadonlyMap<number, number>
}

interface Edit {
  firstLog: number | undefined
  readonly deleted: number[]
  readonly added: Map<number, number>
}

/** One field of an edit by its tag; false for a tag that no version of LevelDB writes. */
function readField(tag: number, reader: VarintReader, edit: Edit): boolean {
  switch (tag) {
    case 1: // comparator name
      reader.bytes(reader.varint())
      return true
    case 2:
      edit.firstLog = reader.varint()
      return true
    case 3: // next file number
    case 4: // last sequence number
    case 9: // previous log number
      reader.varint()
      return true
    case 5: // compaction pointer: level, key
      reader.varint()
      reader.bytes(reader.varint())
      return true
    case 6: // deleted file: level, number
      reader.varint()
      edit.deleted.push(reader.varint())
      return true
    case 7: {
      // New file: level, number, size, smallest and largest key.
      reader.varint()
      const number = reader.varint()
      edit.added.set(number, reader.varint())
      reader.bytes(reader.varint())
      reader.bytes(reader.varint())
      return true
    }
    default:
      return false
  }
}

function readEdit(bytes: Uint8Array): Edit | undefined {
  const reader = createVarintReader(bytes)
  const edit: Edit = { firstLog: undefined, deleted: [], added: new Map() }
  while (!reader.atEnd()) {
    if (!readField(reader.varint(), reader, edit)) return undefined
  }
  return reader.isSound() ? edit : undefined
}

/** The files after all edits, or undefined when one of them does not read. */
export function readManifest(edits: readonly Uint8Array[]): DatabaseFiles | undefined {
  let firstLog = 0
  const tables = new Map<number, number>()
  for (const bytes of edits) {
    const edit = readEdit(bytes)
    if (edit === undefined) return undefined
    firstLog = edit.firstLog ?? firstLog
    // Deletions first: a table that moved between levels is in both lists.
    for (const number of edit.deleted) tables.delete(number)
    for (const [number, size] of edit.added) tables.set(number, size)
  }
  return { firstLog, tables }
}
