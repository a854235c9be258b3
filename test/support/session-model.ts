/**
 * A model of two parties over a network that loses, repeats, reorders and invents, and the checks on every step.
 * Never uses the ratchet to predict the ratchet: which envelope must open follows from counting alone. Spec 04-session §6.
 * @module
 */
import assert from 'node:assert/strict'
import { hexEncode } from '../../src/base/index.ts'
import { sha256 } from '../../src/crypto/index.ts'
import {
  decodeSessionState,
  encodeSessionState,
  type OpenedEnvelope,
  openEnvelope,
  SESSION_LIMITS,
  type SealedEnvelope,
  type SessionState,
  sealEnvelope,
} from '../../src/session/index.ts'
import { ENVELOPE_BYTES } from '../../src/wire/index.ts'
import { bodyOf, createSessionPair, NOW_MS } from './session-pair.ts'

export type Side = 'acceptor' | 'inviter'

/** One thing that happens; `pick` chooses among what there is, modulo its number. */
export type Step =
  | { readonly kind: 'send'; readonly side: Side }
  /** Any envelope ever sent to the side, whether it arrived before or not: reordering, duplication, replay. */
  | { readonly kind: 'deliver'; readonly side: Side; readonly pick: number }
  /** The newest envelope sent to the side. */
  | { readonly kind: 'deliver-newest'; readonly side: Side }
  /** An envelope is opened, but the process dies before the new state is stored. */
  | { readonly kind: 'open-and-crash'; readonly side: Side; readonly pick: number }
  | { readonly kind: 'reflect'; readonly side: Side; readonly pick: number }
  | { readonly kind: 'flip'; readonly side: Side; readonly pick: number; readonly at: number; readonly mask: number }
  | { readonly kind: 'garbage'; readonly side: Side; readonly fill: number; readonly length: number }
  | { readonly kind: 'restore'; readonly side: Side }

/** What is under test; mutation controls put a broken one here. */
export interface Ratchet {
  readonly seal: (state: SessionState, body: Uint8Array) => SealedEnvelope
  readonly open: (state: SessionState, envelope: Uint8Array, nowMs: number) => OpenedEnvelope
}

export const REAL_RATCHET: Ratchet = { seal: sealEnvelope, open: openEnvelope }

interface Sent {
  readonly from: Side
  readonly envelope: Uint8Array
  readonly body: Uint8Array
  readonly chain: number
  readonly number: number
  readonly previousCount: number
  readonly keyHash: string
}

/** What counting alone knows of a party. */
interface Party {
  state: SessionState
  sendingChain: number
  sendingNumber: number
  previousCount: number
  receivingChain: number
  receivingNumber: number
  /** Chain to the numbers below its end that have not arrived. */
  readonly missing: Map<number, Set<number>>
}

/** How often each interesting thing happened, so that a test can see that it looked at something. */
export interface ModelCounts {
  sent: number
  opened: number
  late: number
  turns: number
  refused: number
}

/** Plays the steps and throws at the first broken promise. */
export function playSession(steps: readonly Step[], ratchet: Ratchet, counts: ModelCounts): void {
  const pair = createSessionPair()
  const parties: Record<Side, Party> = {
    acceptor: party(pair.acceptor, { sendingNumber: 1, receivingChain: -1, receivingNumber: 0 }),
    inviter: party(pair.inviter, { sendingNumber: 0, receivingChain: 0, receivingNumber: 1 }),
  }
  const log: Sent[] = []
  const keysUsed = new Set([hexEncode(sha256(pair.firstConsumed[0] ?? new Uint8Array()))])
  const windows = new Set<string>()
  const sentTo = (side: Side): readonly Sent[] => log.filter((sent) => sent.from !== side)

  for (const step of steps) {
    const own = parties[step.side]
    switch (step.kind) {
      case 'send':
        log.push(send(step.side, own, ratchet, log.length + 1, keysUsed, windows))
        counts.sent += 1
        break
      case 'deliver':
        deliver(own, choose(sentTo(step.side), step.pick), ratchet, counts)
        break
      case 'deliver-newest':
        deliver(own, sentTo(step.side).at(-1), ratchet, counts)
        break
      case 'open-and-crash': {
        const sent = choose(sentTo(step.side), step.pick)
        if (sent !== undefined) openUnchanged(own, sent.envelope, ratchet)
        break
      }
      case 'reflect': {
        const mine = choose(
          log.filter((sent) => sent.from === step.side),
          step.pick,
        )
        if (mine !== undefined) refuse(own, mine.envelope, ratchet, counts)
        break
      }
      case 'flip': {
        const sent = choose(sentTo(step.side), step.pick)
        if (sent === undefined) break
        const changed = sent.envelope.slice()
        const at = step.at % changed.length
        changed[at] = (changed[at] ?? 0) ^ step.mask
        refuse(own, changed, ratchet, counts)
        break
      }
      case 'garbage':
        refuse(own, new Uint8Array(step.length).fill(step.fill), ratchet, counts)
        break
      case 'restore':
        own.state = restored(own.state)
        break
    }
  }
}

function party(
  state: SessionState,
  start: { sendingNumber: number; receivingChain: number; receivingNumber: number },
): Party {
  return { state, sendingChain: 0, previousCount: 0, missing: new Map(), ...start }
}

