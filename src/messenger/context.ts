/**
 * What all use-cases share: ports, own keys, the journal and what is loaded in memory.
 * Never changed but through the journal. DESIGN §10.
 * @module
 */

import { hexEncode, type SteadyTime } from '../base/index.ts'
import type { IdentityKeys, PublicIdentity } from '../identity/index.ts'
import { identityHash, safetyNumber } from '../identity/index.ts'
import type { BoxSequences, MailboxClient, MailboxOwner, MailboxParameters } from '../mailbox/index.ts'
import type { LaneQueue, TrafficMeter } from '../padding/index.ts'
import type { Clock, FileAccess, KeyValueStore, Logger, Random, RecordNetwork, TorProvider } from '../ports/index.ts'
import type { initiateHandshake, openEnvelope, respondHandshake, SessionState, sealEnvelope } from '../session/index.ts'
import type { AttachmentBook } from './attachments/book.ts'
import type { Journal } from './journal.ts'
import type {
  ContactMailbox,
  ContactRecord,
  EnvelopeRecord,
  InviteRecord,
  InviteSecrets,
  LiveRecord,
  OutboundBox,
  OutgoingRequest,
  RequestRecord,
} from './records.ts'

/** The ratchet as the messenger uses it; a test may put an observer in front of it. */
export interface SessionFunctions {
  readonly sealEnvelope: typeof sealEnvelope
  readonly openEnvelope: typeof openEnvelope
  readonly initiateHandshake: typeof initiateHandshake
  readonly respondHandshake: typeof respondHandshake
}

export interface MessengerDeps {
  readonly clock: Clock
  readonly random: Random
  /** Draws when lanes and rendezvous are looked at. Default: `random`; a second seeded one where runs are compared. */
  readonly clockRandom?: Random
  readonly logger: Logger
  readonly store: KeyValueStore
  /** The user's files, to send and to save. */
  readonly files: FileAccess
  readonly tor: Pick<TorProvider, 'status'>
  readonly network: RecordNetwork
  readonly session: SessionFunctions
  /** Told of each record of a lane; the mailbox client tells it of all others. */
  readonly traffic: Pick<TrafficMeter, 'note' | 'report'>
  /** Rhythms and work that all nodes of the network share. */
  readonly mailbox: MailboxParameters
  /** Makes the mailbox client that serves this messenger; nothing touches the network before it is started. */
  readonly createMailbox: (owner: MailboxOwner) => Promise<MailboxClient>
  /** A bug or a full disk in a background task: the daemon logs it and decides. */
  readonly onFailure: (error: unknown) => void
}

/** One contact in memory; each field mirrors what is on disk. */
export interface ContactEntry {
  record: ContactRecord
  outgoing: OutgoingRequest | undefined
  session: SessionState | undefined
  laneSecret: Uint8Array | undefined
  live: LiveRecord
  queue: LaneQueue
  readonly envelopes: Map<number, EnvelopeRecord>
  /** Where the next boxes of both directions are. */
  sequences: BoxSequences
  mailbox: ContactMailbox
  /** Boxes for this contact by number, until all they carry is acknowledged. */
  readonly boxes: Map<number, OutboundBox>
  /** Ids that the mailbox client looks for on behalf of this contact, in hexadecimal. */
  readonly watched: Set<string>
  /** Those of them that come next in their chain. */
  readonly nexts: Set<string>
  /** Monotonic time from which an acknowledgement may have a box to itself; undefined when none is owed. */
  ackDueMs: number | undefined
  /** When the other side last acknowledged something new, in this run; 0 before. */
  acknowledgedAtMs: number
  /** Set when the contact was blocked or removed: its lane carries cover only, to the end of its window. */
  muted: boolean
  /** The lane that runs, if any. The live clock's, which alone starts and ends it. */
  lane: { isOpen(): boolean } | undefined
}

export interface InviteEntry {
  record: InviteRecord
  /** Undefined once the rendezvous is over for good. */
  secrets: InviteSecrets | undefined
  /** Whether the rendezvous can be reached. */
  published: boolean
}

/** Whose box it is that the mailbox client looks for. */
export type BoxWatcher =
  | { readonly kind: 'conversation'; readonly entry: ContactEntry }
  /** The bundle of an invite that we accepted. */
  | { readonly kind: 'bundle'; readonly entry: ContactEntry }
  /** What took the place of our request. */
  | { readonly kind: 'taken'; readonly entry: ContactEntry }
  /** The request that answers an invite of ours. */
  | { readonly kind: 'request'; readonly entry: InviteEntry }

export interface ShownIdentity {
  readonly identity: string
  readonly safetyNumber: string
}

export interface Context {
  /** Without the network: what a user asks for changes state, and only the live clock and the mailboxes look at it. */
  readonly deps: Omit<MessengerDeps, 'network' | 'createMailbox'>
  readonly journal: Journal
  readonly own: IdentityKeys
  readonly ownPublic: PublicIdentity
  readonly contacts: Map<string, ContactEntry>
  readonly invites: Map<string, InviteEntry>
  readonly requests: Map<string, RequestRecord>
  readonly mailbox: MailboxClient
  readonly attachments: AttachmentBook
  /** For what ends for good when its time is over. */
  readonly steady: SteadyTime
  /** By box id in hexadecimal. */
  readonly watchers: Map<string, BoxWatcher>
  /** Looks for what a contact needs in its state. */
  readonly resume: (entry: ContactEntry) => void
  /** Owns a task that ends by itself. */
  readonly background: (task: Promise<void>) => void
  /** By identity; bounded by the contacts and requests of this run. */
  readonly shownIdentities: Map<string, ShownIdentity>
}

/** False once the contact was removed: steps that were under way must not bring it back. */
export function isLive(context: Context, entry: ContactEntry): boolean {
  return context.contacts.get(entry.record.contactId) === entry
}

/** Nothing in memory tells of somebody who was removed. */
export function forgetIdentity(context: Context, remote: PublicIdentity): void {
  context.shownIdentities.delete(hexEncode(identityHash(remote)))
}

/** Random name of a contact, a request or a message: 32 hexadecimal characters. */
export function createId(random: Random): string {
  return hexEncode(random.bytes(16))
}

/** What of another profile is shown to people. Computed once for each: a safety number costs tens of milliseconds. */
export function describeIdentity(context: Context, remote: PublicIdentity): ShownIdentity {
  const identity = hexEncode(identityHash(remote))
  const known = context.shownIdentities.get(identity)
  if (known !== undefined) return known
  const shown = { identity, safetyNumber: safetyNumber(context.ownPublic, remote) }
  context.shownIdentities.set(identity, shown)
  return shown
}
