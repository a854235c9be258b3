import assert from 'node:assert/strict'
import { chmodSync, cpSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { describe, it } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { isAppError } from '../../../src/base/index.ts'
import type { KeyValueStore, StoreOperation } from '../../../src/ports/index.ts'
import type { PageFile } from '../../../src/store/erasure-page.ts'
import { openPageFile } from '../../../src/store/erasure-page.ts'
import { openStore } from '../../../src/store/index.ts'
import { openLevelDatabase } from '../../../src/store/level-database.ts'
import type { OpenStoreDeps } from '../../../src/store/open-store.ts'
import { openStoreWith } from '../../../src/store/open-store.ts'
import { ERASURE_INTERVAL_MS } from '../../../src/store/options.ts'
import {
  bytes,
  createListLogger,
  createManualClock,
  storeOptions,
  temporaryDirectory,
  withStore,
} from '../../support/store.ts'
import { attack, readErasureKeys } from '../../support/store-attacker.ts'

const REAL: OpenStoreDeps = { openDatabase: openLevelDatabase, openPageFile }
const TARGET = { table: 'session', key: 'alice', valueBytes: 24 }
const SECRET = 'a planted ratchet secret'
const OTHER = 'another ratchet secret!!'
/** Places inside a page at which a power cut may have stopped a write. */
const SECTORS = [1, 2, 3, 4, 5, 6, 7] as const

const put = (key: string, text: string, erasable = true): StoreOperation => ({
  type: 'put',
  table: TARGET.table,
  key,
  value: bytes(text),
  erasable,
})
const remove = (key: string): StoreOperation => ({ type: 'delete', table: TARGET.table, key })

/** The directory as kill -9 would leave it now. */
function snapshot(context: TestContext, directory: string): string {
  const copy = join(temporaryDirectory(context), 'copy')
  cpSync(directory, copy, { recursive: true })
  chmodSync(copy, 0o700)
  return copy
}

async function makePlanted(directory: string): Promise<KeyValueStore> {
  const store = await openStore(storeOptions(directory))
  await store.batch([put('alice', SECRET), put('bob', OTHER), put('plain', 'x', false)])
  return store
}

describe('erasure', () => {
  for (const how of ['deleted', 'replaced', 'replaced by a plain value'] as const) {
    it(`makes a ${how} value unreadable once the key is renewed`, async (context) => {
      const directory = temporaryDirectory(context)
      const store = await makePlanted(directory)
      if (how === 'deleted') await store.batch([remove('alice')])
      else await store.batch([put('alice', OTHER, how === 'replaced')])

      const before = snapshot(context, directory)
      const control = await attack(before, TARGET)
      assert.ok(control.found.includes(SECRET), 'without renewal the secret is there')
      const oldKeys = await readErasureKeys(before)

      await store.renewErasureKey()
      const after = snapshot(context, directory)
      const proof = await attack(after, TARGET)
      assert.ok(!proof.found.includes(SECRET))
      assert.ok(proof.triedCount > 10)
      assert.deepEqual(proof.found.includes(OTHER), how !== 'deleted', 'what lives is still found')
      const stolen = await attack(after, TARGET, oldKeys)
      assert.ok(stolen.found.includes(SECRET), 'its bytes are still on the disk: only the key is gone')
      assert.deepEqual(await store.get(TARGET.table, 'bob'), bytes(OTHER))
      await store.close()
      // Into a table, and through a compaction of it.
      for (let round = 0; round < 3; round += 1) {
        await withStore(openStore(storeOptions(directory)), (again) => again.batch([put('carol', String(round))]))
        assert.ok(!(await attack(directory, TARGET)).found.includes(SECRET))
      }
    })
  }

  it('happens when the store closes, too', async (context) => {
    const directory = temporaryDirectory(context)
    const store = await makePlanted(directory)
    await store.batch([remove('alice')])
    await store.close()
    assert.deepEqual((await attack(directory, TARGET)).found, [])
  })

  it('happens on its own every ten minutes when something was erased, and not otherwise', async (context) => {
    const directory = temporaryDirectory(context)
    const clock = createManualClock()
    const store = await openStore(storeOptions(directory, { clock }))
    const page = (): string => readFileSync(join(directory, 'erasure.page')).toString('hex')
    const pass = async (ms: number): Promise<void> => {
      clock.advance(ms)
      for (let index = 0; index < 3; index += 1) await turn()
      await store.get('t', 'k')
    }
    await store.batch([put('alice', SECRET)])
    const first = page()
    await pass(ERASURE_INTERVAL_MS)
    assert.equal(page(), first, 'nothing to erase')
    await store.batch([remove('alice')])
    await pass(ERASURE_INTERVAL_MS - 1)
    assert.equal(page(), first)
    await pass(1)
    assert.notEqual(page(), first)
    assert.deepEqual((await attack(directory, TARGET)).found, [])
    await store.close()
  })

  it('renews on close after a kill, because what was erased before it may be readable', async (context) => {
    const directory = temporaryDirectory(context)
    const store = await openStore(storeOptions(directory))
    await store.batch([put('alice', SECRET)])
    await store.batch([remove('alice')])
    const killed = snapshot(context, directory)
    await store.close()
    assert.deepEqual((await attack(killed, TARGET)).found, [SECRET, SECRET])
    await withStore(openStore(storeOptions(killed)), async () => undefined)
    assert.deepEqual((await attack(killed, TARGET)).found, [])
  })

  it('leaves a value that does not open as it is, and says so', async (context) => {
    const directory = temporaryDirectory(context)
    const events: string[] = []
    const store = await openStoreWith(storeOptions(directory, { logger: createListLogger(events) }), {
      ...REAL,
      openDatabase: async (location, create) => {
        const level = await openLevelDatabase(location, create)
        return {
          ...level,
          getMany: async (keys) => (await level.getMany(keys)).map((value, index) => (index === 0 ? undefined : value)),
        }
      },
    })
    await store.batch([put('alice', SECRET), put('bob', OTHER)])
    await store.renewErasureKey()
    assert.deepEqual(events, ['erasable values unreadable'])
    const results = await Promise.allSettled(['alice', 'bob'].map((key) => store.get(TARGET.table, key)))
    assert.deepEqual(results.map(({ status }) => status).sort(), ['fulfilled', 'rejected'])
    const failed = results.find((result) => result.status === 'rejected')
    assert.ok(isAppError(failed?.reason, 'STORE_CORRUPT'))
    await store.close()
  })

  it('survives a stop between any two steps of a renewal, and a page write that is torn anywhere', async (context) => {
    const directory = temporaryDirectory(context)
    const moments: { readonly name: string; readonly copy: string }[] = []
    let watching = false
    const note = (name: string): void => {
      if (watching) moments.push({ name, copy: snapshot(context, directory) })
    }
    const watchedPage = async (path: string): Promise<PageFile> => {
      const file = await openPageFile(path)
      return {
        ...file,
        async write(page) {
          note('before page')
          const torn = watching ? SECTORS : []
          for (const sector of torn) {
            for (const start of [0, sector]) {
              // The first sectors are new, or the last: disks may write in any order.
              const content = readFileSync(path)
              const end = start === 0 ? sector * 512 : 4_096
              content.set(page.subarray(start * 512, end), start * 512)
              note(`torn page ${sector}/${start}`)
              const last = moments.at(-1)
              assert.ok(last)
              writeFileSync(join(last.copy, 'erasure.page'), content)
            }
          }
          await file.write(page)
          note('after page')
        },
      }
    }
    const store = await openStoreWith(storeOptions(directory), {
      openPageFile: watchedPage,
      openDatabase: async (location, create) => {
        const level = await openLevelDatabase(location, create)
        return {
          ...level,
          async write(operations) {
            note('before batch')
            await level.write(operations)
            note('after batch')
          },
        }
      },
    })
    await store.batch([put('alice', SECRET), put('bob', OTHER), put('plain', 'x', false)])
    await store.batch([remove('alice')])
    await store.renewErasureKey()
    await store.batch([put('carol', OTHER)])
    watching = true
    await store.renewErasureKey()
    watching = false
    await store.close()
    assert.equal(moments.length, 2 * 16 + 2)

    const slots = new Set<number>()
    for (const { name, copy } of moments) {
      slots.add((await readErasureKeys(copy)).length)
      for (let round = 0; round < 2; round += 1) {
        await withStore(openStore(storeOptions(copy, { create: 'never' })), async (again) => {
          assert.equal((await readErasureKeys(copy)).length, 1, name)
          assert.equal(await again.get(TARGET.table, 'alice'), undefined, name)
          assert.deepEqual(await again.get(TARGET.table, 'bob'), bytes(OTHER), name)
          assert.deepEqual(await again.get(TARGET.table, 'carol'), bytes(OTHER), name)
          assert.deepEqual(await again.get(TARGET.table, 'plain'), bytes('x'), name)
          if (round === 0) await again.renewErasureKey()
        })
      }
      assert.deepEqual((await attack(copy, TARGET)).found, [], name)
    }
    assert.deepEqual(
      [...slots].sort((a, b) => a - b),
      [1, 2],
      'both states of the page were seen',
    )
  })

  it('refuses a page whose newer key was damaged after the values were sealed under it', async (context) => {
    const directory = temporaryDirectory(context)
    const copies: string[] = []
    const store = await openStoreWith(storeOptions(directory), {
      ...REAL,
      openDatabase: async (location, create) => {
        const level = await openLevelDatabase(location, create)
        return {
          ...level,
          async write(operations) {
            await level.write(operations)
            copies.push(snapshot(context, directory))
          },
        }
      },
    })
    await store.batch([put('alice', SECRET)])
    await store.renewErasureKey()
    const copy = copies[1]
    assert.ok(copy)
    const page = readFileSync(join(copy, 'erasure.page'))
    page[30] = (page[30] ?? 0) ^ 1
    writeFileSync(join(copy, 'erasure.page'), page)
    await assert.rejects(openStore(storeOptions(copy)), { code: 'STORE_CORRUPT' })
    assert.deepEqual(readFileSync(join(copy, 'erasure.page')), page, 'not overwritten')
    page[30] = (page[30] ?? 0) ^ 1
    writeFileSync(join(copy, 'erasure.page'), page)
    await withStore(openStore(storeOptions(copy)), async (again) => {
      assert.deepEqual(await again.get(TARGET.table, 'alice'), bytes(SECRET), 'the control opens')
    })
    await store.close()
  })
})
