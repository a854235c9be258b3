/**
 * Numbered batches, and whether a store holds them whole.
 * Never trusts the writer: it is told only what was acknowledged.
 * @module
 */
import type { KeyValueStore, StoreOperation } from '../../src/ports/index.ts'

/** All hold the number of the last batch; two are erasable, one is large enough to span blocks of the log. */
export const COUNTER_KEYS = ['a', 'b', 'c', 'd'] as const
const ERASABLE = new Set<string>(['b', 'c'])
const KEPT_COUNT = 3

function counterValue(counter: number, key: string): Uint8Array {
  const text = Buffer.from(String(counter))
  return key === 'd' ? Buffer.concat([text, Buffer.alloc(40_000, ' ')]) : text
}

export function counterBatch(counter: number): readonly StoreOperation[] {
  return [
    ...COUNTER_KEYS.map(
      (key) =>
        ({ type: 'put', table: 't', key, value: counterValue(counter, key), erasable: ERASABLE.has(key) }) as const,
    ),
    { type: 'put', table: 'log', key: String(counter), value: counterValue(counter, ''), erasable: true },
    { type: 'delete', table: 'log', key: String(counter - KEPT_COUNT) },
  ]
}

async function readCounter(store: KeyValueStore, table: string, key: string): Promise<number> {
  const value = await store.get(table, key)
  return value === undefined ? 0 : Number(Buffer.from(value).toString())
}

/** The number of the last batch, or what is wrong. */
export async function checkCounters(store: KeyValueStore, acknowledged: number): Promise<number> {
  const counters = await Promise.all(COUNTER_KEYS.map((key) => readCounter(store, 't', key)))
  const last = counters[0] ?? 0
  if (counters.some((counter) => counter !== last)) throw new Error('half a batch')
  for (let counter = Math.max(1, last - KEPT_COUNT - 2); counter <= last + 1; counter += 1) {
    const expected = counter > last - KEPT_COUNT && counter <= last ? counter : 0
    if ((await readCounter(store, 'log', String(counter))) !== expected) throw new Error('half a batch')
  }
  if (last < acknowledged) throw new Error('an acknowledged batch is lost')
  if (last > acknowledged + 1) throw new Error('a batch out of nowhere')
  return last
}
