/**
 * Proofs of work: what a host pays for its id, and a client for its session with a courier.
 * Never blocks the event loop, and never takes longer to check than one try takes. Spec 03-mailbox §3.2, §4.1.
 * @module
 */
import { createByteReader, createByteWriter } from '../base/index.ts'
import { framed, HASH_BYTES, label, scrypt, sha256 } from '../crypto/index.ts'
import type { Random } from '../ports/index.ts'
import { CLOCK_TOLERANCE_MS, WORK_COST, WORK_PERIOD_MS } from './options.ts'

/** A nonce that was found, and the period for which it counts. */
export interface Work {
  readonly period: number
  readonly nonce: number
}

function u16(value: number): Uint8Array {
  return createByteWriter(2).u16(value).finish()
}

function u32(value: number): Uint8Array {
  return createByteWriter(4).u32(value).finish()
}

function u64(value: number): Uint8Array {
  return createByteWriter(8).u64(value).finish()
}

/** When in the period this host moves to the next one, so that hosts do not all move at once. */
function periodOffsetMs(hostKey: Uint8Array): number {
  return createByteReader(sha256(framed(label('work-offset'), hostKey))).u16() * (WORK_PERIOD_MS / 2 ** 16)
}

/** The period that this host is in. */
export function hostWorkPeriod(hostKey: Uint8Array, nowMs: number): number {
  return Math.floor((nowMs + periodOffsetMs(hostKey)) / WORK_PERIOD_MS)
}

/** When this host leaves this period. */
export function hostWorkPeriodEndMs(hostKey: Uint8Array, period: number): number {
  return (period + 1) * WORK_PERIOD_MS - periodOffsetMs(hostKey)
}

/** True for the period that the host is in by a clock that may be wrong by `CLOCK_TOLERANCE_MS`. */
export function isHostWorkPeriod(hostKey: Uint8Array, period: number, nowMs: number): boolean {
  return (
    period >= hostWorkPeriod(hostKey, nowMs - CLOCK_TOLERANCE_MS) &&
    period <= hostWorkPeriod(hostKey, nowMs + CLOCK_TOLERANCE_MS)
  )
}

/** Names the host and its place among the boxes. Changes with the work, each period. */
export function hostIdOf(hostKey: Uint8Array, work: Work): Uint8Array {
  return sha256(framed(label('host-id'), hostKey, u16(work.period), u64(work.nonce)))
}

function hostPassword(hostKey: Uint8Array, work: Work): Uint8Array {
  return framed(label('host-work'), hostKey, u16(work.period), u64(work.nonce))
}

const HOST_SALT = label('host-work/salt')
const SESSION_SALT = label('session-work/salt')

async function hasWork(password: Uint8Array, salt: Uint8Array, bits: number): Promise<boolean> {
  return leadingZeroBits(await scrypt(password, salt, WORK_COST, HASH_BYTES)) >= bits
}

function leadingZeroBits(bytes: Uint8Array): number {
  let bits = 0
  for (const byte of bytes) {
    if (byte !== 0) return bits + Math.clz32(byte) - 24
    bits += 8
  }
  return bits
}

const NONCE_START_BITS = 48

/** Random beginning, so that two runs for one key try different nonces, then one after the other. */
async function findNonce(
  random: Random,
  signal: AbortSignal,
  holds: (nonce: number) => Promise<boolean>,
): Promise<number> {
  for (let nonce = Math.floor(random.uniform() * 2 ** NONCE_START_BITS); ; nonce += 1) {
    signal.throwIfAborted()
    if (await holds(nonce)) return nonce
  }
}

/**
 * Work for the period that the host is in at `nowMs`; with the real number of bits about ten minutes of one core.
 * @throws the signal's reason
 */
export async function mintHostWork(
  hostKey: Uint8Array,
  nowMs: number,
  bits: number,
  signal: AbortSignal,
  random: Random,
): Promise<Work> {
  const period = hostWorkPeriod(hostKey, nowMs)
  const nonce = await findNonce(random, signal, (tried) => verifyHostWork(hostKey, { period, nonce: tried }, bits))
  return { period, nonce }
}

/** One scrypt. Says nothing of whether the period is the right one: {@link isHostWorkPeriod}, which is cheap, goes first. */
export function verifyHostWork(hostKey: Uint8Array, work: Work, bits: number): Promise<boolean> {
  return hasWork(hostPassword(hostKey, work), HOST_SALT, bits)
}

/** What the work of a session is bound to. */
export interface SessionWorkContext {
  /** The courier's host key. */
  readonly hostKey: Uint8Array
  /** The client's transport identity on this link. */
  readonly clientKey: Uint8Array
  readonly epochMs: number
  readonly bits: number
}

/**
 * Work for one session with one courier; with the real number of bits about half a minute of one core.
 * @throws the signal's reason
 */
export async function mintSessionWork(
  context: SessionWorkContext,
  nowMs: number,
  signal: AbortSignal,
  random: Random,
): Promise<Work> {
  const period = Math.floor(nowMs / context.epochMs)
  const nonce = await findNonce(random, signal, (tried) => hasSessionWork(context, { period, nonce: tried }))
  return { period, nonce }
}

/** One scrypt, or none when the period is not one that a clock wrong by `CLOCK_TOLERANCE_MS` could show. */
export function verifySessionWork(context: SessionWorkContext, work: Work, nowMs: number): Promise<boolean> {
  const first = Math.floor((nowMs - CLOCK_TOLERANCE_MS) / context.epochMs)
  const last = Math.floor((nowMs + CLOCK_TOLERANCE_MS) / context.epochMs)
  if (work.period < first || work.period > last) return Promise.resolve(false)
  return hasSessionWork(context, work)
}

function hasSessionWork(context: SessionWorkContext, work: Work): Promise<boolean> {
  const { hostKey, clientKey, bits } = context
  const password = framed(label('session-work'), hostKey, clientKey, u32(work.period), u64(work.nonce))
  return hasWork(password, SESSION_SALT, bits)
}
