import assert from 'node:assert/strict'
import { createDecipheriv } from 'node:crypto'
import { describe, it } from 'node:test'
import { concatBytes, hexEncode } from '../../../src/base/index.ts'
import { deriveOnionKey, hkdfSha256, hmacSha256, x25519, x25519PublicKey } from '../../../src/crypto/index.ts'
import { deriveChainStep, deriveRootStep } from '../../../src/session/kdf.ts'
import { expandSecrets } from '../../../src/session/key-agreement.ts'
import { openEnvelope } from '../../../src/session/open-envelope.ts'
import { sealEnvelope } from '../../../src/session/seal-envelope.ts'
import { type SessionKeys, startInitiator, startResponder } from '../../../src/session/start.ts'
import type { SessionState } from '../../../src/session/state.ts'
import type { RatchetSuite } from '../../../src/session/suite.ts'
import { bodyOf, NOW_MS, opened } from '../../support/session-pair.ts'
import { hex, readVectors } from '../../support/vectors.ts'

interface Message {
  from: 'alice' | 'bob'
  ratchetKey: string
  previousCount: number
  number: number
}

interface Scenario {
  alicePrivateKeys: string[]
  bobFirstPrivateKey: string
  bobFirstPublicKey: string
  bobPrivateKeys: string[]
}

interface Vectors {
  rootInfo: string
  messageInfo: string
  rootSteps: { rootKey: string; secret: string; output: string }[]
  chain: { chainKey: string; steps: { messageKey: string; chainKey: string }[] }
  dhRatchet: Scenario & { rootKey: string; messages: (Message & { messageKey: string })[] }
  doubleRatchet: Scenario & {
    sharedSecret: string
    associatedData: string
    messages: (Message & { plaintext: string; ciphertext: string })[]
    deliveryOrder: number[]
  }
  x3dh: {
    info: string
    aliceIdentitySeed: string
    ephemeralPrivateKey: string
    bobIdentitySeed: string
    signedPrekeyPrivateKey: string
    oneTimePrekeyPrivateKey: string
    oneTimePrekeyPublicKey: string
    sharedSecret: string
  }
}

const vectors = readVectors('omemo-double-ratchet') as Vectors

/** Ratchet keys from the vector's queue; header nonces, which the vectors do not have, from a counter. */
function suiteOf(privateKeys: readonly string[]): RatchetSuite {
  const queue = privateKeys.map(hex)
  let nonce = 0
  const random = (length: number): Uint8Array => {
    const next = length === 32 ? queue.shift() : new Uint8Array(length).fill(++nonce)
    assert.ok(next !== undefined, 'more ratchet keys than the vector has')
    return next
  }
  return { random, rootInfo: hex(vectors.rootInfo) }
}

/** Our state machine at the start of a vector; the header keys do not touch the root chain. */
function start(
  scenario: Scenario,
  rootKey: string,
): Record<'alice' | 'bob', { state: SessionState; suite: RatchetSuite }> {
  const direction = (fill: number): { headerKey: Uint8Array; boxKey: Uint8Array } => ({
    headerKey: new Uint8Array(32).fill(fill),
    boxKey: new Uint8Array(32),
  })
  const keys: SessionKeys = {
    transcript: new Uint8Array(32),
    rootKey: hex(rootKey),
    initiator: direction(1),
    responder: direction(2),
  }
  const aliceSuite = suiteOf(scenario.alicePrivateKeys)
  const alice = startInitiator(keys, hex(scenario.bobFirstPublicKey), aliceSuite)
  assert.ok(alice !== undefined)
  const bob = startResponder(keys, {
    privateKey: hex(scenario.bobFirstPrivateKey),
    publicKey: hex(scenario.bobFirstPublicKey),
  })
  return { alice: { state: alice, suite: aliceSuite }, bob: { state: bob, suite: suiteOf(scenario.bobPrivateKeys) } }
}

/** Seals as `from`, checks the header fields against the vector, and gives back envelope and message key. */
function sealChecked(
  party: { state: SessionState; suite: RatchetSuite },
  message: Message,
): { envelope: Uint8Array; messageKey: string } {
  assert.equal(hexEncode(party.state.ratchetKey.publicKey), message.ratchetKey)
  assert.equal(party.state.previousCount, message.previousCount)
  assert.equal(party.state.sending?.number, message.number)
  const sealed = sealEnvelope(party.state, bodyOf(message.number), party.suite)
  party.state = sealed.state
  return { envelope: sealed.envelope, messageKey: hexEncode(sealed.consumed[0] ?? new Uint8Array()) }
}

function openChecked(party: { state: SessionState; suite: RatchetSuite }, envelope: Uint8Array): string {
  const result = opened(openEnvelope(party.state, envelope, NOW_MS, party.suite))
  party.state = result.state
  return hexEncode(result.consumed[0] ?? new Uint8Array())
}

