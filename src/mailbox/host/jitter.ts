/**
 * Intervals of a host's own upkeep.
 * Never a fixed period: many hosts that were started together must not act together. Spec 03-mailbox §10.
 * @module
 */
import type { Random } from '../../ports/index.ts'

/** Uniform in [0.5, 1.5) times the mean. */
export function jittered(meanMs: number, random: Random): number {
  return meanMs * (0.5 + random.uniform())
}
