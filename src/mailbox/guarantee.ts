/**
 * What a network of so many hosts can promise.
 * Never promises more than the hosts that are known can keep. Spec 03-mailbox §8.
 * @module
 */
import type { Separation } from './api.ts'

/** From how many hosts on courier, intermediate and store can be three different ones, with one to spare. DESIGN §7. */
const FULL_SEPARATION_COUNT = 4

/** How well roles are kept apart among this many hosts. */
export function separationOf(hosts: number): Separation {
  if (hosts <= 0) return 'none'
  if (hosts === 1) return 'single'
  return hosts < FULL_SEPARATION_COUNT ? 'partial' : 'full'
}
