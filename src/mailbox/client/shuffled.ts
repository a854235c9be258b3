/**
 * A random order.
 * Never one that depends on what the values are. Spec 03-mailbox §4.6.
 * @module
 */
import type { Random } from '../../ports/index.ts'

/** The same values in an order drawn from `random`, one number for each. */
export function shuffled<T>(values: readonly T[], random: Random): readonly T[] {
  const drawn = values.map((value) => ({ value, at: random.uniform() }))
  return drawn.sort((a, b) => a.at - b.at).map(({ value }) => value)
}
