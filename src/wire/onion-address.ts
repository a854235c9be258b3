/**
 * The text form of a v3 onion service's public key.
 * Never resolves or contacts anything, and knows one spelling only. Spec 01-wire §9; rend-spec-v3 [ONIONADDRESS].
 * @module
 */
import { type Brand, base32Decode, base32Encode, concatBytes, equalBytes, utf8Encode } from '../base/index.ts'
import { sha3256 } from '../crypto/index.ts'

/** The ports' type of the same name, spelled out because this floor stands below the ports' users (HOUSE §4.2). */
type OnionAddress = Brand<string, 'OnionAddress'>

const PUBLIC_KEY_BYTES = 32
const CHECKSUM_BYTES = 2
const ADDRESS_VERSION = 3
const ADDRESS_CHARACTERS = 56

function checksum(publicKey: Uint8Array): Uint8Array {
  const input = [utf8Encode('.onion checksum'), publicKey, Uint8Array.of(ADDRESS_VERSION)]
  return sha3256(...input).slice(0, CHECKSUM_BYTES)
}

/** The address of the service whose raw Ed25519 public key this is: 56 lower-case characters, without `.onion`. */
export function onionAddress(publicKey: Uint8Array): OnionAddress {
  if (publicKey.length !== PUBLIC_KEY_BYTES) throw new RangeError('onion public key must have 32 bytes')
  const bytes = concatBytes(publicKey, checksum(publicKey), Uint8Array.of(ADDRESS_VERSION))
  return base32Encode(bytes) as OnionAddress
}

/** Strict: lower case, 56 characters, version 3, right checksum, no `.onion`; undefined otherwise. */
export function parseOnionAddress(text: string): OnionAddress | undefined {
  if (text.length !== ADDRESS_CHARACTERS) return undefined
  const bytes = base32Decode(text)
  if (bytes === undefined) return undefined
  const publicKey = bytes.slice(0, PUBLIC_KEY_BYTES)
  const tail = concatBytes(checksum(publicKey), Uint8Array.of(ADDRESS_VERSION))
  return equalBytes(bytes.subarray(PUBLIC_KEY_BYTES), tail) ? (text as OnionAddress) : undefined
}

/** The raw public key inside an address. The type says that the address was checked. */
export function onionPublicKey(address: OnionAddress): Uint8Array {
  const bytes = base32Decode(address)
  if (bytes === undefined) throw new RangeError('not a checked onion address')
  return bytes.slice(0, PUBLIC_KEY_BYTES)
}
