/**
 * What an observer of a guard link computes of one window. METADATA §6a: counts and bytes each way, gaps, bursts, sizes of
 * reads, autocorrelation, spectrum, cumulated bytes, and how long answers take.
 * Never looks at anything but times, directions and sizes.
 * @module
 */
import type { Read, Window } from './trace.ts'

const QUANTILES = [0, 0.1, 0.25, 0.5, 0.75, 0.9, 1] as const
/** Reads closer together than this are one burst. */
const BURST_GAP_MS = 10
/** One Tor cell with what TLS adds to one alone; sizes are counted in these. */
const CELL_BYTES = 514
const SIZE_CLASSES = [1, 2, 3, 4, 5, 6, 8, 12, 16] as const
const BURST_CLASSES = [1, 2, 4, 5, 8, 16, 32] as const
const BIN_COUNT = 64
const LAG_COUNT = 6
const PEAK_COUNT = 3
const CUMULATED_COUNT = 25
/** Bursts of at least so many cells may be records; smaller ones are tor's own. */
const RECORD_CELLS = 3

interface Burst {
  readonly atMs: number
  readonly isUp: boolean
  readonly bytes: number
}

function burstsOf(reads: readonly Read[]): readonly Burst[] {
  const bursts: Burst[] = []
  for (const isUp of [true, false]) {
    let current: { atMs: number; lastMs: number; bytes: number } | undefined
    for (const read of reads) {
      if (read.isUp !== isUp) continue
      if (current !== undefined && read.atMs - current.lastMs <= BURST_GAP_MS) {
        current.lastMs = read.atMs
        current.bytes += read.bytes
        continue
      }
      if (current !== undefined) bursts.push({ isUp, atMs: current.atMs, bytes: current.bytes })
      current = { atMs: read.atMs, lastMs: read.atMs, bytes: read.bytes }
    }
    if (current !== undefined) bursts.push({ isUp, atMs: current.atMs, bytes: current.bytes })
  }
  return bursts.sort((a, b) => a.atMs - b.atMs)
}

function mean(values: readonly number[]): number {
  return values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length
}

/** Count, mean, deviation and quantiles; `missing` where there is nothing. */
function summary(values: readonly number[], missing: number): readonly number[] {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = mean(sorted)
  const deviation = Math.sqrt(mean(sorted.map((value) => (value - middle) ** 2)))
  const at = (share: number): number => sorted[Math.round(share * (sorted.length - 1))] ?? missing
  return [sorted.length, sorted.length === 0 ? missing : middle, deviation, ...QUANTILES.map(at)]
}

function gapsOf(list: readonly { readonly atMs: number }[]): readonly number[] {
  return list.slice(1).map(({ atMs }, index) => atMs - (list[index]?.atMs ?? 0))
}

/** How many values fall at or below each bound and above the one before, and above all. */
function histogram(values: readonly number[], bounds: readonly number[]): readonly number[] {
  const counts = new Array<number>(bounds.length + 1).fill(0)
  for (const value of values) {
    const found = bounds.findIndex((bound) => value <= bound)
    const index = found < 0 ? bounds.length : found
    counts[index] = (counts[index] ?? 0) + 1
  }
  return counts
}

function binned(reads: readonly Read[], isUp: boolean, startMs: number, lengthMs: number): number[] {
  const bins = new Array<number>(BIN_COUNT).fill(0)
  for (const read of reads) {
    if (read.isUp !== isUp) continue
    const index = Math.min(BIN_COUNT - 1, Math.max(0, Math.floor(((read.atMs - startMs) / lengthMs) * BIN_COUNT)))
    bins[index] = (bins[index] ?? 0) + read.bytes
  }
  return bins
}

function autocorrelation(bins: readonly number[]): readonly number[] {
  const middle = mean(bins)
  const centred = bins.map((value) => value - middle)
  const power = centred.reduce((sum, value) => sum + value * value, 0)
  return Array.from({ length: LAG_COUNT }, (_, lag) => {
    if (power === 0) return 0
    let sum = 0
    for (let index = 0; index + lag + 1 < centred.length; index += 1) {
      sum += (centred[index] ?? 0) * (centred[index + lag + 1] ?? 0)
    }
    return sum / power
  })
}