function choose<T>(list: readonly T[], pick: number): T | undefined {
  return list[pick % Math.max(1, list.length)]
}

function restored(state: SessionState): SessionState {
  const bytes = encodeSessionState(state)
  const decoded = decodeSessionState(bytes)
  assert.ok(decoded !== undefined, 'a state does not survive its own codec')
  assert.deepEqual(encodeSessionState(decoded), bytes)
  return decoded
}

/** Takes the new state over, as the messenger does: it is stored, then what was consumed is wiped. */
function commit(own: Party, result: { state: SessionState; consumed: readonly Uint8Array[] }): void {
  const before = encodeSessionState(result.state)
  for (const secret of result.consumed) secret.fill(0)
  assert.deepEqual(encodeSessionState(result.state), before, 'a consumed secret is still part of the state')
  own.state = result.state
}

function send(side: Side, own: Party, ratchet: Ratchet, id: number, keysUsed: Set<string>, windows: Set<string>): Sent {
  const body = bodyOf(id)
  const before = encodeSessionState(own.state)
  const sealed = ratchet.seal(own.state, body)
  assert.deepEqual(encodeSessionState(own.state), before, 'sealing changed the state it was given')
  assert.equal(sealed.envelope.length, ENVELOPE_BYTES)
  addWindows(sealed.envelope, windows)
  const keyHash = hexEncode(sha256(sealed.consumed[0] ?? new Uint8Array()))
  assert.ok(!keysUsed.has(keyHash), 'a message key was used twice')
  keysUsed.add(keyHash)
  commit(own, sealed)
  const { sendingChain: chain, previousCount } = own
  return { from: side, envelope: sealed.envelope, body, chain, number: own.sendingNumber++, previousCount, keyHash }
}

/** No 16 bytes of one envelope come again in it or in any other. */
function addWindows(envelope: Uint8Array, windows: Set<string>): void {
  const text = Buffer.from(envelope).toString('latin1')
  for (let at = 0; at + 16 <= text.length; at++) {
    const window = text.slice(at, at + 16)
    assert.ok(!windows.has(window), 'envelopes have 16 bytes in common')
    windows.add(window)
  }
}

function openUnchanged(own: Party, envelope: Uint8Array, ratchet: Ratchet): OpenedEnvelope {
  const before = encodeSessionState(own.state)
  const input = envelope.slice()
  const result = ratchet.open(own.state, envelope, NOW_MS)
  assert.deepEqual(encodeSessionState(own.state), before, 'opening changed the state it was given')
  assert.deepEqual(envelope, input, 'opening changed the envelope')
  return result
}

function refuse(own: Party, envelope: Uint8Array, ratchet: Ratchet, counts: ModelCounts): void {
  assert.equal(openUnchanged(own, envelope, ratchet).ok, false, 'opened what nobody sealed for it')
  counts.refused += 1
}

function deliver(own: Party, sent: Sent | undefined, ratchet: Ratchet, counts: ModelCounts): void {
  if (sent === undefined) return
  const result = openUnchanged(own, sent.envelope, ratchet)
  const expected = receive(own, sent, counts)
  assert.equal(result.ok, expected, expected ? 'an envelope in time was refused' : 'an envelope opened twice')
  if (!result.ok) {
    counts.refused += 1
    return
  }
  assert.deepEqual(result.body, sent.body)
  assert.equal(hexEncode(sha256(result.consumed[0] ?? new Uint8Array())), sent.keyHash)
  commit(own, result)
  counts.opened += 1
}

/** Counts the envelope in; false when it must not open. */
function receive(own: Party, sent: Sent, counts: ModelCounts): boolean {
  const missing = own.missing.get(sent.chain)
  if (sent.chain < own.receivingChain || (sent.chain === own.receivingChain && sent.number < own.receivingNumber)) {
    if (missing?.delete(sent.number) !== true) return false
    if (missing.size === 0) own.missing.delete(sent.chain)
    counts.late += 1
    return true
  }
  const skip = (chain: number, from: number, to: number): void => {
    const numbers = own.missing.get(chain) ?? new Set()
    for (let number = from; number < to; number++) numbers.add(number)
    if (numbers.size > 0) own.missing.set(chain, numbers)
  }
  if (sent.chain > own.receivingChain) {
    assert.equal(sent.chain, own.receivingChain + 1, 'a peer cannot be two chains ahead')
    skip(own.receivingChain, own.receivingNumber, sent.previousCount)
    own.receivingChain = sent.chain
    own.receivingNumber = 0
    // The acceptor starts with a sending chain of its own; the inviter's first one began with the handshake.
    own.previousCount = own.sendingNumber
    own.sendingNumber = 0
    own.sendingChain += 1
    counts.turns += 1
  }
  skip(own.receivingChain, own.receivingNumber, sent.number)
  own.receivingNumber = sent.number + 1
  const past = [...own.missing.keys()].filter((chain) => chain !== own.receivingChain).sort((a, b) => a - b)
  for (const chain of past.slice(0, Math.max(0, past.length - SESSION_LIMITS.pastChains))) own.missing.delete(chain)
  return true
}
