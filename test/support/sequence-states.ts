/**
 * One value of every stage that box sequences go through, for codecs.
 * Never two of one shape: nothing, first chain, gaps, a known end, past chains with and without a known end.
 * @module
 */
import {
  type BoxSequences,
  createSequences,
  noteRead,
  type SessionBoxKeys,
  syncSequences,
  wantedBoxes,
} from '../../src/mailbox/index.ts'
import { NOW_MS } from './session-pair.ts'

/** A session's box keys: a new chain in each direction, made from one number. */
function turn(fill: number): SessionBoxKeys {
  const key = (offset: number): { boxKey: Uint8Array } => ({ boxKey: new Uint8Array(32).fill(fill + offset) })
  return { sending: key(0), receiving: { boxKey: new Uint8Array(32) }, nextReceiving: key(1) }
}

function read(sequences: BoxSequences, chain: number, index: number, previousBoxes: number): BoxSequences {
  const box = wantedBoxes(sequences).find((wanted) => wanted.chain === chain && wanted.index === index)
  if (box === undefined) throw new RangeError('the box is not wanted')
  return noteRead(sequences, box.boxId, previousBoxes).sequences
}

export function sequenceStates(): readonly BoxSequences[] {
  const empty = createSequences()
  const sync = (sequences: BoxSequences, fill: number): BoxSequences =>
    syncSequences(turn(fill), sequences, NOW_MS + fill).sequences
  const onlyNext = sync(empty, 1)
  const both = sync(onlyNext, 3)
  const gaps = read(read(both, 0, 3, 0), 0, 5, 0)
  const ended = read(gaps, 1, 1, 5)
  const open = read(sync(gaps, 5), 1, 0, 9)
  const past = sync(sync(sync(sync(open, 7), 9), 11), 13)
  return [empty, onlyNext, both, gaps, ended, open, past]
}
