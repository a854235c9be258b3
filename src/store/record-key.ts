/**
 * The keys under which LevelDB holds the records. Spec 09-store §4.
 * Never tells more than whether a record is erasable.
 * @module
 */
import { concatBytes } from '../base/index.ts'

const PLAIN_PREFIX = 0x00
/** Erasable records lie together, so that opening the store finds them without reading the others. */
export const ERASABLE_PREFIX = 0x01

export function recordKeyOf(hashedKey: Uint8Array, erasable: boolean): Uint8Array {
  return concatBytes(Uint8Array.of(erasable ? ERASABLE_PREFIX : PLAIN_PREFIX), hashedKey)
}
