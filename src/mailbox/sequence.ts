/**
 * Which box comes next, in both directions: chains of one-time ids that turn with the ratchet.
 * Never changed in place: every step gives a new value and names what is to be wiped. Spec 03-mailbox §7; CRYPTO §2d.
 * @module
 */
import { equalBytes, InternalError } from '../base/index.ts'
import { KEY_BYTES, wipe } from '../crypto/index.ts'
import { type BoxKeys, deriveBoxKeys } from './box-keys.ts'
import { BOX_LIFETIME_MS, BOX_WINDOW_COUNT, MISSING_BOX_MAX_COUNT, PAST_BOX_CHAIN_MAX_COUNT } from './options.ts'
import {
  type BoxSequences,
  deriveBoxStep,
  type PastBoxChain,
  type ReceiveBoxChain,
  type ReceiveSequence,
} from './sequence-state.ts'

/** The part of a session that the sequences live on. All zeros stand for a key that was taken. */
export interface SessionBoxKeys {
  readonly sending: { readonly boxKey: Uint8Array } | undefined
  readonly receiving: { readonly boxKey: Uint8Array } | undefined
  readonly nextReceiving: { readonly boxKey: Uint8Array }
}

/** Before the first {@link syncSequences}. */
export function createSequences(): BoxSequences {
  return { send: undefined, receive: { current: undefined, next: undefined, past: [] } }
}

function isTaken(boxKey: Uint8Array): boolean {
  return boxKey.every((byte) => byte === 0)
}

/**
 * Takes the box keys out of the session that it has got since the last time, so that a session that is seized later gives no
 * past id. To be called after every step of the session, with both stored in one batch. Drops past chains that are over. Gives
 * the very values back that it was given when there is nothing to change.
 */
export function syncSequences<Session extends SessionBoxKeys>(
  session: Session,
  sequences: BoxSequences,
  nowMs: number,
): { session: Session; sequences: BoxSequences; consumed: readonly Uint8Array[] } {
  const consumed: Uint8Array[] = []
  let { send } = sequences
  let { current, next } = sequences.receive
  const left: (ReceiveBoxChain | undefined)[] = []
  const take = (keys: { readonly boxKey: Uint8Array } | undefined): Uint8Array | undefined => {
    if (keys === undefined || isTaken(keys.boxKey)) return undefined
    consumed.push(keys.boxKey)
    return keys.boxKey.slice()
  }

  const sending = take(session.sending)
  if (sending !== undefined) {
    if (send !== undefined) consumed.push(send.chainKey)
    send = { chainKey: sending, index: 0, previousBoxes: send?.index ?? 0 }
  }
  const receiving = take(session.receiving)
  if (receiving !== undefined) {
    left.push(current, next)
    current = newChain(receiving, (next ?? current)?.number)
    next = undefined
  }
  const nextReceiving = take(session.nextReceiving)
  if (nextReceiving !== undefined) {
    if (next !== undefined) {
      left.push(current)
      current = next
    }
    next = newChain(nextReceiving, current?.number)
  }

  const hasTaken = consumed.length > 0
  const past = [...sequences.receive.past]
  for (const chain of left) if (chain !== undefined) past.push({ ...chain, leftAtMs: nowMs })
  const kept = keepPast(past, nowMs, consumed)
  if (consumed.length === 0) return { session, sequences, consumed }
  const receive = { current, next, past: kept }
  return { session: hasTaken ? withoutBoxKeys(session) : session, sequences: { send, receive }, consumed }
}

function newChain(chainKey: Uint8Array, numberBefore: number | undefined): ReceiveBoxChain {
  return { number: (numberBefore ?? -1) + 1, chainKey, index: 0, limit: undefined, missing: [] }
}

function withoutBoxKeys<Session extends SessionBoxKeys>(session: Session): Session {
  const boxKey = (): Uint8Array => new Uint8Array(KEY_BYTES)
  return {
    ...session,
    sending: session.sending && { ...session.sending, boxKey: boxKey() },
    receiving: session.receiving && { ...session.receiving, boxKey: boxKey() },
    nextReceiving: { ...session.nextReceiving, boxKey: boxKey() },
  }
}

