import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createMutex } from '../../../src/base/index.ts'

interface Gate {
  readonly passed: Promise<void>
  open(): void
}

function createGate(): Gate {
  const { promise, resolve } = Promise.withResolvers<void>()
  return { passed: promise, open: resolve }
}

describe('createMutex', () => {
  it('runs sections one at a time, in the order they were asked for', async () => {
    const mutex = createMutex()
    const gate = createGate()
    const log: string[] = []
    const first = mutex.run(async () => {
      log.push('first begins')
      await gate.passed
      log.push('first ends')
    })
    const second = mutex.run(async () => {
      log.push('second')
    })
    const third = mutex.run(async () => {
      log.push('third')
    })
    // Everything that could run before the gate opens has run.
    await new Promise(setImmediate)
    assert.deepEqual(log, ['first begins'])
    gate.open()
    await Promise.all([first, second, third])
    assert.deepEqual(log, ['first begins', 'first ends', 'second', 'third'])
  })

  it('passes results through', async () => {
    assert.equal(await createMutex().run(async () => 5), 5)
  })

  it('rejects for the caller of a failed section and runs the next', async () => {
    const mutex = createMutex()
    const failure = new Error('planted')
    const failed = mutex.run(() => Promise.reject(failure))
    const next = mutex.run(async () => 'next')
    await assert.rejects(failed, failure)
    assert.equal(await next, 'next')
  })

  it('treats a section that throws at once like one that rejects', async () => {
    const mutex = createMutex()
    await mutex.run(async () => undefined)
    const failed = mutex.run(() => {
      throw new TypeError('planted')
    })
    await assert.rejects(failed, TypeError)
    assert.equal(await mutex.run(async () => 1), 1)
  })

  it('is idle when everything asked for so far has ended, well or not', async () => {
    const mutex = createMutex()
    await mutex.idle()
    const gate = createGate()
    let ended = false
    const failed = mutex.run(async () => {
      await gate.passed
      ended = true
      throw new Error('planted')
    })
    const idle = mutex.idle().then(() => ended)
    gate.open()
    await assert.rejects(failed)
    assert.equal(await idle, true)
  })

  it('lets two of them run side by side', async () => {
    const gate = createGate()
    const waiting = createMutex().run(() => gate.passed)
    assert.equal(await createMutex().run(async () => 'other'), 'other')
    gate.open()
    await waiting
  })
})
