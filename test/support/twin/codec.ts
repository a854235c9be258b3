/**
 * How clients and hosts of a twin run seal, open and sign: as shipped, or with plain bytes of the same sizes for long runs.
 * Never of another size or another count of random draws: only the cost differs, and who could read it.
 * @module
 */
import { concatBytes, equalBytes } from '../../../src/base/index.ts'
import { createX25519KeyPair, randomBytes } from '../../../src/crypto/index.ts'
import { hostRecordOf } from '../../../src/mailbox/host-descriptor.ts'
import {
  CLIENT_FUNCTIONS,
  type ClientFunctions,
  checkHostDescriptor,
  checkReply,
  type HostRecord,
  openRequest,
  quorumOf,
  replicasOf,
  sealReply,
  signReceipt,
  verifyBox,
  verifyTombstone,
} from '../../../src/mailbox/index.ts'
import {
  AEAD_NONCE_BYTES,
  BOX_BODY_BYTES,
  BOX_CIPHERTEXT_BYTES,
  type Box,
  CHECK_REPLY_BYTES,
  decodeHostDescriptor,
  HOST_ROUTE_BYTES,
  REPLY_SEAL_BYTES,
  REQUEST_SEAL_BYTES,
  type Receipt,
  SIGNATURE_BYTES,
} from '../../../src/wire/index.ts'

/** What a host of a twin run has of keys. */
export interface TwinHostKeys {
  readonly hostSeed: Uint8Array
  readonly hostKey: Uint8Array
  readonly sealPrivateKey: Uint8Array
}

export interface TwinCodec {
  /** For the client. */
  readonly functions: ClientFunctions
  readonly openRequest: (host: TwinHostKeys, sealed: Uint8Array) => Uint8Array | undefined
  readonly sealReply: (replyKey: Uint8Array, reply: Uint8Array) => Uint8Array
  readonly checkReply: (replyKey: Uint8Array, hit: boolean) => Uint8Array
  readonly isBox: (box: Box) => boolean
  readonly isTombstone: (boxId: Uint8Array, signature: Uint8Array) => boolean
  readonly receipt: (host: TwinHostKeys, hostId: Uint8Array, box: Box, expiresAtSeconds: number) => Receipt
}

/** No work, found at once; descriptors are checked but for their work. A clock of threads has no place in virtual time. */
const WORKLESS: Pick<ClientFunctions, 'checkHostDescriptor' | 'mintSessionWork'> = {
  async checkHostDescriptor(bytes, rules) {
    const descriptor = decodeHostDescriptor(bytes)
    if (descriptor === undefined) return checkHostDescriptor(bytes, rules)
    const firstSeenAtMs = rules.known?.firstSeenAtMs ?? rules.nowMs
    return checkHostDescriptor(bytes, { ...rules, known: hostRecordOf(descriptor, bytes, firstSeenAtMs) })
  },
  async mintSessionWork(context, nowMs, signal, random) {
    signal.throwIfAborted()
    // One draw, as when it is looked for.
    random.uniform()
    return { period: Math.floor(nowMs / context.epochMs), nonce: 1 }
  },
}

export const SHIPPED_CODEC: TwinCodec = {
  functions: { ...CLIENT_FUNCTIONS, ...WORKLESS },
  openRequest: (host, sealed) => openRequest([host.sealPrivateKey], host.hostKey, sealed),
  sealReply,
  checkReply,
  isBox: verifyBox,
  isTombstone: verifyTombstone,
  receipt: (host, hostId, box, expiresAtSeconds) => signReceipt(host.hostSeed, hostId, box, expiresAtSeconds),
}

const NO_SIGNATURE = new Uint8Array(SIGNATURE_BYTES)
const NO_NONCE = new Uint8Array(AEAD_NONCE_BYTES)
const REQUEST_HEAD = new Uint8Array(32)
const REQUEST_TAIL = new Uint8Array(REQUEST_SEAL_BYTES - REQUEST_HEAD.length)
const REPLY_TAIL = new Uint8Array(REPLY_SEAL_BYTES - AEAD_NONCE_BYTES)
const BOX_TAIL = new Uint8Array(BOX_CIPHERTEXT_BYTES - BOX_BODY_BYTES - AEAD_NONCE_BYTES)

