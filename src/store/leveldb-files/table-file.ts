/**
 * Checks the checksums of a LevelDB table. LevelDB doc/table_format.
 * Never trusts an offset: everything is checked against the file it came from.
 * @module
 */
import { maskedCrc32c } from './crc32c.ts'
import { createVarintReader } from './varint-reader.ts'

const FOOTER_BYTES = 48
const TRAILER_BYTES = 5
const MAGIC_LOW = 0x8b80_fb57
const MAGIC_HIGH = 0xdb47_7524

interface BlockHandle {
  readonly offset: number
  readonly size: number
}

function isSoundBlock(bytes: Uint8Array, { offset, size }: BlockHandle): boolean {
  const end = offset + size + 1
  if (end + 4 > bytes.length - FOOTER_BYTES) return false
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return view.getUint32(end, true) === maskedCrc32c(bytes.subarray(offset, end))
}

function readHandle(bytes: Uint8Array): BlockHandle | undefined {
  const reader = createVarintReader(bytes)
  const handle = { offset: reader.varint(), size: reader.varint() }
  return reader.isSound() ? handle : undefined
}

/** The handles in an index block, or in the meta-index, which has one for the filter. Our tables are never compressed. */
function readIndex(block: Uint8Array): readonly BlockHandle[] | undefined {
  if (block.length < 4) return undefined
  const view = new DataView(block.buffer, block.byteOffset, block.byteLength)
  const end = block.length - 4 - 4 * view.getUint32(block.length - 4, true)
  if (end < 0) return undefined
  const reader = createVarintReader(block.subarray(0, end))
  const handles: BlockHandle[] = []
  while (!reader.atEnd()) {
    reader.varint()
    const keyBytes = reader.varint()
    const valueBytes = reader.varint()
    reader.bytes(keyBytes)
    const handle = readHandle(reader.bytes(valueBytes))
    if (handle === undefined) return undefined
    handles.push(handle)
  }
  return reader.isSound() ? handles : undefined
}

/** Whether every block is as it was written and the blocks leave no gap. */
export function isSoundTable(bytes: Uint8Array): boolean {
  if (bytes.length < FOOTER_BYTES) return false
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (view.getUint32(bytes.length - 8, true) !== MAGIC_LOW) return false
  if (view.getUint32(bytes.length - 4, true) !== MAGIC_HIGH) return false
  const footer = createVarintReader(bytes.subarray(bytes.length - FOOTER_BYTES, bytes.length - 8))
  const meta = { offset: footer.varint(), size: footer.varint() }
  const index = { offset: footer.varint(), size: footer.varint() }
  if (!footer.isSound() || !isSoundBlock(bytes, meta) || !isSoundBlock(bytes, index)) return false
  if (index.offset + index.size + TRAILER_BYTES !== bytes.length - FOOTER_BYTES) return false
  if (meta.offset + meta.size + TRAILER_BYTES !== index.offset) return false
  const dataBlocks = readIndex(bytes.subarray(index.offset, index.offset + index.size))
  const filterBlocks = readIndex(bytes.subarray(meta.offset, meta.offset + meta.size))
  if (dataBlocks === undefined || filterBlocks === undefined) return false
  let next = 0
  for (const handle of [...dataBlocks, ...filterBlocks]) {
    if (handle.offset !== next || !isSoundBlock(bytes, handle)) return false
    next += handle.size + TRAILER_BYTES
  }
  return next === meta.offset
}
