import assert from 'node:assert/strict'
import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { encodeBoxHeader } from '../../../../src/store/box-store/header.ts'
import type { OpenBoxStoreOptions } from '../../../../src/store/index.ts'
import { openBoxStore } from '../../../../src/store/index.ts'
import { boxIdOf, boxOf, createSetClock, hoursFromStart } from '../../../support/box-store.ts'
import { auditBoxStore } from '../../../support/box-store-audit.ts'
import { silentLogger } from '../../../support/silent-logger.ts'
import { hashFiles, temporaryDirectory } from '../../../support/store.ts'

function optionsFor(directory: string): OpenBoxStoreOptions {
  return { directory, quotaBytes: 64 * 1024 * 1024, clock: createSetClock(), logger: silentLogger }
}

/** A closed store with some boxes, in tables and in the log. */
async function filled(directory: string, boxes = 40): Promise<OpenBoxStoreOptions> {
  const options = optionsFor(directory)
  for (let from = 0; from < boxes; from += 20) {
    const store = await openBoxStore(options)
    await Promise.all(Array.from({ length: 20 }, (_, at) => store.put(boxOf(from + at), hoursFromStart(9))))
    await store.close()
  }
  return options
}

async function assertRefused(options: OpenBoxStoreOptions, code: string): Promise<void> {
  const before = await hashFiles(options.directory)
  await assert.rejects(openBoxStore(options), (error: { code?: string; remedy?: string }) => {
    assert.equal(error.code, code)
    assert.ok((error.remedy ?? '').length > 10, 'with advice')
    return true
  })
  assert.deepEqual(await hashFiles(options.directory), before, 'nothing was changed')
}

function change(path: string, at: number): void {
  const bytes = readFileSync(path)
  const index = at < 0 ? bytes.length + at : at
  bytes[index] = (bytes[index] ?? 0) ^ 0x40
  writeFileSync(path, bytes)
}

describe('openBoxStore', () => {
  it('makes a private directory, and has after reopening what it had', async (context) => {
    const directory = join(temporaryDirectory(context), 'data', 'boxes')
    const options = await filled(directory)
    assert.equal(statSync(directory).mode & 0o777, 0o700)
    const store = await openBoxStore(options)
    await store.tombstone(boxIdOf(0))
    await store.close()
    const again = await openBoxStore(options)
    assert.deepEqual([again.stats().boxes, again.stats().tombstones], [39, 1])
    assert.deepEqual(await again.get(boxIdOf(1)), boxOf(1))
    assert.deepEqual(await again.put(boxOf(0), hoursFromStart(9)), { status: 'tombstoned' })
    assert.equal((await again.expire(hoursFromStart(9))).dropped, 40)
    await again.close()
    const { boxes, marks } = await auditBoxStore(directory)
    assert.deepEqual([boxes.size, marks.size], [0, 0])
  })

  it('refuses a directory that is open to others', async (context) => {
    const directory = temporaryDirectory(context)
    chmodSync(directory, 0o750)
    await assertRefused(optionsFor(directory), 'STORE_PERMISSIONS')
  })

  it('refuses a store that is open already, and leaves it alone', async (context) => {
    const options = optionsFor(temporaryDirectory(context))
    const store = await openBoxStore(options)
    await assert.rejects(openBoxStore(options), { code: 'STORE_LOCKED' })
    assert.equal((await store.put(boxOf(1), hoursFromStart(9))).status, 'stored')
    await store.close()
    await (await openBoxStore(options)).close()
  })

  it('refuses a newer schema version with advice', async (context) => {
    const options = await filled(temporaryDirectory(context))
    writeFileSync(join(options.directory, 'boxes.header'), encodeBoxHeader(2))
    await assertRefused(options, 'STORE_TOO_NEW')
    writeFileSync(join(options.directory, 'boxes.header'), encodeBoxHeader())
    await (await openBoxStore(options)).close()
  })

  it('refuses a damaged header, and a store whose header is gone', async (context) => {
    const options = await filled(temporaryDirectory(context))
    const header = join(options.directory, 'boxes.header')
    const good = readFileSync(header)
    for (const bad of [
      good.subarray(0, -1),
      Buffer.concat([good, Buffer.of(0)]),
      Buffer.alloc(0),
      Buffer.alloc(5_000),
    ]) {
      writeFileSync(header, bad)
      await assertRefused(options, 'STORE_CORRUPT')
    }
    for (let at = 0; at < good.length; at += 1) {
      writeFileSync(header, good)
      change(header, at)
      await assertRefused(options, 'STORE_CORRUPT')
    }
    rmSync(header)
    await assertRefused(options, 'STORE_CORRUPT')
  })

  it('refuses damaged and missing files of the database', async (context) => {
    const options = await filled(temporaryDirectory(context))
    const database = join(options.directory, 'db')
    const names = readdirSync(database).filter((name) => /\.ldb$|\.log$|^MANIFEST|^CURRENT/.test(name))
    const looked = new Set<string>()
    for (const name of names) {
      const path = join(database, name)
      const good = readFileSync(path)
      if (good.length === 0) continue
      change(path, Math.floor(good.length / 3))
      await assertRefused(options, 'STORE_CORRUPT')
      rmSync(path)
      await assertRefused(options, 'STORE_CORRUPT')
      writeFileSync(path, good)
      looked.add(name.replace(/^\d+|-\d+$/g, ''))
    }
    assert.deepEqual([...looked].sort(), ['.ldb', '.log', 'CURRENT', 'MANIFEST'])
    const store = await openBoxStore(options)
    assert.equal(store.stats().boxes, 40)
    await store.close()
  })

  it('finishes a store whose making was interrupted', async (context) => {
    const directory = temporaryDirectory(context)
    // Before the header: LevelDB made its files, and nothing is in them.
    mkdirSync(join(directory, 'db'))
    const options = optionsFor(directory)
    const store = await openBoxStore(options)
    assert.equal((await store.put(boxOf(1), hoursFromStart(9))).status, 'stored')
    await store.close()
    await auditBoxStore(directory)
  })

  it('takes no more under a smaller quota, and drops nothing for it', async (context) => {
    const options = await filled(temporaryDirectory(context))
    const store = await openBoxStore({ ...options, quotaBytes: 10_000 })
    assert.deepEqual(await store.put(boxOf(99), hoursFromStart(9)), { status: 'full' })
    assert.equal((await store.put(boxOf(1), hoursFromStart(9))).status, 'present')
    assert.equal(store.stats().boxes, 40)
    await store.close()
  })
})
