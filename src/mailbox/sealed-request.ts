/**
 * What a client seals to an intermediate, and what the intermediate seals back.
 * Never says to the courier in between what is asked or whether it was there. Spec 03-mailbox §4.3.
 * @module
 */
import { concatBytes } from '../base/index.ts'
import {
  AEAD_KEY_BYTES,
  aeadOpen,
  aeadSeal,
  constantTimeEqual,
  createX25519Key,
  framed,
  hkdfSha256,
  hmacSha256,
  importX25519Key,
  KEY_BYTES,
  label,
  randomBytes,
  wipe,
  type X25519Key,
} from '../crypto/index.ts'
import { AEAD_NONCE_BYTES, CHECK_REPLY_BYTES, REPLY_SEAL_BYTES, REQUEST_SEAL_BYTES } from '../wire/index.ts'

const NO_SALT = new Uint8Array(0)
// The key comes from an ephemeral key that is used once.
const ZERO_NONCE = new Uint8Array(AEAD_NONCE_BYTES)

function requestKey(secret: Uint8Array, ephemeralKey: Uint8Array): Uint8Array {
  return hkdfSha256(secret, NO_SALT, framed(label('request/key'), ephemeralKey), AEAD_KEY_BYTES)
}

function requestContext(hostKey: Uint8Array): Uint8Array {
  return framed(label('request'), hostKey)
}

/**
 * `REQUEST_SEAL_BYTES` longer than the request. A seal key that is no key, which only a host that wants to fail gives out,
 * yields bytes that nobody opens: what leaves the client stays the same, and the loss counts against that host.
 */
export function sealRequest(sealKey: Uint8Array, hostKey: Uint8Array, requestBytes: Uint8Array): Uint8Array {
  const ephemeral = createX25519Key()
  const ephemeralKey = ephemeral.publicKey()
  const secret = ephemeral.agree(sealKey)
  if (secret === undefined) return randomBytes(REQUEST_SEAL_BYTES + requestBytes.length)
  const key = requestKey(secret, ephemeralKey)
  const sealed = aeadSeal(key, ZERO_NONCE, requestContext(hostKey), requestBytes)
  wipe(secret, key)
  return concatBytes(ephemeralKey, sealed)
}

/** Tries the seal keys, raw or imported, in their order, newest first; undefined when none opens. */
export function openRequest(
  sealKeys: readonly (Uint8Array | X25519Key)[],
  hostKey: Uint8Array,
  sealed: Uint8Array,
): Uint8Array | undefined {
  if (sealed.length <= REQUEST_SEAL_BYTES) return undefined
  const ephemeralKey = sealed.subarray(0, KEY_BYTES)
  const ciphertext = sealed.subarray(KEY_BYTES)
  const context = requestContext(hostKey)
  for (const sealKey of sealKeys) {
    const own = sealKey instanceof Uint8Array ? importX25519Key(sealKey) : sealKey
    const secret = own.agree(ephemeralKey)
    if (secret === undefined) return undefined
    const key = requestKey(secret, ephemeralKey)
    const request = aeadOpen(key, ZERO_NONCE, context, ciphertext)
    wipe(secret, key)
    if (request !== undefined) return request
  }
  return undefined
}

/**
 * `REPLY_SEAL_BYTES` longer than the reply. A courier can have one request answered twice, and the answers may differ, so
 * one key may meet two replies: the nonce is random. Give one for test vectors only.
 */
export function sealReply(replyKey: Uint8Array, reply: Uint8Array, nonce = randomBytes(AEAD_NONCE_BYTES)): Uint8Array {
  return concatBytes(nonce, aeadSeal(replyKey, nonce, label('reply'), reply))
}

/** The reply; undefined when anything at all was changed, cut or added. */
export function openReply(replyKey: Uint8Array, sealed: Uint8Array): Uint8Array | undefined {
  if (sealed.length < REPLY_SEAL_BYTES) return undefined
  return aeadOpen(replyKey, sealed.subarray(0, AEAD_NONCE_BYTES), label('reply'), sealed.subarray(AEAD_NONCE_BYTES))
}

const CHECK_SALT_BYTES = 3

/**
 * `CHECK_REPLY_BYTES`: the courier cannot tell the two answers apart, nor whether two answers to one request are the same: an
 * intermediate that was restarted, or given very many requests, answers an old one again. Give the salt for test vectors only.
 */
export function checkReply(replyKey: Uint8Array, hit: boolean, salt = randomBytes(CHECK_SALT_BYTES)): Uint8Array {
  const statement = framed(label(hit ? 'check/hit' : 'check/miss'), salt)
  return concatBytes(salt, hmacSha256(replyKey, statement).subarray(0, CHECK_REPLY_BYTES - salt.length))
}

/** Whether the box is there; undefined for an answer that is neither, made by somebody without the reply key. */
export function readCheckReply(replyKey: Uint8Array, reply: Uint8Array): boolean | undefined {
  const salt = reply.slice(0, CHECK_SALT_BYTES)
  if (reply.length !== CHECK_REPLY_BYTES) return undefined
  if (constantTimeEqual(reply, checkReply(replyKey, true, salt))) return true
  return constantTimeEqual(reply, checkReply(replyKey, false, salt)) ? false : undefined
}

/** Requests that were seen already, so that a courier cannot ask them again and watch how the answers change. */
export interface SeenRequests {
  /** False when this sealed request was given before and is still remembered: at least the last half of `maxCount` are. */
  add(sealed: Uint8Array): boolean
}

export function createSeenRequests(maxCount: number): SeenRequests {
  let recent = new Set<string>()
  let former = new Set<string>()
  return {
    add(sealed) {
      // The ephemeral key is enough: another request under it would not open.
      const name = Buffer.from(sealed.subarray(0, KEY_BYTES)).toString('latin1')
      if (recent.has(name) || former.has(name)) return false
      if (recent.size >= Math.ceil(maxCount / 2)) {
        former = recent
        recent = new Set()
      }
      recent.add(name)
      return true
    },
  }
}
