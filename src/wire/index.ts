/** Every byte layout on the network, and the strict codec for content and stored values. @module */

export type { Content, ContentPart } from './content.ts'
export { CONTENT_TYPE_TEXT, decodeContentPart, encodeContentPart, splitContent } from './content.ts'
export {
  AEAD_NONCE_BYTES,
  CELL_STREAM_BYTES,
  CONTENT_CHUNK_BYTES,
  CONTENT_PARTS_MAX_COUNT,
  ENVELOPE_BODY_BYTES,
  ENVELOPE_BYTES,
  ENVELOPE_CONTENT_BYTES,
  FRAMING_BYTES,
  HANDSHAKE_REQUEST_BYTES,
  LANE_RECORD_BYTES,
  MAX_TEXT_BYTES,
  MESSAGE_ID_BYTES,
  PREKEY_BUNDLE_BYTES,
  RATCHET_HEADER_BYTES,
  RECORD_STREAM_BYTES,
  RENDEZVOUS_PAYLOAD_BYTES,
  RENDEZVOUS_RECORD_BYTES,
  SEALED_BUNDLE_BYTES,
  SEALED_HEADER_BYTES,
  SEALED_IDENTITY_BYTES,
  VOUCHER_SALT_BYTES,
} from './geometry.ts'
export type { HandshakeRequest } from './handshake-request.ts'
export { decodeHandshakeRequest, encodeHandshakeRequest } from './handshake-request.ts'
export type { CoverRecord, EnvelopeRecord, LaneRecord } from './lane-record.ts'
export { decodeLaneRecord, encodeLaneRecord, LANE_SEQUENCE_MAX } from './lane-record.ts'
export { onionAddress, onionPublicKey, parseOnionAddress } from './onion-address.ts'
export type { Packed, Shape, ShapeValue } from './pack.ts'
export { createPacked, shape } from './pack.ts'
export { padBody, unpadBody } from './pad.ts'
export type { RatchetHeader } from './ratchet-header.ts'
export { decodeRatchetHeader, encodeRatchetHeader } from './ratchet-header.ts'
export type { Reassembly, ReassemblyStep } from './reassembly.ts'
export { addContentPart } from './reassembly.ts'
export type { RendezvousResult } from './rendezvous-record.ts'
export {
  decodeRendezvousBundle,
  decodeRendezvousHello,
  decodeRendezvousRequest,
  decodeRendezvousResult,
  encodeRendezvousBundle,
  encodeRendezvousHello,
  encodeRendezvousRequest,
  encodeRendezvousResult,
} from './rendezvous-record.ts'
