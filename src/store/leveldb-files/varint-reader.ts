/**
 * Reads LevelDB's variable-length integers and length-prefixed fields.
 * Never throws: a reader that ran out of input says so by `isSound`.
 * @module
 */

export interface VarintReader {
  varint(): number
  bytes(length: number): Uint8Array
  atEnd(): boolean
  isSound(): boolean
}

export function createVarintReader(input: Uint8Array): VarintReader {
  let at = 0
  let sound = true
  const reader: VarintReader = {
    varint() {
      let value = 0
      for (let scale = 1; scale <= Number.MAX_SAFE_INTEGER; scale *= 128) {
        const byte = input[at++]
        if (byte === undefined) break
        value += (byte & 127) * scale
        if (byte < 128) return value
      }
      sound = false
      return 0
    },
    bytes(length) {
      const end = at + length
      if (end > input.length) {
        sound = false
        return new Uint8Array(0)
      }
      const out = input.subarray(at, end)
      at = end
      return out
    },
    atEnd: () => !sound || at >= input.length,
    isSound: () => sound,
  }
  return reader
}
