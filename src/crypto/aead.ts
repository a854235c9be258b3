/**
 * ChaCha20-Poly1305 (RFC 8439) over whole buffers.
 * Never shows plaintext that has not been authenticated. CRYPTO §3, spec 04-session §2.
 * @module
 */
import { createCipheriv, createDecipheriv, createSecretKey } from 'node:crypto'
import { concatBytes } from '../base/index.ts'
import { plainBytes, wipe } from './bytes.ts'
import { AEAD_KEY_BYTES, assertLength } from './sizes.ts'

const ALGORITHM = 'chacha20-poly1305'
const NONCE_BYTES = 12
const TAG_BYTES = 16
const OPTIONS = { authTagLength: TAG_BYTES } as const

/**
 * Ciphertext and 16-byte tag, always 16 bytes longer than the plaintext. The caller sees to it that a key never
 * meets the same nonce twice.
 * @throws {RangeError} for a key or nonce of a wrong length
 */
export function aeadSeal(
  key: Uint8Array,
  nonce: Uint8Array,
  associatedData: Uint8Array,
  plaintext: Uint8Array,
): Uint8Array {
  assertLength('key', key, AEAD_KEY_BYTES)
  assertLength('nonce', nonce, NONCE_BYTES)
  const cipher = createCipheriv(ALGORITHM, createSecretKey(key), nonce, OPTIONS)
  cipher.setAAD(associatedData, { plaintextLength: plaintext.length })
  const body = cipher.update(plaintext)
  cipher.final()
  return concatBytes(body, cipher.getAuthTag())
}

/**
 * The plaintext, or undefined when anything at all was changed, cut or added.
 * @throws {RangeError} for a key or nonce of a wrong length
 */
export function aeadOpen(
  key: Uint8Array,
  nonce: Uint8Array,
  associatedData: Uint8Array,
  ciphertext: Uint8Array,
): Uint8Array | undefined {
  assertLength('key', key, AEAD_KEY_BYTES)
  assertLength('nonce', nonce, NONCE_BYTES)
  const bodyBytes = ciphertext.length - TAG_BYTES
  if (bodyBytes < 0) return undefined
  const decipher = createDecipheriv(ALGORITHM, createSecretKey(key), nonce, OPTIONS)
  decipher.setAuthTag(ciphertext.subarray(bodyBytes))
  decipher.setAAD(associatedData, { plaintextLength: bodyBytes })
  const plaintext = plainBytes(decipher.update(ciphertext.subarray(0, bodyBytes)))
  try {
    decipher.final()
  } catch {
    // `final` fails for one reason: the tag. What `update` gave is not authenticated and must not be seen.
    wipe(plaintext)
    return undefined
  }
  return plaintext
}
