import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { describe, it } from 'node:test'
import type { BoxDatabase } from '../../../../src/store/box-store/box-database.ts'
import { openBoxDatabase } from '../../../../src/store/box-store/box-database.ts'
import { openBoxStoreWith } from '../../../../src/store/box-store/open-box-store.ts'
import type { OpenBoxStoreOptions } from '../../../../src/store/index.ts'
import { openBoxStore } from '../../../../src/store/index.ts'
import { levelError } from '../../../../src/store/level-database.ts'
import { boxIdOf, boxOf, createSetClock, hoursFromStart } from '../../../support/box-store.ts'
import { auditBoxStore } from '../../../support/box-store-audit.ts'
import { silentLogger } from '../../../support/silent-logger.ts'
import { temporaryDirectory } from '../../../support/store.ts'

const MIB = 1024 * 1024

/** A file system of this size, or undefined where mounting is not allowed. */
function mountSmall(context: TestContext, size: number): string | undefined {
  const directory = mkdtempSync(join(tmpdir(), 'noctule-boxes-mount-'))
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size},mode=700`, 'tmpfs', directory], { stdio: 'pipe' })
  } catch {
    rmdirSync(directory)
    context.skip('mounting a tmpfs needs root')
    return undefined
  }
  context.after(() => {
    execFileSync('umount', ['--lazy', directory])
    rmdirSync(directory)
  })
  return directory
}

function optionsFor(directory: string, changes: Partial<OpenBoxStoreOptions> = {}): OpenBoxStoreOptions {
  return { directory, quotaBytes: 1024 * MIB, clock: createSetClock(), logger: silentLogger, ...changes }
}

const LATER_MS = hoursFromStart(9)
const noRoom = () =>
  levelError(
    Object.assign(new Error('IO error'), {
      cause: Object.assign(new Error('No space left on device'), { code: 'LEVEL_IO_ERROR' }),
    }),
  )

describe('box store on a full disk', () => {
  it('is full before the disk is; what makes room still works', async (context) => {
    const mount = mountSmall(context, 24 * MIB)
    if (mount === undefined) return
    const store = await openBoxStore(optionsFor(join(mount, 'boxes'), { reserveBytes: 10 * MIB }))
    assert.equal((await store.put(boxOf(1), LATER_MS)).status, 'stored')
    writeFileSync(join(mount, 'ballast'), new Uint8Array(16 * MIB))
    assert.deepEqual(await store.put(boxOf(2), LATER_MS), { status: 'full' })
    assert.equal((await store.put(boxOf(1), LATER_MS)).status, 'present')
    assert.equal(await store.tombstone(boxIdOf(1)), true)
    assert.equal((await store.expire(LATER_MS)).dropped, 1)
    rmSync(join(mount, 'ballast'))
    assert.equal((await store.put(boxOf(2), LATER_MS)).status, 'stored')
    await store.close()
  })

  it('meets the end of the disk: what it refuses is full, what it acknowledged stays, and it goes on with room', async (context) => {
    const mount = mountSmall(context, 14 * MIB)
    if (mount === undefined) return
    const ballast = join(mount, 'ballast')
    const options = optionsFor(join(mount, 'boxes'), { reserveBytes: 0 })
    const stored: number[] = []
    let refused = 0
    let next = 0
    let store = await openBoxStore(options)
    for (let round = 0; round < 3; round += 1) {
      writeFileSync(ballast, new Uint8Array((11 - 3 * round) * MIB))
      for (let full = 0; full < 3; ) {
        const numbers = Array.from({ length: 50 }, () => next++)
        const outcomes = await Promise.all(numbers.map((index) => store.put(boxOf(index), LATER_MS)))
        for (const [at, { status }] of outcomes.entries()) {
          assert.ok(status === 'stored' || status === 'full', status)
          if (status === 'stored') stored.push(numbers[at] ?? 0)
          else refused += 1
        }
        if (outcomes.some(({ status }) => status === 'full')) full += 1
      }
      rmSync(ballast)
      const index = next++
      assert.equal((await store.put(boxOf(index), LATER_MS)).status, 'stored', 'there is room again')
      stored.push(index)
      for (const number of stored) assert.equal(await store.has(boxIdOf(number)), true)
    }
    assert.ok(stored.length > 100 && refused > 100)
    await store.close()
    // LevelDB writes on opening, too; what is looked at below is what came through, not how little room that takes.
    execFileSync('mount', ['-o', `remount,size=${64 * MIB}`, mount])
    store = await openBoxStore(options)
    for (const number of stored) assert.deepEqual(await store.get(boxIdOf(number)), boxOf(number))
    await store.close()
    // A write that was refused may still be there, whole and counted: nobody was told that it is.
    const { boxes } = await auditBoxStore(options.directory)
    assert.ok(boxes.size >= stored.length && boxes.size <= next)
  })

  /** Writes that fail before or after they reached the disk, and a database that does not open again. */
  function failing(state: { write: 'well' | 'not at all' | 'and says it did not'; open: boolean }) {
    return async (location: string, create: boolean): Promise<BoxDatabase> => {
      if (!state.open) throw noRoom()
      const database = await openBoxDatabase(location, create)
      return {
        ...database,
        async write(operations) {
          if (state.write !== 'not at all') await database.write(operations)
          if (state.write !== 'well') throw noRoom()
        },
      }
    }
  }

  it('counts what is there, whether a failed write reached the disk or not', async (context) => {
    for (const way of ['not at all', 'and says it did not'] as const) {
      const directory = join(temporaryDirectory(context), 'boxes')
      const state = { write: 'well' as 'well' | typeof way, open: true }
      const store = await openBoxStoreWith(optionsFor(directory), failing(state))
      await store.put(boxOf(1), LATER_MS)
      state.write = way
      const outcomes = await Promise.all([2, 3].map((index) => store.put(boxOf(index), LATER_MS)))
      assert.deepEqual(outcomes, [{ status: 'full' }, { status: 'full' }])
      await assert.rejects(store.tombstone(boxIdOf(1)), { code: 'STORE_FULL', kind: 'environment' })
      await assert.rejects(store.expire(LATER_MS), { code: 'STORE_FULL' })
      state.write = 'well'
      await store.put(boxOf(4), LATER_MS)
      await store.tombstone(boxIdOf(4))
      const { boxes, tombstones } = store.stats()
      await store.close()
      const audit = await auditBoxStore(directory)
      assert.deepEqual([boxes, tombstones], [audit.boxes.size, audit.marks.size])
    }
  })

  it('stays refused while the database cannot be opened again, and then goes on', async (context) => {
    const state = { write: 'well' as 'well' | 'not at all', open: true }
    const store = await openBoxStoreWith(optionsFor(join(temporaryDirectory(context), 'boxes')), failing(state))
    await store.put(boxOf(1), LATER_MS)
    state.write = 'not at all'
    state.open = false
    for (let tries = 0; tries < 2; tries += 1) {
      assert.deepEqual(await store.put(boxOf(2), LATER_MS), { status: 'full' })
      await assert.rejects(store.get(boxIdOf(1)), { code: 'STORE_FULL' })
      await assert.rejects(store.list(undefined, 10), { code: 'STORE_FULL' })
    }
    state.write = 'well'
    state.open = true
    assert.deepEqual(await store.get(boxIdOf(1)), boxOf(1))
    assert.equal((await store.put(boxOf(2), LATER_MS)).status, 'stored')
    await store.close()
  })
})
