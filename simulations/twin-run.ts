/**
 * Does anything that leaves a node depend on what its user does? Two nodes of one seed on one network in virtual time: one
 * idle, the other with a life.
 * Never a sample: what leaves the two is compared to the last bit. Spec 02-padding §1.
 * @module
 */
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { DAY_MS, MINUTE_MS } from '../src/base/index.ts'
import type { ProfileName } from '../src/padding/index.ts'
import type { LifeOptions } from '../test/support/twin/life.ts'
import { createTrace, firstDifference } from '../test/support/twin/trace.ts'
import type { TwinOrder, TwinReport } from './twin-worker.ts'

export interface TwinOptions {
  readonly seed: number
  readonly profile: ProfileName
  readonly records: number
  readonly life: Omit<LifeOptions, 'seed'>
}

export interface TwinAnswer {
  readonly profile: ProfileName
  /** Records that left each twin; dials, closed links and listeners are compared as well. */
  readonly records: number
  readonly events: number
  readonly virtualDays: number
  /** The hash chain over all events, at its end. */
  readonly idle: string
  readonly busy: string
  /** The first event that differs, in words. */
  readonly firstDifference: string | undefined
  readonly deeds: Readonly<Record<string, number>>
  readonly idleLoopReturn: number | undefined
  readonly busyLoopReturn: number | undefined
  readonly cpuSeconds: number
}

/** Long enough for a long run to be short, short enough that a day has many. */
const STEP_MS = 5 * MINUTE_MS

async function runInThread(order: TwinOrder): Promise<TwinReport> {
  const worker = new Worker(new URL('twin-worker.ts', import.meta.url), { workerData: order })
  const [report] = (await once(worker, 'message')) as [TwinReport]
  await worker.terminate()
  return report
}

export async function observeTwins(options: TwinOptions): Promise<TwinAnswer> {
  const { life, profile, records, seed } = options
  const order = { seed, profile, records, stepMs: STEP_MS }
  const [idle, busy] = await Promise.all([
    runInThread(order),
    runInThread({ ...order, life: { ...life, seed: seed + 1 } }),
  ])
  const [one, other] = [createTrace(idle.trace), createTrace(busy.trace)]
  return {
    profile,
    records: one.records,
    events: one.length,
    virtualDays: Math.round((10 * idle.virtualMs) / DAY_MS) / 10,
    idle: one.checkpoints().at(-1) ?? '',
    busy: other.checkpoints().at(-1) ?? '',
    firstDifference: firstDifference(one, other)?.text,
    deeds: busy.deeds,
    idleLoopReturn: idle.loopReturn,
    busyLoopReturn: busy.loopReturn,
    cpuSeconds: idle.cpuSeconds + busy.cpuSeconds,
  }
}
