/**
 * One run of a capture: clients do this and that in a random order while their guard links are tapped.
 * Never lets two segments of one client overlap, and lets queues empty between them.
 * @module
 */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import {
  type CaptureClass,
  type NodeCapture,
  parseTrace,
  type RealMoment,
  type Segment,
} from '../../simulations/capture/trace.ts'
import type { RpcNotification } from '../../src/rpc/index.ts'
import {
  ACTIVITIES,
  type Acquaintance,
  hasAttachments,
  makeContact,
  prepareReturn,
  type Stage,
  settle,
} from './capture-activity.ts'
import { type CaptureClient, startCaptureNetwork, whenReady } from './capture-network.ts'
import { createSeededRandom } from './seeded-random.ts'
import { startTornet } from './tornet/index.ts'

const MINUTE_MS = 60_000

/** The daemon whose records leave only when there is something to say. */
export const UNPADDED_MAIN = fileURLToPath(new URL('./unpadded-daemon.ts', import.meta.url))

export interface CaptureRunOptions {
  readonly run: number
  readonly seed: number
  readonly directory: string
  readonly speed: number
  readonly hosts: number
  readonly clients: number
  readonly contacts: number
  readonly contactHaste: number
  readonly classes: readonly CaptureClass[]
  /** Windows of one segment; twice as many where a client comes back. */
  readonly windows: number
  /** No segment but those of the first round begins later than this after the start of the run. */
  readonly untilMs: number
  readonly clientMain?: string
  readonly report: (line: string) => void
}

export interface CaptureRunResult {
  readonly captures: readonly NodeCapture[]
  /** Segments that were given up because something did not happen in time, by what it was. */
  readonly failures: readonly string[]
  /** False when the daemon cannot send files; their class is left out then. */
  readonly hasAttachments: boolean
}

function nowMs(): number {
  return Number(process.hrtime.bigint()) / 1e6
}

export async function captureRun(options: CaptureRunOptions): Promise<CaptureRunResult> {
  const minuteMs = MINUTE_MS / options.speed
  const endMs = nowMs() + options.untilMs
  const failures: string[] = []
  const tornet = await startTornet({ clients: 0 })
  try {
    const network = await startCaptureNetwork({ ...options, tornet })
    try {
      const introductions = await Promise.allSettled(network.clients.map((client) => introduce(client)))
      const actors = introductions.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []))
      for (const each of introductions) if (each.status === 'rejected') failures.push(`introduction: ${each.reason}`)
      options.report(`${actors.length} clients and contacts know each other`)
      const first = network.clients[0]
      const canSendFiles = first !== undefined && (await hasAttachments(first.daemon().rpc))
      const classes = options.classes.filter((label) => label !== 'attachment' || canSendFiles)
      const results = await Promise.all(
        actors.map(async (actor) => {
          const random = createSeededRandom(options.seed * 1_009 + options.run * 101 + actor.client.index)
          const moments: RealMoment[] = []
          const segments: Segment[] = []
          await listen(actor.client, moments)
          for (let round = 0; round === 0 || nowMs() < endMs; round += 1) {
            for (const label of shuffle(classes, random.uniform)) {
              if (round > 0 && nowMs() >= endMs) break
              try {
                segments.push(await playSegment(actor, label, options, minuteMs, moments, random.uniform))
              } catch (error: unknown) {
                failures.push(`${label}: ${error instanceof Error ? error.message : 'unknown'}`)
                options.report(`client ${actor.client.index}: ${failures.at(-1)}`)
                if (!actor.client.isRunning()) return { client: actor.client, moments, segments }
              }
            }
          }
          return { client: actor.client, moments, segments }
        }),
      )
      await network.stop()
      return {
        failures,
        hasAttachments: canSendFiles,
        captures: results.map(({ client, moments, segments }) => ({
          run: options.run,
          node: client.index,
          reads: parseTrace(readFileSync(client.traceFile, 'utf8')),
          segments,
          moments,
        })),
      }
    } finally {
      await network.stop()
    }
  } finally {
    await tornet.stop()
  }
}

async function introduce(client: CaptureClient): Promise<Acquaintance> {
  const made = await makeContact(client.contact.rpc, client.daemon().rpc)
  if (made === undefined) throw new Error('no contact was made')
  return { client, contactId: made.ofInviter, clientId: made.ofAcceptor }
}

/** Notes what the daemon that runs now tells from now on. */
async function listen(client: CaptureClient, moments: RealMoment[]): Promise<void> {
  const { rpc } = client.daemon()
  rpc.onNotification((notification) => {
    const kind = kindOf(notification)
    if (kind !== undefined) moments.push({ atMs: nowMs(), kind })
  })
  const { lastEventSeq } = await rpc.call('status', {})
  await rpc.call('subscribeReceive', { since: lastEventSeq })
}

function kindOf(notification: RpcNotification): RealMoment['kind'] | undefined {
  if (notification.method === 'receive') {
    return notification.params.result.envelope.dataMessage === undefined ? undefined : 'received'
  }
  const { result } = notification.params
  return result.type === 'delivery' && result.delivery === 'sent' ? 'sent' : undefined
}

function shuffle<T>(values: readonly T[], uniform: () => number): readonly T[] {
  const keyed = values.map((value) => ({ value, key: uniform() }))
  return keyed.sort((a, b) => a.key - b.key).map(({ value }) => value)
}

async function playSegment(
  actor: Acquaintance,
  label: CaptureClass,
  options: CaptureRunOptions,
  minuteMs: number,
  moments: RealMoment[],
  uniform: () => number,
): Promise<Segment> {
  const { client } = actor
  const over = new AbortController()
  const stage: Stage = { ...actor, minuteMs, signal: over.signal, uniform }
  await settle(actor)
  const isReturn = label === 'returning' || label === 'returned'
  if (isReturn) {
    await prepareReturn(stage, label === 'returning')
    await listen(client, moments)
    await whenReady(client.daemon().rpc)
  }
  const activity = ACTIVITIES[label](stage)
  // A failure is told below; until then nobody listens.
  activity.catch(() => undefined)
  // What was done before has a minute to leave, and what is done now one to begin.
  await sleep(minuteMs)
  const startMs = nowMs()
  const endMs = startMs + (isReturn ? 2 : 1) * options.windows * minuteMs
  await sleep(endMs - nowMs())
  over.abort()
  await activity
  return { label, run: options.run, node: client.index, startMs, endMs }
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
