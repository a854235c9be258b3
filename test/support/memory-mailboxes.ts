/**
 * Mailboxes without a network: one shared set of boxes, and clients with slots in virtual time. For what the messenger does
 * with mailboxes; couriers and hosts have tests of their own.
 * Never more lenient than hosts: first write wins, tombstones stay, and ids nobody watches are never read.
 * @module
 */
import { hexEncode, isForeseen } from '../../src/base/index.ts'
import {
  BOX_LIFETIME_MS,
  type HostInfo,
  leastReceiptExpiryMs,
  type MailboxClient,
  type MailboxOwner,
  type MailboxParameters,
  type MailboxStatus,
  type ProfileState,
  verifyBox,
  verifyTombstone,
  type WriteResult,
} from '../../src/mailbox/index.ts'
import { DEFAULT_PROFILE, type Profile, profileOf } from '../../src/padding/index.ts'
import type { Clock, Random } from '../../src/ports/index.ts'
import { type Box, decodeBox, type HostEntry } from '../../src/wire/index.ts'

interface StoredBox {
  box: Box | undefined
  readonly bytes: Uint8Array
  readonly expiresAtMs: number
}

export interface MemoryMailboxes {
  /** What hosts know when they know everything; changed by tests to lose or add something. */
  readonly boxes: Map<string, StoredBox>
  /** Every id that was ever written, and how often each was read. */
  readonly reads: Map<string, number>
  /** Decides what becomes of a write before it happens; undefined lets it happen. */
  onWrite: ((box: Box) => WriteResult | undefined) | undefined
  /** Called before hosts are added; a throw fails it. */
  onAddHosts: (() => void) | undefined
  /** False hides a box from a read. */
  onRead: ((boxId: Uint8Array) => boolean) | undefined
  client(options: {
    readonly clock: Clock
    readonly random: Random
    readonly parameters: MailboxParameters
    readonly owner: MailboxOwner
    readonly onFailure: (error: unknown) => void
    /** Hosts that this client knows from the start. */
    readonly hosts: readonly HostEntry[]
  }): MailboxClient
}

