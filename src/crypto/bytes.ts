/**
 * Randomness, comparison and erasure of secret bytes.
 * Never hands out pooled memory: a secret's buffer is its own, so that erasing it erases all of it. CRYPTO §2f.
 * @module
 */
import { randomFillSync, timingSafeEqual } from 'node:crypto'

/** `length` unpredictable bytes from the operating system's generator, in memory of their own. */
export function randomBytes(length: number): Uint8Array {
  return randomFillSync(new Uint8Array(length))
}

/** Compares secrets in time that depends on their length only; arrays of different length are unequal at once. */
export function constantTimeEqual(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && timingSafeEqual(a, b)
}

/** Overwrites each array with zeros. Copies that the engine made earlier are out of reach; the threat model says so. */
export function wipe(...arrays: readonly Uint8Array[]): void {
  for (const array of arrays) array.fill(0)
}

/** The same memory as a plain `Uint8Array`, so that callers never meet a `Buffer` and its other semantics of `slice`. */
export function plainBytes(buffer: Uint8Array): Uint8Array {
  return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength)
}
