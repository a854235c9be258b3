/**
 * Seals the ratchet header, and finds the key that opens one.
 * Never says which chain an envelope belongs to, to anybody without the header key. Signal Double Ratchet §4.5,
 * spec 04-session §5.2.
 * @module
 */
import { concatBytes } from '../base/index.ts'
import { aeadOpen, aeadSeal } from '../crypto/index.ts'
import { AEAD_NONCE_BYTES, decodeRatchetHeader, encodeRatchetHeader, type RatchetHeader } from '../wire/index.ts'
import type { PastChain, SessionState } from './state.ts'
import type { RandomBytes } from './suite.ts'

/** Nonce, ciphertext, tag. A header key seals a chain's worth of headers, hence the random nonce. */
export function sealHeader(
  headerKey: Uint8Array,
  transcript: Uint8Array,
  header: RatchetHeader,
  random: RandomBytes,
): Uint8Array {
  const nonce = random(AEAD_NONCE_BYTES)
  return concatBytes(nonce, aeadSeal(headerKey, nonce, transcript, encodeRatchetHeader(header)))
}

/** Whose header key opened: the current receive chain's, the next one's (a DH step), or a past chain's. */
export type HeaderPlace = { readonly chain: 'current' | 'next' } | { readonly chain: 'past'; readonly past: PastChain }

export type FoundHeader = HeaderPlace & { readonly header: RatchetHeader }

/** Tries the current, the next and at most five past header keys; `malformed` is a header of the peer's we cannot read. */
export function findHeader(state: SessionState, sealed: Uint8Array): FoundHeader | 'unknown' | 'malformed' {
  const candidates: (readonly [Uint8Array, HeaderPlace])[] = []
  if (state.receiving !== undefined) candidates.push([state.receiving.headerKey, { chain: 'current' }])
  candidates.push([state.nextReceiving.headerKey, { chain: 'next' }])
  for (const past of state.past) candidates.push([past.headerKey, { chain: 'past', past }])
  const nonce = sealed.subarray(0, AEAD_NONCE_BYTES)
  const ciphertext = sealed.subarray(AEAD_NONCE_BYTES)
  for (const [headerKey, place] of candidates) {
    const plaintext = aeadOpen(headerKey, nonce, state.transcript, ciphertext)
    if (plaintext === undefined) continue
    const header = decodeRatchetHeader(plaintext)
    return header === undefined ? 'malformed' : { ...place, header }
  }
  return 'unknown'
}
