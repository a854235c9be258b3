/**
 * The four records of a first contact: hello, bundle, request, result.
 * Never differ in length, so that an observer of the stream counts records and nothing else. Spec 01-wire §5.
 * @module
 */
import { createByteReader, createByteWriter } from '../base/index.ts'
import {
  HANDSHAKE_REQUEST_BYTES,
  RENDEZVOUS_HEADER_BYTES,
  RENDEZVOUS_RECORD_BYTES,
  SEALED_BUNDLE_BYTES,
} from './geometry.ts'
import { isZero } from './pad.ts'

const RENDEZVOUS_VERSION = 1

const KIND_HELLO = 1
const KIND_BUNDLE = 2
const KIND_REQUEST = 3
const KIND_RESULT = 4

/** What the inviter's daemon says to a request. Its user's answer is the lane: it comes up or it does not. */
export type RendezvousResult = 'pending' | 'used' | 'revoked' | 'expired'

const RESULT_CODES: Readonly<Record<RendezvousResult, number>> = { pending: 1, used: 2, revoked: 3, expired: 4 }
const RESULTS = new Map(Object.entries(RESULT_CODES).map(([result, code]) => [code, result as RendezvousResult]))

const RESULT_BYTES = 1

function encodeRecord(kind: number, payload: Uint8Array): Uint8Array {
  return createByteWriter(RENDEZVOUS_RECORD_BYTES)
    .u8(RENDEZVOUS_VERSION)
    .u8(kind)
    .bytes(payload)
    .bytes(new Uint8Array(RENDEZVOUS_RECORD_BYTES - RENDEZVOUS_HEADER_BYTES - payload.length))
    .finish()
}

/** The payload, whose length its kind fixes; undefined for every other record. */
function decodeRecord(expectedKind: number, payloadBytes: number, bytes: Uint8Array): Uint8Array | undefined {
  if (bytes.length !== RENDEZVOUS_RECORD_BYTES) return undefined
  const reader = createByteReader(bytes)
  const version = reader.u8()
  const kind = reader.u8()
  const payload = reader.bytes(payloadBytes)
  const padding = reader.bytes(reader.remaining())
  if (!reader.end() || version !== RENDEZVOUS_VERSION || kind !== expectedKind) return undefined
  return isZero(padding) ? payload : undefined
}

/** Opens the exchange: the dialer has the invite and asks for the bundle. */
export function encodeRendezvousHello(): Uint8Array {
  return encodeRecord(KIND_HELLO, new Uint8Array(0))
}

/** True when these bytes are a hello and nothing else. */
export function decodeRendezvousHello(bytes: Uint8Array): boolean {
  return decodeRecord(KIND_HELLO, 0, bytes) !== undefined
}

/** Carries the inviter's sealed prekey bundle, `SEALED_BUNDLE_BYTES` long; another length throws `RangeError`. */
export function encodeRendezvousBundle(sealedBundle: Uint8Array): Uint8Array {
  if (sealedBundle.length !== SEALED_BUNDLE_BYTES) throw new RangeError('sealed bundle has the wrong length')
  return encodeRecord(KIND_BUNDLE, sealedBundle)
}

/** The sealed bundle; undefined unless these bytes are a bundle record. */
export function decodeRendezvousBundle(bytes: Uint8Array): Uint8Array | undefined {
  return decodeRecord(KIND_BUNDLE, SEALED_BUNDLE_BYTES, bytes)
}

/** Carries the handshake request, `HANDSHAKE_REQUEST_BYTES` long; another length throws `RangeError`. */
export function encodeRendezvousRequest(request: Uint8Array): Uint8Array {
  if (request.length !== HANDSHAKE_REQUEST_BYTES) throw new RangeError('handshake request has the wrong length')
  return encodeRecord(KIND_REQUEST, request)
}

/** The handshake request; undefined unless these bytes are a request record. */
export function decodeRendezvousRequest(bytes: Uint8Array): Uint8Array | undefined {
  return decodeRecord(KIND_REQUEST, HANDSHAKE_REQUEST_BYTES, bytes)
}

/** Ends the exchange. */
export function encodeRendezvousResult(result: RendezvousResult): Uint8Array {
  return encodeRecord(KIND_RESULT, Uint8Array.of(RESULT_CODES[result]))
}

/** The result; undefined unless these bytes are a result record with a known code. */
export function decodeRendezvousResult(bytes: Uint8Array): RendezvousResult | undefined {
  const payload = decodeRecord(KIND_RESULT, RESULT_BYTES, bytes)
  return RESULTS.get(payload?.[0] ?? 0)
}
