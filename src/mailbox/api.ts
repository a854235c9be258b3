/**
 * The faces of the mailboxes: the client that every daemon has, and the host that some are.
 * Never tells the caller's haste to the network: what is asked here waits for a slot. Spec 03-mailbox §1.
 * @module
 */
import type { Profile, ProfileName } from '../padding/index.ts'
import type { Startable } from '../ports/index.ts'
import type { Box, HostEntry } from '../wire/index.ts'

/** What became of one box that was written. */
export type WriteResult =
  /** Enough receipts verified: `replicas` of `wanted` hosts keep it, the quorum of them until `untilMs`. */
  | { readonly status: 'stored'; readonly replicas: number; readonly wanted: number; readonly untilMs: number }
  /** Another box has this id, says an intermediate; to be believed when that box was read. */
  | { readonly status: 'conflict' }
  /** No replica has room; worth another try after `retryAfterMs`. */
  | { readonly status: 'full'; readonly retryAfterMs: number }
  /** No answer, or too few receipts: write it again. */
  | { readonly status: 'lost' }

/** What the client asks of the layer above, which owns keys and messages. */
export interface MailboxOwner {
  /**
   * The next box to write, encoded, and on disk already: messages first, then parts of files. Asked ahead of each write slot,
   * those of bulk windows too; undefined leaves the slot to a loop. It is not given a second time before a result came or it was dropped; after that the same bytes may come again.
   */
  nextWrite(): Promise<Uint8Array | undefined>
  /** The slot went by without the box that was given for it. */
  onWriteDropped(boxId: Uint8Array): Promise<void>
  /** The courier has it. */
  onWriteSent(boxId: Uint8Array): Promise<void>
  onWriteResult(boxId: Uint8Array, result: WriteResult): Promise<void>
  /**
   * When the box that was handed out may have left for the first time, by the wall clock: hosts that have it since then name
   * the end of that copy. Undefined when it has not, or where the owner does not know.
   */
  firstLeftMs?(boxId: Uint8Array): number | undefined
  /**
   * A watched box was read and its signature holds. Resolves when what it says is on disk; the box is no longer watched
   * then. Gives the signature of its tombstone, or undefined to leave it to expiry. When it rejects, the box is read again.
   */
  onBox(box: Box): Promise<Uint8Array | undefined>
  /**
   * A box that is fetched without asking first whether it is there: a part of a file. Asked for read slots that have nothing
   * better, those of bulk windows first of all. Not given a second time before `onBox` or `onFetchMissed` was called for it.
   */
  nextFetch(): Uint8Array | undefined
  /** It was not at the replica that was asked, or nothing came back; another one may have it. */
  onFetchMissed(boxId: Uint8Array): void
}

export type HostKind = 'entry' | 'listed'

export interface HostInfo {
  /** 64 hexadecimal characters: the host's Ed25519 key. */
  readonly hostKey: string
  /** `entry`: given by a person or an invite, no valid descriptor known yet. */
  readonly kind: HostKind
  /** When this daemon first heard of it. */
  readonly firstSeenAtMs: number
  readonly expiresAtMs: number | undefined
  readonly capacityMib: number | undefined
  /** Loops that went through it or should have come from it, and how many were lost. */
  readonly probes: number
  readonly losses: number
  /** Left out because it loses too much. */
  readonly excluded: boolean
  /** Whether it is one of the couriers right now. */
  readonly courier: boolean
}

/** How well roles are kept apart with the hosts that are known. DESIGN §7, spec 03-mailbox §8. */
export type Separation =
  /** No hosts: live lanes only. */
  | 'none'
  /** One host is courier, intermediate and store: it sees which boxes one anonymous session touches. */
  | 'single'
  /** Two or three: some roles fall together. */
  | 'partial'
  /** Four and more: courier, intermediate and store are different hosts; with ten and more the intermediate is no replica. */
  | 'full'

export interface MailboxStatus {
  readonly hosts: number
  /** Replicas that a new box gets. */
  readonly replicas: number
  /** Receipts that make it stored. */
  readonly quorum: number
  readonly separation: Separation
  readonly couriers: readonly {
    readonly hostKey: string
    readonly stage: 'working' | 'connecting' | 'opening' | 'ready' | 'failed'
  }[]
  /** Of the host table; 64 hexadecimal characters. */
  readonly tableRoot: string
  /** False while two couriers show tables that do not agree. */
  readonly tablesAgree: boolean
  /** When the next write and read slots are, for the local user only; undefined without a courier. */
  readonly nextWriteAtMs: number | undefined
  readonly nextReadAtMs: number | undefined
  /** Share of loops that came back, over the last ones; undefined before the first. */
  readonly loopReturn: number | undefined
  readonly lastError: string | undefined
}

export interface WatchOptions {
  /** Expected soon: asked for more often. */
  readonly hot: boolean
  /** The very next one of a chain: fetched on the chance that it is there, where a slot has nothing better to fetch. */
  readonly next?: boolean
}

export interface ProfileState {
  readonly name: ProfileName
  /** A change that was asked for, and the time that was drawn for it; undefined without one. */
  readonly next: { readonly name: ProfileName; readonly atMs: number } | undefined
}

/** What profile Manual does at this moment; `idle` also for all other profiles. */
export type SyncState = 'idle' | 'connecting' | 'running'

/** Lane B. Wall-clock times, for the local user only. */
export interface BulkState {
  readonly nextWindowAtMs: number | undefined
  /** Slots that the window which is open has left; 0 while none is. */
  readonly slotsLeft: number
}

export interface MailboxClient extends Startable {
  /** Reads what was saved, so that `profile` and `hosts` tell it; `start` does it too. Idempotent; touches no network. */
  load(): Promise<void>
  /** Looks for this box until it was dealt with or is no longer watched. Idempotent. */
  watch(boxId: Uint8Array, options: WatchOptions): void
  unwatch(boxId: Uint8Array): void
  status(): MailboxStatus
  hosts(): readonly HostInfo[]
  /** A few good hosts for an invite; at most `count`. */
  entries(count: number): readonly HostEntry[]
  /** Durable when it resolves. */
  addHosts(entries: readonly HostEntry[]): Promise<void>
  profile(): ProfileState
  /** The rhythms in force, as fast as the network's parameters make them. */
  pace(): Profile
  /**
   * Asks for another profile, durably. It takes effect at a random time within an epoch from now; asking for the one in force
   * takes a change back.
   */
  setProfile(name: ProfileName): Promise<ProfileState>
  /** With profile Manual: runs the slots of one sync soon, unless one runs. False with any other profile. */
  sync(): boolean
  syncState(): SyncState
  bulk(): BulkState
}

export interface HostStats {
  readonly entry: HostEntry
  readonly published: boolean
  readonly startedAtMs: number
  readonly boxes: number
  readonly boxBytes: number
  readonly quotaBytes: number
  readonly tombstones: number
  readonly hosts: number
  readonly tableRoot: string
  readonly courierSessions: number
  /** Counts since the start. */
  readonly stored: number
  readonly conflicts: number
  readonly refusedFull: number
  readonly fetched: number
  readonly missed: number
  readonly relayed: number
  readonly expired: number
  readonly repaired: number
}

export interface HostNode extends Startable {
  stats(): HostStats
  /** Joins through a host that is known by its entry. Durable when it resolves. */
  addHosts(entries: readonly HostEntry[]): Promise<void>
}
