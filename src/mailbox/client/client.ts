/**
 * The mailbox client that every daemon has: couriers, slots, and what goes through them.
 * Never sends anything that a slot or a link's set-up did not call for. Spec 03-mailbox §4.
 * @module
 */
import { attempt, createMutex, createTaskGroup, hexEncode } from '../../base/index.ts'
import { HOST_ID_BYTES, type HostEntry, type TablePage } from '../../wire/index.ts'
import type { MailboxClient, MailboxStatus } from '../api.ts'
import { separationOf } from '../guarantee.ts'
import { createPoller } from '../poller.ts'
import { quorumOf, replicasOf } from '../receipt.ts'
import { CLIENT_FUNCTIONS, type MailboxClientDeps } from './deps.ts'
import { createEpochs, type ReadyCourier } from './epochs.ts'
import { createHostBook } from './host-book.ts'
import { createLoops } from './loops.ts'
import { PAGE_BACKLOG_MAX_COUNT, TABLE_SAVE_INTERVAL_MS, TABLE_WHOLE_SHARE, TIDY_PER_TIMEOUT } from './options.ts'
import { createProfileClock } from './profile-clock.ts'
import { createReader } from './reader.ts'
import { createRhythms } from './rhythms.ts'
import { createSealer } from './sealer.ts'
import { shuffled } from './shuffled.ts'
import { createSilence } from './silence.ts'
import type { Prepared } from './slots.ts'
import { createTableWalk } from './table-walk.ts'
import { createWriter } from './writer.ts'

