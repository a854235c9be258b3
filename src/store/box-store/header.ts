/**
 * The header file of a box store: which layout its files have.
 * Never holds anything else: boxes are ciphertext, there is no key to keep. Spec 03-mailbox §5.1.
 * @module
 */
import { createByteReader, createByteWriter, equalBytes, utf8Encode } from '../../base/index.ts'
import { sha256 } from '../../crypto/index.ts'
import { BOX_SCHEMA_VERSION } from './options.ts'

const MAGIC = utf8Encode('noctbox\n')
const CHECKSUM_BYTES = 32
/** Every later version begins with the same and stays below this, so that it can be told from damage. */
export const BOX_HEADER_MAX_BYTES = 4_096

export function encodeBoxHeader(version: number = BOX_SCHEMA_VERSION): Uint8Array {
  const covered = createByteWriter(MAGIC.length + 2)
    .bytes(MAGIC)
    .u16(version)
    .finish()
  return createByteWriter(covered.length + CHECKSUM_BYTES)
    .bytes(covered)
    .bytes(sha256(covered))
    .finish()
}

export function checkBoxHeader(bytes: Uint8Array): 'ok' | 'corrupt' | 'too-new' {
  if (bytes.length > BOX_HEADER_MAX_BYTES || bytes.length < MAGIC.length + 2 + CHECKSUM_BYTES) return 'corrupt'
  const covered = bytes.subarray(0, bytes.length - CHECKSUM_BYTES)
  if (!equalBytes(sha256(covered), bytes.subarray(covered.length))) return 'corrupt'
  const reader = createByteReader(covered)
  if (!equalBytes(reader.bytes(MAGIC.length), MAGIC)) return 'corrupt'
  const version = reader.u16()
  if (version > BOX_SCHEMA_VERSION) return 'too-new'
  return version === BOX_SCHEMA_VERSION && reader.end() ? 'ok' : 'corrupt'
}
