import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { hexEncode } from '../../../src/base/index.ts'
import {
  BOX_LIFETIME_MS,
  BOX_WINDOW_COUNT,
  type BoxSequences,
  createSequences,
  decodeSequences,
  deriveBoxKeys,
  encodeSequences,
  keysOf,
  noteRead,
  type SessionBoxKeys,
  syncSequences,
  takeSendBox,
  wantedBoxes,
} from '../../../src/mailbox/index.ts'
import { MISSING_BOX_MAX_COUNT, PAST_BOX_CHAIN_MAX_COUNT } from '../../../src/mailbox/options.ts'
import { decodeSessionState, encodeSessionState } from '../../../src/session/index.ts'
import { sequenceStates } from '../../support/sequence-states.ts'
import { createSessionPair, NOW_MS } from '../../support/session-pair.ts'

const ZERO = new Uint8Array(32)
const key = (fill: number): Uint8Array => new Uint8Array(32).fill(fill)

/** What a session has after a turn: a new chain in each direction, made from one number. */
function turn(fill: number): SessionBoxKeys {
  return {
    sending: { boxKey: key(fill) },
    receiving: { boxKey: ZERO.slice() },
    nextReceiving: { boxKey: key(fill + 1) },
  }
}

function sync(sequences: BoxSequences, fill: number, nowMs = NOW_MS): BoxSequences {
  return syncSequences(turn(fill), sequences, nowMs).sequences
}

function places(sequences: BoxSequences): string[] {
  return wantedBoxes(sequences).map(({ place, chain, index }) => `${place} ${chain}/${index}`)
}

function idAt(sequences: BoxSequences, chain: number, index: number): Uint8Array {
  const box = wantedBoxes(sequences).find((wanted) => wanted.chain === chain && wanted.index === index)
  assert.ok(box !== undefined, 'not wanted')
  return box.boxId
}

function read(sequences: BoxSequences, chain: number, index: number, previousBoxes: number | undefined): BoxSequences {
  return noteRead(sequences, idAt(sequences, chain, index), previousBoxes).sequences
}

/** Both chains of the other side are there. */
function started(): BoxSequences {
  return sync(sync(createSequences(), 1), 3)
}

