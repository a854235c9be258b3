/**
 * Every size on the network, each derived once.
 * Never typed a second time anywhere else: other layouts import from here. Spec 01-wire §2, DESIGN §6.
 * @module
 */
import { KEM_CIPHERTEXT_BYTES, KEM_ENCAPSULATION_KEY_BYTES, KEY_BYTES } from '../crypto/index.ts'

/** Stream bytes of one Tor relay cell that both relay-cell formats can carry (488 with CGO, 498 legacy). METADATA §3.1. */
export const CELL_STREAM_BYTES = 488

/**
 * What the last cell of a record leaves free: 4 zeros and 16 random bytes. Where tor has sent 50 to 99 cells without so
 * much room (proposal 289), it cuts one short and the record takes another cell. `test/e2e/geometry.test.ts` counts.
 */
const CELL_SPARE_BYTES = 4 + 16

/** Stream bytes of so many cells of either format, and never of more. */
function streamBytes(cellCount: number): number {
  return cellCount * CELL_STREAM_BYTES - CELL_SPARE_BYTES
}

/** Cells of a rendezvous or courier record. */
export const RECORD_CELL_COUNT = 4

/** Stream bytes of a rendezvous or courier record: four cells. */
export const RECORD_STREAM_BYTES = streamBytes(RECORD_CELL_COUNT)

/** Stream bytes of a lane record: one cell. */
export const LANE_STREAM_BYTES = streamBytes(1)

/**
 * What a link adds to a record: the length and the tag of the one Noise message that it is. The muxer of record links adds
 * nothing (ADR 0002). Exact; `test/unit/transport/geometry.test.ts` counts the bytes on the socket.
 */
export const FRAMING_BYTES = 2 + 16

/** A cell on a link between a tor and its guard: circuit id 4, command 1, payload 509. */
const CELL_BYTES = 4 + 1 + 509

/** What TLS 1.3 adds to a record: header 5, content type 1, tag 16. tor writes the cells of one flush as one record. */
const TLS_OVERHEAD_BYTES = 5 + 1 + 16

/** IPv4 and TCP headers with time stamps: of a segment, and all that an acknowledgement is. */
const SEGMENT_HEADER_BYTES = 20 + 32

/** Payload of a segment, a little below what an Ethernet carries so that tunnels fit. METADATA §3.1. */
const SEGMENT_BYTES = 1_400

/** IP bytes of a write of so many cells on the link to the guard, one way: W(n) of METADATA §3.1. */
function writeLinkBytes(cellCount: number): number {
  const bytes = cellCount * CELL_BYTES + TLS_OVERHEAD_BYTES
  return bytes + SEGMENT_HEADER_BYTES * Math.ceil(bytes / SEGMENT_BYTES)
}

/** IP bytes of a slot on the link to the guard: a record each way, and what acknowledges it. METADATA §3.5. */
function slotLinkBytes(cellCount: number): number {
  return 2 * (writeLinkBytes(cellCount) + SEGMENT_HEADER_BYTES)
}

/** IP bytes that one slot of a courier link costs on the link to the guard, both directions together. */
export const RECORD_LINK_BYTES = slotLinkBytes(RECORD_CELL_COUNT)

/** IP bytes that one slot of an open lane costs on the link to the guard, both directions together. */
export const LANE_RECORD_LINK_BYTES = slotLinkBytes(1)

/** Bytes of a lane record as the link carries it. With its framing exactly one cell. */
export const LANE_RECORD_BYTES = LANE_STREAM_BYTES - FRAMING_BYTES

/** kind u8, acknowledgement base u32, acknowledgement bits u32, sequence u32. */
const LANE_HEADER_BYTES = 1 + 4 + 4 + 4

/** Bytes of a rendezvous record as the link carries it. With its framing exactly four cells. */
export const RENDEZVOUS_RECORD_BYTES = RECORD_STREAM_BYTES - FRAMING_BYTES

/** A sealed message for a lane. */
export const ENVELOPE_BYTES = LANE_RECORD_BYTES - LANE_HEADER_BYTES

const AEAD_TAG_BYTES = 16
export const AEAD_NONCE_BYTES = 12

/** flags u8, ratchet key 32, previous chain length u32, message number u32. */
export const RATCHET_HEADER_BYTES = 1 + 32 + 4 + 4
export const SEALED_HEADER_BYTES = AEAD_NONCE_BYTES + RATCHET_HEADER_BYTES + AEAD_TAG_BYTES