/** Past chains in which a box may still come: young enough, not too many, and not read to their end. */
function keepPast(
  chains: readonly PastBoxChain[],
  nowMs: number | undefined,
  consumed: Uint8Array[],
): readonly PastBoxChain[] {
  const open = chains.filter((chain) => {
    const kept = !isOver(chain) && (nowMs === undefined || nowMs - chain.leftAtMs < BOX_LIFETIME_MS)
    if (!kept) consumed.push(...secretsOf(chain))
    return kept
  })
  const excess = Math.max(0, open.length - PAST_BOX_CHAIN_MAX_COUNT)
  for (const chain of open.slice(0, excess)) consumed.push(...secretsOf(chain))
  return open.slice(excess)
}

function isOver(chain: ReceiveBoxChain): boolean {
  return chain.chainKey === undefined && chain.missing.length === 0
}

function secretsOf(chain: ReceiveBoxChain): readonly Uint8Array[] {
  const seeds = chain.missing.map((box) => box.seed)
  return chain.chainKey === undefined ? seeds : [chain.chainKey, ...seeds]
}

/** A box to write: its keys, which nothing gives a second time, and what its body has to say of the chain before. */
export interface SendBox {
  readonly sequences: BoxSequences
  readonly keys: BoxKeys
  readonly previousBoxes: number
  readonly consumed: readonly Uint8Array[]
}

/** Undefined before the session can send. Store `sequences` with the sealed box in one batch before it may leave. */
export function takeSendBox(sequences: BoxSequences): SendBox | undefined {
  const { send } = sequences
  if (send === undefined) return undefined
  const step = deriveBoxStep(send.chainKey)
  const keys = deriveBoxKeys(step.seed)
  wipe(step.seed)
  return {
    sequences: { ...sequences, send: { ...send, chainKey: step.chainKey, index: send.index + 1 } },
    keys,
    previousBoxes: send.previousBoxes,
    consumed: [send.chainKey],
  }
}

/** A box that may be there for us. */
export interface WantedBox {
  readonly boxId: Uint8Array
  /** Counts the chains of the other side from 0. */
  readonly chain: number
  readonly index: number
  /** `next` and `current` hold what comes soon, `past` what was left behind. */
  readonly place: 'past' | 'current' | 'next'
}

/**
 * Every id to look for: of each chain the boxes that were passed over and a window behind the highest that was read. The
 * current chain first, then the next, then the past ones, newest first. Bounded whatever the other side does.
 */
export function wantedBoxes(sequences: BoxSequences): readonly WantedBox[] {
  const { current, next, past } = sequences.receive
  const places: readonly (readonly [WantedBox['place'], ReceiveBoxChain | undefined])[] = [
    ['current', current],
    ['next', next],
    ...past.toReversed().map((chain) => ['past', chain] as const),
  ]
  return places.flatMap(([place, chain]) => {
    if (chain === undefined) return []
    return openIds(chain).map(({ index, boxId }) => ({ boxId, chain: chain.number, index, place }))
  })
}

/** Ids behind a seed (one) or a chain key (the window's); public values, kept because an id costs a curve operation. */
const knownIds = new WeakMap<Uint8Array, readonly Uint8Array[]>()

/** Missing boxes and the window, ascending. */
function openIds(chain: ReceiveBoxChain): readonly { readonly index: number; readonly boxId: Uint8Array }[] {
  const { chainKey, missing, index: first, limit } = chain
  const open = missing.map(({ index, seed }) => ({ index, boxId: idsOf(seed, () => [seed])[0] ?? new Uint8Array() }))
  if (chainKey === undefined) return open
  for (const [offset, boxId] of idsOf(chainKey, () => windowSeeds(chainKey)).entries()) {
    const index = first + offset
    if (limit === undefined || index < limit) open.push({ index, boxId })
  }
  return open
}

function idsOf(secret: Uint8Array, seedsOf: () => readonly Uint8Array[]): readonly Uint8Array[] {
  const known = knownIds.get(secret)
  if (known !== undefined) return known
  const ids = seedsOf().map((seed) => {
    const { boxId, signingSeed, bodyKey } = deriveBoxKeys(seed)
    wipe(signingSeed, bodyKey)
    if (seed !== secret) wipe(seed)
    return boxId
  })
  knownIds.set(secret, ids)
  return ids
}

function windowSeeds(chainKey: Uint8Array): readonly Uint8Array[] {
  return Array.from({ length: BOX_WINDOW_COUNT + 1 }, (_, offset) => seedAt(chainKey, offset))
}

