import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { createFileAccess } from '../../../src/daemon/file-access.ts'

const files = createFileAccess()

function directory(context: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'noctule-files-'))
  context.after(() => rmSync(path, { recursive: true, force: true }))
  return path
}

describe('files of the user, to read', () => {
  it('are read piece by piece to their end', async (context) => {
    const path = join(directory(context), 'a')
    writeFileSync(path, 'hello world')
    const file = await files.openForReading(path)
    assert.ok(typeof file === 'object')
    assert.equal(file.bytes, 11)
    const pieces = [await file.read(4), await file.read(4), await file.read(4), await file.read(4)]
    assert.deepEqual(
      pieces.map((piece) => (piece === 'failed' ? piece : Buffer.from(piece).toString())),
      ['hell', 'o wo', 'rld', ''],
    )
    await file.close()
    await file.close()
    assert.equal(await file.read(1), 'failed')
  })

  it('are regular files: no directory, link, device, socket, nor a pipe that nobody writes to', async (context) => {
    const path = directory(context)
    const at = (name: string): string => join(path, name)
    mkdirSync(at('directory'))
    writeFileSync(at('file'), 'x')
    symlinkSync(at('file'), at('link'))
    execFileSync('mkfifo', [at('pipe')])
    const server = createServer().listen(at('socket'))
    context.after(() => server.close())
    await new Promise((resolve) => server.once('listening', resolve))
    for (const name of ['directory', 'link', 'pipe', 'socket']) {
      assert.equal(await files.openForReading(at(name)), 'irregular', name)
    }
    assert.equal(await files.openForReading('/dev/zero'), 'irregular')
    const control = await files.openForReading(at('file'))
    assert.ok(typeof control === 'object')
    await control.close()
  })

  it('have a path from the root, are there, and may be read', async (context) => {
    const path = join(directory(context), 'a')
    assert.equal(await files.openForReading('a'), 'relative')
    assert.equal(await files.openForReading('../a'), 'relative')
    assert.equal(await files.openForReading(`${path}\0.txt`), 'relative')
    assert.equal(await files.openForReading(path), 'missing')
    writeFileSync(path, 'x')
    assert.equal(await files.openForReading(join(path, 'b')), 'missing')
    chmodSync(path, 0)
    // Nothing is forbidden to root.
    if (process.getuid?.() !== 0) assert.equal(await files.openForReading(path), 'forbidden')
  })

  it('are called by the last part of their path', () => {
    assert.equal(files.nameOf('/home/a b/c.txt'), 'c.txt')
    assert.equal(files.nameOf('/home/a/'), 'a')
  })
})

describe('files of the user, to write', () => {
  it('are new, and for this user alone', async (context) => {
    const path = join(directory(context), 'a')
    const file = await files.create(path)
    assert.ok(typeof file === 'object')
    assert.equal(await file.write(new TextEncoder().encode('hello ')), true)
    assert.equal(await file.write(new TextEncoder().encode('world')), true)
    assert.equal(await file.finish(), true)
    assert.equal(readFileSync(path, 'utf8'), 'hello world')
    assert.equal(statSync(path).mode & 0o777, 0o600)
  })

  it('replace nothing and follow no link, broken or not', async (context) => {
    const path = directory(context)
    const at = (name: string): string => join(path, name)
    writeFileSync(at('there'), 'x')
    symlinkSync(at('there'), at('link'))
    symlinkSync(at('nowhere'), at('broken'))
    for (const name of ['there', 'link', 'broken']) assert.equal(await files.create(at(name)), 'exists', name)
    assert.equal(readFileSync(at('there'), 'utf8'), 'x')
    assert.throws(() => statSync(at('nowhere')), { code: 'ENOENT' })
    assert.equal(await files.create(join(path, 'none', 'a')), 'missing')
    assert.equal(await files.create('a'), 'relative')
  })

  it('are gone when they were given up, and a full disk is an answer', async (context) => {
    const path = join(directory(context), 'a')
    const file = await files.create(path)
    assert.ok(typeof file === 'object')
    await file.write(Uint8Array.of(1))
    await file.discard()
    assert.throws(() => statSync(path), { code: 'ENOENT' })
    assert.equal(await file.write(Uint8Array.of(1)), false)
    assert.equal(await file.finish(), false)
  })

  it('take nothing away that has come in their place', async (context) => {
    const path = join(directory(context), 'a')
    const file = await files.create(path)
    assert.ok(typeof file === 'object')
    renameSync(path, `${path}.moved`)
    writeFileSync(path, 'mine')
    await file.discard()
    assert.equal(readFileSync(path, 'utf8'), 'mine')
  })
})
