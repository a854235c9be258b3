/**
 * X25519 key agreement (RFC 7748) on raw keys.
 * Never returns the all-zero secret that a low-order public key forces. CRYPTO §2d, spec 04-session §2.
 * @module
 */
import { diffieHellman, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { constantTimeEqual, plainBytes, randomBytes } from './bytes.ts'
import { exportPublicKey, importPrivateKey, importPublicKey } from './key-object.ts'
import { assertLength, KEY_BYTES } from './sizes.ts'

/** Raw 32-byte keys. */
export interface X25519KeyPair {
  readonly privateKey: Uint8Array
  readonly publicKey: Uint8Array
}

const ZERO = new Uint8Array(KEY_BYTES)

/** A private key that was imported once, for several uses: the import costs as much as two agreements. CRYPTO §1.1. */
export interface X25519Key {
  publicKey(): Uint8Array
  /** As {@link x25519}. */
  agree(publicKey: Uint8Array): Uint8Array | undefined
}

/**
 * The key behind raw private bytes, which the caller may wipe afterwards. OpenSSL keeps a copy until the object is
 * collected, so drop it soon.
 * @throws {RangeError} for a private key of another length than 32
 */
export function importX25519Key(privateKey: Uint8Array): X25519Key {
  assertLength('privateKey', privateKey, KEY_BYTES)
  return keyOf(importPrivateKey('x25519', privateKey))
}

/** A fresh key whose private half is used here and kept nowhere: half the cost of a pair of raw keys that is imported again. */
export function createX25519Key(): X25519Key {
  return keyOf(generateKeyPairSync('x25519').privateKey)
}

function keyOf(own: KeyObject): X25519Key {
  return {
    publicKey: () => exportPublicKey(own),
    agree(publicKey) {
      if (publicKey.length !== KEY_BYTES) return undefined
      const secret = derive(own, importPublicKey('x25519', publicKey))
      return secret === undefined || constantTimeEqual(secret, ZERO) ? undefined : secret
    },
  }
}

/** A fresh key pair. The private key is random bytes; clamping happens at each use (RFC 7748 §5). */
export function createX25519KeyPair(): X25519KeyPair {
  const privateKey = randomBytes(KEY_BYTES)
  return { privateKey, publicKey: x25519PublicKey(privateKey) }
}

/** The public key of a raw private key. @throws {RangeError} for a private key of another length than 32 */
export function x25519PublicKey(privateKey: Uint8Array): Uint8Array {
  return importX25519Key(privateKey).publicKey()
}

/**
 * The shared secret, or undefined when the public key is no key or gives the all-zero secret (RFC 7748 §6.1).
 * The public key is foreign bytes; the private key is ours and a wrong length is a bug.
 * @throws {RangeError} for a private key of another length than 32
 */
export function x25519(privateKey: Uint8Array, publicKey: Uint8Array): Uint8Array | undefined {
  return importX25519Key(privateKey).agree(publicKey)
}

function derive(privateKey: KeyObject, publicKey: KeyObject): Uint8Array | undefined {
  try {
    return plainBytes(diffieHellman({ privateKey, publicKey }))
  } catch (error: unknown) {
    // OpenSSL refuses the all-zero result by this error; anything else is a bug and passes.
    if (error instanceof Error && 'code' in error && error.code === 'ERR_OSSL_FAILED_DURING_DERIVATION')
      return undefined
    throw error
  }
}
