import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { DAY_MS, HOUR_MS } from '../../src/base/index.ts'
import { fileOf, savedBytes, sendBytes, shownFiles, untilAll, withFilePair } from '../support/attachments.ts'

describe('a wall clock that is wrong for a while', () => {
  it('ends no file: two weeks ahead, and back after hours, it comes all the same', () =>
    withFilePair(async (pair) => {
      const { world } = pair
      const file = fileOf(5)
      await sendBytes(pair, 'alice', file)
      await untilAll(pair, 'bob', 'downloading', HOUR_MS)
      const write = world.mailboxes.onWrite
      world.mailboxes.onWrite = () => ({ status: 'lost' })
      world.clock.jumpWallClock(15 * DAY_MS)
      await world.clock.advance(3 * HOUR_MS)
      world.clock.jumpWallClock(-15 * DAY_MS)
      world.mailboxes.onWrite = write
      await untilAll(pair, 'bob', 'complete', 12 * HOUR_MS)
      const [got] = await shownFiles(pair, 'bob')
      assert.deepEqual(await savedBytes(pair, 'bob', got?.messageId ?? ''), file)
    }))
})