export function createMemoryMailboxes(): MemoryMailboxes {
  const boxes = new Map<string, StoredBox>()
  const reads = new Map<string, number>()

  const write = (bytes: Uint8Array, nowMs: number): WriteResult => {
    const box = decodeBox(bytes)
    if (box === undefined || !verifyBox(box)) throw new Error('a box that hosts refuse')
    const forced = self.onWrite?.(box)
    if (forced !== undefined) return forced
    const id = hexEncode(box.boxId)
    const before = boxes.get(id)
    if (before !== undefined && before.expiresAtMs > nowMs) {
      const isSame = before.box !== undefined && Buffer.compare(before.bytes, bytes) === 0
      if (!isSame) return { status: 'conflict' }
      return { status: 'stored', replicas: 8, wanted: 8, untilMs: before.expiresAtMs }
    }
    const expiresAtMs = nowMs + BOX_LIFETIME_MS
    boxes.set(id, { box, bytes: bytes.slice(), expiresAtMs })
    return { status: 'stored', replicas: 8, wanted: 8, untilMs: expiresAtMs }
  }

  const self: MemoryMailboxes = {
    boxes,
    reads,
    onWrite: undefined,
    onAddHosts: undefined,
    onRead: undefined,
    client({ clock, random, parameters, owner, onFailure, hosts }) {
      const known = [...hosts]
      const pace = profileOf(DEFAULT_PROFILE, parameters.speed)
      let profile: ProfileState = { name: DEFAULT_PROFILE, next: undefined }
      /** A change takes effect at once here; the rhythm stays that of the default, and Manual has none. */
      const paceNow = (): Profile => profileOf(profile.name, parameters.speed)
      const watched = new Map<string, Uint8Array>()
      const stopper = new AbortController()
      const running: Promise<void>[] = []
      /** A full disk of the owner's costs a slot, as with the real client. */
      const foreseen = async (body: () => Promise<void>): Promise<void> => {
        try {
          await body()
        } catch (error: unknown) {
          if (stopper.signal.aborted || !isForeseen(error)) throw error
        }
      }
      const loop = async (intervalMs: number, body: () => Promise<void>): Promise<void> => {
        try {
          for (;;) {
            await clock.sleep(intervalMs * (0.5 + random.uniform()), stopper.signal)
            if (known.length > 0 && paceNow().sync === undefined) await foreseen(body)
          }
        } catch (error: unknown) {
          if (!stopper.signal.aborted) onFailure(error)
        }
      }
      const writeSlot = async (): Promise<void> => {
        const bytes = await owner.nextWrite()
        const box = bytes === undefined ? undefined : decodeBox(bytes)
        if (bytes === undefined || box === undefined) return
        await foreseen(() => owner.onWriteSent(box.boxId))
        await clock.sleep(pace.courierHoldMs, stopper.signal)
        const result = write(bytes, clock.nowMs())
        const leastMs = leastReceiptExpiryMs(clock.nowMs(), owner.firstLeftMs?.(box.boxId))
        const isShort = result.status === 'stored' && result.untilMs < leastMs
        await owner.onWriteResult(box.boxId, isShort ? { status: 'lost' } : result)
      }
      const fetchPart = async (): Promise<void> => {
        const boxId = owner.nextFetch()
        const stored = boxId && boxes.get(hexEncode(boxId))
        const isThere = stored?.box !== undefined && stored.expiresAtMs > clock.nowMs()
        if (boxId === undefined || stored?.box === undefined || !isThere || self.onRead?.(boxId) === false) {
          if (boxId !== undefined) owner.onFetchMissed(boxId)
          return
        }
        // What a host has damaged is as good as not there.
        if (!verifyBox(stored.box)) return owner.onFetchMissed(boxId)
        try {
          const tombstone = await owner.onBox(stored.box)
          if (tombstone !== undefined && !verifyTombstone(boxId, tombstone))
            throw new Error('a tombstone that hosts refuse')
          if (tombstone !== undefined) stored.box = undefined
        } catch (error: unknown) {
          if (!isForeseen(error)) throw error
          owner.onFetchMissed(boxId)
        }
      }
      const readSlot = async (): Promise<void> => {
        for (const [id, boxId] of watched) {
          const stored = boxes.get(id)
          if (stored?.box === undefined || stored.expiresAtMs <= clock.nowMs() || self.onRead?.(boxId) === false)
            continue
          reads.set(id, (reads.get(id) ?? 0) + 1)
          try {
            const tombstone = await owner.onBox(stored.box)
            if (tombstone === undefined) continue
            if (!verifyTombstone(boxId, tombstone)) throw new Error('a tombstone that hosts refuse')
            stored.box = undefined
          } catch (error: unknown) {
            // Read again later, as the real client does.
            if (error instanceof Error && error.message.includes('hosts refuse')) throw error
          }
          return
        }
        await fetchPart()
      }
      return {
        load: () => Promise.resolve(),
        start() {
          running.push(loop(pace.write.meanMs, writeSlot), loop(pace.read.meanMs, readSlot))
          return Promise.resolve()
        },
        async stop() {
          stopper.abort()
          await Promise.all(running)
        },
        watch: (boxId) => void watched.set(hexEncode(boxId), boxId),
        unwatch: (boxId) => void watched.delete(hexEncode(boxId)),
        status: (): MailboxStatus => ({
          hosts: known.length,
          replicas: Math.min(8, known.length),
          quorum: Math.min(2, known.length),
          separation: known.length === 0 ? 'none' : 'full',
          couriers: [],
          tableRoot: '00'.repeat(32),
          tablesAgree: true,
          nextWriteAtMs: undefined,
          nextReadAtMs: undefined,
          loopReturn: undefined,
          lastError: undefined,
        }),
        profile: () => profile,
        pace: paceNow,
        async setProfile(name) {
          const asked = { ...profile, next: name === profile.name ? undefined : { name, atMs: clock.nowMs() } }
          profile = { name, next: undefined }
          return asked
        },
        sync: () => paceNow().sync !== undefined,
        syncState: () => 'idle',
        bulk: () => ({ nextWindowAtMs: undefined, slotsLeft: 0 }),
        hosts: () => known.map(describeHost),
        entries: (count) => known.slice(0, count),
        async addHosts(entries) {
          self.onAddHosts?.()
          for (const entry of entries) {
            if (!known.some(({ hostKey }) => hexEncode(hostKey) === hexEncode(entry.hostKey))) known.push(entry)
          }
        },
      }
    },
  }
  return self
}

function describeHost(entry: HostEntry): HostInfo {
  return {
    hostKey: hexEncode(entry.hostKey),
    kind: 'entry',
    firstSeenAtMs: 0,
    expiresAtMs: undefined,
    capacityMib: undefined,
    probes: 0,
    losses: 0,
    excluded: false,
    courier: false,
  }
}