/** Padded plaintext of one envelope. */
export const ENVELOPE_BODY_BYTES = ENVELOPE_BYTES - SEALED_HEADER_BYTES - AEAD_TAG_BYTES

/** Bytes in front of the content inside a padded body: its length u16. */
export const BODY_LENGTH_BYTES = 2

/** Longest content that one envelope carries. */
export const ENVELOPE_CONTENT_BYTES = ENVELOPE_BODY_BYTES - BODY_LENGTH_BYTES

/** Parts of one message; bounds what a contact can make us hold before a message is whole. Guessed: 64 slots are a minute. */
export const CONTENT_PARTS_MAX_COUNT = 64

export const MESSAGE_ID_BYTES = 16

/**
 * What surrounds the chunk of a content part at most, in msgpack: array 1, message id 2 + 16, part index 1 and count 1
 * (both below 128), time 9 (a double above 32 bits), type 2, header of the chunk 3. Spec 01-wire §6.
 */
const CONTENT_PART_OVERHEAD_BYTES = 1 + (2 + MESSAGE_ID_BYTES) + 1 + 1 + 9 + 2 + 3

/** Bytes of the body in each part but the last. */
export const CONTENT_CHUNK_BYTES = ENVELOPE_CONTENT_BYTES - CONTENT_PART_OVERHEAD_BYTES

/** Longest body of one message, in bytes of UTF-8 for a text. */
export const MAX_TEXT_BYTES = CONTENT_PARTS_MAX_COUNT * CONTENT_CHUNK_BYTES

/** version u8, kind u8. */
export const RENDEZVOUS_HEADER_BYTES = 1 + 1

/** Longest payload of a rendezvous record. */
export const RENDEZVOUS_PAYLOAD_BYTES = RENDEZVOUS_RECORD_BYTES - RENDEZVOUS_HEADER_BYTES

/** version u8, Ed25519 and X25519 identity keys, signed prekey, one-time prekey, ML-KEM-768 encapsulation key. */
export const PREKEY_BUNDLE_BYTES = 1 + 4 * KEY_BYTES + KEM_ENCAPSULATION_KEY_BYTES

export const VOUCHER_SALT_BYTES = 16

/** salt, encrypted bundle, tag. */
export const SEALED_BUNDLE_BYTES = VOUCHER_SALT_BYTES + PREKEY_BUNDLE_BYTES + AEAD_TAG_BYTES

/** The initiator's identity keys, X25519 then Ed25519, sealed. */
export const SEALED_IDENTITY_BYTES = 2 * KEY_BYTES + AEAD_TAG_BYTES

/** Ephemeral key, ML-KEM ciphertext, sealed identity, first envelope; fits one rendezvous record. Spec 04-session §4.2. */
export const HANDSHAKE_REQUEST_BYTES = KEY_BYTES + KEM_CIPHERTEXT_BYTES + SEALED_IDENTITY_BYTES + ENVELOPE_BYTES

export const SIGNATURE_BYTES = 64

/** Bytes of a courier record as the link carries it, both ways. With its framing exactly four cells. */
export const COURIER_RECORD_BYTES = RECORD_STREAM_BYTES - FRAMING_BYTES

/** kind u8, tag of the record's first request u16. */
export const COURIER_HEADER_BYTES = 1 + 2

/** Existence checks in each read record, each sealed to an intermediate of its own. METADATA §3.4. */
export const READ_CHECK_COUNT = 12

/** SHA-256; names a host and its place among the boxes. */
export const HOST_ID_BYTES = 32

/** Leading bytes of a host id, by which a courier finds the intermediate and a reply names a host. */
export const HOST_ROUTE_BYTES = 16

/** Ephemeral key and tag of what is sealed to an intermediate. */
export const REQUEST_SEAL_BYTES = KEY_BYTES + AEAD_TAG_BYTES

/** operation u8, reply key. */
const REQUEST_HEADER_BYTES = 1 + KEY_BYTES

/** Nonce and tag of a sealed reply. */
export const REPLY_SEAL_BYTES = AEAD_NONCE_BYTES + AEAD_TAG_BYTES

