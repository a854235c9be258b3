/**
 * Puts, takes back and expires boxes until it is killed. Started by crash.test.ts with a directory and a way of writing.
 * Never stops by itself. Says `try ...` before and the same without `try` after what it does.
 * @module
 */
import { writeSync } from 'node:fs'
import type { BoxDatabase } from '../../src/store/box-store/box-database.ts'
import { openBoxDatabase } from '../../src/store/box-store/box-database.ts'
import { openBoxStoreWith } from '../../src/store/box-store/open-box-store.ts'
import { boxIdOf, boxOf, createSetClock, hoursFromStart } from './box-store.ts'
import { silentLogger } from './silent-logger.ts'

export type CrashWay = 'careful' | 'broken: too early' | 'broken: two writes'

const [directory, way, fromText] = process.argv.slice(2) as [string, CrashWay, string]

function say(line: string): void {
  writeSync(1, `${line}\n`)
}

async function hang(): Promise<never> {
  setInterval(() => undefined, 1_000)
  return new Promise(() => undefined)
}

/** What a store that was not careful would do, once a few writes went well. */
function broken(database: BoxDatabase): BoxDatabase {
  let count = 0
  return {
    ...database,
    async write(operations) {
      count += 1
      if (count < 8) return database.write(operations)
      if (way === 'broken: two writes') {
        await database.write(operations.slice(0, Math.ceil(operations.length / 2)))
        say('broken')
        await hang()
      }
      if (count === 11) {
        say('broken')
        await hang()
      }
    },
  }
}

const store = await openBoxStoreWith(
  {
    directory,
    quotaBytes: 64 * 1024 * 1024,
    reserveBytes: 0,
    clock: createSetClock(),
    logger: silentLogger,
  },
  async (location, create) => {
    const database = await openBoxDatabase(location, create)
    return way === 'careful' ? database : broken(database)
  },
)
say('open')

/** Each round's hour; what is put expires in one of the next three. */
for (let round = Math.floor(Number(fromText) / 40) + 1; ; round += 1) {
  const first = round * 40
  say(`try put ${first + 39}`)
  const work = Array.from({ length: 40 }, async (_, at) => {
    const index = first + at
    const { status } = await store.put(boxOf(index), hoursFromStart(round + 1 + (index % 3)))
    if (status !== 'stored') throw new Error(`a new box was ${status}`)
    say(`put ${index} ${round + 1 + (index % 3)}`)
    if (index % 5 !== 0) return
    say(`try tombstone ${index}`)
    await store.tombstone(boxIdOf(index))
    say(`tombstone ${index}`)
  })
  await Promise.all(work)
  if (round % 4 === 0) {
    say(`try expire ${round}`)
    while ((await store.expire(hoursFromStart(round))).more) continue
    say(`expire ${round}`)
  }
}
