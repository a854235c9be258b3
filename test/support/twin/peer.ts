/**
 * The other people of a twin run: real messengers whose mailbox slots are whenever the run says so.
 * Never with a clock that wakes them: only the subject of the run has slots, and so much time costs others nothing.
 * @module
 */
import { hexEncode, isForeseen } from '../../../src/base/index.ts'
import {
  MAILBOX_PARAMETERS,
  type MailboxClient,
  type MailboxOwner,
  type MailboxStatus,
  replicasOf,
} from '../../../src/mailbox/index.ts'
import { type Messenger, openMessenger, SESSION_FUNCTIONS } from '../../../src/messenger/index.ts'
import { createTrafficMeter, profileOf } from '../../../src/padding/index.ts'
import type { Clock, KeyValueStore, RecordNetwork } from '../../../src/ports/index.ts'
import { createMemoryStore } from '../../../src/store/index.ts'
import { decodeBox } from '../../../src/wire/index.ts'
import { createMemoryFiles, type MemoryFiles } from '../memory-files.ts'
import { createSeededRandom } from '../seeded-random.ts'
import { silentLogger } from '../silent-logger.ts'
import type { TwinHosts } from './hosts.ts'
import { TOR_READY } from './node.ts'

export interface TwinPeer {
  readonly messenger: Messenger
  readonly store: KeyValueStore
  readonly files: MemoryFiles
  /** Writes whatever waits, at most so many boxes, and reads whatever is there. */
  pump(maxCount?: number): Promise<void>
  stop(): Promise<void>
}

export interface TwinPeerOptions {
  /** Its time is read and never slept. */
  readonly clock: Clock
  readonly hosts: TwinHosts
  readonly seed: number
}

/** Nobody is there: peers are reached through hosts alone. */
const NO_NETWORK: RecordNetwork = {
  listen: () => new Promise(() => undefined),
  dial: () => new Promise(() => undefined),
  stop: () => Promise.resolve(),
}

export async function createTwinPeer(options: TwinPeerOptions): Promise<TwinPeer> {
  const { hosts } = options
  const clock: Clock = {
    ...options.clock,
    sleep: (_delayMs, signal) =>
      new Promise((_resolve, reject) => {
        const abort = (): void => reject(new DOMException('aborted', 'AbortError'))
        if (signal?.aborted === true) abort()
        else signal?.addEventListener('abort', abort, { once: true })
      }),
  }
  const store = createMemoryStore()
  const files = createMemoryFiles()
  const watched = new Map<string, Uint8Array>()
  const owners: MailboxOwner[] = []
  const failures: unknown[] = []
  const messenger = await openMessenger({
    clock,
    random: createSeededRandom(options.seed),
    logger: silentLogger,
    store,
    files,
    tor: { status: () => TOR_READY },
    network: NO_NETWORK,
    session: SESSION_FUNCTIONS,
    traffic: createTrafficMeter(),
    mailbox: MAILBOX_PARAMETERS,
    createMailbox: (made) => {
      owners.push(made)
      return Promise.resolve(pumpedClient(hosts, watched))
    },
    onFailure: (error) => failures.push(error),
  })
  await messenger.start()

  const write = async (owner: MailboxOwner): Promise<boolean> => {
    const bytes = await owner.nextWrite()
    const box = bytes && decodeBox(bytes)
    if (box === undefined) return false
    await owner.onWriteSent(box.boxId)
    const { result, untilMs } = hosts.put(box)
    if (result === 'stored') await owner.onWriteResult(box.boxId, { status: 'stored', replicas: 8, wanted: 8, untilMs })
    else if (result === 'conflict') await owner.onWriteResult(box.boxId, { status: 'conflict' })
    else await owner.onWriteResult(box.boxId, { status: 'full', retryAfterMs: 60_000 })
    return true
  }

  const read = async (owner: MailboxOwner, boxId: Uint8Array): Promise<boolean> => {
    const box = hosts.get(boxId)
    if (box === undefined) return false
    try {
      const tombstone = await owner.onBox(box)
      if (tombstone !== undefined) hosts.bury(boxId)
      watched.delete(hexEncode(boxId))
      return true
    } catch (error: unknown) {
      if (!isForeseen(error)) throw error
      return false
    }
  }

  return {
    messenger,
    store,
    files,
    async pump(maxCount = 64) {
      const [owner] = owners
      if (owner === undefined) throw new Error('a peer without a mailbox')
      for (let written = 0; written < maxCount && (await write(owner)); ) written += 1
      for (let isMore = true; isMore; ) {
        isMore = false
        for (const boxId of [...watched.values()]) if (await read(owner, boxId)) isMore = true
      }
      for (let fetched = 0; fetched < maxCount; fetched += 1) {
        const part = owner.nextFetch()
        if (part === undefined) break
        if (!(await read(owner, part))) owner.onFetchMissed(part)
      }
      if (failures.length > 0) throw failures[0]
    },
    stop: () => messenger.stop(),
  }
}

function pumpedClient(hosts: TwinHosts, watched: Map<string, Uint8Array>): MailboxClient {
  const count = hosts.entries.length
  const status: MailboxStatus = {
    hosts: count,
    replicas: replicasOf(count),
    quorum: 2,
    separation: 'full',
    couriers: [],
    tableRoot: '00'.repeat(32),
    tablesAgree: true,
    nextWriteAtMs: undefined,
    nextReadAtMs: undefined,
    loopReturn: undefined,
    lastError: undefined,
  }
  return {
    load: () => Promise.resolve(),
    start: () => Promise.resolve(),
    stop: () => Promise.resolve(),
    watch: (boxId) => void watched.set(hexEncode(boxId), boxId),
    unwatch: (boxId) => void watched.delete(hexEncode(boxId)),
    status: () => status,
    hosts: () => [],
    entries: (most) => hosts.entries.slice(0, most),
    addHosts: () => Promise.resolve(),
    profile: () => ({ name: 'balanced', next: undefined }),
    pace: () => profileOf('balanced'),
    setProfile: () => Promise.resolve({ name: 'balanced', next: undefined }),
    sync: () => false,
    syncState: () => 'idle',
    bulk: () => ({ nextWindowAtMs: undefined, slotsLeft: 0 }),
  }
}
