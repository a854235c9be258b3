import assert from 'node:assert/strict'
import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { TestContext } from 'node:test'
import { describe, it } from 'node:test'
import { openBoxStore } from '../../../../src/store/index.ts'
import { boxIdOf, boxOf, createSetClock, hoursFromStart, START_MS } from '../../../support/box-store.ts'
import { auditBoxStore } from '../../../support/box-store-audit.ts'
import type { CrashWay } from '../../../support/box-store-crash-child.ts'
import { silentLogger } from '../../../support/silent-logger.ts'
import { temporaryDirectory } from '../../../support/store.ts'

const CHILD = join(import.meta.dirname, '../../../support/box-store-crash-child.ts')
const KILLS_COUNT = 12
const START_HOUR = START_MS / 3_600_000

/** What a writer said of what it did. */
class Diary {
  readonly put = new Map<number, number>()
  readonly taken = new Set<number>()
  readonly maybeTaken = new Set<number>()
  expired = 0
  maybeExpired = 0
  highest = 0

  read(line: string): void {
    const words = line.split(' ')
    const [what = '', index = 0, hours = 0] = words[0] === 'try' ? [`try ${words[1]}`, ...words.slice(2)] : words
    const number = Number(index)
    if (what === 'put') this.put.set(number, Number(hours))
    else if (what === 'try put') this.highest = number
    else if (what === 'tombstone') this.taken.add(number)
    else if (what === 'try tombstone') this.maybeTaken.add(number)
    else if (what === 'expire') this.expired = number
    else if (what === 'try expire') this.maybeExpired = number
  }
}

interface Writer {
  readonly child: ChildProcess
  readonly lines: AsyncIterator<string, undefined>
}

function startWriter(context: TestContext, directory: string, way: CrashWay, from: number): Writer {
  const child = spawn(process.execPath, [CHILD, directory, way, String(from)], { stdio: ['ignore', 'pipe', 'inherit'] })
  context.after(() => child.kill('SIGKILL'))
  return { child, lines: createInterface({ input: child.stdout })[Symbol.asyncIterator]() }
}

async function readUntil(writer: Writer, line: string, diary: Diary): Promise<void> {
  for (;;) {
    const { value, done } = await writer.lines.next()
    assert.ok(done !== true, 'the writer ended by itself')
    if (value === line) return
    diary.read(value)
  }
}

/** Kills, then reads what it had said until then. A last line that was cut off does not count. */
async function kill(writer: Writer, diary: Diary): Promise<void> {
  assert.equal(writer.child.exitCode, null, 'the writer ended by itself')
  const exited = once(writer.child, 'exit')
  writer.child.kill('SIGKILL')
  for (;;) {
    const { value, done } = await writer.lines.next()
    if (done === true) break
    diary.read(value)
  }
  await exited
  assert.equal(writer.child.signalCode, 'SIGKILL')
}

async function check(directory: string, diary: Diary): Promise<void> {
  const { boxes, marks } = await auditBoxStore(directory)
  const hex = (index: number): string => Buffer.from(boxIdOf(index)).toString('hex')
  for (const [index, hours] of diary.put) {
    const hour = boxes.get(hex(index))
    if (diary.taken.has(index) || hours <= diary.expired) {
      if (hour !== undefined) throw new Error('a box came back')
    } else if (!diary.maybeTaken.has(index) && hours > diary.maybeExpired && hour !== START_HOUR + hours) {
      throw new Error('an acknowledged box is lost')
    }
    if (diary.taken.has(index) && hours > diary.maybeExpired && !marks.has(hex(index))) {
      throw new Error('an acknowledged tombstone is lost')
    }
  }
}

const options = (directory: string) => ({
  directory,
  quotaBytes: 64 * 1024 * 1024,
  reserveBytes: 0,
  clock: createSetClock(),
  logger: silentLogger,
})

describe('kill -9 of a host', { concurrency: true }, () => {
  it('loses nothing that was acknowledged, brings nothing back, and counts right', async (context) => {
    const directory = join(temporaryDirectory(context), 'boxes')
    const diary = new Diary()
    for (let round = 0; round < KILLS_COUNT; round += 1) {
      const writer = startWriter(context, directory, 'careful', diary.highest)
      await readUntil(writer, 'open', diary)
      // Any moment will do: the point of the kill is meant to be random.
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 80))
      await kill(writer, diary)
      // Opening recovers; what is there then is audited.
      const store = await openBoxStore(options(directory))
      const { boxes, tombstones } = store.stats()
      await store.close()
      const audit = await auditBoxStore(directory)
      assert.deepEqual([boxes, tombstones], [audit.boxes.size, audit.marks.size])
      await check(directory, diary)
    }
    assert.ok(diary.put.size > 40 * KILLS_COUNT && diary.taken.size > KILLS_COUNT, 'the writers wrote')
    const store = await openBoxStore(options(directory))
    const [index, hours] = [...diary.put].at(-1) ?? [0, 0]
    if (!diary.maybeTaken.has(index)) assert.deepEqual(await store.get(boxIdOf(index)), boxOf(index))
    while ((await store.expire(hoursFromStart(hours + 3_000))).more) continue
    assert.deepEqual([store.stats().boxes, store.stats().tombstones, store.stats().usedBytes], [0, 0, 0])
    await store.close()
  })

  it('would be noticed if a box was acknowledged before it is on the disk', async (context) => {
    const directory = join(temporaryDirectory(context), 'boxes')
    const diary = new Diary()
    const writer = startWriter(context, directory, 'broken: too early', 0)
    await readUntil(writer, 'broken', diary)
    await kill(writer, diary)
    await assert.rejects(check(directory, diary), /an acknowledged (box|tombstone) is lost|a box came back/)
  })

  it('would be noticed if half of a write reached the disk', async (context) => {
    const directory = join(temporaryDirectory(context), 'boxes')
    const diary = new Diary()
    const writer = startWriter(context, directory, 'broken: two writes', 0)
    await readUntil(writer, 'broken', diary)
    await kill(writer, diary)
    await assert.rejects(
      check(directory, diary),
      /accounting is wrong|differ in number|without its record|a box and its/,
    )
  })
})
