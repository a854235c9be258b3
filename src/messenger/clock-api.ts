/**
 * What front ends see of the clock: profiles and their price, what has left and entered, and how long something will take.
 * Never changes a slot: all of it looks, but for the choice of a profile. DESIGN §6, spec 08-rpc §3, 02-padding §7-§10.
 * @module
 */
import type { BulkState, ProfileState, SyncState } from '../mailbox/index.ts'
import type { Delay, Profile, ProfileFigures, SyncCounts, TrafficReport } from '../padding/index.ts'

export interface ProfileOffer {
  readonly rhythms: Profile
  readonly figures: ProfileFigures
}

export interface ProfileReport extends ProfileState {
  readonly inForce: ProfileOffer
  /** All that can be chosen, the one in force among them. */
  readonly available: readonly ProfileOffer[]
  /** What an open lane with one contact spends beside the profile. */
  readonly laneBytesPerDay: number
}

export interface TrafficInfo extends TrafficReport {
  /** When it was counted, by the wall clock. */
  readonly atMs: number
  /** Of the next slots, for the local user only; undefined while none is planned or no courier is there. */
  readonly nextWriteAtMs: number | undefined
  readonly nextReadAtMs: number | undefined
  readonly bulk: BulkState
}

/** What waits to leave, and when a message would. */
export interface SendingInfo {
  readonly profile: ProfileState
  /** Envelopes that no courier has had yet; a text has one or several. */
  readonly queuedEnvelopes: number
  /** Boxes of files that no host keeps yet. */
  readonly queuedParts: number
  /** Until hosts keep a short message that is sent now, on average; undefined with Manual, and without hosts. */
  readonly expectedDelayMs: number | undefined
  readonly sync: SyncState
  readonly bulk: BulkState
}

/** `live`: over a lane, which is open or has to be. `manual`: when the user syncs. */
export type SendPath = 'slots' | 'live' | 'manual'

/** How long a text or a file would take if it were sent now; nothing is queued by asking. */
export interface SendEstimate {
  readonly via: SendPath
  /** Of a text, or of the announcement of a file. */
  readonly envelopes: number
  /** Boxes that it takes itself; 0 over a lane. A text may share its first one with what waits for the same contact. */
  readonly boxes: number
  /** Envelopes for this contact that wait before it and are in no box yet. */
  readonly queuedEnvelopes: number
  /** Boxes that take a slot before it. */
  readonly queuedBoxes: number
  /** Write slots until the last of it has left; undefined over a lane. */
  readonly writeSlots: number | undefined
  /** With Manual only. */
  readonly syncs: SyncCounts | undefined
  /** Until hosts keep all of it. Undefined over a lane, and where nobody knows: with Manual. */
  readonly stored: Delay | undefined
  /** Until a contact who is there and has the profile that we have can have it. Undefined with Manual, and while a lane is waited for. */
  readonly delivered: Delay | undefined
}

/** The part of the messenger's face that is about the clock. */
export interface ClockFace {
  profile(): ProfileReport
  /**
   * Asks for another profile. Durable when it resolves; it takes effect at a random time within an epoch, so that the moment
   * shows nothing. Asking for the one in force takes a change back.
   */
  setProfile(name: Profile['name']): Promise<ProfileState>
  traffic(): TrafficInfo
  /**
   * Runs the slots of one sync, always as many, unless one runs.
   * @throws {AppError} `PROFILE_NOT_MANUAL`
   */
  sync(): SyncState
  /**
   * @throws {AppError} `ESTIMATE_INPUT_INVALID` unless exactly one of `text` and `bytes` is there; `CONTACT_*`,
   * `MESSAGE_EMPTY`, `MESSAGE_TOO_LONG`, `ATTACHMENT_TOO_LARGE` as if it were sent
   */
  estimateSend(options: {
    readonly contactId: string
    readonly text?: string
    /** Length of a file. */
    readonly bytes?: number
  }): Promise<SendEstimate>
}
