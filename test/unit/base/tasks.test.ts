import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  AppError,
  attempt,
  createOwner,
  createTaskGroup,
  isForeseen,
  whenAborted,
  withDeadline,
} from '../../../src/base/index.ts'
import { createVirtualClock } from '../../support/virtual-clock.ts'

const aborted = (): Error => new DOMException('aborted', 'AbortError')
const foreseen = (): AppError => new AppError('SOME_CODE', { kind: 'retry', why: 'why', remedy: 'remedy' })

describe('createTaskGroup', () => {
  it('joins what it owns, also what begins while it stops', async () => {
    const tasks = createTaskGroup(() => assert.fail('nothing fails'))
    const ended: string[] = []
    tasks.own(
      whenAborted(tasks.signal).then(() => {
        tasks.own(Promise.resolve().then(() => void ended.push('second')))
        ended.push('first')
      }),
    )
    await tasks.stop()
    await tasks.stop()
    assert.deepEqual(ended, ['first', 'second'])
  })

  it('hands failures to its owner, but neither aborts nor what comes after the stop', async () => {
    const failures: unknown[] = []
    const tasks = createTaskGroup((error) => failures.push(error))
    const failure = new Error('a bug')
    tasks.own(Promise.reject(failure))
    tasks.own(Promise.reject(aborted()))
    await new Promise((resolve) => setImmediate(resolve))
    tasks.own(whenAborted(tasks.signal).then(() => Promise.reject(new Error('torn down'))))
    await tasks.stop()
    assert.deepEqual(failures, [failure])
  })
})

describe('createOwner', () => {
  it('stops its children and adopts none afterwards', async () => {
    const owner = createOwner(() => assert.fail('nothing fails'))
    const stopped: string[] = []
    const child = (name: string) => ({ stop: async () => void stopped.push(name) })
    const released = child('released')
    assert.equal(owner.adopt(child('kept')), true)
    assert.equal(owner.adopt(released), true)
    owner.release(released)
    await owner.stop()
    assert.deepEqual(stopped, ['kept'])
    assert.equal(owner.adopt(child('late')), false)
  })
})

describe('withDeadline', () => {
  it('aborts the body after the delay or with the outer signal, and leaves no timer', async () => {
    const clock = createVirtualClock()
    const outer = new AbortController()
    assert.equal(await withDeadline(clock, 100, outer.signal, async () => 7), 7)
    assert.equal(clock.sleepers(), 0)
    const late = withDeadline(clock, 100, outer.signal, (signal) => whenAborted(signal).then(() => clock.monotonicMs()))
    await clock.advance(1000)
    assert.equal(await late, 100)
    const cut = withDeadline(clock, 100, outer.signal, (signal) => whenAborted(signal).then(() => 'cut'))
    outer.abort()
    assert.equal(await cut, 'cut')
    assert.equal(clock.sleepers(), 0)
  })
})

describe('attempt', () => {
  it('tells of what is foreseen and lets bugs and aborts through', async () => {
    const told: string[] = []
    const logger = { warn: (event: string) => void told.push(event) }
    assert.equal(await attempt(logger, 'fine', () => Promise.resolve()), true)
    assert.equal(await attempt(logger, 'failed', () => Promise.reject(foreseen())), false)
    await assert.rejects(
      attempt(logger, 'bug', () => Promise.reject(new Error('a bug'))),
      /a bug/,
    )
    await assert.rejects(
      attempt(logger, 'abort', () => Promise.reject(aborted())),
      { name: 'AbortError' },
    )
    assert.deepEqual(told, ['failed'])
  })

  it('foresees what adapters announce', () => {
    assert.equal(isForeseen(foreseen()), true)
    assert.equal(isForeseen(aborted()), true)
    assert.equal(isForeseen(new AppError('A_BUG', { kind: 'bug', why: 'why', remedy: 'remedy' })), false)
    assert.equal(isForeseen(new Error('a bug')), false)
  })
})
