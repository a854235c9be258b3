/**
 * What every decoder of foreign bytes owes: no throw, and whatever it accepts it would have written itself.
 * Never passes without having decoded something: each valid sample must be accepted first.
 * @module
 */
import assert from 'node:assert/strict'
import { equalBytes } from '../../src/base/index.ts'
import { createSeededRandom } from './seeded-random.ts'

export interface StrictDecoder<T> {
  readonly valid: readonly Uint8Array[]
  /** Undefined for refused bytes. */
  readonly decode: (bytes: Uint8Array) => T | undefined
  readonly encode: (value: T) => Uint8Array
  /** Random inputs and random multi-byte changes to try. */
  readonly rounds?: number
  /** 8 flips every bit of each sample; fewer flips that many bits of each byte, for decoders that are slow. */
  readonly flipsPerByte?: number
}

export interface FuzzCount {
  readonly tried: number
  readonly accepted: number
}

/** Truncates, extends, flips and replaces; returns how much was tried and how much of it was accepted as canonical. */
export function fuzzDecoder<T>(decoder: StrictDecoder<T>, seed: number): FuzzCount {
  const random = createSeededRandom(seed)
  const below = (limit: number): number => Math.floor(random.uniform() * limit)
  let tried = 0
  let accepted = 0
  const probe = (bytes: Uint8Array): boolean => {
    tried += 1
    const before = bytes.slice()
    const value = decoder.decode(bytes)
    assert.deepEqual(bytes, before, `decoder wrote into its input (seed ${seed})`)
    if (value === undefined) return false
    accepted += 1
    assert.ok(equalBytes(decoder.encode(value), bytes), `accepted bytes are not canonical (seed ${seed}, try ${tried})`)
    return true
  }

  for (const sample of decoder.valid) {
    assert.ok(probe(sample), 'a valid sample was refused: the fuzz would look at nothing')
    for (let length = 0; length < sample.length; length++) {
      assert.equal(probe(sample.subarray(0, length)), false, `accepted a sample cut to ${length} bytes`)
    }
    for (const tail of [Uint8Array.of(0), Uint8Array.of(255), random.bytes(16), sample]) {
      const extended = new Uint8Array(sample.length + tail.length)
      extended.set(sample)
      extended.set(tail, sample.length)
      assert.equal(probe(extended), false, 'accepted trailing bytes')
    }
    for (let index = 0; index < sample.length; index++) {
      const flips = decoder.flipsPerByte ?? 8
      for (let flip = 0; flip < flips; flip++) {
        const changed = sample.slice()
        changed[index] = (changed[index] ?? 0) ^ (1 << (flips === 8 ? flip : below(8)))
        probe(changed)
      }
    }
    for (let round = 0; round < (decoder.rounds ?? 500); round++) {
      const changed = sample.slice()
      for (let count = 1 + below(4); count > 0; count--) changed[below(changed.length)] = below(256)
      if (!equalBytes(changed, sample)) probe(changed)
    }
  }
  for (let round = 0; round < (decoder.rounds ?? 500); round++) probe(random.bytes(below(600)))
  return { tried, accepted }
}
