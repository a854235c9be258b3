/**
 * Damaged bytes in every file and decoder of the store.
 * Never asks for more than: a clear error or the right answer, and nothing overwritten by a refusal.
 * @module
 */
import assert from 'node:assert/strict'
import { chmodSync, cpSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { equalBytes, isAppError } from '../../src/base/index.ts'
import { randomBytes } from '../../src/crypto/index.ts'
import { createErasurePage } from '../../src/store/erasure.ts'
import { PAGE_BYTES, readPage, withKey } from '../../src/store/erasure-page.ts'
import { decodeHeader, encodeHeader, HEADER_BYTES } from '../../src/store/header.ts'
import { openStore } from '../../src/store/index.ts'
import { openLevelDatabase } from '../../src/store/level-database.ts'
import { readLog } from '../../src/store/leveldb-files/log-file.ts'
import { readManifest } from '../../src/store/leveldb-files/manifest.ts'
import { isSoundTable } from '../../src/store/leveldb-files/table-file.ts'
import { bucketBytes, openErasable, openValue, sealErasable, sealValue } from '../../src/store/sealed-value.ts'
import { bytes, hashFiles, storeOptions, temporaryDirectory, WEAK_KDF, withStore } from '../support/store.ts'

const KEY = randomBytes(32)
const HASHED = randomBytes(32)
const PLACE = { table: 't', hashedKey: HASHED }

/** Flips, cuts, trailing bytes, and replacement by noise. Never the original. */
function damaged(original: Uint8Array): fc.Arbitrary<Uint8Array> {
  const flip = fc.tuple(fc.nat(original.length - 1), fc.integer({ min: 1, max: 255 })).map(([at, mask]) => {
    const copy = original.slice()
    copy[at] = (copy[at] ?? 0) ^ mask
    return copy
  })
  const cut = fc.nat(original.length - 1).map((length) => original.slice(0, length))
  const longer = fc.uint8Array({ minLength: 1, maxLength: 64 }).map((extra) => Uint8Array.from([...original, ...extra]))
  const noise = fc.uint8Array({ maxLength: original.length + 9 })
  return fc
    .oneof({ weight: 4, arbitrary: flip }, cut, longer, noise)
    .filter((bytesNow) => !equalBytes(bytesNow, original))
}

describe('fuzz: decoders of the store', () => {
  const header = {
    secretType: 'passphrase',
    kdf: WEAK_KDF,
    salt: randomBytes(32),
    nonce: randomBytes(12),
    wrappedKey: randomBytes(48),
  } as const

  it('header: refused, or the same', () => {
    const encoded = encodeHeader(header)
    assert.equal(encoded.length, HEADER_BYTES)
    assert.deepEqual(decodeHeader(encoded), { ok: true, header })
    fc.assert(
      fc.property(damaged(encoded), (input) => assert.deepEqual(decodeHeader(input), { ok: false, reason: 'corrupt' })),
      {
        numRuns: 3_000,
      },
    )
  })

  it('erasure page: no key, or only true ones', () => {
    const one = createErasurePage(KEY)
    const first = readPage(one, KEY)?.keys[0]
    assert.ok(first)
    const two = withKey(one, KEY, { generation: 2, key: randomBytes(32) })
    const all = readPage(two, KEY)?.keys ?? []
    assert.equal(all.length, 2)
    const known = new Set(all.map(({ key }) => Buffer.from(key).toString('hex')))
    for (const page of [one, two]) {
      fc.assert(
        fc.property(damaged(page), (input) => {
          const found = readPage(input, KEY)
          if (input.length !== PAGE_BYTES) assert.equal(found, undefined)
          for (const { key } of found?.keys ?? []) assert.ok(known.has(Buffer.from(key).toString('hex')))
        }),
        { numRuns: 500 },
      )
    }
    assert.equal(readPage(one, randomBytes(32)), undefined)
  })

  it('sealed values: undefined, in any other place and with any other bytes', () => {
    const value = bytes('value')
    const sealed = sealValue(KEY, PLACE, value)
    assert.deepEqual(openValue(KEY, PLACE, sealed), value)
    const erasable = sealErasable(KEY, HASHED, sealed)
    assert.deepEqual(openErasable(KEY, HASHED, erasable), sealed)
    fc.assert(
      fc.property(damaged(sealed), (input) => assert.equal(openValue(KEY, PLACE, input), undefined)),
      { numRuns: 1_500 },
    )
    fc.assert(
      fc.property(damaged(erasable), (input) => assert.equal(openErasable(KEY, HASHED, input), undefined)),
      { numRuns: 1_500 },
    )
    assert.equal(openValue(KEY, { ...PLACE, table: 'u' }, sealed), undefined)
    assert.equal(openValue(KEY, { ...PLACE, hashedKey: randomBytes(32) }, sealed), undefined)
    assert.equal(openValue(randomBytes(32), PLACE, sealed), undefined)
    assert.equal(openErasable(KEY, randomBytes(32), erasable), undefined)
    assert.equal(openErasable(KEY, HASHED, sealed), undefined)
  })

  it('sizes on disk are one of few', () => {
    const sizes = new Set<number>()
    for (let size = 0; size < 70_000; size += 13) {
      const bucket = bucketBytes(size)
      assert.ok(bucket >= size + 4)
      sizes.add(bucket)
    }
    assert.deepEqual([...sizes], [256, 1_024, 4_096, 16_384, 65_536, 131_072])
    for (const size of [0, 1, 252]) assert.equal(sealValue(KEY, PLACE, new Uint8Array(size)).length, 256 + 41)
    assert.equal(sealValue(KEY, PLACE, new Uint8Array(253)).length, 1_024 + 41)
  })

  it('files of LevelDB: an answer, never an exception', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (input) => {
        readLog(input)
        isSoundTable(input)
        readManifest([input])
      }),
      { numRuns: 3_000 },
    )
  })
})

