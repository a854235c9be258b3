/**
 * Looks at every record of a closed box store: whether boxes, marks, indexes and accounting agree.
 * Never trusts what the store says of itself.
 * @module
 */
import { join } from 'node:path'
import { openBoxDatabase } from '../../src/store/box-store/box-database.ts'

const HOUR_SECONDS = 3_600
const ALL = 1_000_000

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
const u32 = (bytes: Uint8Array, at = 0): number => Buffer.from(bytes).readUInt32BE(at)

export interface BoxAudit {
  /** Hours of expiry since 1970 by id in hexadecimal. */
  readonly boxes: ReadonlyMap<string, number>
  readonly marks: ReadonlyMap<string, number>
}

/** Throws with the first thing that is wrong. */
export async function auditBoxStore(directory: string): Promise<BoxAudit> {
  const database = await openBoxDatabase(join(directory, 'db'), false)
  try {
    const under = (prefix: string) =>
      database.range(Buffer.from(prefix), Uint8Array.of((prefix.codePointAt(0) ?? 0) + 1), ALL)
    const audit = async (values: string, index: string, valueBytes: readonly number[]) => {
      const held = new Map<string, number>()
      for (const { key, value } of await under(values)) {
        if (key.length !== 33) continue
        if (!valueBytes.includes(value.length)) throw new Error('a record of a wrong size')
        held.set(hex(key.subarray(1)), Math.ceil(u32(value) / HOUR_SECONDS))
      }
      const indexed = await under(index)
      if (indexed.length !== held.size) throw new Error('index and records differ in number')
      for (const { key } of indexed) {
        if (held.get(hex(key.subarray(5))) !== u32(key, 1)) throw new Error('an index entry without its record')
      }
      return held
    }
    const boxes = await audit('b', 'e', [4 + 64 + (await boxBytes(database))])
    const marks = await audit('t', 'x', [4])
    for (const id of marks.keys()) if (boxes.has(id)) throw new Error('a box and its mark at once')
    const accounting = await database.get(Buffer.from('m'))
    if (accounting === undefined) throw new Error('no accounting')
    if (u32(accounting) !== boxes.size || u32(accounting, 4) !== marks.size) throw new Error('accounting is wrong')
    return { boxes, marks }
  } finally {
    await database.close()
  }
}

/** The decoy has the size of every box, and is always there. */
async function boxBytes(database: Awaited<ReturnType<typeof openBoxDatabase>>): Promise<number> {
  const decoy = await database.get(Buffer.concat([Buffer.from('b'), Buffer.alloc(33, 255)]))
  if (decoy === undefined) throw new Error('no decoy')
  return decoy.length - 4 - 64
}
