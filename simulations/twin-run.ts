/**
 * Does anything that leaves a node depend on what its user does? Two nodes of one seed on one network in virtual time: one
 * idle, the other with a life.
 * Never a sample: what leaves the two is compared to the last bit. Spec 02-padding §1.
 * @module
 */
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { DAY_MS, MINUTE_MS } from '../src/base/index.ts'
import { DEFAULT_PROFILE, type ProfileName } from '../src/padding/index.ts'
import { INJECTIONS, skippedDummy } from '../test/support/twin/controls.ts'
import { createLife, type LifeOptions } from '../test/support/twin/life.ts'
import { runTwin, type TwinRunOptions } from '../test/support/twin/run.ts'
import { createTrace, firstDifference } from '../test/support/twin/trace.ts'
import type { TwinOrder, TwinReport } from './twin-worker.ts'

export interface TwinOptions {
  readonly seed: number
  readonly profile: ProfileName
  readonly records: number
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

export interface FaultAnswer {
  readonly fault: string
  /** Undefined when it was not found. */
  readonly firstDifference: string | undefined
}

export interface ProfilesAnswer {
  readonly twins: readonly TwinAnswer[]
  readonly isSound: boolean
}

export interface TwinRunAnswer {
  readonly twins: TwinAnswer
  readonly controls: readonly FaultAnswer[]
  readonly isSound: boolean
}

/** Long enough for a long run to be short, short enough that a day has many. */
const STEP_MS = 5 * MINUTE_MS

/** Of the records of the default profile, what every other profile gets. */
const OTHERS_SHARE = 50

/** What issue 4 asks for, and all else that a user can do. */
const LIFE: Omit<LifeOptions, 'seed'> = {
  messages: 1_000,
  files: 10,
  fileBytes: 100_000,
  restarts: 100,
  strangers: 40,
  probers: 6,
  probes: 7_200,
  floods: 1,
}

const CONTROL_RECORDS = 400
const CONTROL_LIFE: Omit<LifeOptions, 'seed'> = {
  messages: 20,
  files: 0,
  fileBytes: 0,
  restarts: 1,
  strangers: 0,
  probers: 1,
  probes: 240,
  floods: 0,
}

async function runInThread(order: TwinOrder): Promise<TwinReport> {
  const worker = new Worker(new URL('twin-worker.ts', import.meta.url), { workerData: order })
  const [report] = (await once(worker, 'message')) as [TwinReport]
  await worker.terminate()
  return report
}

async function compareTwins({ profile, records, seed }: TwinOptions): Promise<TwinAnswer> {
  const order = { seed, profile, records, stepMs: STEP_MS }
  const [idle, busy] = await Promise.all([
    runInThread(order),
    runInThread({ ...order, life: { ...LIFE, seed: seed + 1 } }),
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

async function findFault(seed: number, fault: string, more: Partial<TwinRunOptions>): Promise<FaultAnswer> {
  const options = { seed, profile: 'balanced', records: CONTROL_RECORDS, codec: 'plain', ...more } as const
  const idle = await runTwin(options)
  const busy = await runTwin({
    ...options,
    live: (world) => createLife(world, { ...CONTROL_LIFE, seed: seed + 1 }),
  })
  return { fault, firstDifference: firstDifference(idle.trace, busy.trace)?.text }
}

/** The default profile, and nodes with faults, which must be found. */
export async function observeTwins(options: Omit<TwinOptions, 'profile'>): Promise<TwinRunAnswer> {
  const { seed } = options
  const controls: FaultAnswer[] = []
  for (const [fault, create] of Object.entries({ ...INJECTIONS, 'no dummies': skippedDummy }))
    controls.push(await findFault(seed, fault, { wraps: create().wraps }))
  controls.push(await findFault(seed, 'content from the stream of the schedule', { sharesRandom: true }))
  const twins = await compareTwins({ ...options, profile: DEFAULT_PROFILE })
  return {
    twins,
    controls,
    isSound: areSame(twins) && controls.every((control) => control.firstDifference !== undefined),
  }
}

/** Every other profile that runs by itself, each with a part of the records. */
export async function observeProfiles({ records, seed }: Omit<TwinOptions, 'profile'>): Promise<ProfilesAnswer> {
  const twins: TwinAnswer[] = []
  for (const profile of ['low', 'fast', 'paranoid'] as const)
    twins.push(await compareTwins({ profile, records: Math.ceil(records / OTHERS_SHARE), seed }))
  return { twins, isSound: twins.every(areSame) }
}

function areSame({ busy, firstDifference: text, idle }: TwinAnswer): boolean {
  return text === undefined && busy === idle
}
