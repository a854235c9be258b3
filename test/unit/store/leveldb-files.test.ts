import assert from 'node:assert/strict'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { openLevelDatabase } from '../../../src/store/level-database.ts'
import { crc32c, maskedCrc32c } from '../../../src/store/leveldb-files/crc32c.ts'
import { dropBatch, hasData, isSoundDatabase, readLog } from '../../../src/store/leveldb-files/index.ts'
import { isSoundTable } from '../../../src/store/leveldb-files/table-file.ts'
import { bytes, temporaryDirectory } from '../../support/store.ts'

/** A log written by LevelDB itself: small batches, one that spans blocks, small ones again. */
async function makeLog(directory: string): Promise<{ path: string; content: Uint8Array }> {
  const database = await openLevelDatabase(directory, true)
  for (let index = 0; index < 40; index += 1) {
    const value = new Uint8Array(index === 20 ? 100_000 : 900).fill(index)
    await database.write([{ type: 'put', key: bytes(`key ${index}`), value }])
  }
  await database.close()
  const name = readdirSync(directory).find((entry) => entry.endsWith('.log'))
  assert.ok(name)
  const path = join(directory, name)
  return { path, content: new Uint8Array(readFileSync(path)) }
}

/** Enough tables to need more than one level, and a compaction of them. */
async function makeTables(directory: string): Promise<void> {
  for (let round = 0; round < 6; round += 1) {
    const database = await openLevelDatabase(directory, round === 0)
    const operations = Array.from(
      { length: 300 },
      (_, index) =>
        ({ type: 'put', key: bytes(`key ${index * (round + 1)}`), value: new Uint8Array(500).fill(round) }) as const,
    )
    await database.write(operations)
    await database.close()
  }
}

describe('crc32c', () => {
  it('agrees with RFC 3720 appendix B.4 and with LevelDB', () => {
    assert.equal(crc32c(bytes('123456789')), 0xe306_9283)
    assert.equal(crc32c(new Uint8Array(32)), 0x8a91_36aa)
    assert.equal(crc32c(new Uint8Array(32).fill(0xff)), 0x62a8_ab43)
    assert.equal(crc32c(Uint8Array.from({ length: 32 }, (_, index) => index)), 0x46dd_794e)
    assert.equal(crc32c(new Uint8Array(0)), 0)
    assert.notEqual(maskedCrc32c(bytes('foo')), crc32c(bytes('foo')))
  })
})

describe('readLog', () => {
  it('reads what LevelDB wrote', async (context) => {
    const { content } = await makeLog(temporaryDirectory(context))
    const { records, state } = readLog(content)
    assert.equal(state, 'whole')
    assert.equal(records.length, 40)
    assert.ok((records[20]?.payload.length ?? 0) > 100_000)
    assert.deepEqual(readLog(new Uint8Array(0)), { records: [], state: 'whole' })
  })

  it('takes a cut at any place for an unfinished end, with all records before it', async (context) => {
    const { content } = await makeLog(temporaryDirectory(context))
    const ends = readLog(content).records.map(({ offset }) => offset)
    for (let cut = 0; cut < content.length; cut += 397) {
      const { records, state } = readLog(content.subarray(0, cut))
      assert.notEqual(state, 'damaged', String(cut))
      const whole = ends.filter((_, index) => (ends[index + 1] ?? Number.POSITIVE_INFINITY) <= cut).length
      assert.ok(records.length >= whole && records.length <= whole + 1)
    }
  })

  it('notices every flipped bit before the last record, and a changed length or any cut-off of the last', async (context) => {
    const { content } = await makeLog(temporaryDirectory(context))
    const last = readLog(content).records.at(-1)?.offset ?? 0
    assert.ok(last > 100_000)
    let looked = 0
    for (let at = 0; at < last; at += 509) {
      const damaged = content.slice()
      damaged[at] = (damaged[at] ?? 0) ^ (1 << (at % 8))
      assert.equal(readLog(damaged).state, 'damaged', String(at))
      looked += 1
    }
    assert.ok(looked > 200)
    for (const bit of [1, 2, 4, 64]) {
      for (const at of [last + 4, last + 5]) {
        const damaged = content.slice()
        damaged[at] = (damaged[at] ?? 0) ^ bit
        assert.equal(readLog(damaged).state, 'damaged')
      }
    }
    const torn = content.slice()
    torn[last + 30] = (torn[last + 30] ?? 0) ^ 1
    assert.equal(readLog(torn).state, 'torn', 'what LevelDB would drop as well')
  })
})

describe('isSoundDatabase', () => {
  it('accepts what LevelDB made, at every age', async (context) => {
    const directory = temporaryDirectory(context)
    for (let round = 0; round < 8; round += 1) {
      const database = await openLevelDatabase(directory, round === 0)
      if (round % 3 !== 2) {
        await database.write(
          Array.from(
            { length: 400 },
            (_, index) => ({ type: 'put', key: bytes(`${index}`), value: new Uint8Array(5_000) }) as const,
          ),
        )
      }
      await database.close()
      assert.ok(await isSoundDatabase(directory), String(round))
      assert.ok(await hasData(directory))
    }
    assert.ok(readdirSync(directory).some((name) => name.endsWith('.ldb')))
  })

  it('sees an empty database as sound and without data, and no database as unsound', async (context) => {
    const directory = temporaryDirectory(context)
    assert.equal(await isSoundDatabase(directory), false)
    assert.equal(await hasData(directory), false)
    assert.equal(await hasData(join(directory, 'none')), false)
    await (await openLevelDatabase(directory, true)).close()
    assert.equal(await isSoundDatabase(directory), true)
    assert.equal(await hasData(directory), false)
  })

  it('accepts a half-written table that no manifest names: a kill during compaction leaves one', async (context) => {
    const directory = temporaryDirectory(context)
    await makeTables(directory)
    writeFileSync(join(directory, '000999.ldb'), 'half a table')
    assert.equal(await isSoundDatabase(directory), true)
  })
})

describe('isSoundTable', () => {
  it('notices every flipped bit that LevelDB would read', async (context) => {
    const directory = temporaryDirectory(context)
    await makeTables(directory)
    const names = readdirSync(directory).filter((name) => name.endsWith('.ldb'))
    assert.ok(names.length > 0)
    for (const name of names) {
      const content = new Uint8Array(readFileSync(join(directory, name)))
      assert.equal(isSoundTable(content), true)
      for (let at = 0; at < content.length - 48; at += 1_009) {
        const damaged = content.slice()
        damaged[at] = (damaged[at] ?? 0) ^ (1 << (at % 8))
        assert.equal(isSoundTable(damaged), false, String(at))
      }
      for (const length of [0, 10, 48, 100, content.length - 1])
        assert.equal(isSoundTable(content.subarray(0, length)), false)
    }
  })
})

describe('dropBatch', () => {
  it('cuts the log before the batch that has the marker, and leaves other logs alone', async (context) => {
    const directory = temporaryDirectory(context)
    const { path, content } = await makeLog(directory)
    await dropBatch(directory, bytes('no such marker'))
    assert.deepEqual(new Uint8Array(readFileSync(path)), content)
    await dropBatch(directory, bytes('key 39'))
    assert.equal(readLog(new Uint8Array(readFileSync(path))).records.length, 39)
    const database = await openLevelDatabase(directory, false)
    assert.equal(await database.get(bytes('key 39')), undefined)
    assert.deepEqual(await database.get(bytes('key 38')), new Uint8Array(900).fill(38))
    await database.close()
  })
})
