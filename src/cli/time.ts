/**
 * Times as people say and type them.
 * Never reads a clock: the caller gives the present.
 * @module
 */
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from '../base/index.ts'

const UNITS = [
  { suffix: 'd', word: 'd', ms: DAY_MS },
  { suffix: 'h', word: 'h', ms: HOUR_MS },
  { suffix: 'm', word: 'min', ms: MINUTE_MS },
  { suffix: 's', word: 's', ms: SECOND_MS },
] as const

/** `2 d`, `3 h`, `5 min`, `8 s`: in the largest unit that fits. */
export function formatDuration(durationMs: number): string {
  const roundedMs = Math.round(durationMs / SECOND_MS) * SECOND_MS
  const unit = UNITS.find(({ ms }) => roundedMs >= ms) ?? { word: 's', ms: SECOND_MS }
  return `${Math.round(roundedMs / unit.ms)} ${unit.word}`
}

/** `just now`, `5 min ago`, `in 14 d`. */
export function formatRelative(timeMs: number, nowMs: number): string {
  const distanceMs = timeMs - nowMs
  if (Math.abs(distanceMs) < SECOND_MS) return 'just now'
  return distanceMs > 0 ? `in ${formatDuration(distanceMs)}` : `${formatDuration(-distanceMs)} ago`
}

/** `30m`, `12h`, `7d` in milliseconds; undefined for anything else. */
export function parseDuration(text: string): number | undefined {
  const match = /^([0-9]{1,9})([smhd])$/.exec(text)
  const unit = UNITS.find(({ suffix }) => suffix === match?.[2])
  return unit === undefined ? undefined : Number(match?.[1]) * unit.ms
}