describe('box sequences', () => {
  it('begin with nothing to write and nothing to look for', () => {
    assert.equal(takeSendBox(createSequences()), undefined)
    assert.deepEqual(wantedBoxes(createSequences()), [])
  })

  it('agree on both sides from the handshake on, and leave no box key in the session but the one to come', () => {
    const pair = createSessionPair()
    const acceptor = syncSequences(pair.acceptor, createSequences(), NOW_MS)
    const inviter = syncSequences(pair.inviter, createSequences(), NOW_MS)
    for (const [writer, reader] of [
      [acceptor, inviter],
      [inviter, acceptor],
    ] as const) {
      const taken = takeSendBox(writer.sequences)
      assert.ok(taken !== undefined)
      assert.equal(taken.previousBoxes, 0)
      assert.deepEqual(keysOf(reader.sequences, taken.keys.boxId), taken.keys)
      assert.deepEqual(writer.session.sending?.boxKey, ZERO)
      assert.deepEqual(writer.session.nextReceiving.boxKey, ZERO)
      assert.notDeepEqual(writer.session.nextSending.boxKey, ZERO)
    }
    assert.deepEqual(
      places(inviter.sequences),
      ['current 0/0', 'current 0/1', 'current 0/2', 'current 0/3'].concat([
        'next 1/0',
        'next 1/1',
        'next 1/2',
        'next 1/3',
      ]),
    )
    assert.deepEqual(places(acceptor.sequences), ['next 0/0', 'next 0/1', 'next 0/2', 'next 0/3'])
    for (const { session } of [acceptor, inviter]) {
      const decoded = decodeSessionState(encodeSessionState(session))
      assert.deepEqual(decoded, session, 'the codec of the session takes zeros')
    }
  })

  it('take each key once: a second sync without a step changes nothing', () => {
    const first = syncSequences(createSessionPair().inviter, createSequences(), NOW_MS)
    assert.equal(first.consumed.length, 3)
    const second = syncSequences(first.session, first.sequences, NOW_MS)
    assert.deepEqual(second.consumed, [])
    assert.equal(second.session, first.session)
    assert.equal(second.sequences, first.sequences)
  })

  it('never change the value they are given', () => {
    const before = started()
    const bytes = encodeSequences(before)
    takeSendBox(before)
    noteRead(before, idAt(before, 0, 2), 0)
    syncSequences(turn(9), before, NOW_MS)
    assert.deepEqual(encodeSequences(before), bytes)
  })

  it('give ids that do not repeat, over chains too', () => {
    const ids = new Set<string>()
    let sequences = createSequences()
    for (let chain = 0; chain < 5; chain += 1) {
      sequences = sync(sequences, 1 + 2 * chain)
      for (let box = 0; box < 20; box += 1) {
        const taken = takeSendBox(sequences)
        assert.ok(taken !== undefined)
        assert.equal(taken.previousBoxes, chain === 0 ? 0 : 20)
        ids.add(hexEncode(taken.keys.boxId))
        sequences = taken.sequences
      }
    }
    assert.equal(ids.size, 100)
  })

  it('look for what was passed over until it comes or the end says that it was never written', () => {
    let sequences = read(read(started(), 0, 3, 0), 0, 6, 0)
    assert.deepEqual(
      places(sequences).filter((place) => place.startsWith('current')),
      [0, 1, 2, 4, 5, 7, 8, 9, 10].map((index) => `current 0/${index}`),
    )
    sequences = read(sequences, 0, 1, 0)
    sequences = read(sequences, 1, 0, 5)
    assert.deepEqual(
      places(sequences).filter((place) => place.startsWith('current')),
      [0, 2, 4].map((index) => `current 0/${index}`),
    )
  })

  it('believe the first word on the end of a chain; what cannot be read says nothing', () => {
    const silent = read(started(), 1, 0, undefined)
    assert.ok(places(silent).includes('current 0/3'))
    const ended = read(silent, 1, 1, 2)
    assert.ok(places(ended).includes('current 0/1') && !places(ended).includes('current 0/2'))
    assert.deepEqual(
      places(read(ended, 1, 2, 1000)).filter((place) => place.startsWith('current')),
      ['current 0/0', 'current 0/1'],
    )
  })

  it('ignore ids that are not wanted, and ids that were read', () => {
    const sequences = started()
    const id = idAt(sequences, 0, 0)
    const after = noteRead(sequences, id, 0).sequences
    assert.equal(keysOf(after, id), undefined)
    for (const other of [id, key(77), new Uint8Array(), new Uint8Array(64)]) {
      const noted = noteRead(after, other, 0)
      assert.equal(noted.sequences, after)
      assert.deepEqual(noted.consumed, [])
    }
  })

  it('keep a chain that was left while its end is not known, for as long as hosts keep boxes', () => {
    const left = sync(started(), 5)
    assert.ok(places(left).includes('past 0/0'))
    const late = syncSequences(
      { ...turn(0), sending: undefined, nextReceiving: { boxKey: ZERO } },
      left,
      NOW_MS + BOX_LIFETIME_MS,
    )
    assert.ok(!places(late.sequences).some((place) => place.startsWith('past')))
    assert.equal(late.consumed.length, 1, 'its chain key')
    const soon = syncSequences(
      { ...turn(0), sending: undefined, nextReceiving: { boxKey: ZERO } },
      left,
      NOW_MS + BOX_LIFETIME_MS - 1,
    )
    assert.ok(places(soon.sequences).includes('past 0/0'))
  })

  it('forget a chain that was left when nothing is missing in it', () => {
    let sequences = read(started(), 0, 0, 0)
    sequences = sync(sequences, 5)
    assert.ok(places(sequences).includes('past 0/1'))
    sequences = read(sequences, 1, 0, 1)
    assert.ok(!places(sequences).some((place) => place.startsWith('past')))
  })

  it('survive a session whose steps were not synced one by one', () => {
    const sequences = started()
    // Two turns at once: the chain that was next is left too, and both new ones have their keys still.
    const jumped: SessionBoxKeys = {
      sending: { boxKey: key(9) },
      receiving: { boxKey: key(10) },
      nextReceiving: { boxKey: key(11) },
    }
    const after = syncSequences(jumped, sequences, NOW_MS).sequences
    assert.deepEqual(
      new Set(wantedBoxes(after).map(({ place, chain }) => `${place} ${chain}`)),
      new Set(['current 2', 'next 3', 'past 1', 'past 0']),
    )
    assert.ok(decodeSequences(encodeSequences(after)) !== undefined)
  })

  it('wipe nothing that is still needed, and name everything that is not', () => {
    const before = started()
    const noted = noteRead(before, idAt(before, 0, 2), 0)
    // Three chain keys and the seed of the box that was read; two seeds stay for those passed over.
    assert.equal(noted.consumed.length, 4)
    const bytes = encodeSequences(noted.sequences)
    for (const secret of noted.consumed) secret.fill(0)
    assert.deepEqual(encodeSequences(noted.sequences), bytes)
    assert.equal(wantedBoxes(noted.sequences).length, 2 + 2 * (BOX_WINDOW_COUNT + 1))
  })
})

