/**
 * The face of the messenger: what front ends can ask for, in domain words.
 * Never waits for the network: every answer tells what is stored, and events tell the rest. DESIGN §9, spec 08-rpc.
 * @module
 */
import type { HostInfo, MailboxStatus } from '../mailbox/index.ts'
import type { Startable, TorStatus } from '../ports/index.ts'
import type { ClockFace, SendingInfo } from './clock-api.ts'

/** 32 lower-case hexadecimal characters; made at random on this machine and of no meaning elsewhere. */
export type ContactId = string
export type InviteId = string
export type RequestId = string
export type MessageId = string

export interface ProfileInfo {
  /** 64 hexadecimal characters: the hash of the profile's public identity keys. Spec 06-identity §2. */
  readonly identity: string
  readonly createdAtMs: number
}

export interface MessengerStatus {
  readonly profile: ProfileInfo
  readonly tor: TorStatus
  /** How many hosts keep messages for people who are offline, how well roles are kept apart, and when the next slots are. */
  readonly mailbox: MailboxStatus
  readonly sending: SendingInfo
  readonly contacts: number
  readonly openLanes: number
  /** Messages accepted by `send` which the other side has not acknowledged yet. */
  readonly queuedMessages: number
  readonly pendingRequests: number
  readonly activeInvites: number
  /** `seq` of the newest event; 0 when there is none. */
  readonly lastEventSeq: number
}

export type InviteState = 'active' | 'used' | 'revoked' | 'expired'

export interface InviteInfo {
  readonly inviteId: InviteId
  readonly state: InviteState
  readonly createdAtMs: number
  readonly expiresAtMs: number
  /** A note of the inviter's own; never leaves this machine. */
  readonly label: string | undefined
  /** True once whoever holds the invite can use it: its bundle is stored at hosts, or its rendezvous can be reached. */
  readonly published: boolean
  /** Whether it has a rendezvous, for which this daemon must be online; without one it works through mailboxes alone. */
  readonly rendezvous: boolean
}

export interface CreatedInvite extends InviteInfo {
  /** The `noctule:` URI. Whoever holds it first can ask for contact. Shown once, stored sealed. */
  readonly uri: string
}

export interface InvitePreview {
  readonly version: number
  readonly expiresAtMs: number
  readonly expired: boolean
  /** True when this profile made the invite. */
  readonly own: boolean
  /** True when this profile has accepted the invite before. */
  readonly accepted: boolean
}

/** Somebody used one of our invites and waits for an answer. */
export interface RequestInfo {
  readonly requestId: RequestId
  readonly inviteId: InviteId
  readonly inviteLabel: string | undefined
  readonly receivedAtMs: number
  /** The other profile's identity, trusted on first use. */
  readonly identity: string
  readonly safetyNumber: string
  /** What the requester wrote, if anything. */
  readonly message: string | undefined
}

export type ContactState =
  /** We accepted an invite; our request is on its way. */
  | 'requesting'
  /** The inviter's daemon has our request; its user has not answered. */
  | 'requested'
  /** Both sides agreed; messages flow, through mailboxes also to somebody who is offline. */
  | 'active'
  /** The request cannot succeed; `failure` says why. */
  | 'failed'
  /** Blocked by us: nothing is sent, received or answered. */
  | 'blocked'

export interface ContactInfo {
  readonly contactId: ContactId
  readonly state: ContactState
  readonly alias: string | undefined
  /** Undefined until the other side's keys are known. */
  readonly identity: string | undefined
  /** 60 digits in groups of five, equal on both sides; undefined until the other side's keys are known. */
  readonly safetyNumber: string | undefined
  readonly createdAtMs: number
  /** Whether a lane to this contact is open right now; known to the local user only. */
  readonly laneOpen: boolean
  readonly live: LiveInfo
  /** Sent messages that are neither delivered nor failed. */
  readonly queuedMessages: number
  /** Highest position up to which received messages were marked as read; 0 for none. */
  readonly readUpTo: number
  /** What this contact is told of its messages to us. */
  readonly receipts: ReceiptSettings
  /** Error code, for instance `INVITE_USED`; undefined unless `state` is `failed`. */
  readonly failure: string | undefined
}

export type LiveState =
  /** Neither side asks for a lane. */
  | 'off'
  /** We have offered one; they have not. */
  | 'offered'
  /** They have offered one; we have not. */
  | 'invited'
  /** Both have: a lane runs from the next edge on, or does and the other end is not there. */
  | 'agreed'
  /** The other end is there. */
  | 'open'

