import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { TorStatus } from '../../../src/ports/index.ts'
import { createStatusBoard } from '../../../src/tor/status.ts'

describe('status board', () => {
  it('tells changes, and only changes', () => {
    const board = createStatusBoard()
    const heard: TorStatus[] = []
    const off = board.onStatus((status) => heard.push(status))
    board.set({ stage: 'searching' })
    board.set({ stage: 'searching' })
    board.warn('TOR_ADD_ONION_REFUSED')
    board.warn('TOR_ADD_ONION_REFUSED')
    board.warn('TOR_BOOTSTRAP_UNKNOWN')
    off()
    board.set({ stage: 'ready' })
    assert.equal(heard.length, 3)
    assert.deepEqual(heard.at(-1)?.warnings, ['TOR_ADD_ONION_REFUSED', 'TOR_BOOTSTRAP_UNKNOWN'])
  })

  it('lets wait for ready, with an end to waiting', async () => {
    const board = createStatusBoard()
    const { signal } = new AbortController()
    const abort = new AbortController()
    const aborted = assert.rejects(board.whenReady(abort.signal), { name: 'AbortError' })
    const ready = board.whenReady(signal)
    abort.abort()
    await aborted
    board.set({ stage: 'ready' })
    await ready
    await board.whenReady(signal)
    board.set({ stage: 'lost' })
    const stopped = assert.rejects(board.whenReady(signal), { code: 'TOR_STOPPED' })
    board.stop()
    await stopped
    await assert.rejects(board.whenReady(signal), { code: 'TOR_STOPPED' })
  })

  it('tells who waits when it is stopped before it ever started', async () => {
    const board = createStatusBoard()
    const waiting = assert.rejects(board.whenReady(new AbortController().signal), { code: 'TOR_STOPPED' })
    board.stop()
    await waiting
  })
})
