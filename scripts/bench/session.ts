/**
 * How fast the ratchet is.
 * Never with shortcuts: the shipped functions, sealing and opening real envelopes.
 * @module
 */
import { createIdentityKeys, createPrekeys, prekeyBundle } from '../../src/identity/index.ts'
import {
  initiateHandshake,
  openEnvelope,
  respondHandshake,
  type SessionState,
  sealEnvelope,
} from '../../src/session/index.ts'
import { ENVELOPE_BODY_BYTES, padBody } from '../../src/wire/index.ts'
import { type Figure, operationsPerSecond } from './figures.ts'

const BODY = padBody(new Uint8Array(100).fill(1), ENVELOPE_BODY_BYTES)

function createPair(): [SessionState, SessionState] {
  const [alice, bob, prekeys] = [createIdentityKeys(), createIdentityKeys(), createPrekeys()]
  const started = initiateHandshake({ own: alice, bundle: prekeyBundle(bob, prekeys), firstBody: BODY })
  if (!started.ok) throw new Error(started.reason)
  const answered = respondHandshake({ own: bob, prekeys, request: started.request, nowMs: 0 })
  if (!answered.ok) throw new Error(answered.reason)
  return [started.state, answered.state]
}

function open(state: SessionState, envelope: Uint8Array): SessionState {
  const opened = openEnvelope(state, envelope, 0)
  if (!opened.ok) throw new Error(opened.reason)
  return opened.state
}

export function benchSession(): Figure[] {
  let [alice, bob] = createPair()
  const seal = operationsPerSecond(() => {
    alice = sealEnvelope(alice, BODY).state
  })
  ;[alice, bob] = createPair()
  // Opening needs envelopes: they are made outside the measured time.
  let opened = 0
  for (let round = 0; round < 5; round += 1) {
    const envelopes: Uint8Array[] = []
    for (let index = 0; index < 500; index += 1) {
      const sealed = sealEnvelope(alice, BODY)
      alice = sealed.state
      envelopes.push(sealed.envelope)
    }
    const startMs = performance.now()
    for (const envelope of envelopes) bob = open(bob, envelope)
    opened = Math.max(opened, (envelopes.length * 1000) / (performance.now() - startMs))
  }
  const pingPong = operationsPerSecond(() => {
    const there = sealEnvelope(alice, BODY)
    bob = open(bob, there.envelope)
    const back = sealEnvelope(bob, BODY)
    bob = back.state
    alice = open(there.state, back.envelope)
  })
  const how = 'one thread, best of rounds'
  return [
    { name: 'session: seal an envelope', value: seal, unit: '/s', how },
    { name: 'session: open an envelope', value: opened, unit: '/s', how },
    { name: 'session: ping-pong, both ways with two DH steps', value: pingPong, unit: '/s', how },
  ]
}