/** Where the two sides stand with a lane: one only runs for as long as both have said so. */
export interface LiveInfo {
  readonly state: LiveState
  /** When what `state` says ends; undefined for `off`, and for a contact whose lane has no end. */
  readonly untilMs: number | undefined
}

/** Receipts ride in slots that leave anyway. Delivery receipts are on for accepted contacts, read receipts are off. */
export interface ReceiptSettings {
  readonly delivery: boolean
  readonly read: boolean
}

/** Goes forward only, except that `stored` falls back to `queued` when the copies ended unread and it is written again. */
export type DeliveryState =
  /** On disk here and sealed; the next free slot takes it. */
  | 'queued'
  /** A courier has it; no host has confirmed it yet. */
  | 'sent'
  /** Enough hosts have signed that they keep it until `stored.untilMs`. */
  | 'stored'
  /** The other side has it on disk. */
  | 'delivered'
  /** The other side's user has seen it, and lets us know. */
  | 'read'
  /** It will not arrive; `failure` says why. */
  | 'failed'

/** Verified receipts for the part of a message that has the fewest. */
export interface StoredCopies {
  readonly replicas: number
  readonly wanted: number
  /** When the first of these copies ends. */
  readonly untilMs: number
}

/** How far a sent message has come. */
export interface Delivery {
  readonly delivery: DeliveryState
  /** From `stored` on, where mailboxes were used; undefined for a message that went over a live lane. */
  readonly stored: StoredCopies | undefined
  /** Error code that says why it failed, or why it still waits, for instance `HOSTS_FULL`. */
  readonly failure: string | undefined
  /** How long until it is tried again, where something stands in the way; undefined otherwise. */
  readonly retryAfterMs: number | undefined
}

export type TransferState =
  /** Sent: all of it is on disk here, sealed; no host has any of it yet. */
  | 'queued'
  /** Sent: hosts keep some of it. */
  | 'sending'
  /** Sent: hosts keep all of it, or the contact has taken it; what is left of it there ends from `untilMs` on. */
  | 'stored'
  /** Received: announced; larger than what is fetched without being asked for. */
  | 'offered'
  /** Received: waits until there is room for it. */
  | 'waiting'
  /** Received: slots bring it piece by piece. */
  | 'downloading'
  /** Received: all of it is here, and it is what was announced. */
  | 'complete'
  /** `failure` says why. */
  | 'failed'
  /** Ended by us. */
  | 'cancelled'

/** How far a file has come. */
export interface TransferInfo {
  readonly state: TransferState
  readonly chunksDone: number
  readonly chunks: number
  /** Of a file that was sent: when the first of its copies at hosts ends. */
  readonly untilMs: number | undefined
  /** Error code, for instance `ATTACHMENT_EXPIRED`; undefined unless `state` is `failed`. */
  readonly failure: string | undefined
}

/** A file that a message brought or took along. */
export interface AttachmentInfo {
  /** Without separators of paths or invisible characters; foreign when received, and never used as a path here. */
  readonly name: string
  /** What the sender says that it is; foreign when received. */
  readonly mimeType: string | undefined
  readonly bytes: number
  readonly transfer: TransferInfo
}

export interface MessageInfo {
  readonly messageId: MessageId
  readonly contactId: ContactId
  readonly direction: 'sent' | 'received'
  readonly text: string
  /** Content type; anything this version does not know is kept and shown as `unsupported`. */
  readonly type: 'text' | 'attachment' | 'unsupported'
  /** Of a message of type `attachment`; undefined for others. */
  readonly attachment: AttachmentInfo | undefined
  /** When it was sent by its sender's clock. */
  readonly timestampMs: number
  /** When this daemon stored it. */
  readonly storedAtMs: number
  /** Undefined for received messages, as are the three after it. */
  readonly delivery: DeliveryState | undefined
  readonly stored: StoredCopies | undefined
  readonly failure: string | undefined
  readonly retryAfterMs: number | undefined
  /** Position in the conversation, from 1. */
  readonly position: number
}

export interface SentMessage extends Delivery {
  readonly messageId: MessageId
  readonly contactId: ContactId
  readonly timestampMs: number
  /** True when the idempotency key had been used before and nothing new was queued. */
  readonly repeated: boolean
}

