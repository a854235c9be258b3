/**
 * The second implementation of every primitive, on `@noble/*`, against which `src/crypto` is checked.
 * Never shipped: pure JavaScript arithmetic is not constant-time. CRYPTO §2a.
 * @module
 */
import { chacha20poly1305 } from '@noble/ciphers/chacha.js'
import { ed25519, x25519 } from '@noble/curves/ed25519.js'
import { argon2id } from '@noble/hashes/argon2.js'
import { hkdf } from '@noble/hashes/hkdf.js'
import { hmac } from '@noble/hashes/hmac.js'
import { scryptAsync } from '@noble/hashes/scrypt.js'
import { sha256, sha512 } from '@noble/hashes/sha2.js'
import { sha3_256, shake128 } from '@noble/hashes/sha3.js'
import { ml_kem768 } from '@noble/post-quantum/ml-kem.js'
import { concatBytes } from '../../src/base/index.ts'

export const oracle = {
  sha256: (...parts: Uint8Array[]): Uint8Array => sha256(concatBytes(...parts)),
  sha512: (...parts: Uint8Array[]): Uint8Array => sha512(concatBytes(...parts)),
  sha3256: (...parts: Uint8Array[]): Uint8Array => sha3_256(concatBytes(...parts)),
  hmacSha256: (key: Uint8Array, ...parts: Uint8Array[]): Uint8Array => hmac(sha256, key, concatBytes(...parts)),
  hkdfSha256: (ikm: Uint8Array, salt: Uint8Array, info: Uint8Array, length: number): Uint8Array =>
    hkdf(sha256, ikm, salt, info, length),
  x25519PublicKey: (privateKey: Uint8Array): Uint8Array => x25519.getPublicKey(privateKey),
  x25519: (privateKey: Uint8Array, publicKey: Uint8Array): Uint8Array | undefined => {
    try {
      return x25519.getSharedSecret(privateKey, publicKey)
    } catch (error: unknown) {
      // The one error it has for keys of the right length: the all-zero secret.
      if (error instanceof Error && error.message.includes('invalid private or public key')) return undefined
      throw error
    }
  },
  ed25519PublicKey: (seed: Uint8Array): Uint8Array => ed25519.getPublicKey(seed),
  ed25519Sign: (seed: Uint8Array, message: Uint8Array): Uint8Array => ed25519.sign(message, seed),
  ed25519Verify: (publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean =>
    ed25519.verify(signature, message, publicKey, { zip215: false }),
  ed25519Expanded: (seed: Uint8Array): Uint8Array => {
    const { head, prefix } = ed25519.utils.getExtendedPublicKey(seed)
    return concatBytes(head, prefix)
  },
  kemKeyPair: (seed: Uint8Array): { publicKey: Uint8Array; secretKey: Uint8Array } => ml_kem768.keygen(seed),
  /** With chosen coins, which node does not offer; known-answer tests need them. */
  kemEncapsulate: (
    encapsulationKey: Uint8Array,
    coins: Uint8Array,
  ): { ciphertext: Uint8Array; sharedSecret: Uint8Array } => {
    const { cipherText, sharedSecret } = ml_kem768.encapsulate(encapsulationKey, coins)
    return { ciphertext: cipherText, sharedSecret }
  },
  kemDecapsulate: (seed: Uint8Array, ciphertext: Uint8Array): Uint8Array =>
    ml_kem768.decapsulate(ciphertext, ml_kem768.keygen(seed).secretKey),
  aeadSeal: (key: Uint8Array, nonce: Uint8Array, associatedData: Uint8Array, plaintext: Uint8Array): Uint8Array =>
    chacha20poly1305(key, nonce, associatedData).encrypt(plaintext),
  argon2id: (
    passphrase: Uint8Array,
    salt: Uint8Array,
    cost: { memoryKiB: number; passes: number; parallelism: number },
    length: number,
  ): Uint8Array =>
    argon2id(passphrase, salt, { m: cost.memoryKiB, t: cost.passes, p: cost.parallelism, dkLen: length }),
  scrypt: (
    password: Uint8Array,
    salt: Uint8Array,
    parameters: { cost: number; blockSize: number; parallelism: number },
    length: number,
  ): Promise<Uint8Array> =>
    scryptAsync(password, salt, {
      N: parameters.cost,
      r: parameters.blockSize,
      p: parameters.parallelism,
      dkLen: length,
    }),
  shake128: () => shake128.create({}),
} as const