/** To be started once. Hosts are known after `start`; nothing leaves before. */
export function createMailboxClient(deps: MailboxClientDeps): MailboxClient {
  const { clock, owner, parameters, random } = deps
  const logger = deps.logger.child('mailbox')
  const functions = deps.functions ?? CLIENT_FUNCTIONS
  const contentRandom = deps.contentRandom ?? random
  const tasks = createTaskGroup(deps.onFailure)
  const { signal } = tasks
  const telling = createMutex()
  const checking = createMutex()
  const book = createHostBook({ clock, store: deps.store, hostWorkBits: parameters.hostWorkBits, functions })
  const poller = createPoller(contentRandom)
  let lastError: string | undefined
  const walk = createTableWalk()
  let pageBacklog = 0

  const takePage = (courier: ReadyCourier, answer: TablePage): void => {
    courier.root = hexEncode(answer.root)
    courier.hostCount = answer.hostCount
    const cursor = courier.cursors.shift() ?? new Uint8Array(HOST_ID_BYTES)
    if (pageBacklog >= PAGE_BACKLOG_MAX_COUNT) return
    pageBacklog += 1
    const check = async (): Promise<void> => {
      const { isHonest, next } = await book.takePage(cursor, answer.descriptors)
      pageBacklog -= 1
      if (!isHonest) book.noteProbe([{ hostKey: courier.link.hostKey, role: 'courier' }], true)
      else {
        walk.take({
          cursor,
          next,
          descriptorCount: answer.descriptors.length,
          courier: courier.link.hostKey,
          hostCount: Math.max(book.table.size, countOfCouriers()),
          isAlone: epochs.ready().length < 2,
        })
      }
    }
    tasks.own(checking.run(check))
  }

  const epochs = createEpochs(
    { ...deps, logger },
    {
      book,
      onFailure: deps.onFailure,
      onError: (code) => {
        lastError = code
      },
      onAnswer(courier, answer) {
        if (answer.kind === 'replies') courier.pending.take(answer.replies)
        else takePage(courier, answer)
      },
    },
  )
  const sealer = createSealer(
    book,
    contentRandom,
    () => epochs.couriers(),
    createSilence(clock, parameters.requestTimeoutMs),
    functions,
  )
  const loops = createLoops({
    clock,
    random: contentRandom,
    parameters,
    poller,
    functions,
    noteProbe: (suspects, lost) => book.noteProbe(suspects, lost),
  })
  const tell = (task: () => Promise<void>): void =>
    tasks.own(
      telling.run(async () => {
        await attempt(logger, 'mailbox owner failed', task)
      }),
    )
  /** The most that any courier speaks of. */
  const countOfCouriers = (): number => Math.max(0, ...epochs.open().map(({ hostCount }) => hostCount))
  const isTableWhole = (): boolean => book.table.size >= TABLE_WHOLE_SHARE * countOfCouriers()
  const writer = createWriter({ clock, logger, owner, functions, book, sealer, loops, isTableWhole, tell })
  const reader = createReader({
    logger,
    random: contentRandom,
    owner,
    functions,
    book,
    sealer,
    loops,
    poller,
    own: tasks.own,
  })

  const prepareWrite = (lane: 'write' | 'bulk'): Prepared => {
    const prepared = writer.prepare()
    return {
      send({ link, pending }) {
        const { request, onSent } = prepared.take()
        const firstTag = pending.add([request], clock.monotonicMs())
        link.send({ kind: 'write', firstTag, requests: [request.routed] }, lane, onSent)
      },
      drop: () => prepared.drop(),
    }
  }

  const prepareRead = (lane: 'read' | 'bulk'): Prepared => {
    const prepared = reader.prepare(lane === 'bulk')
    return {
      send({ link, pending }) {
        const requests = prepared.take()
        const firstTag = pending.add(requests, clock.monotonicMs())
        link.send({ kind: 'read', firstTag, requests: requests.map(({ routed }) => routed) }, lane)
      },
      drop: () => prepared.drop(),
    }
  }

  const prepareTable = (): Prepared => ({
    send({ link, cursors }) {
      const cursor = walk.cursor()
      cursors.push(cursor)
      link.send({ kind: 'table', cursor }, 'table')
    },
    drop: () => undefined,
  })

  const profiles = createProfileClock({
    clock,
    logger,
    random: contentRandom,
    store: deps.store,
    epochMs: parameters.epochMs,
  })
  const rhythms = createRhythms({
    clock,
    random,
    parameters,
    epochs,
    profiles,
    prepareWrite,
    prepareRead,
    prepareTable,
    onFailure: deps.onFailure,
  })

  /** What is late or has run out is forgotten on a clock of its own, a share of the timeout at most behind. */
  const tidy = async (): Promise<void> => {
    for (let savedMs = clock.monotonicMs(); ; ) {
      await clock.sleep(parameters.requestTimeoutMs / TIDY_PER_TIMEOUT, signal)
      const nowMs = clock.monotonicMs()
      for (const { pending } of epochs.open()) pending.expire(nowMs, parameters.requestTimeoutMs)
      book.expire()
      epochs.leaveExcluded()
      if (nowMs - savedMs < TABLE_SAVE_INTERVAL_MS && !book.hasOutgrownDisk()) continue
      savedMs = nowMs
      await attempt(logger, 'mailbox table not saved', () => book.save())
    }
  }

  const wallTime = (monotonicMs: number | undefined): number | undefined =>
    monotonicMs && Math.round(clock.nowMs() + monotonicMs - clock.monotonicMs())

  const status = (): MailboxStatus => {
    const { table } = book
    const ready = epochs.ready()
    const { readMs, writeMs } = rhythms.planned()
    const roots = new Set(ready.flatMap(({ root }) => root ?? []))
    return {
      hosts: table.size,
      replicas: replicasOf(table.size),
      quorum: quorumOf(table.size),
      separation: separationOf(table.size),
      couriers: epochs.stages(),
      tableRoot: hexEncode(table.root()),
      tablesAgree: roots.size <= 1,
      nextWriteAtMs: ready.length === 0 ? undefined : wallTime(writeMs),
      nextReadAtMs: ready.length === 0 ? undefined : wallTime(readMs),
      loopReturn: loops.returnShare(),
      lastError,
    }
  }

  const load = async (): Promise<void> => {
    await Promise.all([book.load(), profiles.load()])
  }

  return {
    load,
    async start() {
      await load()
      if (signal.aborted) return
      tasks.own(rhythms.run(signal))
      tasks.own(tidy())
    },
    async stop() {
      await tasks.stop()
      await attempt(logger, 'mailbox table not saved', () => book.save())
    },
    watch: (boxId, options) => poller.watch(boxId, options),
    unwatch: (boxId) => poller.unwatch(boxId),
    status,
    hosts: () => book.infos(epochs.couriers()),
    entries(count) {
      const good = [...book.courierCandidates()].sort((a, b) => a.firstSeenAtMs - b.firstSeenAtMs)
      return shuffled(good.slice(0, 2 * count), contentRandom)
        .slice(0, count)
        .map(entryOf)
    },
    addHosts: (entries) => book.addEntries(entries),
    profile: profiles.state,
    pace: rhythms.pace,
    setProfile: profiles.set,
    sync: rhythms.sync,
    syncState: rhythms.syncState,
    bulk() {
      const { bulkSlotsLeft, windowMs } = rhythms.planned()
      return { nextWindowAtMs: wallTime(windowMs), slotsLeft: bulkSlotsLeft }
    },
  }
}

function entryOf({ hostKey, courierOnionKey }: HostEntry): HostEntry {
  return { hostKey, courierOnionKey }
}
