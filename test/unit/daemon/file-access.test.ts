import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { createFileAccess } from '../../../src/daemon/file-access.ts'
import { moveWithoutReplacing } from '../../../src/daemon/new-file.ts'

const files = createFileAccess()
const KILLED_SAVE = join(import.meta.dirname, '../../support/killed-save-child.ts')

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
    assert.equal(await file.finish(), undefined)
    assert.equal(readFileSync(path, 'utf8'), 'hello world')
    assert.equal(statSync(path).mode & 0o777, 0o600)
    assert.deepEqual(readdirSync(dirname(path)), ['a'])
    // A second name would show a file that was changed later under the first.
    assert.equal(statSync(path).nlink, 1)
  })

  it('have their name when they are whole, and not before: whoever is killed leaves no part of one under it', async (context) => {
    const folder = directory(context)
    const child = spawn(process.execPath, [KILLED_SAVE, join(folder, 'a')], { stdio: ['ignore', 'pipe', 'inherit'] })
    await once(child.stdout, 'data')
    child.kill('SIGKILL')
    await once(child, 'exit')
    const left = readdirSync(folder)
    assert.deepEqual(
      left.filter((name) => !name.endsWith('.part')),
      [],
    )
    // Control: it had written.
    assert.deepEqual(
      left.map((name) => statSync(join(folder, name)).size),
      [5],
    )
  })

  it('take what killed ones have left along, once it is old, and nothing else', async (context) => {
    const folder = directory(context)
    const at = (name: string): string => join(folder, name)
    const [old, fresh] = [`.noctule-${'0'.repeat(32)}.part`, `.noctule-${'1'.repeat(32)}.part`]
    const innocent = ['.noctule-1.part', `${'0'.repeat(32)}.part`, `.noctule-${'0'.repeat(32)}.part.txt`]
    const long = new Date(Date.now() - 2 * 3_600_000)
    for (const name of [old, fresh, ...innocent]) writeFileSync(at(name), 'x')
    for (const name of [old, ...innocent]) utimesSync(at(name), long, long)
    const file = await files.create(at('a'))
    assert.ok(typeof file === 'object')
    assert.equal(await file.finish(), undefined)
    assert.deepEqual(readdirSync(folder).sort(), [...innocent, fresh, 'a'].sort())
  })

  it('replace nothing that came while they were written', async (context) => {
    const path = join(directory(context), 'a')
    const file = await files.create(path)
    assert.ok(typeof file === 'object')
    writeFileSync(path, 'mine')
    assert.equal(await file.finish(), 'exists')
    await file.discard()
    assert.equal(readFileSync(path, 'utf8'), 'mine')
    assert.deepEqual(readdirSync(dirname(path)), ['a'])
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
    assert.equal(await files.create(`${join(path, 'b')}/`), 'irregular')
    assert.deepEqual(readdirSync(path).sort(), ['broken', 'link', 'there'])
  })

  it('are gone when they were given up, and a full disk is an answer', async (context) => {
    const path = join(directory(context), 'a')
    const file = await files.create(path)
    assert.ok(typeof file === 'object')
    await file.write(Uint8Array.of(1))
    await file.discard()
    assert.deepEqual(readdirSync(dirname(path)), [])
    assert.equal(await file.write(Uint8Array.of(1)), false)
    assert.equal(await file.finish(), 'failed')
  })

  it('take nothing away that has come in their place', async (context) => {
    const path = join(directory(context), 'a')
    const file = await files.create(path)
    assert.ok(typeof file === 'object')
    assert.equal(await file.finish(), undefined)
    renameSync(path, `${path}.moved`)
    writeFileSync(path, 'mine')
    await file.discard()
    assert.equal(readFileSync(path, 'utf8'), 'mine')
  })

  it('replace nothing where the file system knows no hard links', async (context) => {
    const folder = directory(context)
    const at = (name: string): string => join(folder, name)
    const noLinks = () => Promise.reject(Object.assign(new Error('no links'), { code: 'EPERM' }))
    writeFileSync(at('part'), 'whole')
    writeFileSync(at('there'), 'mine')
    await assert.rejects(moveWithoutReplacing(at('part'), at('there'), noLinks), { code: 'EEXIST' })
    assert.equal(readFileSync(at('there'), 'utf8'), 'mine')
    await moveWithoutReplacing(at('part'), at('free'), noLinks)
    assert.equal(readFileSync(at('free'), 'utf8'), 'whole')
    assert.deepEqual(readdirSync(folder).sort(), ['free', 'there'])
    await assert.rejects(moveWithoutReplacing(at('gone'), at('none'), noLinks), { code: 'ENOENT' })
    assert.deepEqual(readdirSync(folder).sort(), ['free', 'there'])
  })
})
