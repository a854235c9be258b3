/**
 * Bounds-checked reading and writing of fixed binary layouts.
 * Never throws on foreign bytes: a reader that ran out of input says so at `end()`. HOUSE §4.4.
 * @module
 */

/**
 * Reads a layout front to back. After an overrun every read gives zeros and `end()` is false,
 * so that a decoder is a straight line with one check at its end.
 */
export interface ByteReader {
  u8(): number
  u16(): number
  u32(): number
  /** Unsigned 64-bit; fails the reader above `Number.MAX_SAFE_INTEGER`. */
  u64(): number
  bytes(length: number): Uint8Array
  /** True when nothing overran and every byte was used: trailing bytes are an error. */
  end(): boolean
  remaining(): number
  /** Marks the input as malformed; `end()` will be false. */
  fail(): void
}

export function createByteReader(input: Uint8Array): ByteReader {
  const view = new DataView(input.buffer, input.byteOffset, input.byteLength)
  let offset = 0
  let failed = false
  const take = (length: number): number | undefined => {
    if (failed || length < 0 || offset + length > input.length) {
      failed = true
      return undefined
    }
    const start = offset
    offset += length
    return start
  }
  return {
    u8() {
      const at = take(1)
      return at === undefined ? 0 : view.getUint8(at)
    },
    u16() {
      const at = take(2)
      return at === undefined ? 0 : view.getUint16(at)
    },
    u32() {
      const at = take(4)
      return at === undefined ? 0 : view.getUint32(at)
    },
    u64() {
      const at = take(8)
      const value = at === undefined ? 0n : view.getBigUint64(at)
      if (value > BigInt(Number.MAX_SAFE_INTEGER)) {
        failed = true
        return 0
      }
      return Number(value)
    },
    bytes(length) {
      const at = take(length)
      return at === undefined ? new Uint8Array(Math.max(0, Math.min(length, 65_536))) : input.slice(at, at + length)
    },
    end: () => !failed && offset === input.length,
    remaining: () => (failed ? 0 : input.length - offset),
    fail() {
      failed = true
    },
  }
}

/** Writes a layout of known length; a value that does not fit is a bug and throws `RangeError`. */
export interface ByteWriter {
  u8(value: number): ByteWriter
  u16(value: number): ByteWriter
  u32(value: number): ByteWriter
  u64(value: number): ByteWriter
  bytes(value: Uint8Array): ByteWriter
  /** The written bytes; throws unless exactly the announced length was written. */
  finish(): Uint8Array
}

export function createByteWriter(length: number): ByteWriter {
  const out = new Uint8Array(length)
  const view = new DataView(out.buffer)
  let offset = 0
  const reserve = (size: number): number => {
    if (offset + size > length) throw new RangeError('layout is longer than announced')
    const start = offset
    offset += size
    return start
  }
  const check = (value: number, max: number): number => {
    if (!Number.isSafeInteger(value) || value < 0 || value > max) throw new RangeError('integer does not fit its field')
    return value
  }
  const writer: ByteWriter = {
    u8(value) {
      view.setUint8(reserve(1), check(value, 0xff))
      return writer
    },
    u16(value) {
      view.setUint16(reserve(2), check(value, 0xffff))
      return writer
    },
    u32(value) {
      view.setUint32(reserve(4), check(value, 0xffff_ffff))
      return writer
    },
    u64(value) {
      view.setBigUint64(reserve(8), BigInt(check(value, Number.MAX_SAFE_INTEGER)))
      return writer
    },
    bytes(value) {
      out.set(value, reserve(value.length))
      return writer
    },
    finish() {
      if (offset !== length) throw new RangeError('layout is shorter than announced')
      return out
    },
  }
  return writer
}
