/**
 * One twin: a node on its network, in steps of virtual time, with or without a life on top.
 * Never ends at a moment that depends on what the node did for its user: the trace alone decides. Spec 02-padding §1.
 * @module
 */
import { MINUTE_MS } from '../../../src/base/index.ts'
import { MAILBOX_PARAMETERS, type MailboxStatus } from '../../../src/mailbox/index.ts'
import type { ProfileName } from '../../../src/padding/index.ts'
import { createTwinClock, type TwinClock } from './clock.ts'
import { createPlainCodec, SHIPPED_CODEC } from './codec.ts'
import { createTwinHosts, type TwinHosts } from './hosts.ts'
import { createTwinNetwork } from './network.ts'
import { createTwinNode, type TwinNode, type Wraps } from './node.ts'
import { createTrace, type Trace } from './trace.ts'

/** What somebody does with the node; called between two moments of virtual time. */
export interface TwinLife {
  step(): Promise<void>
  /** At the end, so that a run in which nothing was done does not count. */
  deeds(): Promise<Readonly<Record<string, number>>>
  stop(): Promise<void>
}

export interface TwinWorld {
  readonly clock: TwinClock
  readonly hosts: TwinHosts
  readonly node: TwinNode
  readonly trace: Trace
  /** Share of the run that is over. */
  progress(): number
}

export interface TwinRunOptions {
  readonly seed: number
  readonly profile: ProfileName
  /** Records after which it ends, at the next step. */
  readonly records: number
  readonly stepMs?: number
  /** Real cryptography on every request, or plain bytes in its place. */
  readonly codec: 'shipped' | 'plain'
  readonly live?: (world: TwinWorld) => TwinLife
  /** Made for each run anew; may look at the trace. */
  readonly wraps?: (trace: Trace) => Partial<Wraps>
  readonly sharesRandom?: boolean
  readonly onStep?: (trace: Trace) => void
}

export interface TwinRun {
  readonly trace: Trace
  readonly virtualMs: number
  readonly deeds: Readonly<Record<string, number>>
  readonly status: MailboxStatus
  readonly failures: readonly unknown[]
}

const HOST_COUNT = 12
/** Disks of all hosts are full for so long in each so long; the same for both twins. */
const FULL = { everyMs: 31 * MINUTE_MS, forMs: 2 * MINUTE_MS } as const

export async function runTwin(options: TwinRunOptions): Promise<TwinRun> {
  const { profile, seed, stepMs = MINUTE_MS } = options
  const clock = createTwinClock()
  const codec = options.codec === 'shipped' ? SHIPPED_CODEC : createPlainCodec()
  const parameters = MAILBOX_PARAMETERS
  const trace = createTrace()
  const hosts = createTwinHosts({
    clock,
    parameters,
    codec,
    count: HOST_COUNT,
    seed,
    isFull: (nowMs) => nowMs % FULL.everyMs < FULL.forMs,
  })
  const network = createTwinNetwork({ clock, hosts, trace, seed, parameters })
  const node = await createTwinNode({
    clock,
    network,
    hosts,
    codec,
    parameters,
    profile,
    seed,
    wraps: options.wraps?.(trace) ?? {},
    sharesRandom: options.sharesRandom ?? false,
  })
  await node.start()
  const world: TwinWorld = { clock, hosts, node, trace, progress: () => trace.records / options.records }
  const life = options.live?.(world)
  try {
    while (trace.records < options.records) {
      await clock.advanceTo(clock.monotonicMs() + stepMs)
      await life?.step()
      if (node.failures.length > 0) throw node.failures[0]
      options.onStep?.(trace)
    }
    const deeds = { ...(await life?.deeds()), ...hosts.counts }
    return { trace, virtualMs: clock.monotonicMs(), deeds, status: node.mailbox.status(), failures: node.failures }
  } finally {
    await life?.stop()
    await node.stop()
  }
}
