import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createSessionVectors } from '../../../scripts/make-vectors.ts'
import { hexEncode } from '../../../src/base/index.ts'
import { ed25519PublicKey, kemEncapsulationKey, sha256, x25519PublicKey } from '../../../src/crypto/index.ts'
import { type IdentityKeys, prekeyBundle } from '../../../src/identity/index.ts'
import {
  decodeSessionState,
  encodeSessionState,
  initiateHandshake,
  openEnvelope,
  RATCHET_SUITE,
  type RatchetSuite,
  respondHandshake,
  sealEnvelope,
} from '../../../src/session/index.ts'
import { oracle } from '../../support/oracle.ts'
import { hex, readVectors } from '../../support/vectors.ts'

type Side = 'acceptor' | 'inviter'
type HexIdentity = Record<'ed25519Seed' | 'ed25519PublicKey' | 'x25519PrivateKey' | 'x25519PublicKey', string>

interface SealStep {
  seal: Side
  body: string
  random: string[]
  envelope: string
  messageKey: string
  stateHash: string
}

interface OpenStep {
  open: Side
  envelopeIndex: number
  flippedByte?: number
  result: string
  random: string[]
  stateHash: string
}

interface SessionVectors {
  nowMs: number
  inviter: HexIdentity
  acceptor: HexIdentity
  prekeys: Record<'signedPrekey' | 'oneTimePrekey' | 'kemSeed', string>
  handshake: {
    initiatorRandom: string[]
    responderRandom: string[]
  } & Record<
    'firstBody' | 'kemCoins' | 'transcript' | 'request' | 'laneSecret' | 'acceptorState' | 'inviterState',
    string
  >
  steps: (SealStep | OpenStep)[]
  finalStates: Record<Side, string>
}

const vectors = readVectors('session-v1') as SessionVectors

/** Gives the recorded randomness, chunk by chunk; `done` says that nothing is left. */
function playback(chunks: readonly string[]): { suite: RatchetSuite; done: () => void } {
  const queue = chunks.map(hex)
  const random = (length: number): Uint8Array => {
    const chunk = queue.shift()
    assert.equal(chunk?.length, length, 'randomness asked for in another order')
    return chunk ?? new Uint8Array()
  }
  return { suite: { ...RATCHET_SUITE, random }, done: () => assert.equal(queue.length, 0) }
}

function pairOf(privateKey: string): { privateKey: Uint8Array; publicKey: Uint8Array } {
  return { privateKey: hex(privateKey), publicKey: x25519PublicKey(hex(privateKey)) }
}

function identityOf(keys: HexIdentity): IdentityKeys {
  const ed25519Seed = hex(keys.ed25519Seed)
  return { ed25519Seed, ed25519PublicKey: ed25519PublicKey(ed25519Seed), x25519: pairOf(keys.x25519PrivateKey) }
}

describe('session-v1 vectors', () => {
  it('are what the generator writes', () => {
    assert.deepEqual(JSON.parse(JSON.stringify(createSessionVectors())), vectors)
  })

  it('handshake', () => {
    const { handshake, nowMs } = vectors
    const inviter = identityOf(vectors.inviter)
    const acceptor = identityOf(vectors.acceptor)
    assert.equal(hexEncode(acceptor.x25519.publicKey), vectors.acceptor.x25519PublicKey)
    const kemSeed = hex(vectors.prekeys.kemSeed)
    const prekeys = {
      signedPrekey: pairOf(vectors.prekeys.signedPrekey),
      oneTimePrekey: pairOf(vectors.prekeys.oneTimePrekey),
      kemSeed,
      kemEncapsulationKey: kemEncapsulationKey(kemSeed),
    }
    const bundle = prekeyBundle(inviter, prekeys)
    const initiator = playback(handshake.initiatorRandom)
    const encapsulate = (key: Uint8Array) => oracle.kemEncapsulate(key, hex(handshake.kemCoins))
    const firstBody = hex(handshake.firstBody)
    const initiated = initiateHandshake({ own: acceptor, bundle, firstBody }, { ...initiator.suite, encapsulate })
    initiator.done()
    assert.ok(initiated.ok)
    assert.equal(hexEncode(initiated.request), handshake.request)
    assert.equal(hexEncode(initiated.laneSecret), handshake.laneSecret)
    assert.equal(hexEncode(encodeSessionState(initiated.state)), handshake.acceptorState)
    assert.equal(hexEncode(initiated.state.transcript), handshake.transcript)

    const responder = playback(handshake.responderRandom)
    const request = hex(handshake.request)
    const responded = respondHandshake({ own: inviter, prekeys, request, nowMs }, responder.suite)
    responder.done()
    assert.ok(responded.ok)
    assert.equal(hexEncode(responded.firstBody), handshake.firstBody)
    assert.equal(hexEncode(responded.laneSecret), handshake.laneSecret)
    assert.equal(hexEncode(responded.remote.ed25519), vectors.acceptor.ed25519PublicKey)
    assert.equal(hexEncode(encodeSessionState(responded.state)), handshake.inviterState)
  })

  it('envelopes: sealed, late, replayed, changed, simultaneous', () => {
    const acceptor = decodeSessionState(hex(vectors.handshake.acceptorState))
    const inviter = decodeSessionState(hex(vectors.handshake.inviterState))
    assert.ok(acceptor !== undefined && inviter !== undefined)
    const states = { acceptor, inviter }
    const sealedSteps = vectors.steps.filter((step) => 'seal' in step)
    const results = new Set<string>()
    for (const [index, step] of vectors.steps.entries()) {
      const { suite, done } = playback(step.random)
      if ('seal' in step) {
        const sealed = sealEnvelope(states[step.seal], hex(step.body), suite)
        assert.equal(hexEncode(sealed.envelope), step.envelope, `step ${index}`)
        assert.equal(hexEncode(sealed.consumed[0] ?? new Uint8Array()), step.messageKey, `step ${index}`)
        states[step.seal] = sealed.state
      } else {
        const source = sealedSteps[step.envelopeIndex]
        assert.ok(source !== undefined)
        const envelope = hex(source.envelope)
        const { flippedByte } = step
        if (flippedByte !== undefined) envelope[flippedByte] = (envelope[flippedByte] ?? 0) ^ 1
        const result = openEnvelope(states[step.open], envelope, vectors.nowMs, suite)
        assert.equal(result.ok ? 'ok' : result.reason, step.result, `step ${index}`)
        results.add(step.result)
        if (result.ok) {
          assert.equal(hexEncode(result.body), source.body)
          assert.equal(hexEncode(result.consumed[0] ?? new Uint8Array()), source.messageKey)
          states[step.open] = result.state
        }
      }
      done()
      const after = states['seal' in step ? step.seal : step.open]
      assert.equal(hexEncode(sha256(encodeSessionState(after))), step.stateHash, `state after step ${index}`)
    }
    assert.deepEqual([...results].sort(), ['bad-body', 'ok', 'replayed', 'unknown-header'])
    for (const side of ['acceptor', 'inviter'] as const) {
      assert.equal(hexEncode(encodeSessionState(states[side])), vectors.finalStates[side])
    }
  })
})
