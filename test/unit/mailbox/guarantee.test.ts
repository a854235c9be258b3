import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { separationOf } from '../../../src/mailbox/index.ts'

describe('the guarantee', () => {
  it('says how well roles are kept apart among so many hosts', () => {
    const words = [0, 1, 2, 3, 4, 9, 10, 50].map((hosts) => separationOf(hosts))
    assert.deepEqual(words, ['none', 'single', 'partial', 'partial', 'full', 'full', 'full', 'full'])
  })
})