describe('fuzz: a store with damaged files', () => {
  it('is refused unchanged, or every value is right or reported', async (context) => {
    const source = join(temporaryDirectory(context), 'source')
    const options = storeOptions(source)
    const expected = new Map<string, Uint8Array>()
    for (let round = 0; round < 3; round += 1) {
      await withStore(openStore(options), async (store) => {
        for (let index = 0; index < 12; index += 1) {
          const key = `${round}/${index}`
          const value = randomBytes(50 * index)
          expected.set(key, value)
          await store.batch([{ type: 'put', table: 't', key, value, erasable: index % 3 === 0 }])
        }
      })
    }
    const files = readdirSync(source, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && entry.name !== 'LOCK')
      .map((entry) => join(entry.parentPath, entry.name).slice(source.length))
    assert.ok(files.length >= 6)
    let refused = 0
    let opened = 0
    for (let run = 0; run < 150; run += 1) {
      const directory = join(temporaryDirectory(context), 'copy')
      cpSync(source, directory, { recursive: true })
      chmodSync(directory, 0o700)
      const path = join(directory, files[run % files.length] ?? '')
      const content = new Uint8Array(readFileSync(path))
      if (content.length === 0) continue
      const [change] = fc.sample(damaged(content), { numRuns: 1 })
      writeFileSync(path, change ?? content)
      const before = await hashFiles(directory)
      try {
        await withStore(openStore({ ...options, directory }), async (store) => {
          opened += 1
          for (const [key, value] of expected) {
            const got = await store.get('t', key).catch((error: unknown) => {
              assert.ok(isAppError(error, 'STORE_CORRUPT'))
              return value
            })
            // The last batch of a log that was cut is gone, as after a power cut; nothing else may be.
            if (got !== undefined) assert.deepEqual(got, value)
            else assert.match(path, /\.log$/)
          }
        })
      } catch (error: unknown) {
        if (!isAppError(error)) throw error
        assert.ok(['STORE_CORRUPT', 'STORE_TOO_NEW'].includes(error.code), error.code)
        refused += 1
        assert.deepEqual(await hashFiles(directory), before, path)
      }
    }
    assert.ok(refused > 50 && opened > 0, `refused ${refused}, opened ${opened}`)
  })

  it('reports a value that was changed inside a sound database, and leaves the others readable', async (context) => {
    const directory = temporaryDirectory(context)
    const options = storeOptions(directory)
    await withStore(openStore(options), (store) =>
      store.batch(
        ['a', 'b', 'c'].map(
          (key, index) => ({ type: 'put', table: 't', key, value: bytes(key), erasable: index === 0 }) as const,
        ),
      ),
    )
    const database = await openLevelDatabase(join(directory, 'db'), false)
    const records = [...(await database.keysUnder(0)), ...(await database.keysUnder(1))]
    assert.equal(records.length, 3)
    const values = await database.getMany(records)
    for (const [index, key] of records.entries()) {
      const value = values[index]?.slice()
      const other = values[(index + 1) % 3]
      assert.ok(value && other)
      value[40] = (value[40] ?? 0) ^ 1
      await database.write([{ type: 'put', key, value: index === 1 ? other : value }])
    }
    await database.close()
    await withStore(openStore(options), async (store) => {
      for (const key of ['a', 'b', 'c']) await assert.rejects(store.get('t', key), { code: 'STORE_CORRUPT' })
      await store.batch([{ type: 'put', table: 't', key: 'b', value: bytes('new') }])
      assert.deepEqual(await store.get('t', 'b'), bytes('new'))
      await store.renewErasureKey()
    })
  })
})
