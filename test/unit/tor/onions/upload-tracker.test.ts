import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createUploadTracker, parseUploadEvent } from '../../../../src/tor/onions/index.ts'

const event = (text: string): { name: string; text: string; lines: [] } => ({ name: 'HS_DESC', text, lines: [] })

type Step = readonly ['CREATED' | 'UPLOAD' | 'UPLOADED' | 'FAILED', string?]

const takeAll = (steps: readonly Step[]): boolean[] => {
  const tracker = createUploadTracker()
  return steps.map(([action, descriptor]) => tracker.take({ action, descriptor }))
}

describe('upload tracker', () => {
  it('waits until every upload is answered', () => {
    assert.deepEqual(
      takeAll([['UPLOAD', 'a'], ['UPLOAD', 'a'], ['UPLOADED'], ['UPLOAD', 'a'], ['FAILED', 'a'], ['UPLOADED']]),
      [false, false, false, false, false, true],
    )
  })

  it('waits for each descriptor that was made, where tor names them', () => {
    assert.deepEqual(
      takeAll([['CREATED', 'a'], ['CREATED', 'b'], ['UPLOAD', 'a'], ['UPLOADED'], ['UPLOAD', 'b'], ['UPLOADED']]),
      [false, false, false, false, false, true],
    )
    assert.deepEqual(takeAll([['CREATED', 'a'], ['CREATED', 'b'], ['UPLOAD'], ['UPLOADED']]), [
      false,
      false,
      false,
      true,
    ])
  })

  it('takes no answer to an earlier service of the same key for its own', () => {
    assert.deepEqual(takeAll([['UPLOADED'], ['UPLOAD', 'a'], ['UPLOADED']]), [false, true, true])
    assert.deepEqual(takeAll([['UPLOADED'], ['CREATED', 'a'], ['UPLOAD', 'a'], ['UPLOADED']]).slice(0, 2), [
      false,
      false,
    ])
  })

  it('is not content with failures alone, and is with one success behind them', () => {
    const tracker = createUploadTracker()
    const take = (action: 'UPLOAD' | 'UPLOADED' | 'FAILED'): boolean => tracker.take({ action, descriptor: 'a' })
    assert.equal(take('UPLOAD'), false)
    assert.equal(take('FAILED'), false)
    assert.equal(tracker.anyUploaded, false)
    assert.equal(take('UPLOAD'), false)
    assert.equal(take('UPLOADED'), true)
  })

  it('reads the events as tor 0.4.9.11 writes them, also where a filter redacted them, and no others', () => {
    const parse = (text: string): unknown => {
      const parsed = parseUploadEvent(event(text))
      return parsed === undefined ? undefined : [parsed.action, parsed.address, parsed.descriptor]
    }
    assert.deepEqual(parse('CREATED abc UNKNOWN UNKNOWN id'), ['CREATED', 'abc', 'id'])
    assert.deepEqual(parse('UPLOAD abc UNKNOWN $D~x id HSDIR_INDEX=00'), ['UPLOAD', 'abc', 'id'])
    assert.deepEqual(parse('UPLOAD abc UNKNOWN redacted redacted'), ['UPLOAD', 'abc', undefined])
    assert.deepEqual(parse('UPLOADED abc UNKNOWN $D~x'), ['UPLOADED', 'abc', undefined])
    assert.deepEqual(parse('FAILED abc UNKNOWN $D id REASON=UPLOAD_REJECTED'), ['FAILED', 'abc', 'id'])
    assert.equal(parse('FAILED abc NO_AUTH $D id REASON=NOT_FOUND'), undefined)
    assert.equal(parse('REQUESTED abc NO_AUTH $D id'), undefined)
    assert.equal(parse(''), undefined)
    assert.equal(parseUploadEvent({ name: 'CIRC', text: 'UPLOADED abc', lines: [] }), undefined)
  })
})
