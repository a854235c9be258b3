/**
 * The public key behind a Tor service key in tor's expanded form.
 * Never used where an attacker could time it: once for each service that is published. node:crypto has no such operation.
 * @module
 */
import { ed25519 } from '@noble/curves/ed25519.js'
import type { OnionSecretKey } from '../ports/index.ts'
import { KEY_BYTES } from './sizes.ts'

/** 32 bytes, the same as {@link deriveOnionKey} gives for the seed. rend-spec-v3 §1.9 (expanded key: scalar first). */
export function onionPublicKey(secretKey: OnionSecretKey): Uint8Array {
  let scalar = 0n
  for (const byte of secretKey.subarray(0, KEY_BYTES).toReversed()) scalar = (scalar << 8n) | BigInt(byte)
  return ed25519.Point.BASE.multiply(ed25519.Point.Fn.create(scalar)).toBytes()
}