/** Cosine and sine of each frequency at each bin: they are the same for every window. */
const WAVES = Array.from({ length: BIN_COUNT / 2 - 1 }, (_, index) => {
  const angle = (2 * Math.PI * (index + 1)) / BIN_COUNT
  return {
    cosines: Float64Array.from({ length: BIN_COUNT }, (_unused, at) => Math.cos(angle * at)),
    sines: Float64Array.from({ length: BIN_COUNT }, (_unused, at) => Math.sin(angle * at)),
  }
})

/** Frequencies and strengths of the highest peaks, the strongest first; a plain transform, 64 bins are few. */
function spectrum(bins: readonly number[]): readonly number[] {
  const middle = mean(bins)
  const strengths = WAVES.map(({ cosines, sines }, index) => {
    let [real, imaginary] = [0, 0]
    for (let at = 0; at < BIN_COUNT; at += 1) {
      const value = (bins[at] ?? 0) - middle
      real += value * (cosines[at] ?? 0)
      imaginary += value * (sines[at] ?? 0)
    }
    return { frequency: index + 1, strength: Math.hypot(real, imaginary) }
  })
  const highest = strengths.toSorted((a, b) => b.strength - a.strength).slice(0, PEAK_COUNT)
  return highest.flatMap(({ frequency, strength }) => [frequency, strength])
}

/** Bytes up and down until each of some moments, each way. */
function cumulated(reads: readonly Read[], startMs: number, lengthMs: number): readonly number[] {
  const ups = new Array<number>(CUMULATED_COUNT).fill(0)
  const downs = new Array<number>(CUMULATED_COUNT).fill(0)
  for (const { atMs, bytes, isUp } of reads) {
    const first = Math.max(0, Math.ceil(((atMs - startMs) / lengthMs) * CUMULATED_COUNT) - 1)
    const list = isUp ? ups : downs
    for (let index = first; index < CUMULATED_COUNT; index += 1) list[index] = (list[index] ?? 0) + bytes
  }
  return [...ups, ...downs]
}

/** From each burst up that may be a record to the next such burst down, in order; each answers one. */
function answerDelays(bursts: readonly Burst[]): readonly number[] {
  const records = bursts.filter(({ bytes }) => bytes >= RECORD_CELLS * CELL_BYTES)
  const downs = records.filter(({ isUp }) => !isUp)
  const delays: number[] = []
  let next = 0
  for (const up of records) {
    if (!up.isUp) continue
    while ((downs[next]?.atMs ?? Number.POSITIVE_INFINITY) < up.atMs) next += 1
    const down = downs[next]
    if (down === undefined) break
    delays.push(down.atMs - up.atMs)
    next += 1
  }
  return delays
}

/** One vector, always of the same length. */
export function featuresOf({ lengthMs, reads, startMs }: Window): Float64Array {
  const bursts = burstsOf(reads)
  const values: number[] = []
  for (const isUp of [true, false]) {
    const own = reads.filter((read) => read.isUp === isUp)
    const ownBursts = bursts.filter((burst) => burst.isUp === isUp)
    const bins = binned(reads, isUp, startMs, lengthMs)
    const cells = (bytes: number): number => bytes / CELL_BYTES
    // Half a cell of slack for what TLS adds.
    const classes = (bounds: readonly number[]): readonly number[] => bounds.map((bound) => bound + 0.5)
    values.push(
      own.reduce((sum, { bytes }) => sum + bytes, 0),
      ...summary(gapsOf(own), lengthMs),
      ...summary(gapsOf(ownBursts), lengthMs),
      ...summary(
        own.map(({ bytes }) => bytes),
        0,
      ),
      ...summary(
        ownBursts.map(({ bytes }) => bytes),
        0,
      ),
      ...histogram(
        own.map(({ bytes }) => cells(bytes)),
        classes(SIZE_CLASSES),
      ),
      ...histogram(
        ownBursts.map(({ bytes }) => cells(bytes)),
        classes(BURST_CLASSES),
      ),
      ...autocorrelation(bins),
      ...spectrum(bins),
    )
  }
  values.push(
    ...summary(gapsOf(reads), lengthMs),
    ...summary(answerDelays(bursts), lengthMs),
    ...cumulated(reads, startMs, lengthMs),
  )
  return Float64Array.from(values)
}
