/**
 * Sees to it that each box this host keeps lies on all its replicas.
 * Never gives a box a longer life than it had, never brings back what this host knows to be taken back, and passes on
 * nothing that its key did not sign.
 * Spec 03-mailbox §5.4.
 * @module
 */
import { hexEncode, isForeseen, SECOND_MS } from '../../base/index.ts'
import type { BoxStore, Clock, Logger, Random, StoredBoxId } from '../../ports/index.ts'
import { verifyBox } from '../box-keys.ts'
import type { HostRecord } from '../host-descriptor.ts'
import type { MailboxParameters } from '../options.ts'
import type { HostCounts } from './context.ts'
import type { HostCalls } from './host-calls.ts'
import { jittered } from './jitter.ts'
import type { KnownHosts } from './known-hosts.ts'
import {
  REPAIR_ANYWAY_SHARE,
  REPAIR_PAUSE_MS,
  REPAIR_PUSHES_COUNT,
  REPAIR_SLICE_COUNT,
  REPAIR_SOON_SHARE,
} from './options.ts'

export interface RepairDeps {
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly parameters: MailboxParameters
  readonly boxes: BoxStore
  readonly known: KnownHosts
  readonly calls: HostCalls
  readonly counts: HostCounts
}

export interface Repair {
  /** Walks now and then; ends with the signal. */
  run(signal: AbortSignal): Promise<void>
  /** A replica is gone: the next walk comes after a short random time. */
  soon(): void
}

interface Task {
  readonly stored: StoredBoxId
  /** The other replicas before this host, nearest first, and those after it. */
  readonly before: readonly HostRecord[]
  readonly after: readonly HostRecord[]
}

/** What hosts said of boxes; what is not in it was not said. */
type Answers = ReadonlyMap<string, boolean>

function answerName(host: HostRecord, boxId: Uint8Array): string {
  return `${hexEncode(host.descriptor.hostKey)} ${hexEncode(boxId)}`
}

export function createRepair(deps: RepairDeps): Repair {
  const { clock, random, logger, parameters, boxes, known, calls, counts } = deps
  let isSoon = false
  let wake = new AbortController()

  const plan = (stored: StoredBoxId): Task => {
    const replicas = known.replicasOf(stored.boxId)
    const rank = replicas.findIndex((host) => known.isSelf(host))
    // Not a replica any more: all of them go before, and this copy helps only when none of them has the box.
    if (rank < 0) return { stored, before: replicas, after: [] }
    return { stored, before: replicas.slice(0, rank), after: replicas.slice(rank + 1) }
  }

  /** Asks each host once for all boxes that it is asked about. */
  const askAll = async (
    questions: readonly { readonly host: HostRecord; readonly boxId: Uint8Array }[],
    signal: AbortSignal,
  ): Promise<Answers> => {
    const byHost = new Map<HostRecord, Uint8Array[]>()
    for (const { host, boxId } of questions) {
      const asked = byHost.get(host) ?? []
      asked.push(boxId)
      byHost.set(host, asked)
    }
    const answers = new Map<string, boolean>()
    const ask = async ([host, boxIds]: readonly [HostRecord, Uint8Array[]]): Promise<void> => {
      const found = await calls.inventory(host, boxIds, signal)
      if (found === undefined) return
      for (const [index, boxId] of boxIds.entries()) answers.set(answerName(host, boxId), found[index] === true)
    }
    await Promise.all([...byHost].map(ask))
    return answers
  }

  const push = async (host: HostRecord, { boxId, expiresAtMs }: StoredBoxId, signal: AbortSignal): Promise<void> => {
    // Read again for each: it may have been taken back meanwhile.
    const box = await boxes.get(boxId)
    if (box === undefined) return
    if (!verifyBox(box)) {
      // Everything was verified before it was stored: the disk did this. Others have good copies, and give us one.
      if (await boxes.discard(boxId)) logger.warn('damaged box was dropped')
      return
    }
    const result = await calls.store(host, box, Math.floor(expiresAtMs / SECOND_MS), signal)
    if (result?.status === 'stored') counts.repaired += 1
  }

  const repairSlice = async (slice: readonly StoredBoxId[], signal: AbortSignal): Promise<void> => {
    const nowMs = clock.nowMs()
    const tasks = slice.filter(({ expiresAtMs }) => expiresAtMs > nowMs).map(plan)
    const ask = (of: readonly Task[], hostsOf: (task: Task) => readonly HostRecord[]): Promise<Answers> =>
      askAll(
        of.flatMap((task) => hostsOf(task).map((host) => ({ host, boxId: task.stored.boxId }))),
        signal,
      )
    const said = await ask(tasks, ({ before }) => before)
    const isDone = ({ before, stored }: Task): boolean =>
      before.some((host) => said.get(answerName(host, stored.boxId)) === true)
    const ours = tasks.filter((task) => !isDone(task) || random.uniform() < REPAIR_ANYWAY_SHARE)
    const saidAfter = await ask(ours, ({ after }) => after)
    const lacking = ours.flatMap(({ stored, before, after }) =>
      [...before, ...after]
        .filter((host) => {
          const name = answerName(host, stored.boxId)
          return (said.get(name) ?? saidAfter.get(name)) === false
        })
        .map((host) => ({ host, stored })),
    )
    const worker = async (): Promise<void> => {
      for (let next = lacking.shift(); next !== undefined; next = lacking.shift())
        await push(next.host, next.stored, signal)
    }
    await Promise.all(Array.from({ length: REPAIR_PUSHES_COUNT }, worker))
  }

  const walk = async (signal: AbortSignal): Promise<void> => {
    for (let after: Uint8Array | undefined; ; ) {
      const slice = await boxes.list(after, REPAIR_SLICE_COUNT)
      await repairSlice(slice, signal)
      after = slice.at(-1)?.boxId
      if (slice.length < REPAIR_SLICE_COUNT) return
      await clock.sleep(REPAIR_PAUSE_MS, signal)
    }
  }

  const waitForTurn = async (signal: AbortSignal): Promise<void> => {
    if (!isSoon) {
      const any = AbortSignal.any([signal, wake.signal])
      await clock.sleep(jittered(parameters.repairIntervalMs, random), any).catch(() => undefined)
      signal.throwIfAborted()
    }
    if (isSoon) await clock.sleep(random.uniform() * parameters.repairIntervalMs * REPAIR_SOON_SHARE, signal)
    isSoon = false
    wake = new AbortController()
  }

  return {
    async run(signal) {
      for (;;) {
        await waitForTurn(signal)
        const before = counts.repaired
        try {
          await walk(signal)
          logger.info('repair is done', { copies: counts.repaired - before })
        } catch (error: unknown) {
          signal.throwIfAborted()
          if (!isForeseen(error)) throw error
          logger.warn('repair failed', {}, error)
        }
      }
    },
    soon() {
      isSoon = true
      wake.abort()
    },
  }
}
