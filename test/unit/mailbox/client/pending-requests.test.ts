import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createPendingRequests, type OutgoingRequest } from '../../../../src/mailbox/client/pending-requests.ts'

const ROUTED = { route: new Uint8Array(16), sealed: new Uint8Array(1) }

function createNotes() {
  const notes: string[] = []
  const request = (name: string, isGenuine: (reply: Uint8Array) => boolean = () => true): OutgoingRequest => ({
    routed: ROUTED,
    expectation: {
      onReply(reply, courier) {
        notes.push(`${name} reply ${reply[0]} ${courier}`)
        return isGenuine(reply)
      },
      onLate: () => void notes.push(`${name} late`),
      onLost: (reason, courier) => void notes.push(`${name} ${reason} ${courier}`),
    },
  })
  return { notes, request }
}

const reply = (tag: number, value = 1) => ({ tag, reply: Uint8Array.of(value) })

describe('createPendingRequests', () => {
  it('gives each reply to its request, once', () => {
    const { notes, request } = createNotes()
    const pending = createPendingRequests('c')
    assert.equal(pending.add([request('a'), request('b')], 0), 0)
    assert.equal(pending.add([request('d')], 0), 2)
    pending.take([reply(1), reply(2), reply(1)])
    pending.take([reply(2)])
    assert.deepEqual(
      notes.filter((note) => note.includes('reply')),
      ['b reply 1 c', 'd reply 1 c'],
    )
  })

  it('says once what the answer to its record did not bring, and goes on waiting', () => {
    const { notes, request } = createNotes()
    const pending = createPendingRequests('c')
    pending.add([request('a'), request('b')], 0)
    pending.add([request('d')], 0)
    pending.take([reply(1)])
    assert.deepEqual(notes, ['b reply 1 c', 'a late'])
    pending.take([reply(2), reply(0)])
    assert.deepEqual(notes.slice(2), ['d reply 1 c', 'a reply 1 c'])
    pending.take([])
    assert.equal(notes.length, 4)
  })

  it('drops replies to unknown tags, to dummies and to another link', () => {
    const { notes, request } = createNotes()
    const pending = createPendingRequests('c')
    const other = createPendingRequests('o')
    pending.add([{ routed: ROUTED }, request('a')], 0)
    other.take([reply(1)])
    pending.take([reply(0), reply(7), reply(65_535)])
    assert.deepEqual(notes, ['a late'])
  })

  it('goes on waiting after a reply that somebody else made', () => {
    const { notes, request } = createNotes()
    const pending = createPendingRequests('c')
    pending.add([request('a', (bytes) => bytes[0] === 2)], 0)
    pending.take([reply(0, 1), reply(0, 2), reply(0, 2)])
    assert.deepEqual(notes, ['a reply 1 c', 'a reply 2 c'])
  })

  it('gives up what is late, and takes no reply to it afterwards', () => {
    const { notes, request } = createNotes()
    const pending = createPendingRequests('c')
    pending.add([request('a')], 0)
    pending.add([request('b')], 50)
    pending.expire(99, 100)
    assert.deepEqual(notes, [])
    pending.expire(100, 100)
    pending.take([reply(0), reply(1)])
    assert.deepEqual(notes, ['a timeout c', 'b reply 1 c'])
  })

  it('tells all of the end of the link, once', () => {
    const { notes, request } = createNotes()
    const pending = createPendingRequests('c')
    pending.add([request('a'), request('b')], 0)
    pending.close()
    pending.close()
    pending.expire(1_000, 1)
    assert.deepEqual(notes, ['a link c', 'b link c'])
  })

  it('begins again with the tags when they run out', () => {
    const { notes, request } = createNotes()
    const pending = createPendingRequests('c')
    const many = Array.from({ length: 14 }, () => ({ routed: ROUTED }))
    for (let index = 0; index < 4_681; index += 1) pending.add(many, 0)
    assert.equal(pending.add([request('x')], 0), 65_534)
    assert.equal(pending.add([...many.slice(1), request('y')], 0), 0)
    pending.take([reply(13), reply(65_534)])
    assert.deepEqual(notes, ['y reply 1 c', 'x reply 1 c'])
  })
})
