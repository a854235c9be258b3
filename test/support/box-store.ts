/**
 * Boxes and box stores for tests.
 * Never a real signature: the store does not look at it.
 * @module
 */
import { createHash } from 'node:crypto'
import { HOUR_MS } from '../../src/base/index.ts'
import type { Clock, StoreBox } from '../../src/ports/index.ts'
import { BOX_CIPHERTEXT_BYTES } from '../../src/wire/index.ts'

/** Any time on a full hour will do. */
export const START_MS = Date.UTC(2026, 10, 21)

export function boxIdOf(index: number): Uint8Array {
  return new Uint8Array(createHash('sha256').update(`id ${index}`).digest())
}

/** The box of that index; `variant` is in the signature, `body` in the last byte of the ciphertext. */
export function boxOf(index: number, variant = 0, body = 0): StoreBox {
  const ciphertext = new Uint8Array(BOX_CIPHERTEXT_BYTES).fill(index % 251)
  ciphertext[BOX_CIPHERTEXT_BYTES - 1] = body
  return { boxId: boxIdOf(index), signature: new Uint8Array(64).fill(variant), ciphertext }
}

export interface SetClock extends Clock {
  set(nowMs: number): void
}

/** A wall clock that is set by hand; nobody sleeps by it. */
export function createSetClock(nowMs = START_MS): SetClock {
  let now = nowMs
  return {
    nowMs: () => now,
    monotonicMs: () => 0,
    sleep: () => Promise.reject(new Error('the box store does not sleep')),
    set(value) {
      now = value
    },
  }
}

export function hoursFromStart(hours: number): number {
  return START_MS + hours * HOUR_MS
}
