/**
 * What a process has used so far, as the kernel counts it.
 * Never of a process that has ended: its figures are gone.
 * @module
 */
import { readFileSync } from 'node:fs'

const CLOCK_TICKS_PER_SECOND = 100

/** User and system time. Fields 14 and 15 of /proc/PID/stat, counted behind the name in parentheses, in clock ticks. */
export function cpuMsOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
  return ((Number(fields[11]) + Number(fields[12])) * 1000) / CLOCK_TICKS_PER_SECOND
}

export function residentMiBOf(pid: number): number {
  return Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024
}
