/**
 * The number that two people compare to know that nobody sits between them.
 * Never shortened: 60 digits are about 200 bits, and the work per guess is 5,200 hashes. CRYPTO §2g, spec 06-identity §8.
 * @module
 */
import { concatBytes } from '../base/index.ts'
import { label, sha512 } from '../crypto/index.ts'
import type { PublicIdentity } from './types.ts'

/** Specified by Signal's numeric fingerprint; makes a search for a look-alike number slower. */
const ITERATIONS = 5200
const VERSION = Uint8Array.of(0, 0)
const GROUP_COUNT = 6
const GROUP_BYTES = 5

/**
 * Signal's numeric fingerprint of a key under a stable id: 30 digits, reproduced by its published vectors.
 * Costs some ten milliseconds on purpose; the caller keeps the result.
 */
export function numericFingerprint(stableId: Uint8Array, publicKey: Uint8Array): string {
  let hash = sha512(VERSION, publicKey, stableId, publicKey)
  for (let round = 1; round < ITERATIONS; round++) hash = sha512(hash, publicKey)
  return Array.from({ length: GROUP_COUNT }, (_, group) => {
    const chunk = hash.subarray(group * GROUP_BYTES, (group + 1) * GROUP_BYTES)
    // 40 bits fit a double exactly; shifts would cut at 32.
    const value = chunk.reduce((sum, byte) => sum * 256 + byte, 0)
    return String(value % 100_000).padStart(5, '0')
  }).join('')
}

/** Twelve groups of five digits, equal whichever side asks. Covers both keys of both identities. */
export function safetyNumber(a: PublicIdentity, b: PublicIdentity): string {
  const halves = [a, b].map(({ ed25519, x25519 }) =>
    numericFingerprint(label('safety-number'), concatBytes(ed25519, x25519)),
  )
  return (halves.sort().join('').match(/.{5}/g) ?? []).join(' ')
}
