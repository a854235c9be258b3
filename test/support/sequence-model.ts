/**
 * A model of two sides that put boxes into mailboxes which lose, repeat and reorder, while the session turns below them.
 * Never uses the sequences to predict the sequences: which boxes must be looked for follows from counting alone.
 * Spec 03-mailbox §7.
 * @module
 */
import assert from 'node:assert/strict'
import { equalBytes, hexEncode } from '../../src/base/index.ts'
import {
  BOX_WINDOW_COUNT,
  type BoxSequences,
  createSequences,
  decodeSequences,
  encodeSequences,
  keysOf,
  noteRead,
  openBox,
  sealBox,
  syncSequences,
  takeSendBox,
  verifyBox,
  wantedBoxes,
} from '../../src/mailbox/index.ts'
import { MISSING_BOX_MAX_COUNT, PAST_BOX_CHAIN_MAX_COUNT } from '../../src/mailbox/options.ts'
import {
  decodeSessionState,
  encodeSessionState,
  openEnvelope,
  type SessionState,
  sealEnvelope,
} from '../../src/session/index.ts'
import { BOX_BODY_BYTES, type Box } from '../../src/wire/index.ts'
import { bodyOf, createSessionPair, NOW_MS } from './session-pair.ts'

export type Side = 'acceptor' | 'inviter'

/** One thing that happens; `pick` chooses among what there is, modulo its number. */
export type Step =
  /** Puts a box in, with an envelope of the session or with nothing but acknowledgements. */
  | { readonly kind: 'write'; readonly side: Side; readonly hasEnvelope: boolean }
  /** Reads any of the boxes for this side that it looks for. */
  | { readonly kind: 'read'; readonly side: Side; readonly pick: number }
  /** Computes the state after a read, but the process dies before it is stored. */
  | { readonly kind: 'read-and-crash'; readonly side: Side; readonly pick: number }
  /** A box that nobody will ever find. */
  | { readonly kind: 'lose'; readonly side: Side; readonly pick: number }
  /** An envelope goes over a live lane, past the mailboxes. */
  | { readonly kind: 'lane'; readonly side: Side }
  | { readonly kind: 'restore'; readonly side: Side }

/** What is under test; mutation controls put a broken one here. */
export interface Sequencer {
  readonly sync: typeof syncSequences
  readonly take: typeof takeSendBox
  readonly wanted: typeof wantedBoxes
  readonly note: typeof noteRead
}

export const REAL_SEQUENCER: Sequencer = {
  sync: syncSequences,
  take: takeSendBox,
  wanted: wantedBoxes,
  note: noteRead,
}

interface Written {
  readonly box: Box
  readonly chain: number
  readonly index: number
  readonly previousBoxes: number
  readonly envelope: Uint8Array | undefined
  isLost: boolean
}

/** What counting alone knows of one chain of the other side. */
interface CountedChain {
  readonly number: number
  index: number
  limit: number | undefined
  missing: number[]
}

interface Party {
  session: SessionState
  sequences: BoxSequences
  /** Every box this side has written. */
  readonly written: Written[]
  sendChain: number
  sendIndex: number
  previousBoxes: number
  current: CountedChain | undefined
  next: CountedChain
  past: CountedChain[]
  /** Hexadecimal secrets that the sequences gave up. */
  readonly consumed: Set<string>
}

/** How often each interesting thing happened, so that a test can see that it looked at something. */
export interface SequenceCounts {
  written: number
  read: number
  /** Boxes read below the highest of their chain. */
  late: number
  /** Boxes read from a chain that the sender had left. */
  past: number
  /** Boxes read from a chain that the session below had not reached. */
  ahead: number
  turns: number
  /** Times the end of a chain became known. */
  ends: number
}

export function noSequenceCounts(): SequenceCounts {
  return { written: 0, read: 0, late: 0, past: 0, ahead: 0, turns: 0, ends: 0 }
}

function newChain(number: number): CountedChain {
  return { number, index: 0, limit: undefined, missing: [] }
}

const OTHER = { acceptor: 'inviter', inviter: 'acceptor' } as const

