import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parseBootstrap } from '../../../src/tor/bootstrap.ts'

describe('bootstrap', () => {
  it('reads percent and a known tag, and nothing of the free text', () => {
    assert.deepEqual(parseBootstrap('NOTICE BOOTSTRAP PROGRESS=45 TAG=requesting_descriptors SUMMARY="Asking"'), {
      percent: 45,
      tag: 'requesting_descriptors',
    })
    assert.deepEqual(parseBootstrap('WARN BOOTSTRAP PROGRESS=0 TAG=conn SUMMARY="x" WARNING="y" HOST="1.2.3.4:5"'), {
      percent: 0,
      tag: 'conn',
    })
    assert.deepEqual(parseBootstrap('NOTICE BOOTSTRAP PROGRESS=100 TAG=planted'), { percent: 100, tag: 'unknown' })
  })

  it('gives undefined for anything else', () => {
    for (const text of [
      '',
      'NOTICE CIRCUIT_ESTABLISHED',
      'NOTICE BOOTSTRAP',
      'NOTICE BOOTSTRAP PROGRESS=101 TAG=done',
    ]) {
      assert.equal(parseBootstrap(text), undefined, text)
    }
    assert.equal(parseBootstrap('NOTICE BOOTSTRAP PROGRESS=1e1 TAG="'), undefined)
  })
})
