/**
 * The known answers of the mailboxes, for `scripts/make-vectors.ts`.
 * Never run by a test but to see that the frozen file is what it writes. Spec 03-mailbox §2, §3.2, §4.3, §5.2, §7.1.
 * @module
 */
import { concatBytes, hexEncode } from '../src/base/index.ts'
import { ed25519PublicKey, framed, label, sha256, x25519PublicKey } from '../src/crypto/index.ts'
import {
  type BoxSequences,
  checkReply,
  createSequences,
  deriveBoxKeys,
  encodeSequences,
  hostIdOf,
  hostWorkPeriod,
  inviteBoxSeed,
  noteRead,
  sealBox,
  sealReply,
  signReceipt,
  signTombstone,
  syncSequences,
  takeSendBox,
  wantedBoxes,
} from '../src/mailbox/index.ts'
import { hostWorkPeriodEndMs } from '../src/mailbox/work.ts'
import {
  AEAD_NONCE_BYTES,
  BOX_BODY_BYTES,
  type Box,
  ENVELOPE_BYTES,
  encodeBox,
  encodeBoxBody,
  encodeCourierAnswer,
  encodeCourierRequest,
  encodeFetchReply,
  encodeHostDescriptor,
  encodeMailboxRequest,
  encodeStoreReply,
  HOST_ROUTE_BYTES,
  LOOK_REQUEST_BYTES,
  READ_CHECK_COUNT,
  REPLY_SEAL_BYTES,
  REQUEST_SEAL_BYTES,
  STORE_REPLY_BYTES,
  TOMBSTONE_REQUEST_BYTES,
} from '../src/wire/index.ts'
import { oracle } from '../test/support/oracle.ts'
import { createSeededRandom } from '../test/support/seeded-random.ts'

const NOW_MS = 1_790_000_000_000
const NOTHING = new Uint8Array()

type RandomBytes = (length: number) => Uint8Array

/** The content of `test/vectors/mailbox-v1.json`, the same at every call. */
export function createMailboxVectors(): Record<string, unknown> {
  const { bytes } = createSeededRandom(20_261_122)
  const seed = bytes(32)
  const keys = deriveBoxKeys(seed)
  const body = bytes(BOX_BODY_BYTES)
  const nonce = bytes(AEAD_NONCE_BYTES)
  const box = sealBox(keys, body, nonce)
  const voucher = bytes(32)
  return {
    header: {
      source: 'noctule, scripts/make-vectors.ts',
      licence: 'Apache-2.0',
      specification: 'docs/spec/03-mailbox.md',
      note: 'All byte values are hexadecimal. Names that end in "Hash" are SHA-256 of what they are named after.',
    },
    nowMs: NOW_MS,
    box: {
      seed: hexEncode(seed),
      boxId: hexEncode(keys.boxId),
      signingSeed: hexEncode(keys.signingSeed),
      bodyKey: hexEncode(keys.bodyKey),
      body: hexEncode(body),
      nonce: hexEncode(nonce),
      sealed: hexEncode(encodeBox(box)),
      tombstone: hexEncode(signTombstone(keys)),
    },
    invite: {
      voucher: hexEncode(voucher),
      bundleSeed: hexEncode(inviteBoxSeed(voucher, 'bundle')),
      requestSeed: hexEncode(inviteBoxSeed(voucher, 'request')),
    },
    sequence: sequenceVectors(bytes),
    request: requestVectors(bytes),
    host: hostVectors(bytes, box),
    layouts: layoutVectors(bytes, box),
  }
}

/** One direction: the writer takes six boxes of one chain and two of the next, the reader reads some of them. */
function sequenceVectors(bytes: RandomBytes): Record<string, unknown> {
  const first = bytes(32)
  const second = bytes(32)
  const zero = new Uint8Array(32)
  let writer = createSequences()
  const boxes: Record<string, unknown>[] = []
  const ids: Uint8Array[] = []
  for (const [boxKey, count] of [[first, 6] as const, [second, 2] as const]) {
    const session = { sending: { boxKey }, receiving: undefined, nextReceiving: { boxKey: zero } }
    writer = syncSequences(session, writer, NOW_MS).sequences
    for (let index = 0; index < count; index += 1) {
      const taken = takeSendBox(writer)
      if (taken === undefined) throw new RangeError('the writer has a chain')
      writer = taken.sequences
      ids.push(taken.keys.boxId)
      boxes.push({ boxId: hexEncode(taken.keys.boxId), index, previousBoxes: taken.previousBoxes })
    }
  }
  const start = { sending: undefined, receiving: { boxKey: first }, nextReceiving: { boxKey: second } }
  let reader: BoxSequences = syncSequences(start, createSequences(), NOW_MS).sequences
  const steps = [2, 4, 6, 0].map((index) => {
    const previousBoxes = index < 6 ? 0 : 6
    reader = noteRead(reader, ids[index] ?? NOTHING, previousBoxes).sequences
    const wanted = wantedBoxes(reader).map(({ boxId, chain, index: at }) => `${chain}/${at} ${hexEncode(boxId)}`)
    return { read: index, wanted, state: hexEncode(encodeSequences(reader)) }
  })
  return { firstBoxKey: hexEncode(first), secondBoxKey: hexEncode(second), boxes, steps }
}

const CHECK_SALT = Uint8Array.of(1, 2, 3)

