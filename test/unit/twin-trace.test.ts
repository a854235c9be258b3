import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { CHECKPOINT_EVENTS, createTrace, firstDifference, type Trace, type TraceEvent } from '../support/twin/trace.ts'

const COUNT = 3 * CHECKPOINT_EVENTS + 17

function traceOf(count: number, change: (event: TraceEvent, index: number) => TraceEvent = (event) => event): Trace {
  const trace = createTrace()
  for (let index = 0; index < count; index += 1) {
    trace.note(change({ atMs: index * 1.1, kind: 'record', bytes: 1_914, place: index % 7, detail: 3 }, index))
  }
  return trace
}

describe('traces of twins', () => {
  it('are the same when all their events are', () => {
    assert.equal(firstDifference(traceOf(COUNT), traceOf(COUNT)), undefined)
    assert.equal(traceOf(COUNT).checkpoints().length, 4)
  })

  it('survive the way to another thread', () => {
    const trace = traceOf(COUNT)
    const copy = createTrace(trace.bytes())
    assert.deepEqual(copy.checkpoints(), trace.checkpoints())
    assert.equal(copy.records, COUNT)
  })

  const changes: Readonly<Record<string, Partial<TraceEvent>>> = {
    time: { atMs: 2_500 * 1.1 + Number.EPSILON * 4_096 },
    kind: { kind: 'close' },
    size: { bytes: 1_915 },
    destination: { place: 8 },
    'kind of record': { detail: 4 },
  }
  for (const [name, change] of Object.entries(changes)) {
    it(`part at the first event of another ${name}`, () => {
      const other = traceOf(COUNT, (event, index) => (index === 2_500 ? { ...event, ...change } : event))
      assert.equal(firstDifference(traceOf(COUNT), other)?.index, 2_500)
      const [before, after] = [traceOf(COUNT).checkpoints(), other.checkpoints()]
      assert.deepEqual(after.slice(0, 2), before.slice(0, 2))
      assert.notEqual(after[2], before[2])
      assert.notEqual(after[3], before[3])
    })
  }

  it('part where one ends', () => {
    const difference = firstDifference(traceOf(COUNT), traceOf(COUNT - 1))
    assert.equal(difference?.index, COUNT - 1)
    assert.equal(difference?.other, undefined)
  })
})