describe('a contact who means harm', () => {
  const maxWanted = (PAST_BOX_CHAIN_MAX_COUNT + 2) * (MISSING_BOX_MAX_COUNT + BOX_WINDOW_COUNT + 1)

  it('cannot make the state or the looking grow beyond its bounds', () => {
    let sequences = started()
    let largest = 0
    let most = 0
    for (let chain = 0; chain < 12; chain += 1) {
      // Always the last of the window, so that as many as possible are passed over; ends that are never reached.
      for (let box = 1; box <= 24; box += 1) {
        sequences = read(sequences, chain, box * (BOX_WINDOW_COUNT + 1) - 1, 2 ** 32 - 1)
      }
      sequences = sync(sequences, 5 + 2 * chain)
      const bytes = encodeSequences(sequences)
      assert.ok(decodeSequences(bytes) !== undefined)
      largest = Math.max(largest, bytes.length)
      most = Math.max(most, wantedBoxes(sequences).length)
    }
    assert.ok(most <= maxWanted && most > maxWanted / 2, `${most} of ${maxWanted}`)
    assert.ok(largest <= 17_000 && largest > 8_000, `${largest} bytes`)
    const [oldest] = sequences.receive.past
    assert.equal(sequences.receive.past.length, PAST_BOX_CHAIN_MAX_COUNT)
    assert.equal(oldest?.missing.length, MISSING_BOX_MAX_COUNT)
  })

  it('harms none but the boxes of their own: an end of zero closes the chain before, no other', () => {
    const sequences = read(started(), 1, 0, 0)
    assert.deepEqual(
      places(sequences),
      [1, 2, 3, 4].map((index) => `next 1/${index}`),
    )
    assert.ok(takeSendBox(sequences) !== undefined)
    assert.ok(decodeSequences(encodeSequences(sequences)) !== undefined)
  })
})

describe('codec of sequences', () => {
  it('gives back what it was given, at every stage', () => {
    for (const state of sequenceStates()) assert.deepEqual(decodeSequences(encodeSequences(state)), state)
  })

  it('refuses what the sequences never hold', () => {
    const state = sequenceStates().at(-1)
    assert.ok(state !== undefined)
    const { current, next, past } = state.receive
    assert.ok(current !== undefined && next !== undefined && past.length > 1)
    const refused = (receive: Partial<BoxSequences['receive']>): void => {
      const bytes = encodeSequences({ ...state, receive: { ...state.receive, ...receive } })
      assert.equal(decodeSequences(bytes), undefined)
    }
    const [first] = past
    assert.ok(first !== undefined)
    const seed = key(1)
    refused({ past: past.toReversed() })
    refused({ past: [{ ...first, chainKey: undefined, limit: 0, missing: [] }] })
    const many = Array.from({ length: PAST_BOX_CHAIN_MAX_COUNT + 1 }, (_, number) => ({ ...first, number }))
    refused({ past: many, current: { ...current, number: 10 }, next: { ...next, number: 11 } })
    refused({ next: { ...next, number: next.number + 1 } })
    refused({ current: { ...current, chainKey: undefined } })
    refused({ current: { ...current, limit: current.index } })
    refused({ current: { ...current, missing: [{ index: current.index, seed }] } })
    refused({ current: { ...current, index: 9, missing: [3, 3].map((index) => ({ index, seed })) } })
    refused({
      current: {
        ...current,
        index: 99,
        missing: Array.from({ length: MISSING_BOX_MAX_COUNT + 1 }, (_, index) => ({ index, seed })),
      },
    })
  })
})

describe('keys of a box', () => {
  it('depend on the whole seed', () => {
    const keys = deriveBoxKeys(key(1))
    const other = deriveBoxKeys(key(1).with(31, 0))
    for (const name of ['boxId', 'signingSeed', 'bodyKey'] as const) assert.notDeepEqual(keys[name], other[name])
    assert.throws(() => deriveBoxKeys(new Uint8Array(31)), RangeError)
  })
})
