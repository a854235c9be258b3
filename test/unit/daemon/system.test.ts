import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createSystemClock, createSystemLogger, createSystemRandom } from '../../../src/daemon/index.ts'
import type { LogWord } from '../../../src/ports/index.ts'

describe('system clock', () => {
  it('sleeps by the monotonic clock and wakes up when aborted', async () => {
    const clock = createSystemClock()
    const before = clock.monotonicMs()
    await clock.sleep(20)
    assert.ok(clock.monotonicMs() - before >= 20)
    const abort = new AbortController()
    const sleeping = clock.sleep(1e12, abort.signal)
    abort.abort()
    await assert.rejects(sleeping, { name: 'AbortError' })
    await assert.rejects(clock.sleep(1, AbortSignal.abort()), { name: 'AbortError' })
    await clock.sleep(-5)
    await assert.rejects(clock.sleep(-5, AbortSignal.abort()), { name: 'AbortError' })
  })
})

describe('system randomness', () => {
  it('gives numbers from the unit interval that are not the same', () => {
    const random = createSystemRandom()
    const numbers = Array.from({ length: 2_000 }, () => random.uniform())
    assert.ok(numbers.every((number) => number >= 0 && number < 1))
    assert.equal(new Set(numbers).size, numbers.length)
    const mean = numbers.reduce((sum, number) => sum + number, 0) / numbers.length
    assert.ok(Math.abs(mean - 0.5) < 0.05)
    assert.equal(random.bytes(32).length, 32)
  })
})

describe('system log', () => {
  const planted = new Error('connect to abcdefghij.onion failed')

  it('writes events, numbers and words, each on one line', () => {
    const lines: string[] = []
    const logger = createSystemLogger('info', (line) => lines.push(line)).child('tor')
    logger.info('ready', { percent: 100, attached: true, stage: 'ready' as LogWord })
    logger.debug('hidden')
    assert.deepEqual(lines, ['info tor.ready percent=100 attached=true stage=ready\n'])
  })

  it('never shows the text of a foreign error', () => {
    for (const level of ['debug', 'info', 'warn', 'error'] as const) {
      const lines: string[] = []
      const logger = createSystemLogger(level, (line) => lines.push(line))
      logger.error('failed', {}, planted)
      logger.warn('failed', {}, planted)
      logger.debug('failed', {}, planted)
      assert.ok(lines.length > 0)
      assert.ok(!lines.join('').includes('onion'), level)
    }
  })
})