/** The seed `offset` places behind the chain key; the keys in between are wiped. */
function seedAt(chainKey: Uint8Array, offset: number): Uint8Array {
  let at = chainKey
  for (let place = 0; ; place += 1) {
    const step = deriveBoxStep(at)
    if (at !== chainKey) wipe(at)
    if (place === offset) {
      wipe(step.chainKey)
      return step.seed
    }
    wipe(step.seed)
    at = step.chainKey
  }
}

function find(
  sequences: BoxSequences,
  boxId: Uint8Array,
): { readonly chain: ReceiveBoxChain; readonly index: number } | undefined {
  const { current, next, past } = sequences.receive
  for (const chain of [current, next, ...past]) {
    if (chain === undefined) continue
    const open = openIds(chain).find((box) => equalBytes(box.boxId, boxId))
    if (open !== undefined) return { chain, index: open.index }
  }
  return undefined
}

/** The keys of a wanted box; undefined for every other id, also for one that was read. */
export function keysOf(sequences: BoxSequences, boxId: Uint8Array): BoxKeys | undefined {
  const found = find(sequences, boxId)
  if (found === undefined) return undefined
  const { chainKey, missing, index: first } = found.chain
  const kept = missing.find((box) => box.index === found.index)
  if (kept !== undefined) return deriveBoxKeys(kept.seed)
  if (chainKey === undefined) throw new InternalError('a closed chain has no window')
  const seed = seedAt(chainKey, found.index - first)
  const keys = deriveBoxKeys(seed)
  wipe(seed)
  return keys
}

/**
 * After a wanted box was read: its id is never wanted again. `previousBoxes` is what its body says of the chain before,
 * undefined when the body could not be read; the first word counts. An id that is not wanted changes nothing.
 */
export function noteRead(
  sequences: BoxSequences,
  boxId: Uint8Array,
  previousBoxes: number | undefined,
): { sequences: BoxSequences; consumed: readonly Uint8Array[] } {
  const consumed: Uint8Array[] = []
  const found = find(sequences, boxId)
  if (found === undefined) return { sequences, consumed }
  const { chain: from, index } = found
  const step = <Chain extends ReceiveBoxChain>(chain: Chain): Chain => {
    if (chain.number === from.number) return closeAtLimit(passBox(chain, index, consumed), consumed)
    if (chain.number !== from.number - 1 || chain.limit !== undefined || previousBoxes === undefined) return chain
    return closeAtLimit({ ...chain, limit: previousBoxes }, consumed)
  }
  const { current, next, past } = sequences.receive
  const receive: ReceiveSequence = {
    current: current && step(current),
    next: next && step(next),
    past: keepPast(past.map(step), undefined, consumed),
  }
  return { sequences: { ...sequences, receive }, consumed }
}

/** The chain without this box, moved on behind it where it was the highest. */
function passBox<Chain extends ReceiveBoxChain>(chain: Chain, index: number, consumed: Uint8Array[]): Chain {
  if (index < chain.index) {
    const read = chain.missing.find((box) => box.index === index)
    if (read !== undefined) consumed.push(read.seed)
    return { ...chain, missing: chain.missing.filter((box) => box !== read) }
  }
  const missing = [...chain.missing]
  let { chainKey } = chain
  for (let at = chain.index; chainKey !== undefined && at <= index; at += 1) {
    const step = deriveBoxStep(chainKey)
    consumed.push(chainKey)
    if (at < index) missing.push({ index: at, seed: step.seed })
    else consumed.push(step.seed)
    chainKey = step.chainKey
  }
  const excess = Math.max(0, missing.length - MISSING_BOX_MAX_COUNT)
  for (const box of missing.slice(0, excess)) consumed.push(box.seed)
  return { ...chain, chainKey, index: index + 1, missing: missing.slice(excess) }
}

/** Forgets what lies at or beyond the end of the chain, once that is known. */
function closeAtLimit<Chain extends ReceiveBoxChain>(chain: Chain, consumed: Uint8Array[]): Chain {
  const { limit, chainKey } = chain
  if (limit === undefined) return chain
  const beyond = chain.missing.filter((box) => box.index >= limit)
  consumed.push(...beyond.map((box) => box.seed))
  const missing = chain.missing.filter((box) => box.index < limit)
  if (chain.index < limit || chainKey === undefined) return { ...chain, missing }
  consumed.push(chainKey)
  return { ...chain, chainKey: undefined, missing }
}
