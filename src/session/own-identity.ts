/**
 * Tells a handshake with oneself apart.
 * Never accepts half a match: a foreign identity that reuses one of our two keys is refused as well, because nobody else
 * can own it. Spec 04-session §4.3.
 * @module
 */
import { equalBytes } from '../base/index.ts'
import type { IdentityKeys, PublicIdentity } from '../identity/index.ts'

/** True when either key of the other identity is ours. */
export function isOwnIdentity(own: IdentityKeys, other: PublicIdentity): boolean {
  return equalBytes(own.x25519.publicKey, other.x25519) || equalBytes(own.ed25519PublicKey, other.ed25519)
}