/** An answer to a check: one of two values of a keyed hash, cut to this. */
export const CHECK_REPLY_BYTES = 8

/** tag u16 and length u16 in front of each reply in a record that comes down. */
export const REPLY_HEADER_BYTES = 2 + 2

/** status u8 in front of the signature and the ciphertext of a box that was fetched; the same without a box. */
const FETCH_STATUS_BYTES = 1

/** What surrounds the ciphertext of a fetched box in its record: kind, the answers to one record's checks, seals. */
const FETCH_OVERHEAD_BYTES =
  1 +
  READ_CHECK_COUNT * (REPLY_HEADER_BYTES + CHECK_REPLY_BYTES) +
  REPLY_HEADER_BYTES +
  FETCH_STATUS_BYTES +
  SIGNATURE_BYTES +
  REPLY_SEAL_BYTES

/** Ciphertext of a box: what one record can bring down beside the answers to its checks. */
export const BOX_CIPHERTEXT_BYTES = COURIER_RECORD_BYTES - FETCH_OVERHEAD_BYTES

/** Padded plaintext of a box: the ciphertext begins with its nonce and ends with its tag. */
export const BOX_BODY_BYTES = BOX_CIPHERTEXT_BYTES - AEAD_NONCE_BYTES - AEAD_TAG_BYTES

/** One-time public key, signature, ciphertext. */
export const BOX_BYTES = KEY_BYTES + SIGNATURE_BYTES + BOX_CIPHERTEXT_BYTES

/** kind u8, acknowledgement base u32, acknowledgement bits u32, boxes in the chain before u32, count of envelopes u8. */
const BOX_HEADER_BYTES = 1 + 4 + 4 + 4 + 1

/** Envelopes in one box, each behind its sequence u32. */
export const BOX_ENVELOPES_MAX_COUNT = Math.floor((BOX_BODY_BYTES - BOX_HEADER_BYTES) / (4 + ENVELOPE_BYTES))

/** Bytes of a file in one box: kind u8 and index u16 in front, and nothing left over. */
export const FILE_CHUNK_BYTES = BOX_BODY_BYTES - 1 - 2

/** Plaintext sizes of the requests to an intermediate. */
export const STORE_REQUEST_BYTES = REQUEST_HEADER_BYTES + BOX_BYTES
/** box id, replica rank u8; a check and a fetch look alike. */
export const LOOK_REQUEST_BYTES = REQUEST_HEADER_BYTES + KEY_BYTES + 1
export const TOMBSTONE_REQUEST_BYTES = REQUEST_HEADER_BYTES + KEY_BYTES + SIGNATURE_BYTES

/** host route, expiry u32, signature. */
export const RECEIPT_BYTES = HOST_ROUTE_BYTES + 4 + SIGNATURE_BYTES

/** Replicas of a box where there are as many hosts. METADATA §4.5. */
export const REPLICA_COUNT = 8

/** Plaintext of the answer to a store request: status u8, count u8, receipts. */
export const STORE_REPLY_BYTES = 1 + 1 + REPLICA_COUNT * RECEIPT_BYTES

/** Plaintext of the answer to a fetch. */
export const FETCH_REPLY_BYTES = FETCH_STATUS_BYTES + SIGNATURE_BYTES + BOX_CIPHERTEXT_BYTES

/**
 * version u8; host, seal, courier and mesh keys; issued, expiry and start u32, capacity in MiB u32; work period u16 and
 * nonce u64; signature. Spec 03-mailbox §3.1.
 */
export const HOST_DESCRIPTOR_BYTES = 1 + 4 * KEY_BYTES + 4 * 4 + 2 + 8 + SIGNATURE_BYTES

/** kind, root, hosts in the table u32, count u8. */
const TABLE_HEADER_BYTES = 1 + HOST_ID_BYTES + 4 + 1

/** Descriptors in one record that comes down. */
export const TABLE_PAGE_COUNT = Math.floor((COURIER_RECORD_BYTES - TABLE_HEADER_BYTES) / HOST_DESCRIPTOR_BYTES)

/** Longest body of a request between hosts, and of its answer: 38 descriptors, or ids for a comparison. */
export const MESH_BODY_MAX_BYTES = 16_384

/** Host key and courier onion key: enough to dial a host that nothing else is known of. */
export const HOST_ENTRY_BYTES = 2 * KEY_BYTES
