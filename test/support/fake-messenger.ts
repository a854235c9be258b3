/**
 * A messenger in memory, for tests of the layers above it.
 * Never a second implementation of the rules: it does just enough to be asked everything that front ends ask.
 * @module
 */
import type {
  AttachmentInfo,
  ContactInfo,
  Delivery,
  HostInfo,
  InviteInfo,
  MailboxStatus,
  MessageInfo,
  Messenger,
  MessengerEvent,
  MessengerEventBody,
  RequestInfo,
  SentMessage,
  TransferState,
} from '../../src/messenger/index.ts'
import { messengerError } from '../../src/messenger/index.ts'
import { createFakeClockFace, type FakeClockFace } from './fake-clock-face.ts'

export const FAKE_IDENTITY = '7d'.repeat(32)
const FAKE_SAFETY_NUMBER = '03927 11853 40028 77316 92050 16644 58213 09977 31415 26535 89793 23846'
export const FAKE_TIME_MS = 1_795_000_000_000
const DAY_MS = 86_400_000
const INVITE_PREFIX = 'noctule:'
const HOST_PREFIX = 'noctule-host:'

/** What every file of the fake has. */
const FAKE_FILE_BYTES = 3_500_000
const NO_CHUNKS = { chunksDone: 0, chunks: 2_526, untilMs: undefined, failure: undefined } as const

/** A message that nothing has happened to. */
export const NO_COPIES = { stored: undefined, failure: undefined, retryAfterMs: undefined } as const

const NO_LANE = { state: 'off', untilMs: undefined } as const

const NO_HOSTS: MailboxStatus = {
  hosts: 0,
  replicas: 0,
  quorum: 0,
  separation: 'none',
  couriers: [],
  tableRoot: '00'.repeat(32),
  tablesAgree: true,
  nextWriteAtMs: undefined,
  nextReadAtMs: undefined,
  loopReturn: undefined,
  lastError: undefined,
}

export interface FakeMessengerOptions {
  /** Events kept; older ones are dropped. */
  readonly logMaxCount?: number
}

export interface FakeMessenger extends Messenger {
  /** Stores an event and tells the listeners, as the real one does after its batch. */
  emit(body: MessengerEventBody): MessengerEvent
  /** A message from `contactId`, with its event. */
  receive(contactId: string, text: string, type?: MessageInfo['type']): MessengerEvent
  /** A file from `contactId` is announced, with its event. */
  receiveFile(contactId: string, name: string): MessengerEvent
  /** Moves a file on and says so. */
  moveFile(contactId: string, messageId: string, state: TransferState): MessengerEvent
  addContact(fields: Partial<ContactInfo> & { readonly contactId: string }): ContactInfo
  addRequest(fields: Partial<RequestInfo> & { readonly requestId: string }): RequestInfo
  addKnownHost(fields: Partial<HostInfo> & { readonly hostKey: string }): HostInfo
  /** Moves the message on and says so, as the real one does. */
  deliver(contactId: string, messageId: string, delivery: Partial<Delivery>): MessengerEvent
  /** Profile, traffic and estimates. */
  readonly clockFace: FakeClockFace
  /** What `status` says of the mailboxes. */
  mailbox: MailboxStatus
  /** Every event so far, kept or dropped. */
  readonly history: readonly MessengerEvent[]
  /** Listeners that are attached now. */
  listenerCount(): number
  /** Makes reads of the log wait until the returned function is called. */
  holdReads(): () => void
  /** Runs inside each read of the log, after the events were taken and before they are given back. */
  duringRead: (() => void) | undefined
  /** Thrown by the next call of `listContacts`. */
  nextFailure: Error | undefined
  /** Reads of the log so far. */
  readCount(): number
}

function hexId(kind: string, number: number): string {
  return kind + number.toString(16).padStart(32 - kind.length, '0')
}