export type MessengerEventBody =
  | { readonly type: 'message'; readonly message: MessageInfo }
  | ({
      readonly type: 'delivery'
      readonly contactId: ContactId
      readonly messageId: MessageId
    } & Delivery)
  /** Two days are left of the copies of a message that was not delivered yet. Once a message. */
  | {
      readonly type: 'expiring'
      readonly contactId: ContactId
      readonly messageId: MessageId
      readonly untilMs: number
    }
  | { readonly type: 'request'; readonly request: RequestInfo }
  | {
      readonly type: 'contact'
      readonly contactId: ContactId
      readonly state: ContactState
      readonly failure: string | undefined
    }
  | { readonly type: 'invite'; readonly inviteId: InviteId; readonly state: InviteState }
  | ({ readonly type: 'live'; readonly contactId: ContactId } & LiveInfo)
  /** A file has come further: at each change of its state, and at most ten times on the way. */
  | ({
      readonly type: 'attachment'
      readonly contactId: ContactId
      readonly messageId: MessageId
      readonly direction: 'sent' | 'received'
    } & TransferInfo)
  /** What the event told of was removed since, for instance with its contact. */
  | { readonly type: 'gone' }
  /** Events before `firstSeq` were dropped because the log is bounded. Made on reading, never stored. */
  | { readonly type: 'overflow'; readonly firstSeq: number }

export interface MessengerEvent {
  /** From 1, without gaps. */
  readonly seq: number
  readonly atMs: number
  readonly body: MessengerEventBody
}

