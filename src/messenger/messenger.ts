/**
 * The messenger: loads what is stored, keeps lanes and rendezvous running, and answers the front ends.
 * Never touches a socket itself: use-cases change state, runners on their own clocks do the rest. Spec 10-messenger.
 * @module
 */
import { attempt, createSteadyTime, createTaskGroup, hexEncode } from '../base/index.ts'
import {
  createIdentityKeys,
  decodeIdentityKeys,
  encodeIdentityKeys,
  identityHash,
  publicIdentity,
} from '../identity/index.ts'
import { parseHostUri } from '../mailbox/index.ts'
import { initiateHandshake, openEnvelope, respondHandshake, sealEnvelope } from '../session/index.ts'
import type { HostEntry } from '../wire/index.ts'
import type { Messenger, MessengerEvent, MessengerEventBody } from './api.ts'
import { createAttachmentBook, emptyTrash, loadAttachments } from './attachments/book.ts'
import {
  cancelAttachment,
  describeStored,
  downloadAttachment,
  saveAttachment,
  sweepAttachments,
} from './attachments/control.ts'
import { sendAttachment } from './attachments/sending.ts'
import { describeProfile, describeSending, describeTraffic, estimateSend } from './clock-info.ts'
import {
  acceptInvite,
  acceptRequest,
  blockContact,
  describeContact,
  findContact,
  previewInvite,
  removeContact,
  resumeContact,
  setReceipts,
  sweepRequests,
  sweepSessions,
  unblockContact,
} from './contact-book.ts'
import type { Context, InviteEntry, MessengerDeps, SessionFunctions } from './context.ts'
import { markRead, sendMessage } from './conversation.ts'
import { messengerError } from './errors.ts'
import { openEventLog } from './event-log.ts'
import {
  checkName,
  createInvite,
  describeInvite,
  describeRequest,
  openInvite,
  rejectRequest,
  revokeInvite,
  sweepInvites,
} from './invitations.ts'
import { createJournal } from './journal.ts'
import { contactKey } from './keys.ts'
import { setLive } from './live.ts'
import { createLiveClock } from './live-clock.ts'
import { loadContact } from './load-contact.ts'
import { createMailboxOwner, scheduleAck } from './mailbox-owner.ts'
import { LIST_LIMIT_DEFAULT_COUNT, LIST_LIMIT_MAX_COUNT, MAINTENANCE_INTERVAL_MS, NAME_MAX_LENGTH } from './options.ts'
import { sweepBoxes } from './outbound-boxes.ts'
import {
  getRecord,
  IDS,
  INVITE,
  INVITE_SECRETS,
  MESSAGE,
  POSITION,
  PROFILE,
  REQUEST,
  readRecord,
  SELF,
  type StoredEvent,
  TABLE,
} from './records.ts'

/** The ratchet as it ships. */
export const SESSION_FUNCTIONS: SessionFunctions = { sealEnvelope, openEnvelope, initiateHandshake, respondHandshake }

/**
 * Loads the profile, making one in an empty store, and all contacts, invites and requests.
 * Nothing touches the network before `start`.
 * @throws {AppError} `STATE_CORRUPT` and the store's own codes
 */
