/**
 * One run of a capture: clients do this and that in a random order while their guard links are tapped.
 * Never lets two segments of one client overlap, and lets queues empty between them.
 * @module
 */
import { readFileSync } from 'node:fs'
import {
  type CaptureClass,
  type NodeCapture,
  parseTrace,
  type RealMoment,
  type Segment,
} from '../../simulations/capture/trace.ts'
import type { RpcNotification } from '../../src/rpc/index.ts'
import { ACTIVITIES, type Acquaintance, makeContact, prepareReturn, type Stage, settle } from './capture-activity.ts'
import { createDeal } from './capture-deal.ts'
import { type CaptureClient, startCaptureNetwork, whenReady } from './capture-network.ts'
import { createSeededRandom } from './seeded-random.ts'
import { startTornet } from './tornet/index.ts'

const MINUTE_MS = 60_000
/** With the four of other tests one dial in ten found no way to the courier in time: guards, vanguards and the meeting point must differ. */
const RELAY_COUNT = 8

/** What clients without padding do: the control of what can be told apart. */
const UNPADDED_CLASSES: readonly CaptureClass[] = ['idle', 'sending']
const REPORT_EVERY_MS = 60_000
/** So long, in windows, a client that comes back is busy with what it finds (measured: nine messages a window). */
const RETURN_WINDOWS = 20
/** Timers may be early by so much. */
const TIMER_MS = 2

export interface CaptureRunOptions {
  readonly run: number
  readonly seed: number
  readonly directory: string
  readonly speed: number
  readonly hosts: number
  readonly clients: number
  /** So many of the clients are without padding. */
  readonly unpadded: number
  readonly contacts: number
  readonly contactHaste: number
  readonly classes: readonly CaptureClass[]
  /** Windows of one segment; twice as many where a client comes back, but not more than `RETURN_WINDOWS`. */
  readonly windows: number
  /** The run is over when every class has so many windows. */
  readonly goalWindows: number
  /** It is over so long after its start at the latest; segments that are under way are cut. */
  readonly untilMs: number
  readonly report: (line: string) => void
}

export interface CaptureRunResult {
  readonly captures: readonly NodeCapture[]
  /** Of the clients without padding. */
  readonly unpadded: readonly NodeCapture[]
  /** Segments that were given up because something did not happen in time, by what it was. */
  readonly failures: readonly string[]
}

function nowMs(): number {
  return Number(process.hrtime.bigint()) / 1e6
}

export async function captureRun(options: CaptureRunOptions): Promise<CaptureRunResult> {
  const minuteMs = MINUTE_MS / options.speed
  const untilMs = nowMs() + options.untilMs
  const failures: string[] = []
  const tornet = await startTornet({ clients: 0, relays: RELAY_COUNT })
  try {
    const network = await startCaptureNetwork({ ...options, tornet })
    try {
      const { uniform } = createSeededRandom(options.seed * 1_009 + options.run)
      const deal = createDeal(options.classes, uniform)
      const unpaddedDeal = createDeal(UNPADDED_CLASSES, uniform)
      // Where nobody is padded, those without padding are what the run is about.
      const leading = network.clients.some(({ isPadded }) => isPadded) ? deal : unpaddedDeal
      const absencesMs: number[] = []
      const over = new AbortController()
      const end = (): void => over.abort()
      const timer = setTimeout(end, Math.max(0, untilMs - nowMs()))
      const telling = setInterval(() => options.report(`windows ${JSON.stringify(deal.counts())}`), REPORT_EVERY_MS)
      const play = async (client: CaptureClient): Promise<Played | undefined> => {
        const actor = await introduce(client).catch((error: unknown) => {
          failures.push(`introduction of client ${client.index}: ${String(error)}`)
        })
        if (actor === undefined) return undefined
        const own = actor.client.isPadded ? deal : unpaddedDeal
        const random = createSeededRandom(options.seed * 1_009 + options.run * 101 + actor.client.index)
        const played: Played = { client: actor.client, moments: [], segments: [] }
        const noteAbsence = (error: unknown): void =>
          void failures.push(`client ${actor.client.index} did not come back: ${String(error)}`)
        const notes: Notes = { moments: played.moments, absencesMs }
        await listen(actor.client, played.moments)
        while (!over.signal.aborted && actor.client.isRunning()) {
          const label = own.next(actor.client.index, (each) => windowsOf(each, options))
          const segment = { label, run: options.run, node: actor.client.index, startMs: Number.POSITIVE_INFINITY }
          let windows = 0
          try {
            const task = playSegment(actor, segment, windowsOf(label, options), minuteMs, notes, random.uniform)
            await untilAborted(task, over.signal)
            windows = Math.floor((nowMs() + TIMER_MS - segment.startMs) / minuteMs)
            windows = Math.max(0, Math.min(windows, windowsOf(label, options)))
            if (windows > 0) played.segments.push({ ...segment, endMs: segment.startMs + windows * minuteMs })
          } catch (error: unknown) {
            failures.push(`${label}: ${error instanceof Error ? error.message : 'unknown'}`)
            options.report(`client ${actor.client.index}: ${failures.at(-1)}`)
            if (!over.signal.aborted) await comeBack(actor.client, played.moments).catch(noteAbsence)
          }
          own.played(actor.client.index, label, windowsOf(label, options), windows)
          if (leading.fewest() >= options.goalWindows) end()
        }
        return played
      }
      const results = await Promise.all(network.clients.map(play)).finally(() => {
        clearTimeout(timer)
        clearInterval(telling)
        end()
      })
      options.report(
        `windows ${JSON.stringify(deal.counts())}, without padding ${JSON.stringify(unpaddedDeal.counts())}`,
      )
      await network.stop()
      const all = results.filter((played) => played !== undefined)
      const captureOf = ({ client, moments, segments }: Played): NodeCapture => ({
        run: options.run,
        node: client.index,
        reads: parseTrace(readFileSync(client.traceFile, 'utf8')),
        segments,
        moments,
      })
      return {
        failures,
        captures: all.filter(({ client }) => client.isPadded).map(captureOf),
        unpadded: all.filter(({ client }) => !client.isPadded).map(captureOf),
      }
    } finally {
      await network.stop()
    }
  } finally {
    await tornet.stop()
  }
}