describe('OMEMO vectors through our own ratchet', () => {
  it('root steps: the first two of our four outputs', () => {
    assert.ok(vectors.rootSteps.length > 0)
    for (const { rootKey, secret, output } of vectors.rootSteps) {
      const step = deriveRootStep(hex(rootKey), hex(secret), hex(vectors.rootInfo))
      assert.equal(hexEncode(concatBytes(step.rootKey, step.chainKey)), output)
    }
  })

  it('chain steps', () => {
    let chainKey = hex(vectors.chain.chainKey)
    assert.ok(vectors.chain.steps.length > 0)
    for (const expected of vectors.chain.steps) {
      const step = deriveChainStep(chainKey)
      assert.equal(hexEncode(step.messageKey), expected.messageKey)
      assert.equal(hexEncode(step.chainKey), expected.chainKey)
      chainKey = step.chainKey
    }
  })

  it('DH ratchet: message keys, ratchet keys and counters of five messages', () => {
    const parties = start(vectors.dhRatchet, vectors.dhRatchet.rootKey)
    for (const message of vectors.dhRatchet.messages) {
      const { envelope, messageKey } = sealChecked(parties[message.from], message)
      assert.equal(messageKey, message.messageKey)
      assert.equal(openChecked(parties[message.from === 'alice' ? 'bob' : 'alice'], envelope), message.messageKey)
    }
  })

  it('Double Ratchet: our message keys open the published ciphertexts, two of them out of order', () => {
    const { messages, deliveryOrder, associatedData, sharedSecret } = vectors.doubleRatchet
    const parties = start(vectors.doubleRatchet, sharedSecret)
    const envelopes: Uint8Array[] = []
    const skippedOfBob: number[] = []
    for (const index of deliveryOrder) {
      const message = messages[index]
      assert.ok(message !== undefined)
      while (envelopes.length <= index) {
        const next = messages[envelopes.length]
        assert.ok(next !== undefined)
        envelopes.push(sealChecked(parties[next.from], next).envelope)
      }
      const receiver = parties[message.from === 'alice' ? 'bob' : 'alice']
      const messageKey = openChecked(receiver, envelopes[index] ?? new Uint8Array())
      assert.equal(openOmemo(messageKey, associatedData, message), message.plaintext)
      skippedOfBob.push(parties.bob.state.receiving?.skipped.length ?? 0)
    }
    assert.deepEqual(skippedOfBob.slice(2), [1, 0])
  })

  it('X3DH: prefix, salt and order of the secrets', () => {
    const { x3dh } = vectors
    const identity = (seed: string): Uint8Array => deriveOnionKey(hex(seed)).secretKey.slice(0, 32)
    const agree = (privateKey: Uint8Array, otherPrivateKey: Uint8Array): Uint8Array => {
      const secret = x25519(privateKey, x25519PublicKey(otherPrivateKey))
      assert.ok(secret !== undefined)
      return secret
    }
    const ephemeral = hex(x3dh.ephemeralPrivateKey)
    const signedPrekey = hex(x3dh.signedPrekeyPrivateKey)
    const oneTimePrekey = hex(x3dh.oneTimePrekeyPrivateKey)
    assert.equal(hexEncode(x25519PublicKey(oneTimePrekey)), x3dh.oneTimePrekeyPublicKey)
    const secrets = {
      identitySigned: agree(identity(x3dh.aliceIdentitySeed), signedPrekey),
      ephemeralIdentity: agree(ephemeral, identity(x3dh.bobIdentitySeed)),
      ephemeralSigned: agree(ephemeral, signedPrekey),
      ephemeralOneTime: agree(ephemeral, oneTimePrekey),
      kem: new Uint8Array(0),
    }
    assert.equal(hexEncode(expandSecrets(secrets, hex(x3dh.info), 32)), x3dh.sharedSecret)
  })
})

/** OMEMO's own message encryption, to see that the message key is the one the publisher had. */
function openOmemo(messageKey: string, associatedData: string, message: Message & { ciphertext: string }): string {
  const keys = hkdfSha256(hex(messageKey), new Uint8Array(32), hex(vectors.messageInfo), 80)
  const sealed = hex(message.ciphertext)
  const ciphertext = sealed.subarray(0, -32)
  const counters = new DataView(new ArrayBuffer(16))
  counters.setBigUint64(0, BigInt(message.previousCount), true)
  counters.setBigUint64(8, BigInt(message.number), true)
  const header = concatBytes(hex(associatedData), hex(message.ratchetKey), new Uint8Array(counters.buffer))
  assert.deepEqual(hmacSha256(keys.subarray(32, 64), header, ciphertext), sealed.slice(-32))
  const decipher = createDecipheriv('aes-256-cbc', keys.subarray(0, 32), keys.subarray(64))
  return Buffer.concat([decipher.update(ciphertext), decipher.final()]).toString('hex')
}