export async function openMessenger(deps: MessengerDeps): Promise<Messenger> {
  const { store, clock, logger } = deps
  const events = await openEventLog(store)
  const listeners = new Set<(event: MessengerEvent) => void>()
  const journal = createJournal({
    store,
    clock,
    events,
    broadcast: (event) => {
      for (const listener of listeners) listener(event)
    },
  })
  const profile = await openProfile(deps)
  const tasks = createTaskGroup(deps.onFailure)
  const mailbox = await deps.createMailbox(createMailboxOwner(() => context))
  const context: Context = {
    deps,
    journal,
    own: profile.keys,
    ownPublic: publicIdentity(profile.keys),
    contacts: new Map(),
    invites: new Map(),
    requests: new Map(),
    shownIdentities: new Map(),
    mailbox,
    attachments: createAttachmentBook(),
    steady: createSteadyTime(clock),
    watchers: new Map(),
    resume: (entry) => resumeContact(context, entry),
    background: (task) => tasks.own(task),
  }
  await loadAll(context)
  await mailbox.load()
  // Counted from here on, whenever the first record is.
  deps.traffic.report(clock.nowMs(), mailbox.pace())
  const liveClock = createLiveClock(context, deps.network, deps.clockRandom ?? deps.random)
  const identity = hexEncode(identityHash(context.ownPublic))
  let isStopped = false
  let stopped: Promise<void> | undefined

  const assertRunning = (): void => {
    if (isStopped) throw messengerError('MESSENGER_STOPPED')
  }
  const maintain = async (): Promise<void> => {
    for (;;) {
      await clock.sleep(MAINTENANCE_INTERVAL_MS, tasks.signal)
      // Asked in each round, so that no jump of the clock goes unseen.
      context.steady.nowMs()
      // Each by itself: one that fails, for instance on a full disk, must not keep the others from erasing.
      for (const sweep of [sweepInvites, sweepRequests, sweepSessions, sweepBoxes, sweepAttachments]) {
        await attempt(logger, 'maintenance failed', () => sweep(context))
      }
    }
  }
  const expand = (stored: StoredEvent['body']): Promise<MessengerEventBody | undefined> => expandEvent(context, stored)

  return {
    start() {
      for (const entry of context.contacts.values()) {
        if (entry.mailbox.ackOwed) scheduleAck(context, entry)
        resumeContact(context, entry)
      }
      for (const entry of context.invites.values()) openInvite(context, entry)
      tasks.own(attempt(logger, 'rows of files not deleted', () => emptyTrash(context)).then(() => undefined))
      tasks.own(maintain())
      liveClock.start()
      logger.info('messenger started', { contacts: context.contacts.size })
      return mailbox.start()
    },
    stop() {
      stopped ??= (async () => {
        isStopped = true
        await Promise.all([tasks.stop(), liveClock.stop(), mailbox.stop()])
        await context.attachments.sending.idle()
        await journal.idle()
        logger.info('messenger stopped')
      })()
      return stopped
    },
    status() {
      const contacts = [...context.contacts.values()]
      return {
        profile: { identity, createdAtMs: profile.createdAtMs },
        tor: deps.tor.status(),
        mailbox: context.mailbox.status(),
        sending: describeSending(context),
        contacts: contacts.length,
        openLanes: contacts.filter((entry) => !entry.muted && entry.lane?.isOpen() === true).length,
        queuedMessages: contacts.reduce((sum, { record }) => sum + record.queuedMessages, 0),
        pendingRequests: context.requests.size,
        activeInvites: [...context.invites.values()].filter(({ record }) => record.state === 'active').length,
        lastEventSeq: events.lastSeq(),
      }
    },
    async createInvite(options) {
      assertRunning()
      return createInvite(context, options)
    },
    previewInvite: async (uri) => previewInvite(context, uri),
    async acceptInvite(options) {
      assertRunning()
      return acceptInvite(context, options)
    },
    listInvites: () => journal.inspect(() => [...context.invites.values()].map(describeInvite)),
    async revokeInvite(inviteId) {
      assertRunning()
      return revokeInvite(context, inviteId)
    },
    listRequests: () =>
      journal.inspect(() => [...context.requests.values()].map((record) => describeRequest(context, record))),
    async acceptRequest(options) {
      assertRunning()
      return acceptRequest(context, options)
    },
    async rejectRequest(requestId) {
      assertRunning()
      await rejectRequest(context, requestId)
    },
    listContacts: () =>
      journal.inspect(() => [...context.contacts.values()].map((entry) => describeContact(context, entry))),
    async removeContact(contactId) {
      assertRunning()
      await removeContact(context, contactId)
      await attempt(logger, 'rows of files not deleted', () => emptyTrash(context))
    },
    async block(contactId) {
      assertRunning()
      return blockContact(context, contactId)
    },
    async unblock(contactId) {
      assertRunning()
      return unblockContact(context, contactId)
    },
    async setReceipts({ contactId, ...settings }) {
      assertRunning()
      return setReceipts(context, contactId, settings)
    },
    async setLive({ contactId, ...options }) {
      assertRunning()
      const entry = findContact(context, contactId)
      await setLive(context, entry, options)
      return describeContact(context, entry)
    },
    async markRead({ contactId, upTo }) {
      assertRunning()
      const entry = findContact(context, contactId)
      await markRead(context, entry, upTo)
      return describeContact(context, entry)
    },
    listHosts: async () => context.mailbox.hosts(),
    async addHost(uri) {
      assertRunning()
      const entry = readHostUri(uri)
      await context.mailbox.addHosts([entry])
      const hostKey = hexEncode(entry.hostKey)
      const added = context.mailbox.hosts().find((host) => host.hostKey === hostKey)
      if (added === undefined) throw messengerError('HOST_LIMIT')
      return added
    },
    profile: () => describeProfile(context),
    async setProfile(name) {
      assertRunning()
      return context.mailbox.setProfile(name)
    },
    traffic: () => describeTraffic(context),
    sync() {
      assertRunning()
      if (!context.mailbox.sync()) throw messengerError('PROFILE_NOT_MANUAL')
      return context.mailbox.syncState()
    },
    estimateSend: ({ contactId, ...what }) =>
      journal.inspect(() => estimateSend(context, findContact(context, contactId), what)),
    async send(options) {
      assertRunning()
      checkIdempotencyKey(options.idempotencyKey)
      return sendMessage(context, findContact(context, options.contactId), options)
    },
    async sendAttachment({ contactId, ...options }) {
      assertRunning()
      checkIdempotencyKey(options.idempotencyKey)
      return sendAttachment(context, findContact(context, contactId), options, assertRunning)
    },
    async downloadAttachment({ contactId, messageId }) {
      assertRunning()
      return downloadAttachment(context, findContact(context, contactId), messageId)
    },
    async saveAttachment({ contactId, messageId, path }) {
      assertRunning()
      return saveAttachment(context, findContact(context, contactId), messageId, path)
    },
    async cancelAttachment({ contactId, messageId }) {
      assertRunning()
      return cancelAttachment(context, findContact(context, contactId), messageId)
    },
    listMessages: ({ contactId, before, limit }) =>
      journal.inspect(async () => {
        const { record } = findContact(context, contactId)
        const end = Math.min(record.messageCount, (before ?? Number.POSITIVE_INFINITY) - 1)
        const count = Math.min(limit ?? LIST_LIMIT_DEFAULT_COUNT, LIST_LIMIT_MAX_COUNT)
        const messages = []
        for (let position = Math.max(1, end - count + 1); position <= end; position += 1) {
          const message = await getRecord(store, TABLE.message, contactKey(contactId, position), MESSAGE)
          messages.push(await describeStored(context, contactId, position, message))
        }
        return messages
      }),
    readEvents: ({ after, limit }) =>
      journal.inspect(() => events.read(after, Math.min(limit, LIST_LIMIT_MAX_COUNT), expand)),
    onEvent(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    async acknowledgedSeq(client) {
      return (await readRecord(store, TABLE.eventClient, checkClient(client), POSITION)) ?? 0
    },
    async acknowledge(client, seq) {
      assertRunning()
      const name = checkClient(client)
      await journal.transact(async (step) => {
        if (seq > events.lastSeq()) throw messengerError('EVENT_SEQ_INVALID')
        const before = (await readRecord(store, TABLE.eventClient, name, POSITION)) ?? 0
        if (seq > before) step.put(TABLE.eventClient, name, POSITION.encode(seq))
      })
    },
  }
}

/** @throws {AppError} `HOST_ENTRY_*` */
function readHostUri(uri: string): HostEntry {
  const parsed = parseHostUri(uri)
  if (parsed.ok) return parsed.entry
  switch (parsed.reason) {
    case 'malformed':
      throw messengerError('HOST_ENTRY_MALFORMED')
    case 'foreign':
      throw messengerError('HOST_ENTRY_FOREIGN')
    case 'unsupported-version':
      throw messengerError('HOST_ENTRY_VERSION_UNSUPPORTED')
  }
}

function checkIdempotencyKey(key: string | undefined): void {
  if (key === undefined || (key.length > 0 && key.length <= NAME_MAX_LENGTH && key.isWellFormed())) return
  throw messengerError('IDEMPOTENCY_KEY_INVALID')
}

function checkClient(client: string): string {
  const name = checkName(client)
  if (name === undefined || name !== client) throw messengerError('EVENT_CLIENT_INVALID')
  return name
}

async function openProfile(deps: MessengerDeps) {
  const stored = await readRecord(deps.store, TABLE.profile, SELF, PROFILE)
  if (stored !== undefined) {
    const keys = decodeIdentityKeys(stored.keys)
    if (keys === undefined) throw messengerError('STATE_CORRUPT')
    return { keys, createdAtMs: stored.createdAtMs }
  }
  const keys = createIdentityKeys()
  const createdAtMs = deps.clock.nowMs()
  const value = PROFILE.encode({ createdAtMs, keys: encodeIdentityKeys(keys) })
  await deps.store.batch([{ type: 'put', table: TABLE.profile, key: SELF, value }])
  return { keys, createdAtMs }
}

async function loadAll(context: Context): Promise<void> {
  const { store } = context.deps
  for (const id of (await readRecord(store, TABLE.contactIds, SELF, IDS)) ?? []) {
    context.contacts.set(id, await loadContact(context, id))
  }
  for (const id of (await readRecord(store, TABLE.inviteIds, SELF, IDS)) ?? []) {
    const record = await getRecord(store, TABLE.invite, id, INVITE)
    const secrets = await readRecord(store, TABLE.inviteSecrets, id, INVITE_SECRETS)
    const entry: InviteEntry = { record, secrets, published: false }
    context.invites.set(id, entry)
  }
  for (const id of (await readRecord(store, TABLE.requestIds, SELF, IDS)) ?? []) {
    context.requests.set(id, await getRecord(store, TABLE.request, id, REQUEST))
  }
  await loadAttachments(context)
}

async function expandEvent(context: Context, stored: StoredEvent['body']): Promise<MessengerEventBody | undefined> {
  const { store } = context.deps
  switch (stored.type) {
    case 'message': {
      const { contactId, position } = stored
      const message = await readRecord(store, TABLE.message, contactKey(contactId, position), MESSAGE)
      return message === undefined
        ? undefined
        : { type: 'message', message: await describeStored(context, contactId, position, message) }
    }
    case 'request': {
      const request = context.requests.get(stored.requestId)
      return request === undefined ? undefined : { type: 'request', request: describeRequest(context, request) }
    }
    case 'delivery':
    case 'expiring':
    case 'contact':
    case 'invite':
    case 'live':
    case 'attachment':
      return stored
  }
}
