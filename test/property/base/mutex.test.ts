import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { createMutex } from '../../../src/base/index.ts'

describe('createMutex', () => {
  it('never runs two sections at once and keeps their order, whatever they do', async () => {
    const task = fc.record({ turns: fc.nat({ max: 4 }), fails: fc.boolean() })
    await fc.assert(
      fc.asyncProperty(fc.array(task, { maxLength: 12 }), async (tasks) => {
        const mutex = createMutex()
        const order: number[] = []
        let inside = 0
        const runs = tasks.map(({ turns, fails }, index) =>
          mutex.run(async () => {
            inside += 1
            assert.equal(inside, 1)
            order.push(index)
            for (let turn = 0; turn < turns; turn++) await Promise.resolve()
            inside -= 1
            if (fails) throw new Error('planted')
            return index
          }),
        )
        const ends = await Promise.allSettled(runs)
        await mutex.idle()
        assert.deepEqual(order, [...tasks.keys()])
        for (const [index, end] of ends.entries()) {
          assert.equal(end.status, tasks[index]?.fails === true ? 'rejected' : 'fulfilled')
        }
      }),
    )
  })
})
