import assert from 'node:assert/strict'
import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { TestContext } from 'node:test'
import { describe, it } from 'node:test'
import { openStore } from '../../../src/store/index.ts'
import { storeOptions, temporaryDirectory, withStore } from '../../support/store.ts'
import { checkCounters } from '../../support/store-crash-check.ts'

const CHILD = join(import.meta.dirname, '../../support/store-crash-child.ts')
const KILLS_COUNT = 15

interface Writer {
  readonly child: ChildProcess
  readonly lines: AsyncIterator<string, undefined>
}

function startWriter(context: TestContext, directory: string, way: string): Writer {
  const child = spawn(process.execPath, [CHILD, directory, way], { stdio: ['ignore', 'pipe', 'inherit'] })
  context.after(() => child.kill('SIGKILL'))
  return { child, lines: createInterface({ input: child.stdout })[Symbol.asyncIterator]() }
}

async function untilLine(writer: Writer, line: string): Promise<number> {
  let counter = 0
  for (;;) {
    const { value, done } = await writer.lines.next()
    assert.ok(done !== true, 'the writer ended by itself')
    if (value === line) return counter
    counter = Number(value) || counter
  }
}

/** Kills, then reads what it had said until then: the last number that was acknowledged. */
async function kill(writer: Writer): Promise<number> {
  const exited = once(writer.child, 'exit')
  writer.child.kill('SIGKILL')
  let counter = 0
  for (;;) {
    const { value, done } = await writer.lines.next()
    if (done === true) break
    counter = Number(value) || counter
  }
  await exited
  assert.equal(writer.child.signalCode, 'SIGKILL')
  return counter
}

describe('kill -9', { concurrency: true }, () => {
  for (const way of ['batches', 'renewals']) {
    it(`loses no acknowledged batch and halves none, with ${way}`, async (context) => {
      const directory = temporaryDirectory(context)
      let last = 0
      for (let round = 0; round < KILLS_COUNT; round += 1) {
        const writer = startWriter(context, directory, way)
        await untilLine(writer, 'open')
        // Any moment will do: the point of the kill is meant to be random.
        await new Promise((resolve) => setTimeout(resolve, Math.random() * 60))
        const acknowledged = Math.max(last, await kill(writer))
        last = await withStore(openStore(storeOptions(directory, { create: 'never' })), (store) =>
          checkCounters(store, acknowledged),
        )
      }
      assert.ok(last > KILLS_COUNT, 'the writers wrote')
    })
  }

  it('would be noticed if half a batch was written', async (context) => {
    const directory = temporaryDirectory(context)
    const writer = startWriter(context, directory, 'broken: two writes')
    const acknowledged = await untilLine(writer, 'broken')
    await kill(writer)
    await assert.rejects(
      withStore(openStore(storeOptions(directory)), (store) => checkCounters(store, acknowledged)),
      /half a batch/,
    )
  })

  it('would be noticed if a batch was acknowledged too early', async (context) => {
    const directory = temporaryDirectory(context)
    const writer = startWriter(context, directory, 'broken: too early')
    const acknowledged = await untilLine(writer, 'broken')
    await kill(writer)
    await assert.rejects(
      withStore(openStore(storeOptions(directory)), (store) => checkCounters(store, acknowledged)),
      /an acknowledged batch is lost/,
    )
  })

  it('gives the lock back', async (context) => {
    const options = storeOptions(temporaryDirectory(context))
    const writer = startWriter(context, options.directory, 'hold')
    await untilLine(writer, 'open')
    await assert.rejects(openStore(options), { code: 'STORE_LOCKED' })
    await assert.rejects(openStore({ ...options, create: 'never' }), { code: 'STORE_LOCKED' })
    await kill(writer)
    await withStore(openStore(options), async () => undefined)
  })
})
