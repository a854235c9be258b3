import assert from 'node:assert/strict'
import { chmod, cp, mkdir, readdir, readFile, rename, rm, stat, symlink, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, it, mock } from 'node:test'
import { inspect } from 'node:util'
import { Level } from 'level'
import { isAppError } from '../../../src/base/index.ts'
import { sha256 } from '../../../src/crypto/index.ts'
import type { OpenStoreOptions } from '../../../src/store/index.ts'
import { changePassphrase, KDF_DEFAULT, openStore, STORE_ERRORS } from '../../../src/store/index.ts'
import {
  bytes,
  hashFiles,
  passphrase,
  storeOptions,
  temporaryDirectory,
  WEAK_KDF,
  withStore,
} from '../../support/store.ts'

const put = (key: string, text: string) => ({ type: 'put', table: 't', key, value: bytes(text) }) as const

async function makeStore(options: OpenStoreOptions): Promise<void> {
  await withStore(openStore(options), (store) => store.batch([put('k', 'v'), { ...put('e', 'w'), erasable: true }]))
}

async function assertOpens(options: OpenStoreOptions): Promise<void> {
  await withStore(openStore(options), async (store) => {
    assert.deepEqual(await store.get('t', 'k'), bytes('v'))
    assert.deepEqual(await store.get('t', 'e'), bytes('w'))
  })
}

/** Refused with the code, and every file is as it was. */
async function assertRefused(options: OpenStoreOptions, code: string): Promise<void> {
  const before = await hashFiles(options.directory)
  await assert.rejects(openStore(options), { code })
  assert.deepEqual(await hashFiles(options.directory), before)
}

async function flip(path: string, at: number): Promise<void> {
  const content = await readFile(path)
  content[at] = (content[at] ?? 0) ^ 1
  await writeFile(path, content)
}

async function editHeader(path: string, edit: (covered: Uint8Array) => void): Promise<void> {
  const content = new Uint8Array(await readFile(path))
  const covered = content.subarray(0, content.length - 32)
  edit(covered)
  content.set(sha256(covered), covered.length)
  await writeFile(path, content)
}

