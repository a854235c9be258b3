/**
 * Where the walk over the host table goes on after each page.
 * Never lets one courier alone send it back to the beginning, or past many hosts, while there is another to ask. Spec 03-mailbox §4.4.
 * @module
 */
import { createByteReader, equalBytes } from '../../base/index.ts'
import { HOST_ID_BYTES } from '../../wire/index.ts'
import { HOST_TABLE_MAX_COUNT } from '../options.ts'
import { compareBytes } from '../placement.ts'

/** A page whose descriptors hold. */
export interface WalkPage {
  /** From where on it was asked for. */
  readonly cursor: Uint8Array
  /** Where it ends; all zeros when it says that nothing comes after it. */
  readonly next: Uint8Array
  readonly descriptorCount: number
  /** Hexadecimal host key of the courier that gave it. */
  readonly courier: string
  /** The most hosts that any courier or the own table speaks of. */
  readonly hostCount: number
  /** No other courier could be asked. */
  readonly isAlone: boolean
}

export interface TableWalk {
  /** From where on the next page is wanted: ids above this one. */
  cursor(): Uint8Array
  take(page: WalkPage): void
}

/**
 * Ids are as good as random: a full page leaves out more than this many of the hosts to be expected in its stretch once in a
 * hundred times. Another look costs a slot.
 */
const UNSEEN_MAX_COUNT = 8

const ZERO = new Uint8Array(HOST_ID_BYTES)
const FRACTION_BYTES = 4

/** Where an id stands in the circle of ids, from 0 to 1. */
function fractionOf(hostId: Uint8Array): number {
  return createByteReader(hostId.subarray(0, FRACTION_BYTES)).u32() / 2 ** (8 * FRACTION_BYTES)
}

/** The end is behind everything. */
function isNearer(a: Uint8Array, b: Uint8Array): boolean {
  if (equalBytes(a, ZERO)) return false
  return equalBytes(b, ZERO) || compareBytes(a, b) < 0
}

export function createTableWalk(): TableWalk {
  let cursor: Uint8Array = ZERO
  /** What was not believed of pages from here, by courier. */
  const doubted = new Map<string, Uint8Array>()

  const isDoubtful = ({ next, descriptorCount, hostCount }: WalkPage): boolean => {
    if (equalBytes(next, ZERO)) return true
    const expected = (fractionOf(next) - fractionOf(cursor)) * Math.min(hostCount, HOST_TABLE_MAX_COUNT)
    return expected - descriptorCount > UNSEEN_MAX_COUNT
  }

  return {
    cursor: () => cursor,
    take(page) {
      // Of a page that was asked for before the walk went on nothing follows.
      if (!equalBytes(page.cursor, cursor)) return
      let { next } = page
      if (isDoubtful(page) && !page.isAlone) {
        doubted.set(page.courier, next)
        // What two say who are not one is believed, as far as both say it.
        if (doubted.size < 2) return
        for (const other of doubted.values()) if (isNearer(other, next)) next = other
      }
      doubted.clear()
      cursor = next
    },
  }
}
