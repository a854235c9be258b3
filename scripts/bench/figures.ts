/**
 * How figures are summed up and shown.
 * Never a verdict without the figure, and never a figure without its unit.
 * @module
 */

export interface Figure {
  readonly name: string
  readonly value: number
  readonly unit: string
  /** The target of the issue, where there is one; `most` for "at most", `least` for "at least". */
  readonly target?: { readonly most: number } | { readonly least: number }
  /** How it was measured, in a few words. */
  readonly how: string
}

export function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  const value = sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))]
  if (value === undefined) throw new RangeError('a quantile needs values')
  return value
}

export function isMet({ value, target }: Figure): boolean | undefined {
  if (target === undefined) return undefined
  return 'most' in target ? value <= target.most : value >= target.least
}

export function formatFigure(figure: Figure): string {
  const { name, value, unit, target, how } = figure
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2
  const bound = target === undefined ? '' : 'most' in target ? `at most ${target.most}` : `at least ${target.least}`
  const verdict = isMet(figure)
  const mark = verdict === undefined ? '' : verdict ? `  [met: ${bound}]` : `  [NOT met: ${bound}]`
  return `${name.padEnd(52)} ${value.toFixed(digits).padStart(10)} ${unit.padEnd(10)}${mark}  (${how})`
}

/** Operations a second over at least `durationMs`, best of three rounds: the machine is shared, its pauses are not ours. */
export function operationsPerSecond(operation: () => void, durationMs = 400): number {
  let best = 0
  for (let round = 0; round < 3; round += 1) {
    const startMs = performance.now()
    let count = 0
    let nowMs = startMs
    while (nowMs - startMs < durationMs) {
      for (let index = 0; index < 16; index += 1) operation()
      count += 16
      nowMs = performance.now()
    }
    best = Math.max(best, (count * 1000) / (nowMs - startMs))
  }
  return best
}
