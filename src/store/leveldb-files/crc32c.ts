/**
 * CRC-32C (Castagnoli), the checksum inside LevelDB's files, masked as they mask it.
 * Never a protection against intent: sealing is. LevelDB doc/log_format, doc/table_format.
 * @module
 */

const POLYNOMIAL = 0x82f63b78
const SLICES_COUNT = 8

/** Table `n` advances a byte by `n` further bytes, so that eight bytes cost one step. */
function createTables(): Uint32Array {
  const tables = new Uint32Array(256 * SLICES_COUNT)
  for (let byte = 0; byte < 256; byte += 1) {
    let value = byte
    for (let bit = 0; bit < 8; bit += 1) value = (value & 1) === 0 ? value >>> 1 : (value >>> 1) ^ POLYNOMIAL
    tables[byte] = value
  }
  for (let index = 256; index < tables.length; index += 1) {
    const previous = tables[index - 256] ?? 0
    tables[index] = (previous >>> 8) ^ (tables[previous & 255] ?? 0)
  }
  return tables
}

const T = createTables()

export function crc32c(bytes: Uint8Array): number {
  let crc = 0xffff_ffff
  let at = 0
  const end = bytes.length - (bytes.length % 8)
  const byte = (index: number): number => bytes[index] as number
  const table = (slice: number, index: number): number => T[slice * 256 + index] as number
  for (; at < end; at += 8) {
    const low = crc ^ (byte(at) | (byte(at + 1) << 8) | (byte(at + 2) << 16) | (byte(at + 3) << 24))
    crc =
      table(7, low & 255) ^
      table(6, (low >>> 8) & 255) ^
      table(5, (low >>> 16) & 255) ^
      table(4, low >>> 24) ^
      table(3, byte(at + 4)) ^
      table(2, byte(at + 5)) ^
      table(1, byte(at + 6)) ^
      table(0, byte(at + 7))
  }
  for (; at < bytes.length; at += 1) crc = (crc >>> 8) ^ table(0, (crc ^ byte(at)) & 255)
  return (crc ^ 0xffff_ffff) >>> 0
}

/** The form in which LevelDB stores it, so that a checksum over checksums means something. */
export function maskedCrc32c(bytes: Uint8Array): number {
  const crc = crc32c(bytes)
  return (((crc >>> 15) | (crc << 17)) + 0xa282_ead8) >>> 0
}
