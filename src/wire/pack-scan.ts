/**
 * Looks over msgpack bytes before the library reads them.
 * Never allocates by what the bytes announce: a length is checked against what is left first. Spec 01-wire §7.
 * @module
 */

/** Deeper nesting than any of our shapes has; keeps hostile bytes off the stack. */
const MAX_DEPTH = 16

/** Bytes that follow a token of fixed size. */
const FIXED_SIZES: ReadonlyMap<number, number> = new Map([
  [0xc0, 0], // nil
  [0xc2, 0], // false
  [0xc3, 0], // true
  [0xcb, 8], // float 64, for integers above 32 bits
  [0xcc, 1],
  [0xcd, 2],
  [0xce, 4],
  [0xd0, 1],
  [0xd1, 2],
  [0xd2, 4],
])

/** Bytes of the length behind a token of variable size. */
const LENGTH_SIZES: ReadonlyMap<number, number> = new Map([
  [0xc4, 1], // bin
  [0xc5, 2],
  [0xc6, 4],
  [0xd9, 1], // str
  [0xda, 2],
  [0xdb, 4],
  [0xdc, 2], // array
  [0xdd, 4],
])

/**
 * True when the bytes are one whole value made of nil, booleans, integers, strings, byte strings and arrays only:
 * no maps, no extensions, nothing that overruns, nothing behind the value.
 */
export function isPlainMsgpack(bytes: Uint8Array): boolean {
  let position = 0

  const skip = (length: number): boolean => {
    position += length
    return position <= bytes.length
  }
  const items = (count: number, depth: number): boolean => {
    if (depth >= MAX_DEPTH || count > bytes.length - position) return false
    for (let index = 0; index < count; index++) if (!value(depth + 1)) return false
    return true
  }
  const lengthOf = (size: number): number | undefined => {
    const start = position
    if (!skip(size)) return undefined
    return bytes.subarray(start, position).reduce((length, byte) => length * 256 + byte, 0)
  }
  const value = (depth: number): boolean => {
    const token = bytes[position++]
    if (token === undefined) return false
    if (token <= 0x7f || token >= 0xe0) return true
    if (token >= 0x90 && token <= 0x9f) return items(token & 0x0f, depth)
    if (token >= 0xa0 && token <= 0xbf) return skip(token & 0x1f)
    const fixedSize = FIXED_SIZES.get(token)
    if (fixedSize !== undefined) return skip(fixedSize)
    const lengthSize = LENGTH_SIZES.get(token)
    const length = lengthSize === undefined ? undefined : lengthOf(lengthSize)
    if (length === undefined) return false
    return token >= 0xdc ? items(length, depth) : skip(length)
  }

  return value(0) && position === bytes.length
}
