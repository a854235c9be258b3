/** Many that wait for one signal. @module */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isAbortError, onAbort, withDeadline } from '../../../src/base/index.ts'
import { createSystemClock } from '../../../src/daemon/index.ts'

/** How many listeners the platform holds for this signal, and how often one was added. */
function spied(): { signal: AbortSignal; abort: () => void; held: () => number; added: () => number } {
  const controller = new AbortController()
  const { signal } = controller
  const add = signal.addEventListener.bind(signal)
  const remove = signal.removeEventListener.bind(signal)
  let [held, added] = [0, 0]
  signal.addEventListener = (...args: Parameters<typeof add>) => {
    held += 1
    added += 1
    add(...args)
  }
  signal.removeEventListener = (...args: Parameters<typeof remove>) => {
    held -= 1
    remove(...args)
  }
  return { signal, abort: () => controller.abort(), held: () => held, added: () => added }
}

describe('onAbort', () => {
  it('calls each listener once, in order, and none that was taken back', () => {
    const controller = new AbortController()
    const called: string[] = []
    const same = (): void => void called.push('same')
    onAbort(controller.signal, () => void called.push('first'))
    const takeBack = onAbort(controller.signal, () => void called.push('taken back'))
    onAbort(controller.signal, same)
    const takeBackSame = onAbort(controller.signal, same)
    takeBack()
    takeBack()
    controller.abort()
    takeBackSame()
    assert.deepEqual(called, ['first', 'same', 'same'])
  })

  it('calls at once where the signal is aborted, also while others are called', () => {
    const controller = new AbortController()
    const called: string[] = []
    onAbort(controller.signal, () => {
      onAbort(controller.signal, () => void called.push('inner'))
      called.push('outer')
    })
    controller.abort()
    onAbort(AbortSignal.abort(), () => void called.push('late'))
    assert.deepEqual(called, ['inner', 'outer', 'late'])
  })

  it('holds one listener of the platform for all who wait, and none when nobody does', async () => {
    const { abort, added, held, signal } = spied()
    const clock = createSystemClock()
    const sleeping = Array.from({ length: 500 }, () => clock.sleep(60_000, signal))
    const within = withDeadline(clock, 60_000, signal, (inner) => clock.sleep(60_000, inner))
    assert.deepEqual([held(), added()], [1, 1])
    abort()
    const results = await Promise.allSettled([...sleeping, within])
    assert.ok(results.every((each) => each.status === 'rejected' && isAbortError(each.reason)))
    assert.equal(held(), 0)

    const other = spied()
    await Promise.all([clock.sleep(1, other.signal), clock.sleep(2, other.signal)])
    assert.equal(other.held(), 0, 'a signal that nobody waits for can be collected')
    const again = clock.sleep(60_000, other.signal)
    other.abort()
    await assert.rejects(again, { name: 'AbortError' })
  })
})
