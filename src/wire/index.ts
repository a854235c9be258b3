/** Every byte layout on the network, and the strict codec for content and stored values. @module */

export type { Announcement } from './attachment.ts'
export {
  decodeAnnouncement,
  encodeAnnouncement,
  FILE_CHUNKS_MAX_COUNT,
  FILE_HASH_BYTES,
  FILE_KEY_BYTES,
  FILE_MAX_BYTES,
  FILE_NAME_MAX_BYTES,
  fileBucketBytes,
  fileChunkCount,
  isMimeType,
  MIME_TYPE_MAX_BYTES,
  sanitiseFileName,
} from './attachment.ts'
export type { Box, BoxBody, ChunkBody, ConversationBody, LoopBody, PayloadBody } from './box.ts'
export { decodeBox, decodeBoxBody, encodeBox, encodeBoxBody } from './box.ts'
export type { Content, ContentPart } from './content.ts'
export {
  CONTENT_TYPE_ATTACHMENT,
  CONTENT_TYPE_LIVE,
  CONTENT_TYPE_READ,
  CONTENT_TYPE_TEXT,
  decodeContentPart,
  encodeContentPart,
  splitContent,
} from './content.ts'
export type { CourierAnswer, CourierRequest, RoutedRequest, TablePage, TaggedReply } from './courier-record.ts'
export {
  decodeCourierAnswer,
  decodeCourierRequest,
  encodeCourierAnswer,
  encodeCourierRequest,
  READ_REQUEST_COUNT,
  REPLIES_BYTES,
} from './courier-record.ts'
export {
  AEAD_NONCE_BYTES,
  BOX_BODY_BYTES,
  BOX_BYTES,
  BOX_CIPHERTEXT_BYTES,
  BOX_ENVELOPES_MAX_COUNT,
  CELL_STREAM_BYTES,
  CHECK_REPLY_BYTES,
  CONTENT_CHUNK_BYTES,
  CONTENT_PARTS_MAX_COUNT,
  COURIER_RECORD_BYTES,
  ENVELOPE_BODY_BYTES,
  ENVELOPE_BYTES,
  ENVELOPE_CONTENT_BYTES,
  FETCH_REPLY_BYTES,
  FILE_CHUNK_BYTES,
  FRAMING_BYTES,
  HANDSHAKE_REQUEST_BYTES,
  HOST_DESCRIPTOR_BYTES,
  HOST_ENTRY_BYTES,
  HOST_ID_BYTES,
  HOST_ROUTE_BYTES,
  LANE_RECORD_BYTES,
  LANE_RECORD_LINK_BYTES,
  LANE_STREAM_BYTES,
  LOOK_REQUEST_BYTES,
  MAX_TEXT_BYTES,
  MESH_BODY_MAX_BYTES,
  MESSAGE_ID_BYTES,
  PREKEY_BUNDLE_BYTES,
  RATCHET_HEADER_BYTES,
  READ_CHECK_COUNT,
  RECEIPT_BYTES,
  RECORD_CELL_COUNT,
  RECORD_LINK_BYTES,
  RECORD_STREAM_BYTES,
  RENDEZVOUS_PAYLOAD_BYTES,
  RENDEZVOUS_RECORD_BYTES,
  REPLICA_COUNT,
  REPLY_HEADER_BYTES,
  REPLY_SEAL_BYTES,
  REQUEST_SEAL_BYTES,
  SEALED_BUNDLE_BYTES,
  SEALED_HEADER_BYTES,
  SEALED_IDENTITY_BYTES,
  SIGNATURE_BYTES,
  STORE_REPLY_BYTES,
  STORE_REQUEST_BYTES,
  TABLE_PAGE_COUNT,
  TOMBSTONE_REQUEST_BYTES,
  VOUCHER_SALT_BYTES,
} from './geometry.ts'
export type { HandshakeRequest } from './handshake-request.ts'
export { decodeHandshakeRequest, encodeHandshakeRequest } from './handshake-request.ts'
export type { HostDescriptorFields, HostEntry, SignedHostDescriptor } from './host-descriptor.ts'
export {
  decodeHostDescriptor,
  decodeHostEntry,
  encodeHostDescriptor,
  encodeHostDescriptorFields,
  encodeHostEntry,
} from './host-descriptor.ts'
export type { CoverRecord, EnvelopeRecord, LaneRecord } from './lane-record.ts'
export { decodeLaneRecord, encodeLaneRecord, LANE_SEQUENCE_MAX } from './lane-record.ts'
export { decodeLiveOffer, encodeLiveOffer } from './live-offer.ts'
export type { FetchReply, MailboxRequest, Receipt, StoreReply, StoreStatus } from './mailbox-request.ts'
export {
  decodeFetchReply,
  decodeMailboxRequest,
  decodeStoreReply,
  encodeFetchReply,
  encodeMailboxRequest,
  encodeStoreReply,
} from './mailbox-request.ts'
export type { MeshStore, MeshStoreRefusal, MeshStoreResult, MeshTableRoot, MeshTombstone } from './mesh-message.ts'
export {
  decodeMeshFlag,
  decodeMeshId,
  decodeMeshInventory,
  decodeMeshInventoryResult,
  decodeMeshStore,
  decodeMeshStoreResult,
  decodeMeshTablePage,
  decodeMeshTableRoot,
  decodeMeshTombstone,
  encodeMeshFlag,
  encodeMeshInventory,
  encodeMeshInventoryResult,
  encodeMeshStore,
  encodeMeshStoreResult,
  encodeMeshTablePage,
  encodeMeshTableRoot,
  encodeMeshTombstone,
  MESH_INVENTORY_COUNT,
  MESH_OPERATION,
  MESH_TABLE_PAGE_COUNT,
} from './mesh-message.ts'
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
