/**
 * Two parties of a session for tests: identities, bundle, handshake, and bodies to send.
 * Never shares a state between tests: each call makes everything anew.
 * @module
 */
import assert from 'node:assert/strict'
import {
  createIdentityKeys,
  createPrekeys,
  type IdentityKeys,
  type PrekeySecrets,
  prekeyBundle,
} from '../../src/identity/index.ts'
import {
  initiateHandshake,
  type OpenedEnvelope,
  respondHandshake,
  type SealedEnvelope,
  type SessionState,
} from '../../src/session/index.ts'
import { ENVELOPE_BODY_BYTES } from '../../src/wire/index.ts'

/** A moment in 2026; sessions read no clock. */
export const NOW_MS = 1_790_000_000_000

/** A padded body that is different for every number. */
export function bodyOf(number: number): Uint8Array {
  const body = new Uint8Array(ENVELOPE_BODY_BYTES)
  new DataView(body.buffer).setUint32(0, number)
  return body
}

export interface Meeting {
  /** Owner of the bundle; answers. */
  readonly inviter: IdentityKeys
  readonly prekeys: PrekeySecrets
  /** Initiates. */
  readonly acceptor: IdentityKeys
}

export function createMeeting(): Meeting {
  return { inviter: createIdentityKeys(), prekeys: createPrekeys(), acceptor: createIdentityKeys() }
}

export interface SessionPair {
  readonly acceptor: SessionState
  readonly inviter: SessionState
  readonly request: Uint8Array
  readonly firstConsumed: readonly Uint8Array[]
}

/** Both states right after the handshake, its first body being `bodyOf(0)`. */
export function createSessionPair(meeting: Meeting = createMeeting()): SessionPair {
  const bundle = prekeyBundle(meeting.inviter, meeting.prekeys)
  const initiated = initiateHandshake({ own: meeting.acceptor, bundle, firstBody: bodyOf(0) })
  assert.ok(initiated.ok)
  const { request } = initiated
  const responded = respondHandshake({ own: meeting.inviter, prekeys: meeting.prekeys, request, nowMs: NOW_MS })
  assert.ok(responded.ok)
  return {
    acceptor: initiated.state,
    inviter: responded.state,
    request,
    firstConsumed: initiated.consumed.map((secret) => secret.slice()),
  }
}

/** The success, or a failed assertion with the reason. */
export function opened(result: OpenedEnvelope): Extract<OpenedEnvelope, { ok: true }> {
  assert.ok(result.ok, result.ok ? '' : `refused: ${result.reason}`)
  return result
}

/** `count` envelopes in a row, with the state after them. */
export function sealMany(
  state: SessionState,
  count: number,
  seal: (state: SessionState, body: Uint8Array) => SealedEnvelope,
): { state: SessionState; envelopes: readonly Uint8Array[] } {
  const envelopes: Uint8Array[] = []
  let current = state
  for (let number = 0; number < count; number++) {
    const sealed = seal(current, bodyOf(number))
    current = sealed.state
    envelopes.push(sealed.envelope)
  }
  return { state: current, envelopes }
}
