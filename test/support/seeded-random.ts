/**
 * Randomness that can be played again: the same seed gives the same numbers.
 * Never used by the daemon; weak on purpose.
 * @module
 */
import type { Random } from '../../src/ports/index.ts'

/** Four lanes of 32-bit state (the generator known as sfc32), seeded from one number. */
export function createSeededRandom(seed: number): Random {
  let a = seed | 0
  let b = 0x9e37_79b9
  let c = 0x85eb_ca6b
  let counter = 1
  const next = (): number => {
    const sum = (((a + b) | 0) + counter) | 0
    counter = (counter + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = (((c << 21) | (c >>> 11)) + sum) | 0
    return sum >>> 0
  }
  for (let round = 0; round < 12; round++) next()
  return {
    bytes: (length) => Uint8Array.from({ length }, () => next() & 255),
    uniform: () => ((next() >>> 5) * 2 ** 26 + (next() >>> 6)) / 2 ** 53,
  }
}