/** Plays the steps and throws at the first broken promise. */
export function playSequences(steps: readonly Step[], sequencer: Sequencer, counts: SequenceCounts): void {
  const pair = createSessionPair()
  const parties: Record<Side, Party> = {
    acceptor: party(pair.acceptor, undefined, 0),
    inviter: party(pair.inviter, newChain(0), 1),
  }
  const ids = new Set<string>()
  for (const side of ['acceptor', 'inviter'] as const) commit(parties[side], parties[side].session, [], sequencer)
  checkBoth(parties, sequencer)

  for (const step of steps) {
    const own = parties[step.side]
    const other = parties[OTHER[step.side]]
    switch (step.kind) {
      case 'write':
        write(own, step.hasEnvelope, ids, sequencer)
        counts.written += 1
        break
      case 'read': {
        const written = choose(readable(own, other, sequencer), step.pick)
        if (written !== undefined) read(own, written, sequencer, counts)
        break
      }
      case 'read-and-crash': {
        const written = choose(readable(own, other, sequencer), step.pick)
        if (written === undefined) break
        const before = encodeSequences(own.sequences)
        sequencer.note(own.sequences, written.box.boxId, written.previousBoxes)
        assert.deepEqual(encodeSequences(own.sequences), before, 'a step changed the value it was given')
        break
      }
      case 'lose': {
        const written = choose(other.written, step.pick)
        if (written !== undefined) written.isLost = true
        break
      }
      case 'lane': {
        const sealed = sealEnvelope(own.session, bodyOf(1))
        commit(own, sealed.state, sealed.consumed, sequencer)
        receive(other, sealed.envelope, sequencer, counts)
        break
      }
      case 'restore': {
        const session = decodeSessionState(encodeSessionState(own.session))
        const bytes = encodeSequences(own.sequences)
        const sequences = decodeSequences(bytes)
        assert.ok(session !== undefined && sequences !== undefined, 'a state does not survive its own codec')
        assert.deepEqual(encodeSequences(sequences), bytes)
        own.session = session
        own.sequences = sequences
        break
      }
    }
    checkBoth(parties, sequencer)
  }
}

function party(session: SessionState, current: CountedChain | undefined, next: number): Party {
  return {
    session,
    sequences: createSequences(),
    written: [],
    sendChain: 0,
    sendIndex: 0,
    previousBoxes: 0,
    current,
    next: newChain(next),
    past: [],
    consumed: new Set(),
  }
}

function choose<T>(list: readonly T[], pick: number): T | undefined {
  return list[pick % Math.max(1, list.length)]
}

/** Takes the new session over, as the messenger does: synced, stored, then what was consumed is wiped. */
function commit(own: Party, session: SessionState, consumed: readonly Uint8Array[], sequencer: Sequencer): void {
  const fresh = [session.sending, session.receiving, session.nextReceiving].map((keys) =>
    hexEncode(keys?.boxKey ?? new Uint8Array()),
  )
  const synced = sequencer.sync(session, own.sequences, NOW_MS)
  own.session = synced.session
  own.sequences = synced.sequences
  const leftSession = synced.consumed.map(hexEncode)
  give(own, synced.consumed, fresh)
  for (const secret of consumed) secret.fill(0)
  const kept = hexEncode(encodeSessionState(own.session))
  for (const secret of leftSession) assert.ok(!kept.includes(secret), 'the session keeps a key that was taken')
  for (const keys of [own.session.sending, own.session.receiving, own.session.nextReceiving]) {
    assert.ok(keys === undefined || keys.boxKey.every((byte) => byte === 0), 'the session keeps a key that was taken')
  }
}

/** Wipes what was given up and sees to it that nothing of it is left; `moved` are first chain keys, which have moved in. */
function give(own: Party, consumed: readonly Uint8Array[], moved: readonly string[] = []): void {
  const before = encodeSequences(own.sequences)
  for (const secret of consumed) {
    const text = hexEncode(secret)
    if (!moved.includes(text)) own.consumed.add(text)
    secret.fill(0)
  }
  assert.deepEqual(encodeSequences(own.sequences), before, 'a consumed secret is still part of the sequences')
  const kept = hexEncode(before)
  for (const secret of own.consumed) assert.ok(!kept.includes(secret), 'a secret that was given up is still there')
}

function write(own: Party, hasEnvelope: boolean, ids: Set<string>, sequencer: Sequencer): void {
  let envelope: Uint8Array | undefined
  if (hasEnvelope) {
    const sealed = sealEnvelope(own.session, bodyOf(own.written.length))
    envelope = sealed.envelope
    commit(own, sealed.state, sealed.consumed, sequencer)
  }
  const taken = sequencer.take(own.sequences)
  assert.ok(taken !== undefined, 'no box although the session can send')
  assert.equal(taken.previousBoxes, own.previousBoxes, 'wrong count of the boxes in the chain before')
  const id = hexEncode(taken.keys.boxId)
  assert.ok(!ids.has(id), 'an id came twice')
  ids.add(id)
  const body = new Uint8Array(BOX_BODY_BYTES).fill(own.written.length & 255)
  const box = sealBox(taken.keys, body)
  own.sequences = taken.sequences
  give(own, taken.consumed)
  const { sendChain: chain, sendIndex: index, previousBoxes } = own
  own.written.push({ box, chain, index, previousBoxes, envelope, isLost: false })
  own.sendIndex += 1
}

/** Boxes that the other side wrote, that exist, and that this side looks for. */
function readable(own: Party, other: Party, sequencer: Sequencer): readonly Written[] {
  const wanted = wantedOf(own, sequencer)
  return other.written.filter(({ box, isLost }) => !isLost && wanted.has(hexEncode(box.boxId)))
}

