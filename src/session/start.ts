/**
 * First states of the two sides, from the keys that the handshake agreed.
 * Never shares memory with its inputs: a state owns every array in it. Signal Double Ratchet §4.4, spec 04-session §5.3.
 * @module
 */
import { wipe, type X25519KeyPair } from '../crypto/index.ts'
import { deriveRootStep } from './kdf.ts'
import type { DirectionKeys, SessionState } from './state.ts'
import { createKeyPair, type RatchetSuite } from './suite.ts'

/** Output of the handshake. */
export interface SessionKeys {
  readonly transcript: Uint8Array
  readonly rootKey: Uint8Array
  /** Direction initiator to responder, its first chain. */
  readonly initiator: DirectionKeys
  /** Direction responder to initiator, its first chain. */
  readonly responder: DirectionKeys
}

function copyKeys(keys: DirectionKeys): DirectionKeys {
  return { headerKey: keys.headerKey.slice(), boxKey: keys.boxKey.slice() }
}

/** RatchetInitAliceHE: can send at once. Undefined when the responder's key gives an all-zero secret. */
export function startInitiator(
  keys: SessionKeys,
  remoteRatchetKey: Uint8Array,
  suite: RatchetSuite,
): SessionState | undefined {
  const { pair: ratchetKey, key } = createKeyPair(suite.random)
  const secret = key.agree(remoteRatchetKey)
  if (secret === undefined) return undefined
  const step = deriveRootStep(keys.rootKey, secret, suite.rootInfo)
  wipe(secret)
  return {
    transcript: keys.transcript.slice(),
    rootKey: step.rootKey,
    ratchetKey,
    previousCount: 0,
    sending: { ...copyKeys(keys.initiator), chainKey: step.chainKey, number: 0 },
    nextSending: { headerKey: step.nextHeaderKey, boxKey: step.nextBoxKey },
    remoteRatchetKey: remoteRatchetKey.slice(),
    receiving: undefined,
    nextReceiving: copyKeys(keys.responder),
    past: [],
  }
}

/** RatchetInitBobHE: can send as soon as the initiator's first envelope opened, which the handshake sees to. */
export function startResponder(keys: SessionKeys, ratchetKey: X25519KeyPair): SessionState {
  return {
    transcript: keys.transcript.slice(),
    rootKey: keys.rootKey.slice(),
    ratchetKey: { privateKey: ratchetKey.privateKey.slice(), publicKey: ratchetKey.publicKey.slice() },
    previousCount: 0,
    sending: undefined,
    nextSending: copyKeys(keys.responder),
    remoteRatchetKey: undefined,
    receiving: undefined,
    nextReceiving: copyKeys(keys.initiator),
    past: [],
  }
}