export interface Messenger extends Startable, ClockFace {
  status(): MessengerStatus
  /**
   * `rendezvous` asks for one beside the mailboxes; when absent there is one only while no hosts are known.
   * @throws {AppError} `INVITE_LIMIT`
   */
  createInvite(options: {
    readonly expiresInMs?: number
    readonly label?: string
    readonly rendezvous?: boolean
  }): Promise<CreatedInvite>
  /** Looks at an invite without acting on it. @throws {AppError} `INVITE_MALFORMED`, `INVITE_FOREIGN` */
  previewInvite(uri: string): Promise<InvitePreview>
  /** @throws {AppError} `INVITE_*`, `MESSAGE_TOO_LONG` */
  acceptInvite(options: {
    readonly uri: string
    readonly alias?: string
    readonly message?: string
  }): Promise<ContactInfo>
  listInvites(): Promise<readonly InviteInfo[]>
  /** @throws {AppError} `INVITE_UNKNOWN`, `INVITE_USED`, `INVITE_EXPIRED` */
  revokeInvite(inviteId: InviteId): Promise<InviteInfo>
  listRequests(): Promise<readonly RequestInfo[]>
  /** @throws {AppError} `REQUEST_UNKNOWN` */
  acceptRequest(options: { readonly requestId: RequestId; readonly alias?: string }): Promise<ContactInfo>
  rejectRequest(requestId: RequestId): Promise<void>
  listContacts(): Promise<readonly ContactInfo[]>
  /** Forgets the contact, its messages and keys. @throws {AppError} `CONTACT_UNKNOWN` */
  removeContact(contactId: ContactId): Promise<void>
  block(contactId: ContactId): Promise<ContactInfo>
  unblock(contactId: ContactId): Promise<ContactInfo>
  /**
   * From now on; what was told before stays told.
   * @throws {AppError} `CONTACT_UNKNOWN`
   */
  setReceipts(options: {
    readonly contactId: ContactId
    readonly delivery?: boolean
    readonly read?: boolean
  }): Promise<ContactInfo>
  /**
   * Agrees to a lane with this contact, or no longer. What we say reaches the contact in a slot that leaves anyway; a lane
   * runs while both sides agree, from an edge of the clock to another, for `minutes` (60 when absent) from the next edge. What
   * is taken back ends at the next edge.
   * @throws {AppError} `CONTACT_UNKNOWN`, `CONTACT_NOT_READY`, `CONTACT_BLOCKED`, `CONTACT_FAILED`, `LIVE_DURATION_INVALID`,
   * `LIVE_ALWAYS`, `OUTBOX_FULL`
   */
  setLive(options: {
    readonly contactId: ContactId
    readonly on: boolean
    readonly minutes?: number
  }): Promise<ContactInfo>
  /**
   * Received messages up to this position are read; never goes back. Where the contact's read receipts are on, a receipt
   * rides in a later slot.
   * @throws {AppError} `CONTACT_UNKNOWN`, `MESSAGE_POSITION_INVALID`
   */
  markRead(options: { readonly contactId: ContactId; readonly upTo: number }): Promise<ContactInfo>
  /** Hosts that are known, best known first by the time since when; none is asked. */
  listHosts(): Promise<readonly HostInfo[]>
  /**
   * Remembers a host durably, from its `noctule-host:` URI; couriers tell of the others. Idempotent.
   * @throws {AppError} `HOST_ENTRY_MALFORMED`, `HOST_ENTRY_FOREIGN`, `HOST_ENTRY_VERSION_UNSUPPORTED`
   */
  addHost(uri: string): Promise<HostInfo>
  /**
   * When it resolves, the message is on disk, sealed for its receiver, and will arrive exactly once. With `OUTBOX_FULL`
   * the details hold `retryAfterMs`.
   * @throws {AppError} `CONTACT_UNKNOWN`, `CONTACT_NOT_READY`, `MESSAGE_TOO_LONG`, `MESSAGE_EMPTY`, `OUTBOX_FULL`
   */
  send(options: {
    readonly contactId: ContactId
    readonly text: string
    readonly idempotencyKey?: string
  }): Promise<SentMessage>
  /**
   * Reads a file and sends it. When it resolves, all of the file is on disk here, sealed, and its announcement is sent as by
   * {@link Messenger.send}; the file itself is not needed any more. With `ATTACHMENT_QUEUE_FULL` the details hold `retryAfterMs`.
   * With a key that was used before the file is not read again; another name is a conflict.
   * @throws {AppError} as `send`, and `ATTACHMENT_PATH_RELATIVE`, `ATTACHMENT_FILE_MISSING`, `ATTACHMENT_FILE_IRREGULAR`,
   * `ATTACHMENT_FILE_FORBIDDEN`, `ATTACHMENT_FILE_FAILED`, `ATTACHMENT_FILE_CHANGED`, `ATTACHMENT_TOO_LARGE`,
   * `ATTACHMENT_TYPE_INVALID`, `ATTACHMENT_QUEUE_FULL`
   */
  sendAttachment(options: {
    readonly contactId: ContactId
    /** From the root; no link. */
    readonly path: string
    /** What the contact sees; the last part of the path when absent. */
    readonly name?: string
    readonly mimeType?: string
    readonly idempotencyKey?: string
  }): Promise<SentMessage>
  /**
   * Fetches a file that is larger than what comes by itself. Idempotent.
   * @throws {AppError} `CONTACT_UNKNOWN`, `ATTACHMENT_UNKNOWN`, `ATTACHMENT_ENDED`
   */
  downloadAttachment(options: { readonly contactId: ContactId; readonly messageId: MessageId }): Promise<AttachmentInfo>
  /**
   * Writes a file that is complete to a new file of the user's, readable for nobody else; replaces nothing.
   * @throws {AppError} `CONTACT_UNKNOWN`, `ATTACHMENT_UNKNOWN`, `ATTACHMENT_INCOMPLETE`, `ATTACHMENT_ENDED`,
   * `ATTACHMENT_PATH_RELATIVE`, `ATTACHMENT_FILE_MISSING`, `ATTACHMENT_FILE_IRREGULAR`, `ATTACHMENT_FILE_FORBIDDEN`,
   * `ATTACHMENT_FILE_EXISTS`, `ATTACHMENT_FILE_FAILED`
   */
  saveAttachment(options: {
    readonly contactId: ContactId
    readonly messageId: MessageId
    readonly path: string
  }): Promise<AttachmentInfo>
  /**
   * Ends a transfer, or forgets the bytes of a file that has come, and frees its room. What hosts have stays there until it
   * expires. Does nothing to one that has ended.
   * @throws {AppError} `CONTACT_UNKNOWN`, `ATTACHMENT_UNKNOWN`
   */
  cancelAttachment(options: { readonly contactId: ContactId; readonly messageId: MessageId }): Promise<AttachmentInfo>
  /** Newest last. `before` is a position; at most `limit` (default 50, at most 500) messages before it. */
  listMessages(options: {
    readonly contactId: ContactId
    readonly before?: number
    readonly limit?: number
  }): Promise<readonly MessageInfo[]>
  /** Events with `seq` greater than `after`, oldest first, at most `limit` (at most 500). */
  readEvents(options: { readonly after: number; readonly limit: number }): Promise<readonly MessengerEvent[]>
  /** Called after the event is on disk, in order. Returns the unsubscribe function. */
  onEvent(listener: (event: MessengerEvent) => void): () => void
  /** Where the named client left off: its last acknowledged `seq`, 0 for a new one. */
  acknowledgedSeq(client: string): Promise<number>
  /** Remembers durably that `client` has dealt with everything up to `seq`. Never goes back. */
  acknowledge(client: string, seq: number): Promise<void>
}
