import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import {
  aeadOpen,
  aeadSeal,
  argon2id,
  deriveOnionKey,
  ed25519PublicKey,
  ed25519Sign,
  ed25519Verify,
  hkdfSha256,
  hmacSha256,
  kemDecapsulate,
  kemEncapsulate,
  kemEncapsulationKey,
  onionPublicKey,
  scrypt,
  sha256,
  sha512,
  sha3256,
  x25519,
  x25519PublicKey,
} from '../../../src/crypto/index.ts'
import { oracle } from '../../support/oracle.ts'

const bytes = (maxLength: number, minLength = 0): fc.Arbitrary<Uint8Array> => fc.uint8Array({ minLength, maxLength })
const exactly = (length: number): fc.Arbitrary<Uint8Array> => bytes(length, length)

/** Pure JavaScript curve arithmetic takes milliseconds. */
const SLOW = { numRuns: 15 }
const FAST = { numRuns: 100 }

describe('node and noble agree on random input', () => {
  it('hashes and MACs, in parts', () => {
    const input = fc.tuple(bytes(80), bytes(300), bytes(300))
    fc.assert(
      fc.property(input, ([key, first, second]) => {
        assert.deepEqual(sha256(first, second), oracle.sha256(first, second))
        assert.deepEqual(sha512(first, second), oracle.sha512(first, second))
        assert.deepEqual(sha3256(first, second), oracle.sha3256(first, second))
        assert.deepEqual(hmacSha256(key, first, second), oracle.hmacSha256(key, first, second))
      }),
      FAST,
    )
  })

  it('HKDF', () => {
    const input = fc.tuple(bytes(200), bytes(64), bytes(100), fc.integer({ min: 1, max: 300 }))
    fc.assert(
      fc.property(input, ([ikm, salt, info, length]) => {
        assert.deepEqual(hkdfSha256(ikm, salt, info, length), oracle.hkdfSha256(ikm, salt, info, length))
      }),
      FAST,
    )
  })

  it('X25519', () => {
    fc.assert(
      fc.property(exactly(32), exactly(32), (privateKey, other) => {
        const publicKey = x25519PublicKey(other)
        assert.deepEqual(publicKey, oracle.x25519PublicKey(other))
        assert.deepEqual(x25519(privateKey, publicKey), oracle.x25519(privateKey, publicKey))
      }),
      SLOW,
    )
  })

  it('X25519 with arbitrary bytes as public key', () => {
    fc.assert(
      fc.property(exactly(32), exactly(32), (privateKey, publicKey) => {
        assert.deepEqual(x25519(privateKey, publicKey), oracle.x25519(privateKey, publicKey))
      }),
      SLOW,
    )
  })

  it('Ed25519: keys, signatures, verdicts on changed signatures', () => {
    fc.assert(
      fc.property(exactly(32), bytes(200), fc.nat(63), fc.integer({ min: 0, max: 255 }), (seed, message, at, mask) => {
        const publicKey = ed25519PublicKey(seed)
        const signature = ed25519Sign(seed, message)
        assert.deepEqual(publicKey, oracle.ed25519PublicKey(seed))
        assert.deepEqual(signature, oracle.ed25519Sign(seed, message))
        signature[at] = (signature[at] ?? 0) ^ mask
        const verdict = ed25519Verify(publicKey, message, signature)
        assert.equal(verdict, oracle.ed25519Verify(publicKey, message, signature))
        assert.equal(verdict, mask === 0)
      }),
      SLOW,
    )
  })

  it('onion keys: the expanded form', () => {
    fc.assert(
      fc.property(exactly(32), (seed) => {
        const { secretKey, publicKey } = deriveOnionKey(seed)
        assert.deepEqual(secretKey, oracle.ed25519Expanded(seed))
        assert.deepEqual(publicKey, oracle.ed25519PublicKey(seed))
        assert.deepEqual(onionPublicKey(secretKey), publicKey)
      }),
      SLOW,
    )
  })

  it('ML-KEM-768: either side may be node or noble', () => {
    fc.assert(
      fc.property(exactly(64), exactly(32), exactly(1088), (seed, coins, garbage) => {
        const encapsulationKey = kemEncapsulationKey(seed)
        assert.deepEqual(encapsulationKey, oracle.kemKeyPair(seed).publicKey)
        const theirs = oracle.kemEncapsulate(encapsulationKey, coins)
        assert.deepEqual(kemDecapsulate(seed, theirs.ciphertext), theirs.sharedSecret)
        const ours = kemEncapsulate(encapsulationKey)
        assert.ok(ours !== undefined)
        assert.deepEqual(oracle.kemDecapsulate(seed, ours.ciphertext), ours.sharedSecret)
        assert.deepEqual(kemDecapsulate(seed, garbage), oracle.kemDecapsulate(seed, garbage))
      }),
      SLOW,
    )
  })

  it('ChaCha20-Poly1305', () => {
    fc.assert(
      fc.property(exactly(32), exactly(12), bytes(100), bytes(600), (key, nonce, associatedData, plaintext) => {
        const sealed = aeadSeal(key, nonce, associatedData, plaintext)
        assert.deepEqual(sealed, oracle.aeadSeal(key, nonce, associatedData, plaintext))
        assert.deepEqual(aeadOpen(key, nonce, associatedData, sealed), plaintext)
      }),
      FAST,
    )
  })

  it('Argon2id', async () => {
    const cost = fc.record({
      memoryKiB: fc.integer({ min: 32, max: 64 }),
      passes: fc.integer({ min: 1, max: 3 }),
      parallelism: fc.integer({ min: 1, max: 2 }),
    })
    await fc.assert(
      fc.asyncProperty(bytes(40), bytes(32, 16), cost, async (passphrase, salt, parameters) => {
        const key = await argon2id(passphrase, salt, parameters, 32)
        assert.deepEqual(key, oracle.argon2id(passphrase, salt, parameters, 32))
      }),
      SLOW,
    )
  })

  it('scrypt', async () => {
    const cost = fc.record({
      cost: fc.constantFrom(2, 16, 128),
      blockSize: fc.integer({ min: 1, max: 8 }),
      parallelism: fc.integer({ min: 1, max: 3 }),
    })
    await fc.assert(
      fc.asyncProperty(bytes(40), bytes(32), cost, async (password, salt, parameters) => {
        const key = await scrypt(password, salt, parameters, 32)
        assert.deepEqual(key, await oracle.scrypt(password, salt, parameters, 32))
      }),
      SLOW,
    )
  })
})
