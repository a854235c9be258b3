/**
 * Hypothesis: whoever times the reads of a host's box store cannot tell an id that is there from one that is not.
 * Refuted by: an AUC of the times away from one half by more than a generous bound. Its control, a plain lookup by key in the same
 * database, must be told apart. Runs the shipped store on a real disk, so its times are the machine's. METADATA §3.8.
 * @module
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DAY_MS } from '../src/base/index.ts'
import type { Clock, Logger, Random } from '../src/ports/index.ts'
import { openBoxDatabase } from '../src/store/box-store/box-database.ts'
import { BOX_PREFIX } from '../src/store/box-store/layout.ts'
import { openBoxStore } from '../src/store/index.ts'
import { BOX_CIPHERTEXT_BYTES } from '../src/wire/index.ts'
import { areaUnderCurve } from './lane-observer.ts'

export interface BoxTimingOptions {
  readonly boxes: number
  /** Of hits, and as many of misses, in a random order. */
  readonly reads: number
  readonly clock: Clock
  readonly logger: Logger
  readonly randomFor: (stream: string) => Random
}

export interface TimingResult {
  /** Distance of the AUC from one half, doubled: 0 is a coin, 1 is certainty. */
  readonly advantage: number
  readonly hitMedianUs: number
  readonly missMedianUs: number
}

export interface BoxTimingResult {
  readonly boxes: number
  readonly reads: number
  /** Of `get` of the store. */
  readonly store: TimingResult
  /** Of a lookup that reads a box only when it is there. (By key alone the advantage is 0.2 at 100,000 boxes already.) */
  readonly control: TimingResult
  readonly bound: number
  readonly isSound: boolean
}

/**
 * A coin over 10,000 reads stays below 0.03, the store showed 0.006 to 0.02 on a busy machine; generous, because the
 * host answers in buckets of 250 ms anyway. Guessed.
 */
const BOX_TIMING_BOUND = 0.1
const CONTROL_LEAST = 0.5
const SIDE_BY_SIDE = 128

type Read = (boxId: Uint8Array) => Promise<boolean>

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN
}

/** The same ids for whoever reads: what one run leaves in caches helps the other as much. */
async function timeReads(read: Read, ids: readonly Uint8Array[], reads: number, random: Random): Promise<TimingResult> {
  const times = { hit: [] as number[], miss: [] as number[] }
  while (times.hit.length < reads || times.miss.length < reads) {
    const isHit = random.uniform() < 0.5
    const list = isHit ? times.hit : times.miss
    // Both draw alike, so that the draw is no part of the difference.
    const there = ids[Math.floor(random.uniform() * ids.length)] ?? random.bytes(32)
    const boxId = isHit ? there : random.bytes(32)
    const startMs = performance.now()
    const found = await read(boxId)
    const tookMs = performance.now() - startMs
    if (found !== isHit) throw new Error('a read gave the wrong answer')
    if (list.length < reads) list.push(tookMs * 1_000)
  }
  return {
    advantage: Math.abs(2 * areaUnderCurve(times.hit, times.miss) - 1),
    hitMedianUs: median(times.hit),
    missMedianUs: median(times.miss),
  }
}

export async function observeBoxReads(options: BoxTimingOptions): Promise<BoxTimingResult> {
  const { boxes, reads, clock, logger, randomFor } = options
  const parent = mkdtempSync(join(tmpdir(), 'noctule-sim-'))
  const directory = join(parent, 'boxes')
  try {
    const random = randomFor('box ids')
    const ids = Array.from({ length: boxes }, () => random.bytes(32))
    const store = await openBoxStore({ directory, quotaBytes: boxes * 4_096, clock, logger })
    const signature = new Uint8Array(64).fill(1)
    const ciphertext = random.bytes(BOX_CIPHERTEXT_BYTES)
    for (let from = 0; from < boxes; from += SIDE_BY_SIDE) {
      const group = ids.slice(from, from + SIDE_BY_SIDE)
      await Promise.all(group.map((boxId) => store.put({ boxId, signature, ciphertext }, clock.nowMs() + DAY_MS)))
    }
    const own = await timeReads((boxId) => store.has(boxId), ids, reads, randomFor('box reads'))
    await store.close()
    const database = await openBoxDatabase(join(directory, 'db'), false)
    const twoSteps: Read = async (boxId) => {
      const key = Uint8Array.of(BOX_PREFIX, ...boxId)
      if ((await database.get(key)) === undefined) return false
      return (await database.range(key, Uint8Array.of(BOX_PREFIX + 1), 1)).length === 1
    }
    const control = await timeReads(twoSteps, ids, reads, randomFor('reads in two steps'))
    await database.close()
    return {
      boxes,
      reads,
      store: own,
      control,
      bound: BOX_TIMING_BOUND,
      isSound: own.advantage <= BOX_TIMING_BOUND && control.advantage >= CONTROL_LEAST,
    }
  } finally {
    rmSync(parent, { recursive: true, force: true })
  }
}
