/**
 * Which chunks of a file are done, one bit each.
 * Never changed in place: a step that fails must leave memory as it was.
 * @module
 */

export function createBitmap(count: number): Uint8Array {
  return new Uint8Array(Math.ceil(count / 8))
}

export function hasBit(bitmap: Uint8Array, index: number): boolean {
  return ((bitmap[index >> 3] ?? 0) & (1 << (index & 7))) !== 0
}

export function withBit(bitmap: Uint8Array, index: number): Uint8Array {
  const next = bitmap.slice()
  next[index >> 3] = (next[index >> 3] ?? 0) | (1 << (index & 7))
  return next
}

/** The first bit that is not set and that `isFree` admits, from `start` on and around; undefined when there is none. */
export function findClear(
  bitmap: Uint8Array,
  count: number,
  start: number,
  isFree: (index: number) => boolean,
): number | undefined {
  for (let passed = 0; passed < count; passed += 1) {
    const index = (start + passed) % count
    if (!hasBit(bitmap, index) && isFree(index)) return index
  }
  return undefined
}