describe('openStore', () => {
  it('makes a store in a private directory and opens it again', async (context) => {
    const options = storeOptions(join(temporaryDirectory(context), 'new', 'profile'))
    await makeStore(options)
    assert.equal((await stat(options.directory)).mode & 0o777, 0o700)
    assert.equal((await stat(join(options.directory, 'store.header'))).mode & 0o777, 0o600)
    assert.equal((await stat(join(options.directory, 'erasure.page'))).mode & 0o777, 0o600)
    assert.equal((await stat(join(options.directory, 'erasure.page'))).size, 4_096)
    await assertOpens({ ...options, create: 'never' })
    await assertOpens(options)
  })

  it('makes nothing when it must not', async (context) => {
    const directory = temporaryDirectory(context)
    await assert.rejects(openStore(storeOptions(join(directory, 'none'), { create: 'never' })), {
      code: 'STORE_MISSING',
    })
    await assert.rejects(openStore(storeOptions(directory, { create: 'never' })), { code: 'STORE_MISSING' })
    assert.deepEqual(await readdir(directory), [])
  })

  it('takes up a creation that was cut short', async (context) => {
    const options = storeOptions(temporaryDirectory(context))
    await withStore(openStore(options), async () => undefined)
    await rm(join(options.directory, 'store.header'))
    await makeStore(options)
    await assertOpens(options)
  })

  it('refuses a wrong passphrase, and changes nothing', async (context) => {
    const options = storeOptions(temporaryDirectory(context))
    await makeStore(options)
    await assertRefused({ ...options, secret: passphrase('wrong') }, 'STORE_WRONG_PASSPHRASE')
    await assertRefused({ ...options, secret: passphrase('') }, 'STORE_WRONG_PASSPHRASE')
    await assertOpens(options)
  })

  it('uses the documented key derivation by default, and it opens again', async (context) => {
    const { kdf: _, unsafeWeakKdf: __, ...options } = storeOptions(temporaryDirectory(context))
    await makeStore(options)
    const header = await readFile(join(options.directory, 'store.header'))
    assert.deepEqual([header.readUInt32BE(16), header.readUInt32BE(20), header.readUInt32BE(24)], [262_144, 3, 1])
    assert.deepEqual(KDF_DEFAULT, { memoryKiB: 262_144, passes: 3, parallelism: 1 })
    await assertOpens(options)
  })

  it('refuses a weak key derivation, for a new store and for an old one', async (context) => {
    const options = storeOptions(temporaryDirectory(context))
    for (const kdf of [
      WEAK_KDF,
      { memoryKiB: 65_535, passes: 3, parallelism: 1 },
      { memoryKiB: 65_536, passes: 2, parallelism: 1 },
    ]) {
      await assert.rejects(openStore({ ...options, kdf, unsafeWeakKdf: false }), { code: 'STORE_KDF_TOO_WEAK' })
    }
    await makeStore(options)
    await assertRefused({ ...options, unsafeWeakKdf: false }, 'STORE_KDF_TOO_WEAK')
  })

  it('makes and uses a key file', async (context) => {
    const directory = temporaryDirectory(context)
    const path = join(directory, 'key')
    const options = storeOptions(join(directory, 'profile'), { secret: { type: 'key-file', path } })
    await makeStore(options)
    assert.equal((await stat(path)).mode & 0o777, 0o600)
    assert.equal((await stat(path)).size, 32)
    await assertOpens(options)

    await assertRefused({ ...options, secret: passphrase('x') }, 'STORE_SECRET_MISMATCH')
    await rename(path, `${path}.away`)
    await assertRefused(options, 'STORE_KEY_FILE_MISSING')
    await assert.rejects(stat(path), { code: 'ENOENT' })
    await symlink(`${path}.away`, path)
    await assertRefused(options, 'STORE_KEY_FILE_INVALID')
    await rm(path)
    await mkdir(path, { mode: 0o700 })
    await assertRefused(options, 'STORE_KEY_FILE_INVALID')
    await rm(path, { recursive: true })
    for (const size of [0, 31, 33]) {
      await writeFile(path, new Uint8Array(size), { mode: 0o600 })
      await assertRefused(options, 'STORE_KEY_FILE_INVALID')
    }
    await writeFile(path, new Uint8Array(32))
    await assertRefused(options, 'STORE_WRONG_KEY_FILE')
    await cp(`${path}.away`, path)
    for (const mode of [0o640, 0o604, 0o660]) {
      await chmod(path, mode)
      await assertRefused(options, 'STORE_KEY_FILE_PERMISSIONS')
    }
    await chmod(path, 0o600)
    await assertOpens(options)
  })

  it('refuses a directory that others may enter', async (context) => {
    const options = storeOptions(temporaryDirectory(context))
    await makeStore(options)
    for (const mode of [0o750, 0o705, 0o777]) {
      await chmod(options.directory, mode)
      await assertRefused(options, 'STORE_PERMISSIONS')
      await assert.rejects(
        changePassphrase({ directory: options.directory, current: options.secret, next: options.secret }),
        { code: 'STORE_PERMISSIONS' },
      )
    }
    await chmod(options.directory, 0o700)
    await assertOpens(options)
    await rm(options.directory, { recursive: true })
    await writeFile(options.directory, '')
    await assert.rejects(openStore(options), { code: 'STORE_IO' })
  })

  it('refuses what a newer version wrote', async (context) => {
    const options = storeOptions(temporaryDirectory(context))
    await makeStore(options)
    const header = join(options.directory, 'store.header')
    const original = await readFile(header)
    for (const at of [9, 11]) {
      await editHeader(header, (covered) => {
        covered[at] = 2
      })
      await assertRefused(options, 'STORE_TOO_NEW')
      await writeFile(header, original)
    }
    const longer = new Uint8Array(300)
    longer.set(original.subarray(0, 8))
    longer[9] = 7
    await writeFile(header, longer)
    await editHeader(header, () => undefined)
    await assertRefused(options, 'STORE_TOO_NEW')
    await writeFile(header, original)
    await assertOpens(options)
  })

  it('refuses damaged and missing files, and changes nothing', async (context) => {
    const source = storeOptions(temporaryDirectory(context))
    await makeStore(source)
    await makeStore(source)
    const database = await readdir(join(source.directory, 'db'))
    const table = database.find((name) => name.endsWith('.ldb'))
    const manifest = database.find((name) => name.startsWith('MANIFEST'))
    const log = database.find((name) => name.endsWith('.log'))
    assert.ok(table && manifest && log)
    const damages: Record<string, (directory: string) => Promise<void>> = {
      'header flipped': (at) => flip(join(at, 'store.header'), 40),
      'header cut': (at) => truncate(join(at, 'store.header'), 100),
      'header empty': (at) => truncate(join(at, 'store.header'), 0),
      'header gone': (at) => rm(join(at, 'store.header')),
      'header huge': (at) => truncate(join(at, 'store.header'), 1 << 20),
      'page flipped': (at) => flip(join(at, 'erasure.page'), 30).then(() => flip(join(at, 'erasure.page'), 2_078)),
      'page cut': (at) => truncate(join(at, 'erasure.page'), 4_095),
      'page longer': (at) => truncate(join(at, 'erasure.page'), 4_097),
      'page gone': (at) => rm(join(at, 'erasure.page')),
      'database gone': (at) => rm(join(at, 'db'), { recursive: true }),
      'CURRENT gone': (at) => rm(join(at, 'db', 'CURRENT')),
      'CURRENT empty': (at) => truncate(join(at, 'db', 'CURRENT'), 0),
      'CURRENT wrong': (at) => writeFile(join(at, 'db', 'CURRENT'), '../../etc/passwd\n'),
      'manifest gone': (at) => rm(join(at, 'db', manifest)),
      'manifest flipped': (at) => flip(join(at, 'db', manifest), 20),
      'manifest empty': (at) => truncate(join(at, 'db', manifest), 0),
      'table gone': (at) => rm(join(at, 'db', table)),
      'table cut': (at) => truncate(join(at, 'db', table), 100),
      'table flipped': (at) => flip(join(at, 'db', table), 200),
      'log gone': (at) => rm(join(at, 'db', log)),
      'log flipped in the middle': (at) => flip(join(at, 'db', log), 50),
    }
    for (const [name, damage] of Object.entries(damages)) {
      const directory = join(temporaryDirectory(context), 'copy')
      await cp(source.directory, directory, { recursive: true })
      await chmod(directory, 0o700)
      await damage(directory)
      await assert.doesNotReject(assertRefused({ ...source, directory }, 'STORE_CORRUPT'), name)
    }
    await assertOpens(source)
  })

  it('is held by one at a time, also within one process and by another path', async (context) => {
    const directory = temporaryDirectory(context)
    const options = storeOptions(join(directory, 'profile'))
    const store = await openStore(options)
    await symlink('profile', join(directory, 'link'))
    await assert.rejects(openStore(options), { code: 'STORE_LOCKED' })
    await assert.rejects(openStore({ ...options, directory: join(directory, 'link') }), { code: 'STORE_LOCKED' })
    const change = { directory: options.directory, current: options.secret, next: options.secret, kdf: WEAK_KDF }
    await assert.rejects(changePassphrase({ ...change, unsafeWeakKdf: true }), { code: 'STORE_LOCKED' })
    await store.batch([put('k', 'v'), { ...put('e', 'w'), erasable: true }])
    await store.close()
    await assertOpens(options)
  })

  it('writes with sync', async (context) => {
    const batch = mock.method(Level.prototype, 'batch')
    context.after(() => batch.mock.restore())
    await makeStore(storeOptions(temporaryDirectory(context)))
    assert.ok(batch.mock.callCount() > 0)
    for (const call of batch.mock.calls) {
      assert.deepEqual((call.arguments as readonly unknown[])[1], { sync: true })
    }
  })

  it('keeps no info log of LevelDB', async (context) => {
    const options = storeOptions(temporaryDirectory(context))
    await withStore(openStore(options), async () => {
      const names = await readdir(join(options.directory, 'db'))
      assert.ok(names.includes('LOCK'))
      assert.ok(!names.some((name) => name.startsWith('LOG')))
    })
  })

  it('has no plaintext, table name or key in any file', async (context) => {
    const options = storeOptions(temporaryDirectory(context))
    const value = bytes('a planted plaintext')
    await withStore(openStore(options), (store) =>
      store.batch([
        { type: 'put', table: 'planted-table', key: 'planted-key', value },
        { type: 'put', table: 'planted-table', key: 'planted-key-2', value, erasable: true },
      ]),
    )
    await withStore(openStore(options), async () => undefined)
    let looked = 0
    for (const entry of await readdir(options.directory, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue
      const content = await readFile(join(entry.parentPath, entry.name))
      looked += content.length
      assert.ok(!content.includes('planted'))
    }
    assert.ok(looked > 4_096 + 500)
  })

  it('says nothing about paths or secrets in its errors', async (context) => {
    const options = storeOptions(temporaryDirectory(context))
    await makeStore(options)
    await rm(join(options.directory, 'db', 'CURRENT'))
    await assert.rejects(openStore(options), (error: unknown) => {
      assert.ok(isAppError(error))
      assert.ok(!`${error.message}${error.remedy}${inspect(error.details)}`.includes('noctule-store'))
      return true
    })
    for (const entry of Object.values(STORE_ERRORS)) assert.ok(entry.why.endsWith('.') && entry.remedy.endsWith('.'))
    assert.ok(!inspect(options.secret, { depth: 9 }).includes('horse'))
  })
})

describe('changePassphrase', () => {
  it('refuses a damaged store, and changes nothing', async (context) => {
    const options = storeOptions(temporaryDirectory(context))
    await withStore(openStore(options), async (store) => {
      for (let index = 0; index < 4; index += 1) await store.batch([put(`k${index}`, 'v')])
    })
    const database = join(options.directory, 'db')
    const log = (await readdir(database)).find((name) => name.endsWith('.log'))
    assert.ok(log !== undefined)
    await flip(join(database, log), 20)
    await assertRefused(options, 'STORE_CORRUPT')
    const before = await hashFiles(options.directory)
    const change = { directory: options.directory, current: options.secret, next: passphrase('another one') }
    await assert.rejects(changePassphrase({ ...change, kdf: WEAK_KDF, unsafeWeakKdf: true }), { code: 'STORE_CORRUPT' })
    assert.deepEqual(await hashFiles(options.directory), before)
    await assertRefused(options, 'STORE_CORRUPT')
  })

  it('rewraps the master key and touches nothing else', async (context) => {
    const directory = temporaryDirectory(context)
    const options = storeOptions(join(directory, 'profile'))
    await makeStore(options)
    const change = { directory: options.directory, kdf: WEAK_KDF, unsafeWeakKdf: true }
    const next = passphrase('another one')
    await assert.rejects(changePassphrase({ ...change, current: next, next }), { code: 'STORE_WRONG_PASSPHRASE' })
    await assertOpens(options)
    const page = await readFile(join(options.directory, 'erasure.page'))
    await changePassphrase({ ...change, current: options.secret, next })
    assert.deepEqual(await readFile(join(options.directory, 'erasure.page')), page)
    await assertRefused(options, 'STORE_WRONG_PASSPHRASE')
    await assertOpens({ ...options, secret: next })
    const keyFile = { type: 'key-file', path: join(directory, 'key') } as const
    await changePassphrase({ ...change, current: next, next: keyFile })
    await assertOpens({ ...options, secret: keyFile })
    await assert.rejects(changePassphrase({ ...change, current: keyFile, next, unsafeWeakKdf: false }), {
      code: 'STORE_KDF_TOO_WEAK',
    })
    await assert.rejects(changePassphrase({ ...change, directory, current: next, next }), { code: 'STORE_MISSING' })
    await assert.rejects(changePassphrase({ ...change, directory: join(directory, 'no'), current: next, next }), {
      code: 'STORE_MISSING',
    })
  })
})