function read(own: Party, written: Written, sequencer: Sequencer, counts: SequenceCounts): void {
  const { box, chain: number, index, previousBoxes } = written
  assert.ok(verifyBox(box))
  const keys = keysOf(own.sequences, box.boxId)
  assert.ok(keys !== undefined && openBox(keys, box) !== undefined, 'a wanted box does not open')
  const chain = [...own.past, own.current, own.next].find((counted) => counted?.number === number)
  assert.ok(chain !== undefined, 'a box of a chain that is not known was wanted')
  counts.read += 1
  if (index < chain.index) counts.late += 1
  if (own.past.includes(chain)) counts.past += 1
  if (own.next === chain) counts.ahead += 1

  const noted = sequencer.note(own.sequences, box.boxId, previousBoxes)
  own.sequences = noted.sequences
  give(own, noted.consumed)
  assert.equal(keysOf(own.sequences, box.boxId), undefined, 'a box that was read is still wanted')

  if (index < chain.index) chain.missing = chain.missing.filter((missing) => missing !== index)
  for (let at = chain.index; at < index; at += 1) chain.missing.push(at)
  chain.missing = chain.missing.slice(-MISSING_BOX_MAX_COUNT)
  chain.index = Math.max(chain.index, index + 1)
  const before = [...own.past, own.current].find((counted) => counted?.number === number - 1)
  if (before !== undefined && before.limit === undefined) {
    before.limit = previousBoxes
    counts.ends += 1
  }
  prune(own)
  if (written.envelope !== undefined) receive(own, written.envelope, sequencer, counts)
}

/** Gives an envelope to the session, which may have it already, and follows its turns. */
function receive(own: Party, envelope: Uint8Array, sequencer: Sequencer, counts: SequenceCounts): void {
  const opened = openEnvelope(own.session, envelope, NOW_MS)
  if (!opened.ok) return
  const hasTurned = !equalBytes(opened.state.ratchetKey.publicKey, own.session.ratchetKey.publicKey)
  commit(own, opened.state, opened.consumed, sequencer)
  if (!hasTurned) return
  counts.turns += 1
  own.previousBoxes = own.sendIndex
  own.sendIndex = 0
  own.sendChain += 1
  if (own.current !== undefined) own.past.push(own.current)
  own.current = own.next
  own.next = newChain(own.current.number + 1)
  prune(own)
}

function prune(own: Party): void {
  const isOpen = ({ missing, limit, index }: CountedChain): boolean =>
    missing.length > 0 || limit === undefined || index < limit
  own.past = own.past.filter(isOpen).slice(-PAST_BOX_CHAIN_MAX_COUNT)
}

const cache = new WeakMap<BoxSequences, ReadonlyMap<string, string>>()

/** Id to place of every box that is looked for. */
function wantedOf(own: Party, sequencer: Sequencer): ReadonlyMap<string, string> {
  const known = cache.get(own.sequences)
  if (known !== undefined) return known
  const wanted = sequencer.wanted(own.sequences)
  const places = new Map(
    wanted.map(({ boxId, chain, index, place }) => [hexEncode(boxId), `${place} ${chain}/${index}`] as const),
  )
  assert.equal(places.size, wanted.length, 'an id is wanted twice')
  cache.set(own.sequences, places)
  return places
}

function checkBoth(parties: Record<Side, Party>, sequencer: Sequencer): void {
  for (const side of ['acceptor', 'inviter'] as const) check(parties[side], parties[OTHER[side]], sequencer)
}

function check(own: Party, other: Party, sequencer: Sequencer): void {
  const wanted = wantedOf(own, sequencer)
  const expected: string[] = []
  const add = (place: string, chain: CountedChain | undefined): void => {
    if (chain === undefined) return
    const window = Array.from({ length: BOX_WINDOW_COUNT + 1 }, (_, offset) => chain.index + offset)
    const indices = [...chain.missing, ...window].filter((index) => index < (chain.limit ?? Number.POSITIVE_INFINITY))
    for (const index of indices) expected.push(`${place} ${chain.number}/${index}`)
  }
  add('current', own.current)
  add('next', own.next)
  for (const chain of own.past.toReversed()) add('past', chain)
  assert.deepEqual([...wanted.values()], expected, 'looks for other boxes than it should')

  // The ids are the writer's: of every box that is there, and of the next one that will be.
  for (const { box, chain, index } of other.written) {
    const place = wanted.get(hexEncode(box.boxId))
    const isExpected = expected.some((entry) => entry.endsWith(` ${chain}/${index}`))
    assert.equal(place?.endsWith(` ${chain}/${index}`) ?? false, isExpected, 'a box is looked for under another id')
  }
  const chain = [own.current, own.next].find((counted) => counted?.number === other.sendChain)
  assert.ok(chain !== undefined, 'the writer is in a chain that the reader does not know')
  const next = sequencer.take(other.sequences)
  assert.ok(next !== undefined)
  const isNear = other.sendIndex - chain.index <= BOX_WINDOW_COUNT
  assert.equal(wanted.has(hexEncode(next.keys.boxId)), isNear, 'the next box is not looked for')
}
