/**
 * One state of every stage a session goes through, for codecs.
 * Never two of one shape: nothing heard, only sending, both, and both with past chains.
 * @module
 */
import { openEnvelope, type SessionState, sealEnvelope } from '../../src/session/index.ts'
import { startResponder } from '../../src/session/start.ts'
import { bodyOf, createMeeting, createSessionPair, NOW_MS, opened, sealMany } from './session-pair.ts'

export function sessionStates(): readonly SessionState[] {
  const { acceptor, inviter } = createSessionPair()
  const direction = { headerKey: new Uint8Array(32).fill(1), boxKey: new Uint8Array(32).fill(2) }
  const keys = {
    transcript: acceptor.transcript,
    rootKey: acceptor.rootKey,
    initiator: direction,
    responder: direction,
  }
  const awaiting = startResponder(keys, createMeeting().prekeys.signedPrekey)

  let [alice, bob] = [acceptor, inviter]
  for (let turn = 0; turn < 3; turn++) {
    const { envelopes, state } = sealMany(alice, 3, sealEnvelope)
    const heard = opened(openEnvelope(bob, envelopes[2] ?? new Uint8Array(), NOW_MS)).state
    const reply = sealEnvelope(heard, bodyOf(0))
    bob = reply.state
    alice = opened(openEnvelope(state, reply.envelope, NOW_MS)).state
  }
  return [awaiting, acceptor, inviter, bob]
}
