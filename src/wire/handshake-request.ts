/**
 * The first and only handshake message, from the acceptor of an invite to its inviter.
 * Never shows who sends it: the identity is sealed, the rest is fresh keys. Spec 04-session §4.2.
 * @module
 */
import { createByteReader, createByteWriter } from '../base/index.ts'
import { KEM_CIPHERTEXT_BYTES, KEY_BYTES } from '../crypto/index.ts'
import { ENVELOPE_BYTES, HANDSHAKE_REQUEST_BYTES, SEALED_IDENTITY_BYTES } from './geometry.ts'

export interface HandshakeRequest {
  readonly ephemeralKey: Uint8Array
  readonly kemCiphertext: Uint8Array
  readonly sealedIdentity: Uint8Array
  /** The first envelope of the session; that it opens proves the sender's identity key. */
  readonly envelope: Uint8Array
}

/** Always `HANDSHAKE_REQUEST_BYTES` long. */
export function encodeHandshakeRequest(request: HandshakeRequest): Uint8Array {
  return createByteWriter(HANDSHAKE_REQUEST_BYTES)
    .bytes(request.ephemeralKey)
    .bytes(request.kemCiphertext)
    .bytes(request.sealedIdentity)
    .bytes(request.envelope)
    .finish()
}

/** Undefined for every other length. What the fields hold is proved by the handshake, not here. */
export function decodeHandshakeRequest(bytes: Uint8Array): HandshakeRequest | undefined {
  const reader = createByteReader(bytes)
  const ephemeralKey = reader.bytes(KEY_BYTES)
  const kemCiphertext = reader.bytes(KEM_CIPHERTEXT_BYTES)
  const sealedIdentity = reader.bytes(SEALED_IDENTITY_BYTES)
  const envelope = reader.bytes(ENVELOPE_BYTES)
  return reader.end() ? { ephemeralKey, kemCiphertext, sealedIdentity, envelope } : undefined
}
