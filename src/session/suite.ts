/**
 * What the ratchet takes from outside: randomness, and the label of its root step.
 * Never replaced in the daemon; known-answer tests and vectors inject theirs here. Spec 04-session §9.
 * @module
 */
import { importX25519Key, KEY_BYTES, randomBytes, type X25519Key, type X25519KeyPair } from '../crypto/index.ts'
import { ROOT_INFO } from './kdf.ts'

export type RandomBytes = (length: number) => Uint8Array

export interface RatchetSuite {
  readonly random: RandomBytes
  readonly rootInfo: Uint8Array
}

export const RATCHET_SUITE: RatchetSuite = { random: randomBytes, rootInfo: ROOT_INFO }

/** A fresh X25519 pair from the given randomness, and the imported key to agree with at once. */
export function createKeyPair(random: RandomBytes): { pair: X25519KeyPair; key: X25519Key } {
  const privateKey = random(KEY_BYTES)
  const key = importX25519Key(privateKey)
  return { pair: { privateKey, publicKey: key.publicKey() }, key }
}