function requestVectors(bytes: RandomBytes): Record<string, string> {
  const hostKey = bytes(32)
  const sealPrivateKey = bytes(32)
  const ephemeralPrivateKey = bytes(32)
  const ephemeralKey = x25519PublicKey(ephemeralPrivateKey)
  const replyKey = bytes(32)
  const request = encodeMailboxRequest({ operation: 'check', replyKey, boxId: bytes(32), rank: 5 })
  // `sealRequest` takes an ephemeral key of its own; with a chosen one the second implementation seals.
  const secret = oracle.x25519(ephemeralPrivateKey, x25519PublicKey(sealPrivateKey)) ?? NOTHING
  const key = oracle.hkdfSha256(secret, NOTHING, framed(label('request/key'), ephemeralKey), 32)
  const sealed = oracle.aeadSeal(key, new Uint8Array(12), framed(label('request'), hostKey), request)
  const reply = bytes(100)
  const replyNonce = bytes(AEAD_NONCE_BYTES)
  return {
    hostKey: hexEncode(hostKey),
    sealPrivateKey: hexEncode(sealPrivateKey),
    ephemeralPrivateKey: hexEncode(ephemeralPrivateKey),
    request: hexEncode(request),
    sealed: hexEncode(concatBytes(ephemeralKey, sealed)),
    replyKey: hexEncode(replyKey),
    reply: hexEncode(reply),
    replyNonce: hexEncode(replyNonce),
    sealedReply: hexEncode(sealReply(replyKey, reply, replyNonce)),
    checkHit: hexEncode(checkReply(replyKey, true, CHECK_SALT)),
    checkMiss: hexEncode(checkReply(replyKey, false, CHECK_SALT)),
  }
}

function hostVectors(bytes: RandomBytes, box: Box): Record<string, unknown> {
  const hostSeed = bytes(32)
  const hostKey = ed25519PublicKey(hostSeed)
  const period = hostWorkPeriod(hostKey, NOW_MS)
  const nonce = 123_456_789_012
  const hostId = hostIdOf(hostKey, { period, nonce })
  const expiresAtSeconds = NOW_MS / 1000 + 14 * 86_400
  return {
    hostSeed: hexEncode(hostSeed),
    hostKey: hexEncode(hostKey),
    period,
    periodEndsAtMs: hostWorkPeriodEndMs(hostKey, period),
    nonce,
    hostId: hexEncode(hostId),
    expiresAtSeconds,
    receipt: hexEncode(signReceipt(hostSeed, hostId, box, expiresAtSeconds).signature),
  }
}

/** Every layout once, full; only its hash, as the unit tests print the fields. */
function layoutVectors(bytes: RandomBytes, box: Box): Record<string, string> {
  const envelopes = [1, 2, 3].map((sequence) => ({ sequence, envelope: bytes(ENVELOPE_BYTES) }))
  const routed = (requestBytes: number) => ({
    route: bytes(HOST_ROUTE_BYTES),
    sealed: bytes(requestBytes + REQUEST_SEAL_BYTES),
  })
  const looks = Array.from({ length: READ_CHECK_COUNT + 1 }, () => routed(LOOK_REQUEST_BYTES))
  const receipt = { route: bytes(HOST_ROUTE_BYTES), expiresAtSeconds: 1_791_209_600, signature: bytes(64) }
  const descriptor = encodeHostDescriptor({
    hostKey: bytes(32),
    sealKey: bytes(32),
    courierOnionKey: bytes(32),
    meshOnionKey: bytes(32),
    issuedAtSeconds: 1_790_000_000,
    expiresAtSeconds: 1_790_172_800,
    startedAtSeconds: 1_780_000_000,
    capacityMib: 4096,
    workPeriod: 690,
    workNonce: 123_456_789_012,
    signature: bytes(64),
  })
  const hash = (layout: Uint8Array): string => hexEncode(sha256(layout))
  return {
    conversationBodyHash: hash(
      encodeBoxBody({ kind: 'conversation', ackBase: 7, ackBits: 10, previousBoxes: 5, envelopes }),
    ),
    payloadBodyHash: hash(encodeBoxBody({ kind: 'payload', payload: bytes(1345) })),
    loopBodyHash: hash(encodeBoxBody({ kind: 'loop' })),
    storeRequestHash: hash(encodeMailboxRequest({ operation: 'store', replyKey: bytes(32), box })),
    storeReplyHash: hash(encodeStoreReply({ status: 'stored', receipts: [receipt, receipt] })),
    fetchReplyHash: hash(encodeFetchReply(box)),
    helloHash: hash(
      encodeCourierRequest({ kind: 'hello', period: 82_870, workNonce: 4_242, profile: 2, cursor: bytes(32) }),
    ),
    readHash: hash(
      encodeCourierRequest({ kind: 'read', firstTag: 300, requests: [...looks, routed(TOMBSTONE_REQUEST_BYTES)] }),
    ),
    repliesHash: hash(
      encodeCourierAnswer({
        kind: 'replies',
        replies: [8, STORE_REPLY_BYTES + REPLY_SEAL_BYTES].map((size, tag) => ({ tag, reply: bytes(size) })),
      }),
    ),
    tablePageHash: hash(
      encodeCourierAnswer({ kind: 'table', root: bytes(32), hostCount: 12, descriptors: [descriptor, descriptor] }),
    ),
    hostDescriptorHash: hash(descriptor),
  }
}
