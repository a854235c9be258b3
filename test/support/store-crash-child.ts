/**
 * Writes numbered batches until it is killed. Started by crash.test.ts with a directory and a way of writing.
 * Never stops by itself.
 * @module
 */
import { writeSync } from 'node:fs'
import type { KeyValueStore, StoreOperation } from '../../src/ports/index.ts'
import { openPageFile } from '../../src/store/erasure-page.ts'
import type { Database } from '../../src/store/level-database.ts'
import { openLevelDatabase } from '../../src/store/level-database.ts'
import { openStoreWith } from '../../src/store/open-store.ts'
import { storeOptions } from './store.ts'
import { COUNTER_KEYS, counterBatch } from './store-crash-check.ts'

type Way = 'batches' | 'renewals' | 'hold' | 'broken: two writes' | 'broken: too early'

const [directory, way] = process.argv.slice(2) as [string, Way]

function say(line: string): void {
  writeSync(1, `${line}\n`)
}

async function hang(): Promise<never> {
  setInterval(() => undefined, 1_000)
  return new Promise(() => undefined)
}

/** What a store that was not careful would do. */
function broken(database: Database): Database {
  let count = 0
  return {
    ...database,
    async write(operations) {
      count += 1
      if (count < 5) return database.write(operations)
      if (way === 'broken: two writes') {
        await database.write(operations.slice(0, Math.floor(operations.length / 2)))
        say('broken')
        await hang()
      }
    },
  }
}

async function writeBatches(store: KeyValueStore, from: number): Promise<void> {
  for (let counter = from; ; counter += 1) {
    const operations: readonly StoreOperation[] = counterBatch(counter)
    await store.batch(operations)
    say(String(counter))
    if (way === 'broken: too early' && counter === from + 10) {
      say('broken')
      await hang()
    }
  }
}

async function renewForEver(store: KeyValueStore): Promise<void> {
  for (;;) await store.renewErasureKey()
}

const store = await openStoreWith(storeOptions(directory), {
  openPageFile,
  openDatabase: async (location, create) => {
    const database = await openLevelDatabase(location, create)
    return way.startsWith('broken') ? broken(database) : database
  },
})
const last = await store.get('t', COUNTER_KEYS[0])
const from = last === undefined ? 1 : Number(Buffer.from(last).toString()) + 1
say('open')
if (way === 'hold') await hang()
await Promise.all([writeBatches(store, from), ...(way === 'renewals' ? [renewForEver(store)] : [])])
