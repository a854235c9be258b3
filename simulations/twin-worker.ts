/**
 * One twin in a thread of its own.
 * Never told what the other one does.
 * @module
 */
import { parentPort, workerData } from 'node:worker_threads'
import type { ProfileName } from '../src/padding/index.ts'
import { createLife, type LifeOptions } from '../test/support/twin/life.ts'
import { runTwin } from '../test/support/twin/run.ts'

export interface TwinOrder {
  readonly seed: number
  readonly profile: ProfileName
  readonly records: number
  readonly stepMs: number
  /** Absent: the idle one. */
  readonly life?: LifeOptions
}

export interface TwinReport {
  readonly trace: Uint8Array<ArrayBuffer>
  readonly virtualMs: number
  readonly deeds: Readonly<Record<string, number>>
  readonly loopReturn: number | undefined
  readonly cpuSeconds: number
}

/** Lines of progress of one run. */
const PROGRESS_PARTS = 50

const { life, ...order } = workerData as TwinOrder
const before = process.threadCpuUsage()
const name = `${order.profile}, ${life === undefined ? 'idle' : 'busy'}`
let told = 0
const run = await runTwin({
  ...order,
  // For whoever waits: the two chains can be compared long before the end.
  onStep(trace) {
    if (trace.records < told + order.records / PROGRESS_PARTS) return
    told = trace.records
    process.stderr.write(`${name}: ${told} records, chain ${trace.checkpoints().at(-1)?.slice(0, 16)}\n`)
  },
  codec: 'plain',
  ...(life && { live: (world) => createLife(world, life) }),
})
const { system, user } = process.threadCpuUsage(before)
const trace = run.trace.bytes()
const report: TwinReport = {
  trace,
  virtualMs: run.virtualMs,
  deeds: run.deeds,
  loopReturn: run.status.loopReturn,
  cpuSeconds: Math.round((system + user) / 1e6),
}
parentPort?.postMessage(report, [trace.buffer])
