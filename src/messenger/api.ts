/**
 * The face of the messenger: what front ends can ask for, in domain words.
 * Never waits for the network: every answer tells what is stored, and events tell the rest. DESIGN §9, spec 08-rpc.
 * @module
 */
import type { Startable, TorStatus } from '../ports/index.ts'

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
  /** True once the rendezvous is reachable for whoever holds the invite. */
  readonly published: boolean
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
  /** Both sides agreed; messages flow whenever both are online. */
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
  readonly queuedMessages: number
  /** Error code, for instance `INVITE_USED`; undefined unless `state` is `failed`. */
  readonly failure: string | undefined
}

export type DeliveryState = 'queued' | 'delivered' | 'failed'

export interface MessageInfo {
  readonly messageId: MessageId
  readonly contactId: ContactId
  readonly direction: 'sent' | 'received'
  readonly text: string
  /** Content type; anything this version does not know is kept and shown as `unsupported`. */
  readonly type: 'text' | 'unsupported'
  /** When it was sent by its sender's clock. */
  readonly timestampMs: number
  /** When this daemon stored it. */
  readonly storedAtMs: number
  /** Undefined for received messages. */
  readonly delivery: DeliveryState | undefined
  /** Position in the conversation, from 1. */
  readonly position: number
}

export interface SentMessage {
  readonly messageId: MessageId
  readonly contactId: ContactId
  readonly timestampMs: number
  readonly delivery: DeliveryState
  /** True when the idempotency key had been used before and nothing new was queued. */
  readonly repeated: boolean
}

export type MessengerEventBody =
  | { readonly type: 'message'; readonly message: MessageInfo }
  | {
      readonly type: 'delivery'
      readonly contactId: ContactId
      readonly messageId: MessageId
      readonly delivery: DeliveryState
    }
  | { readonly type: 'request'; readonly request: RequestInfo }
  | {
      readonly type: 'contact'
      readonly contactId: ContactId
      readonly state: ContactState
      readonly failure: string | undefined
    }
  | { readonly type: 'invite'; readonly inviteId: InviteId; readonly state: InviteState }
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

export interface Messenger extends Startable {
  status(): MessengerStatus
  /** @throws {AppError} `INVITE_LIMIT` */
  createInvite(options: { readonly expiresInMs?: number; readonly label?: string }): Promise<CreatedInvite>
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
   * When it resolves, the message is on disk, sealed for its receiver, and will arrive exactly once.
   * @throws {AppError} `CONTACT_UNKNOWN`, `CONTACT_NOT_READY`, `MESSAGE_TOO_LONG`, `MESSAGE_EMPTY`, `OUTBOX_FULL`
   */
  send(options: {
    readonly contactId: ContactId
    readonly text: string
    readonly idempotencyKey?: string
  }): Promise<SentMessage>
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