export function createFakeMessenger({ logMaxCount = 10_000 }: FakeMessengerOptions = {}): FakeMessenger {
  const contacts = new Map<string, ContactInfo>()
  const invites = new Map<string, InviteInfo>()
  const requests = new Map<string, RequestInfo>()
  const hosts = new Map<string, HostInfo>()
  const messages = new Map<string, MessageInfo[]>()
  const acknowledged = new Map<string, number>()
  const sentByKey = new Map<string, SentMessage>()
  const history: MessengerEvent[] = []
  const listeners = new Set<(event: MessengerEvent) => void>()
  let counter = 0
  let reads = 0
  let held: Promise<void> | undefined

  const nextId = (kind: string): string => {
    counter += 1
    return hexId(kind, counter)
  }
  const getContact = (contactId: string): ContactInfo => {
    const contact = contacts.get(contactId)
    if (contact === undefined) throw messengerError('CONTACT_UNKNOWN')
    return contact
  }
  const putContact = (contact: ContactInfo): ContactInfo => {
    contacts.set(contact.contactId, contact)
    return contact
  }
  const putMessage = (
    contactId: string,
    text: string,
    fields: Pick<MessageInfo, 'direction' | 'delivery' | 'type'> & Partial<Pick<MessageInfo, 'attachment'>>,
  ): MessageInfo => {
    const conversation = messages.get(contactId) ?? []
    const message: MessageInfo = {
      messageId: nextId('e'),
      contactId,
      text,
      timestampMs: FAKE_TIME_MS + counter,
      storedAtMs: FAKE_TIME_MS + counter + 1,
      position: conversation.length + 1,
      attachment: undefined,
      ...NO_COPIES,
      ...fields,
    }
    messages.set(contactId, [...conversation, message])
    return message
  }
  const findFile = (contactId: string, messageId: string) => {
    getContact(contactId)
    const message = (messages.get(contactId) ?? []).find((each) => each.messageId === messageId)
    if (message?.attachment === undefined) throw messengerError('ATTACHMENT_UNKNOWN')
    return { message, attachment: message.attachment }
  }
  const moveFile = (contactId: string, messageId: string, state: TransferState): AttachmentInfo => {
    const { attachment: before } = findFile(contactId, messageId)
    const { chunks } = before.transfer
    const isWhole = state === 'complete' || state === 'stored'
    const attachment = { ...before, transfer: { ...before.transfer, state, chunksDone: isWhole ? chunks : 0 } }
    const conversation = messages.get(contactId) ?? []
    const moved = conversation.map((each) => (each.messageId === messageId ? { ...each, attachment } : each))
    messages.set(contactId, moved)
    return attachment
  }
  const checkUri = (uri: string): void => {
    if (!uri.startsWith(INVITE_PREFIX)) throw messengerError('INVITE_FOREIGN')
    if (!/^[a-z2-7]{8,}$/.test(uri.slice(INVITE_PREFIX.length))) throw messengerError('INVITE_MALFORMED')
  }

  const clockFace = createFakeClockFace(FAKE_TIME_MS, getContact)
  const fake: FakeMessenger = {
    clockFace,
    profile: clockFace.profile,
    setProfile: clockFace.setProfile,
    traffic: clockFace.traffic,
    sync: clockFace.sync,
    estimateSend: clockFace.estimateSend,
    start: () => Promise.resolve(),
    stop: () => Promise.resolve(),
    history,
    duringRead: undefined,
    nextFailure: undefined,
    mailbox: NO_HOSTS,
    listenerCount: () => listeners.size,
    readCount: () => reads,
    emit(body) {
      const event = { seq: history.length + 1, atMs: FAKE_TIME_MS + history.length, body }
      history.push(event)
      for (const listener of [...listeners]) listener(event)
      return event
    },
    receive(contactId, text, type = 'text') {
      const message = putMessage(contactId, text, { direction: 'received', delivery: undefined, type })
      return fake.emit({ type: 'message', message })
    },
    receiveFile(contactId, name) {
      const transfer = { state: 'offered', ...NO_CHUNKS } as const
      const attachment = { name, mimeType: 'image/jpeg', bytes: FAKE_FILE_BYTES, transfer }
      const fields = { direction: 'received', delivery: undefined, type: 'attachment', attachment } as const
      return fake.emit({ type: 'message', message: putMessage(contactId, '', fields) })
    },
    moveFile(contactId, messageId, state) {
      const { direction } = findFile(contactId, messageId).message
      const { transfer } = moveFile(contactId, messageId, state)
      return fake.emit({ type: 'attachment', contactId, messageId, direction, ...transfer })
    },
    addContact(fields) {
      const { laneOpen = true } = fields
      return putContact({
        state: 'active',
        alias: undefined,
        identity: FAKE_IDENTITY,
        safetyNumber: FAKE_SAFETY_NUMBER,
        createdAtMs: FAKE_TIME_MS,
        laneOpen,
        live: { state: laneOpen ? 'open' : 'agreed', untilMs: undefined },
        queuedMessages: 0,
        readUpTo: 0,
        receipts: { delivery: true, read: false },
        failure: undefined,
        ...fields,
      })
    },
    addRequest(fields) {
      const request: RequestInfo = {
        inviteId: hexId('b', 1),
        inviteLabel: undefined,
        receivedAtMs: FAKE_TIME_MS,
        identity: FAKE_IDENTITY,
        safetyNumber: FAKE_SAFETY_NUMBER,
        message: undefined,
        ...fields,
      }
      requests.set(request.requestId, request)
      return request
    },
    addKnownHost(fields) {
      const host: HostInfo = {
        kind: 'listed',
        firstSeenAtMs: FAKE_TIME_MS,
        expiresAtMs: FAKE_TIME_MS + 2 * DAY_MS,
        capacityMib: 4_096,
        probes: 120,
        losses: 1,
        excluded: false,
        courier: false,
        ...fields,
      }
      hosts.set(host.hostKey, host)
      return host
    },
    deliver(contactId, messageId, change) {
      const delivery: Delivery = { delivery: 'queued', ...NO_COPIES, ...change }
      const conversation = messages.get(contactId) ?? []
      messages.set(
        contactId,
        conversation.map((message) => (message.messageId === messageId ? { ...message, ...delivery } : message)),
      )
      return fake.emit({ type: 'delivery', contactId, messageId, ...delivery })
    },
    holdReads() {
      const { promise, resolve } = Promise.withResolvers<undefined>()
      held = promise
      return () => resolve(undefined)
    },
    status: () => ({
      profile: { identity: FAKE_IDENTITY, createdAtMs: FAKE_TIME_MS },
      tor: {
        stage: 'bootstrapping',
        bootstrapPercent: 45,
        bootstrapTag: 'requesting_descriptors',
        mode: 'child',
        version: '0.4.9.11',
        lastError: undefined,
        warnings: [],
      },
      mailbox: fake.mailbox,
      sending: clockFace.sending(fake.mailbox.hosts),
      contacts: contacts.size,
      openLanes: [...contacts.values()].filter(({ laneOpen }) => laneOpen).length,
      queuedMessages: [...contacts.values()].reduce((sum, contact) => sum + contact.queuedMessages, 0),
      pendingRequests: requests.size,
      activeInvites: [...invites.values()].filter(({ state }) => state === 'active').length,
      lastEventSeq: history.length,
    }),
    async createInvite({ expiresInMs = 14 * DAY_MS, label, rendezvous = hosts.size === 0 }) {
      const invite: InviteInfo = {
        inviteId: nextId('b'),
        state: 'active',
        createdAtMs: FAKE_TIME_MS,
        expiresAtMs: FAKE_TIME_MS + expiresInMs,
        label,
        published: false,
        rendezvous,
      }
      invites.set(invite.inviteId, invite)
      return { ...invite, uri: `${INVITE_PREFIX}${'aeaqcaib'.repeat(16)}` }
    },
    async previewInvite(uri) {
      checkUri(uri)
      return { version: 1, expiresAtMs: FAKE_TIME_MS + DAY_MS, expired: false, own: false, accepted: false }
    },
    async acceptInvite({ uri, alias }) {
      checkUri(uri)
      const unknownYet = { identity: undefined, safetyNumber: undefined, laneOpen: false, live: NO_LANE }
      return fake.addContact({ contactId: nextId('c'), state: 'requesting', alias, ...unknownYet })
    },
    listInvites: async () => [...invites.values()],
    async revokeInvite(inviteId) {
      const invite = invites.get(inviteId)
      if (invite === undefined) throw messengerError('INVITE_UNKNOWN')
      const revoked: InviteInfo = { ...invite, state: 'revoked' }
      invites.set(inviteId, revoked)
      fake.emit({ type: 'invite', inviteId, state: 'revoked' })
      return revoked
    },
    listRequests: async () => [...requests.values()],
    async acceptRequest({ requestId, alias }) {
      if (!requests.delete(requestId)) throw messengerError('REQUEST_UNKNOWN')
      return fake.addContact({ contactId: nextId('c'), alias, laneOpen: false, live: NO_LANE })
    },
    async rejectRequest(requestId) {
      if (!requests.delete(requestId)) throw messengerError('REQUEST_UNKNOWN')
    },
    async listContacts() {
      const failure = fake.nextFailure
      fake.nextFailure = undefined
      if (failure !== undefined) throw failure
      return [...contacts.values()]
    },
    async removeContact(contactId) {
      contacts.delete(getContact(contactId).contactId)
    },
    block: async (contactId) => putContact({ ...getContact(contactId), state: 'blocked', laneOpen: false }),
    unblock: async (contactId) => putContact({ ...getContact(contactId), state: 'active' }),
    async setReceipts({ contactId, ...change }) {
      const contact = getContact(contactId)
      return putContact({ ...contact, receipts: { ...contact.receipts, ...change } })
    },
    async setLive({ contactId, on, minutes = 60 }) {
      const contact = getContact(contactId)
      if (contact.state === 'requesting') throw messengerError('CONTACT_NOT_READY')
      const untilMs = FAKE_TIME_MS + minutes * 60_000
      const changed = putContact({ ...contact, laneOpen: false, live: on ? { state: 'offered', untilMs } : NO_LANE })
      fake.emit({ type: 'live', contactId, ...changed.live })
      return changed
    },
    async markRead({ contactId, upTo }) {
      const contact = getContact(contactId)
      if (upTo > (messages.get(contactId)?.length ?? 0)) throw messengerError('MESSAGE_POSITION_INVALID')
      return putContact({ ...contact, readUpTo: Math.max(upTo, contact.readUpTo) })
    },
    listHosts: async () => [...hosts.values()],
    async addHost(uri) {
      if (!uri.startsWith(HOST_PREFIX)) throw messengerError('HOST_ENTRY_FOREIGN')
      if (!/^[a-z2-7]{8,}$/.test(uri.slice(HOST_PREFIX.length))) throw messengerError('HOST_ENTRY_MALFORMED')
      const unknownYet = {
        kind: 'entry',
        expiresAtMs: undefined,
        capacityMib: undefined,
        probes: 0,
        losses: 0,
      } as const
      return fake.addKnownHost({ hostKey: '5e'.repeat(32), ...unknownYet })
    },
    async send({ contactId, text, idempotencyKey }) {
      const contact = getContact(contactId)
      if (contact.state === 'requesting') throw messengerError('CONTACT_NOT_READY')
      if (text.length === 0) throw messengerError('MESSAGE_EMPTY')
      const before = idempotencyKey === undefined ? undefined : sentByKey.get(idempotencyKey)
      if (before !== undefined) return { ...before, repeated: true }
      const message = putMessage(contactId, text, { direction: 'sent', delivery: 'queued', type: 'text' })
      const { messageId, timestampMs } = message
      const sent: SentMessage = {
        messageId,
        contactId,
        timestampMs,
        delivery: 'queued',
        ...NO_COPIES,
        repeated: false,
      }
      if (idempotencyKey !== undefined) sentByKey.set(idempotencyKey, sent)
      return sent
    },
    async sendAttachment({ contactId, path, name = path.slice(path.lastIndexOf('/') + 1), mimeType }) {
      getContact(contactId)
      if (!path.startsWith('/')) throw messengerError('ATTACHMENT_PATH_RELATIVE')
      if (path.includes('missing')) throw messengerError('ATTACHMENT_FILE_MISSING')
      const transfer = { state: 'queued', ...NO_CHUNKS } as const
      const attachment = { name, mimeType, bytes: FAKE_FILE_BYTES, transfer }
      const fields = { direction: 'sent', delivery: 'queued', type: 'attachment', attachment } as const
      const { messageId, timestampMs } = putMessage(contactId, '', fields)
      return { messageId, contactId, timestampMs, delivery: 'queued', ...NO_COPIES, repeated: false }
    },
    downloadAttachment: async ({ contactId, messageId }) => moveFile(contactId, messageId, 'downloading'),
    async saveAttachment({ contactId, messageId, path }) {
      const { attachment } = findFile(contactId, messageId)
      if (path.includes('exists')) throw messengerError('ATTACHMENT_FILE_EXISTS')
      if (attachment.transfer.state !== 'complete') throw messengerError('ATTACHMENT_INCOMPLETE')
      return attachment
    },
    cancelAttachment: async ({ contactId, messageId }) => moveFile(contactId, messageId, 'cancelled'),
    async listMessages({ contactId, before = Number.POSITIVE_INFINITY, limit = 50 }) {
      getContact(contactId)
      return (messages.get(contactId) ?? []).filter(({ position }) => position < before).slice(-limit)
    },
    async readEvents({ after, limit }) {
      reads += 1
      await held
      const firstKept = Math.max(1, history.length - logMaxCount + 1)
      const found = history.slice(Math.max(after, firstKept - 1)).slice(0, limit)
      fake.duringRead?.()
      if (after + 1 >= firstKept) return found
      return [{ seq: firstKept - 1, atMs: 0, body: { type: 'overflow', firstSeq: firstKept } }, ...found]
    },
    onEvent(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    acknowledgedSeq: async (client) => acknowledged.get(client) ?? 0,
    async acknowledge(client, seq) {
      if (seq > history.length) throw messengerError('EVENT_SEQ_INVALID')
      acknowledged.set(client, Math.max(seq, acknowledged.get(client) ?? 0))
    },
  }
  return fake
}
