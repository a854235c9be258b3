import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { describe, it } from 'node:test'
import type { KeyValueStore, StoreOperation } from '../../../src/ports/index.ts'
import { openPageFile } from '../../../src/store/erasure-page.ts'
import { openStore } from '../../../src/store/index.ts'
import type { Database } from '../../../src/store/level-database.ts'
import { levelError, openLevelDatabase } from '../../../src/store/level-database.ts'
import { openStoreWith } from '../../../src/store/open-store.ts'
import { bytes, storeOptions, temporaryDirectory, withStore } from '../../support/store.ts'

const MIB = 1024 * 1024

/** A file system of this size, or undefined where mounting is not allowed. */
function mountSmall(context: TestContext, size: number): string | undefined {
  const directory = mkdtempSync(join(tmpdir(), 'noctule-store-mount-'))
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size},mode=700`, 'tmpfs', directory], { stdio: 'pipe' })
  } catch {
    rmdirSync(directory)
    context.skip('mounting a tmpfs needs root')
    return undefined
  }
  context.after(() => {
    // Detached at once, gone when the last file on it is closed.
    execFileSync('umount', ['--lazy', directory])
    rmdirSync(directory)
  })
  return directory
}

function step(counter: number, size: number): readonly StoreOperation[] {
  const value = new Uint8Array(size).fill(counter % 251)
  return [
    { type: 'put', table: 't', key: `${counter}/first`, value },
    { type: 'put', table: 't', key: `${counter}/second`, value, erasable: counter % 7 === 0 },
    { type: 'put', table: 't', key: 'last', value: bytes(String(counter)), erasable: true },
  ]
}

async function has(store: KeyValueStore, counter: number): Promise<readonly boolean[]> {
  const values = await Promise.all(['first', 'second'].map((name) => store.get('t', `${counter}/${name}`)))
  return values.map((value) => value !== undefined)
}

const no = (text: string) =>
  Object.assign(new Error('IO error'), { cause: Object.assign(new Error(text), { code: 'LEVEL_IO_ERROR' }) })

describe('full disk', () => {
  it('is refused before it is full; deleting still works', async (context) => {
    const mount = mountSmall(context, 24 * MIB)
    if (mount === undefined) return
    const directory = join(mount, 'profile')
    await withStore(openStore(storeOptions(directory)), async (store) => {
      await store.batch(step(1, 1_000))
      writeFileSync(join(mount, 'ballast'), new Uint8Array(12 * MIB))
      await assert.rejects(store.batch(step(2, 1_000)), { code: 'STORE_FULL', kind: 'environment' })
      assert.deepEqual(await has(store, 2), [false, false])
      await store.batch([{ type: 'delete', table: 't', key: '1/first' }])
      assert.deepEqual(await has(store, 1), [false, true])
      rmSync(join(mount, 'ballast'))
      await store.batch(step(2, 1_000))
      assert.deepEqual(await has(store, 2), [true, true])
    })
  })

  it('applies nothing of a batch that met the end of the disk, and goes on when there is room', async (context) => {
    const mount = mountSmall(context, 12 * MIB)
    if (mount === undefined) return
    const ballast = join(mount, 'ballast')
    const options = storeOptions(join(mount, 'profile'), { reserveBytes: 0 })
    const written: number[] = []
    const refused: number[] = []
    let counter = 0
    await withStore(openStore(options), async (store) => {
      for (let round = 0; round < 4; round += 1) {
        writeFileSync(ballast, new Uint8Array((9 - round) * MIB))
        for (let tries = 0; tries < 4; ) {
          counter += 1
          try {
            await store.batch(step(counter, 20_000))
            written.push(counter)
          } catch (error: unknown) {
            assert.equal((error as { code?: string }).code, 'STORE_FULL')
            refused.push(counter)
            tries += 1
          }
        }
        rmSync(ballast)
        await store.batch(step((counter += 1), 100))
        written.push(counter)
      }
      assert.ok(refused.length >= 16 && written.length > 20)
      for (const number of written) assert.deepEqual(await has(store, number), [true, true])
      for (const number of refused) assert.deepEqual(await has(store, number), [false, false])
      await store.renewErasureKey()
    })
    await withStore(openStore(options), async (store) => {
      for (const number of written) assert.deepEqual(await has(store, number), [true, true])
      for (const number of refused) assert.deepEqual(await has(store, number), [false, false])
      assert.deepEqual(await store.get('t', 'last'), bytes(String(counter)))
    })
  })

  it('keeps the old erasure key when there is no room to renew it', async (context) => {
    const mount = mountSmall(context, 12 * MIB)
    if (mount === undefined) return
    const options = storeOptions(join(mount, 'profile'), { reserveBytes: 0 })
    const value = new Uint8Array(400_000).fill(7)
    await withStore(openStore(options), async (store) => {
      for (const key of ['1', '2']) await store.batch([{ type: 'put', table: 't', key, value, erasable: true }])
      writeFileSync(join(mount, 'ballast'), new Uint8Array(10.5 * MIB))
      await assert.rejects(store.renewErasureKey(), { code: 'STORE_FULL' })
      await assert.rejects(store.renewErasureKey(), { code: 'STORE_FULL' })
      rmSync(join(mount, 'ballast'))
      assert.deepEqual(await store.get('t', '1'), value)
      await store.renewErasureKey()
      assert.deepEqual(await store.get('t', '2'), value)
    })
    await withStore(openStore(options), async (store) => assert.deepEqual(await store.get('t', '1'), value))
  })

  /** A LevelDB that writes the batch and then says that it could not be synced. */
  async function openLying(
    directory: string,
    state: { lie: boolean; failOpen: boolean; landed: number },
  ): Promise<KeyValueStore> {
    return openStoreWith(storeOptions(directory), {
      openPageFile,
      openDatabase: async (location, create): Promise<Database> => {
        if (state.failOpen) throw levelError(no('No space left on device'))
        const level = await openLevelDatabase(location, create)
        return {
          ...level,
          async write(operations) {
            await level.write(operations)
            if (!state.lie) return
            const first = operations.find((operation) => operation.type === 'put')
            if (first !== undefined && (await level.get(first.key)) !== undefined) state.landed += 1
            throw no('No space left on device')
          },
        }
      },
    })
  }

  it('takes back a batch that reached the log but not for certain the disk', async (context) => {
    const directory = temporaryDirectory(context)
    const state = { lie: false, failOpen: false, landed: 0 }
    const store = await openLying(directory, state)
    await store.batch(step(1, 100))
    state.lie = true
    await assert.rejects(store.batch(step(2, 100)), { code: 'STORE_FULL' })
    assert.equal(state.landed, 1, 'it was there')
    assert.deepEqual(await has(store, 2), [false, false])
    assert.deepEqual(await store.get('t', 'last'), bytes('1'))
    await assert.rejects(store.renewErasureKey(), { code: 'STORE_FULL' })
    state.lie = false
    assert.deepEqual(await store.get('t', 'last'), bytes('1'))
    await store.batch(step(3, 100))
    await store.close()
    await withStore(openStore(storeOptions(directory)), async (again) => {
      assert.deepEqual(await has(again, 1), [true, true])
      assert.deepEqual(await has(again, 2), [false, false])
      assert.deepEqual(await again.get('t', 'last'), bytes('3'))
    })
  })

  it('stays refused while the database cannot be opened again, and then goes on', async (context) => {
    const state = { lie: false, failOpen: false, landed: 0 }
    const store = await openLying(temporaryDirectory(context), state)
    await store.batch(step(1, 100))
    state.lie = true
    state.failOpen = true
    await assert.rejects(store.batch(step(2, 100)), { code: 'STORE_FULL' })
    state.lie = false
    await assert.rejects(store.batch(step(2, 100)), { code: 'STORE_FULL' })
    await assert.rejects(store.get('t', 'last'), { code: 'STORE_FULL' })
    await assert.rejects(store.renewErasureKey(), { code: 'STORE_FULL' })
    state.failOpen = false
    assert.deepEqual(await store.get('t', 'last'), bytes('1'))
    await store.batch(step(3, 100))
    assert.deepEqual(await store.get('t', 'last'), bytes('3'))
    await store.close()
  })
})