/** Descriptors that were checked, for as long as they are shown. */
function rememberChecks(): ClientFunctions['checkHostDescriptor'] {
  const known = new Map<string, HostRecord>()
  return async (bytes, rules) => {
    const name = Buffer.from(bytes).toString('latin1')
    const before = known.get(name)
    if (before !== undefined && before.validUntilMs > rules.nowMs) {
      return { ok: true, host: { ...before, firstSeenAtMs: rules.known?.firstSeenAtMs ?? rules.nowMs } }
    }
    const verdict = await WORKLESS.checkHostDescriptor(bytes, rules)
    if (known.size > 1_000) known.clear()
    if (verdict.ok) known.set(name, verdict.host)
    return verdict
  }
}

/** Ids that are unlike each other, and cheap. */
function createNumberedId(): () => Uint8Array {
  let number = 0
  return () => {
    const boxId = new Uint8Array(32)
    number += 1
    new DataView(boxId.buffer).setFloat64(0, number)
    return boxId
  }
}

/** Plain bytes where the shipped one seals, nothing where it signs. What contacts seal for each other stays as shipped. */
export function createPlainCodec(): TwinCodec {
  return {
    functions: {
      ...WORKLESS,
      checkHostDescriptor: rememberChecks(),
      countReceipts: ({ closest, hostCount, receipts }) => {
        const quorum = quorumOf(hostCount)
        const hosts = closest.filter(({ hostId }) =>
          receipts.some(({ route }) => equalBytes(route, hostId.subarray(0, HOST_ROUTE_BYTES))),
        )
        const stored = quorum > 0 && hosts.length >= quorum
        const untilMs = stored ? (receipts[0]?.expiresAtSeconds ?? 0) * 1_000 : undefined
        return { replicas: hosts.length, wanted: replicasOf(hostCount), quorum, stored, untilMs, hosts }
      },
      sealRequest: (_sealKey, _hostKey, bytes) => concatBytes(REQUEST_HEAD, bytes, REQUEST_TAIL),
      openReply: (_replyKey, sealed) =>
        sealed.length < REPLY_SEAL_BYTES ? undefined : sealed.slice(AEAD_NONCE_BYTES, -REPLY_TAIL.length),
      readCheckReply: (_replyKey, reply) => (reply.length === CHECK_REPLY_BYTES ? reply[0] === 1 : undefined),
      createLoopKeys: () => {
        const boxId = randomBytes(32)
        return { boxId, signingSeed: boxId, bodyKey: boxId }
      },
      sealBox: ({ boxId }, body) => ({
        boxId,
        signature: NO_SIGNATURE,
        ciphertext: concatBytes(NO_NONCE, body, BOX_TAIL),
      }),
      openBox: (_keys, box) => box.ciphertext.subarray(AEAD_NONCE_BYTES, AEAD_NONCE_BYTES + BOX_BODY_BYTES),
      verifyBox: ({ ciphertext }) => ciphertext.length === BOX_CIPHERTEXT_BYTES,
      signTombstone: () => NO_SIGNATURE,
      createDummyId: createNumberedId(),
    },
    openRequest: (_host, sealed) => sealed.subarray(REQUEST_HEAD.length, -REQUEST_TAIL.length),
    sealReply: (_replyKey, reply) => concatBytes(NO_NONCE, reply, REPLY_TAIL),
    checkReply: (_replyKey, hit) => new Uint8Array(CHECK_REPLY_BYTES).fill(hit ? 1 : 0),
    isBox: ({ ciphertext }) => ciphertext.length === BOX_CIPHERTEXT_BYTES,
    isTombstone: () => true,
    receipt: (_host, hostId, _box, expiresAtSeconds) => ({
      route: hostId.subarray(0, HOST_ROUTE_BYTES),
      expiresAtSeconds,
      signature: NO_SIGNATURE,
    }),
  }
}

export function createSealKeys(): { readonly publicKey: Uint8Array; readonly privateKey: Uint8Array } {
  return createX25519KeyPair()
}
