/**
 * Which hosts keep a box: those whose ids are nearest to a hash of the box id.
 * Never asks anybody: closeness is computed on the table that is there, so no look-up leaves a client. Spec 03-mailbox §3.5.
 * @module
 */
import { framed, label, sha256 } from '../crypto/index.ts'

/** The point among the host ids where a box belongs; 32 bytes. */
export function placementKey(boxId: Uint8Array): Uint8Array {
  return sha256(framed(label('placement'), boxId))
}

/** Below zero when `a` is nearer to `target` by XOR than `b`, above when `b` is; all three of one length. */
export function compareDistance(target: Uint8Array, a: Uint8Array, b: Uint8Array): number {
  for (const [index, byte] of target.entries()) {
    const difference = (byte ^ (a[index] ?? 0)) - (byte ^ (b[index] ?? 0))
    if (difference !== 0) return difference
  }
  return 0
}

/** Below zero when `a` sorts before `b`, byte by byte; both of one length. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  for (const [index, byte] of a.entries()) {
    const difference = byte - (b[index] ?? 0)
    if (difference !== 0) return difference
  }
  return 0
}

function bitAt(id: Uint8Array, bit: number): number {
  return ((id[bit >>> 3] ?? 0) >>> (7 - (bit & 7))) & 1
}

/**
 * Up to `count` of `sorted`, nearest to `target` first. `sorted` ascends by id without repetition.
 *
 * Ids that share a prefix stand together in sorted order, so this walks down a binary tree that is not built: at each bit
 * the half on the target's side comes out whole before the other. Logarithmic in the number of hosts for each one found.
 */
export function closestOf<T extends { readonly hostId: Uint8Array }>(
  sorted: readonly T[],
  target: Uint8Array,
  count: number,
): T[] {
  const found: T[] = []
  const bits = target.length * 8
  const walk = (from: number, to: number, bit: number): void => {
    if (from >= to || found.length >= count) return
    const only = sorted[from]
    if (only !== undefined && (to - from === 1 || bit >= bits)) {
      found.push(only)
      return
    }
    const middle = firstWithBit(sorted, from, to, bit)
    if (bitAt(target, bit) === 0) {
      walk(from, middle, bit + 1)
      walk(middle, to, bit + 1)
    } else {
      walk(middle, to, bit + 1)
      walk(from, middle, bit + 1)
    }
  }
  walk(0, sorted.length, 0)
  return found
}

/** First position in [from, to) whose id has this bit set, `to` for none; the ids there agree in all bits before. */
function firstWithBit(
  sorted: readonly { readonly hostId: Uint8Array }[],
  from: number,
  to: number,
  bit: number,
): number {
  let low = from
  let high = to
  while (low < high) {
    const middle = (low + high) >>> 1
    const entry = sorted[middle]
    if (entry !== undefined && bitAt(entry.hostId, bit) === 1) high = middle
    else low = middle + 1
  }
  return low
}