interface Played {
  readonly client: CaptureClient
  readonly moments: RealMoment[]
  readonly segments: Segment[]
}

function windowsOf(label: CaptureClass, { windows }: CaptureRunOptions): number {
  return isReturn(label) ? Math.min(RETURN_WINDOWS, 2 * windows) : windows
}

function isReturn(label: CaptureClass): boolean {
  return label === 'returning' || label === 'returned'
}

/** Resolves with the task, or when the signal aborts; what the task does after that is nobody's business. */
async function untilAborted(task: Promise<void>, signal: AbortSignal): Promise<void> {
  task.catch(() => undefined)
  const aborted = new Promise<void>((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
  await Promise.race([task, aborted])
}

async function introduce(client: CaptureClient): Promise<Acquaintance> {
  await client.ready
  const made = await makeContact(client.contact.rpc, client.daemon().rpc)
  if (made === undefined) throw new Error('no contact was made')
  return { client, contactId: made.ofInviter, clientId: made.ofAcceptor }
}

/** After a segment that was given up while the client was away. */
async function comeBack(client: CaptureClient, moments: RealMoment[]): Promise<void> {
  if (client.isRunning()) return
  await client.start()
  await listen(client, moments)
  await whenReady(client.daemon().rpc)
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
  if (result.type === 'request' || result.type === 'contact') return 'contact'
  return result.type === 'delivery' && result.delivery === 'sent' ? 'sent' : undefined
}

interface Notes {
  readonly moments: RealMoment[]
  /** How long clients of this run were away while messages were stored for them. */
  readonly absencesMs: number[]
}

/** What there is of a segment while it is played: `startMs` is set when its first window begins. */
interface Scene extends Omit<Segment, 'endMs' | 'startMs'> {
  startMs: number
}

async function playSegment(
  actor: Acquaintance,
  scene: Scene,
  windows: number,
  minuteMs: number,
  { absencesMs, moments }: Notes,
  uniform: () => number,
): Promise<void> {
  const { client } = actor
  const { label } = scene
  const over = new AbortController()
  const stage: Stage = { ...actor, minuteMs, signal: over.signal, uniform }
  await settle(actor)
  if (isReturn(label)) {
    await prepareReturn(stage, label === 'returning', absencesMs)
    await listen(client, moments)
    await whenReady(client.daemon().rpc)
  }
  const activity = ACTIVITIES[label](stage)
  // An activity that fails ends its segment; one that has nothing left to do does not.
  const failed = activity.then(() => new Promise<never>(() => undefined))
  failed.catch(() => undefined)
  // What was done before has a minute to leave, and what is done now one to begin.
  await Promise.race([sleep(minuteMs), failed])
  scene.startMs = nowMs()
  await Promise.race([sleep(windows * minuteMs), failed])
  over.abort()
  await activity
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
