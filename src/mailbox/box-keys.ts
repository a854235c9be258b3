/**
 * The keys of one box, and what they seal, open and sign.
 * Never used for a second box: one seed, one id, one body. Spec 03-mailbox §2.2, §2.3; CRYPTO §2d.
 * @module
 */
import { concatBytes, createByteWriter } from '../base/index.ts'
import {
  AEAD_KEY_BYTES,
  aeadOpen,
  aeadSeal,
  ed25519PublicKey,
  ed25519Sign,
  ed25519Verify,
  framed,
  HASH_BYTES,
  hkdfSha256,
  KEY_BYTES,
  label,
  randomBytes,
  sha256,
  wipe,
} from '../crypto/index.ts'
import { AEAD_NONCE_BYTES, BOX_BODY_BYTES, BOX_CIPHERTEXT_BYTES, type Box } from '../wire/index.ts'

/** Secret but for the id. Writer and reader have the same. */
export interface BoxKeys {
  /** Ed25519 public key of `signingSeed`. */
  readonly boxId: Uint8Array
  readonly signingSeed: Uint8Array
  readonly bodyKey: Uint8Array
}

const BOX_SEED_BYTES = KEY_BYTES

const NO_SALT = new Uint8Array(0)

/** @throws {RangeError} for a seed of another length than 32 */
export function deriveBoxKeys(seed: Uint8Array): BoxKeys {
  if (seed.length !== BOX_SEED_BYTES) throw new RangeError('box seed must have 32 bytes')
  const output = hkdfSha256(seed, NO_SALT, label('box/keys'), KEY_BYTES + AEAD_KEY_BYTES)
  const signingSeed = output.slice(0, KEY_BYTES)
  const bodyKey = output.slice(KEY_BYTES)
  wipe(output)
  return { boxId: ed25519PublicKey(signingSeed), signingSeed, bodyKey }
}

/**
 * What hosts keep. Takes `BOX_BODY_BYTES`, another length throws `RangeError`. The nonce is random, because one key may meet
 * two bodies: two acceptors of one invite, or a store that was restored. Give one for test vectors only.
 */
export function sealBox(keys: BoxKeys, body: Uint8Array, nonce = randomBytes(AEAD_NONCE_BYTES)): Box {
  if (body.length !== BOX_BODY_BYTES) throw new RangeError('body of a box has the wrong length')
  const { boxId, signingSeed, bodyKey } = keys
  const ciphertext = concatBytes(nonce, aeadSeal(bodyKey, nonce, framed(label('box/body'), boxId), body))
  return { boxId, signature: ed25519Sign(signingSeed, boxStatement(ciphertext)), ciphertext }
}

/** The body; undefined unless the signature holds and the ciphertext opens. */
export function openBox(keys: BoxKeys, box: Box): Uint8Array | undefined {
  if (!verifyBox({ ...box, boxId: keys.boxId })) return undefined
  const nonce = box.ciphertext.subarray(0, AEAD_NONCE_BYTES)
  const sealed = box.ciphertext.subarray(AEAD_NONCE_BYTES)
  return aeadOpen(keys.bodyKey, nonce, framed(label('box/body'), keys.boxId), sealed)
}

/** True when the box has the right sizes and the holder of its one-time key signed this ciphertext. */
export function verifyBox(box: Box): boolean {
  if (box.ciphertext.length !== BOX_CIPHERTEXT_BYTES) return false
  return ed25519Verify(box.boxId, boxStatement(box.ciphertext), box.signature)
}

function boxStatement(ciphertext: Uint8Array): Uint8Array {
  return framed(label('box/signature'), sha256(ciphertext))
}

/** Makes hosts forget the box. Says nothing else, so it may be kept and sent later. */
export function signTombstone(keys: Pick<BoxKeys, 'boxId' | 'signingSeed'>): Uint8Array {
  return ed25519Sign(keys.signingSeed, tombstoneStatement(keys.boxId))
}

export function verifyTombstone(boxId: Uint8Array, signature: Uint8Array): boolean {
  return ed25519Verify(boxId, tombstoneStatement(boxId), signature)
}

function tombstoneStatement(boxId: Uint8Array): Uint8Array {
  return framed(label('tombstone'), boxId)
}

/** Seeds of the two boxes of an invite: the inviter's bundle, and the acceptor's request. Spec 03-mailbox §7.3. */
export function inviteBoxSeed(voucher: Uint8Array, which: 'bundle' | 'request'): Uint8Array {
  if (voucher.length !== HASH_BYTES) throw new RangeError('voucher must have 32 bytes')
  return hkdfSha256(voucher, NO_SALT, label(`invite-box/${which}`), BOX_SEED_BYTES)
}

/** Seed of the box with one chunk of a file, from 0; sender and receiver know the key of the file. Spec 03-mailbox §7.4. */
export function fileBoxSeed(fileKey: Uint8Array, index: number): Uint8Array {
  if (fileKey.length !== KEY_BYTES) throw new RangeError('key of a file must have 32 bytes')
  return hkdfSha256(
    fileKey,
    NO_SALT,
    framed(label('file-box'), createByteWriter(4).u32(index).finish()),
    BOX_SEED_BYTES,
  )
}
