/**
 * The things that methods take and give, each described once under its own name.
 * Never holds a rule of the messenger: what a text may say is decided there. Spec 08-rpc §3.
 * @module
 */
import type { Schema } from './schema/index.ts'
import { anyObject, array, boolean, enumeration, integer, named, object, optional, string } from './schema/index.ts'

/** Texts that a person types; the messenger has narrower rules and codes of its own for them. */
export const SHORT_TEXT_MAX_LENGTH = 1_024
const URI_MAX_LENGTH = 4_096
/** As long as a path may be on Linux. */
const PATH_MAX_LENGTH = 4_096
export const LIST_LIMIT_MAX_COUNT = 500

export const timeMs = (description: string): Schema<number> =>
  integer({ description: `${description} Milliseconds since 1970 UTC.`, minimum: 0 })

const digest = (description: string): Schema<string> =>
  string({ description, pattern: '^[0-9a-f]{64}$', form: '64 lower-case hexadecimal characters' })

const hexId = (description: string): Schema<string> =>
  string({ description, pattern: '^[0-9a-f]{32}$', form: '32 lower-case hexadecimal characters' })

export const recipient = hexId('Id of a contact, as `listContacts` gives it.')
export const contactId = hexId('Id of the contact; made on this machine and of no meaning elsewhere.')
export const inviteId = hexId('Id of the invite.')
export const requestId = hexId('Id of the contact request.')
export const messageId = hexId('Id of the message.')
export const identity = digest('Hash of the public identity keys of a profile.')
const hostKey = digest('Public key of the host.')
const tableRoot = digest('Names a table of hosts: equal for equal tables.')
export const hostUri = string({
  description: 'The `noctule-host:` URI of a host.',
  minLength: 1,
  maxLength: URI_MAX_LENGTH,
})
export const position = integer({ description: 'Place in the conversation, from 1.', minimum: 1 })
const safetyNumber = string({
  description: '60 digits in groups of five, equal on both sides; compare them over another channel.',
})
export const inviteUri = string({
  description: 'The `noctule:` URI of an invite.',
  minLength: 1,
  maxLength: URI_MAX_LENGTH,
})
export const alias = string({
  description: 'A name of your own for the contact; never leaves this machine.',
  maxLength: SHORT_TEXT_MAX_LENGTH,
})
export const label = string({
  description: 'A note of your own on the invite; never leaves this machine.',
  maxLength: SHORT_TEXT_MAX_LENGTH,
})
export const messageText = string({ description: 'The text.' })
export const idempotencyKey = string({
  description: 'A repeated call with the same key sends nothing new and gives the first result again.',
  minLength: 1,
  maxLength: SHORT_TEXT_MAX_LENGTH,
})
export const clientName = string({
  description: 'Name under which a front end keeps its place in the event log.',
  minLength: 1,
  maxLength: SHORT_TEXT_MAX_LENGTH,
})
export const subscription = integer({ description: 'Number of the subscription on this connection.', minimum: 1 })
export const seq = integer({ description: 'Number of the event, from 1, without gaps.', minimum: 0 })
export const since = integer({
  description: 'Only events after this one; 0 for all, and where the named client left off when absent.',
  minimum: 0,
})
export const inviteState = enumeration(['active', 'used', 'revoked', 'expired'], 'Where the invite stands.')
export const contactState = enumeration(
  ['requesting', 'requested', 'active', 'failed', 'blocked'],
  'requesting: our request is on its way. requested: the other daemon has it. active: both agreed. failed: see `failure`. blocked: by us.',
)
export const deliveryState = enumeration(
  ['queued', 'sent', 'stored', 'delivered', 'read', 'failed'],
  'queued: on disk here and sealed. sent: a courier has it. stored: hosts have signed that they keep it, see `stored`. delivered: on disk there. read: seen there, if the contact tells. failed: see `failure`.',
)
const storedCopies = named(
  'StoredCopies',
  object({
    replicas: integer({ description: 'Hosts whose signed receipts were verified.', minimum: 0 }),
    wanted: integer({ description: 'Hosts that should keep it.', minimum: 0 }),
    untilMs: timeMs('When the first of these copies ends.'),
  }),
  'Copies of a message at hosts; for one of several parts, of the part that has the fewest.',
)
/** How far a sent message has come. */
export const delivery = {
  stored: optional(storedCopies),
  failure: optional(string({ description: 'Error code that says why it failed, or what it still waits for.' })),
  retryAfterMs: optional(
    integer({ description: 'Milliseconds until it is tried again, where something stands in the way.', minimum: 0 }),
  ),
}
/** What the methods that send reply. */
export const sentMessage = object({
  timestamp: timeMs('When it was sent.'),
  messageId,
  contactId,
  delivery: deliveryState,
  ...delivery,
  repeated: boolean('True when the idempotency key was used before and nothing new was queued.'),
})
export const failure = string({
  description: 'Error code that says why the contact failed, for instance `INVITE_USED`.',
})

export const empty = named('Empty', object({}), 'Nothing to say.')

const inviteMembers = {
  inviteId,
  state: inviteState,
  createdAtMs: timeMs('When it was made.'),
  expiresAtMs: timeMs('When it stops working.'),
  label: optional(label),
  published: boolean(
    'True once whoever holds the invite can use it: hosts keep its bundle, or its rendezvous can be reached.',
  ),
  rendezvous: boolean('True when it has a rendezvous, which needs this daemon to be online.'),
}
export const invite = named('Invite', object(inviteMembers))
export const createdInvite = named(
  'CreatedInvite',
  object({ ...inviteMembers, uri: inviteUri }),
  'An invite with its secret. Whoever holds the URI first can ask for contact; it is shown once.',
)
export const invitePreview = named(
  'InvitePreview',
  object({
    version: integer({ description: 'Version of the invite format.', minimum: 0 }),
    expiresAtMs: timeMs('When it stops working.'),
    expired: boolean(),
    own: boolean('True when this profile made the invite.'),
    accepted: boolean('True when this profile has accepted the invite before.'),
  }),
)
export const request = named(
  'Request',
  object({
    requestId,
    inviteId,
    inviteLabel: optional(label),
    receivedAtMs: timeMs('When the request came.'),
    identity,
    safetyNumber,
    message: optional(string({ description: 'What the requester wrote. Foreign text.' })),
  }),
  'Somebody used one of our invites and waits for an answer.',
)
export const liveMembers = {
  state: enumeration(
    ['off', 'offered', 'invited', 'agreed', 'open'],
    'off: nobody asks for a lane. offered: you do. invited: the contact does. agreed: both do; it runs from the next quarter of an hour on. open: the other end is there.',
  ),
  untilMs: optional(timeMs('When that ends; absent for `off`, and for a lane without an end.')),
}
export const contact = named(
  'Contact',
  object({
    contactId,
    state: contactState,
    alias: optional(alias),
    identity: optional(identity),
    safetyNumber: optional(safetyNumber),
    createdAtMs: timeMs('When the contact was made.'),
    laneOpen: boolean('True while a connection to this contact is open; known to you only.'),
    live: object(liveMembers, 'Where the two of you stand with a lane; it runs only while both agree.'),
    queuedMessages: integer({ description: 'Messages that wait for this contact.', minimum: 0 }),
    readUpTo: integer({ description: 'Position up to which you have read; 0 for none.', minimum: 0 }),
    receipts: object({
      delivery: boolean('Whether the contact is told that its messages arrived.'),
      read: boolean('Whether the contact is told that you have read them.'),
    }),
    failure: optional(failure),
  }),
)
const transferState = enumeration(
  ['queued', 'sending', 'stored', 'offered', 'waiting', 'downloading', 'complete', 'failed', 'cancelled'],
  'Sent: queued: on disk here and sealed. sending: hosts keep some of it. stored: hosts keep all of it. Received: offered: too large to come by itself, see `downloadAttachment`. waiting: for room. downloading: slots bring it. complete: here and checked, see `saveAttachment`. Both: failed: see `failure`. cancelled: by you.',
)
/** How far a file has come. */
export const transfer = {
  state: transferState,
  chunksDone: integer({ description: 'Pieces that hosts keep, or that are here.', minimum: 0 }),
  chunks: integer({ description: 'Pieces in all; one fills a box.', minimum: 1 }),
  untilMs: optional(timeMs('Of a file that was sent: when the first of its copies at hosts ends.')),
  failure: optional(string({ description: 'Error code that says why it failed.' })),
}
export const attachment = named(
  'Attachment',
  object({
    name: string({ description: 'Name of the file. Foreign when received; holds no separators and is no path.' }),
    mimeType: optional(string({ description: 'What the sender says that it is. Foreign when received.' })),
    bytes: integer({ description: 'Length of the file.', minimum: 0 }),
    transfer: object(transfer),
  }),
)
export const filePath = string({
  description: 'Path of a file of the machine of the daemon, from the root; the daemon reads or writes it itself.',
  minLength: 1,
  maxLength: PATH_MAX_LENGTH,
})
export const message = named(
  'Message',
  object({
    messageId,
    contactId,
    direction: enumeration(['sent', 'received']),
    text: string({ description: 'The text. Foreign when received; empty but for type `text`.' }),
    type: enumeration(
      ['text', 'attachment', 'unsupported'],
      'attachment: a file, see `attachment`. unsupported: made by a newer version.',
    ),
    attachment: optional(attachment),
    timestampMs: timeMs("When it was sent, by its sender's clock."),
    storedAtMs: timeMs('When this daemon stored it.'),
    delivery: optional(deliveryState),
    ...delivery,
    position,
  }),
)
export const torStatus = named(
  'TorStatus',
  object({
    stage: enumeration([
      'stopped',
      'searching',
      'launching',
      'authenticating',
      'bootstrapping',
      'ready',
      'lost',
      'missing',
    ]),
    bootstrapPercent: integer({ minimum: 0, maximum: 100 }),
    bootstrapTag: string({ description: "tor's own name of the bootstrap step, or `unknown`." }),
    mode: enumeration(['attached', 'child', 'none'], "attached: to the system's tor. child: started by noctule."),
    version: optional(string({ description: 'Version of tor.' })),
    lastError: optional(string({ description: 'Code of the last failure of tor.' })),
    warnings: array(string(), { description: 'Codes of optional features that this tor refuses.' }),
  }),
)
export const host = named(
  'Host',
  object({
    hostKey,
    kind: enumeration(['entry', 'listed'], 'entry: given by a person or an invite. listed: its own word is known too.'),
    firstSeenAtMs: timeMs('When this daemon first heard of it.'),
    expiresAtMs: optional(timeMs('When its descriptor ends, unless it gives a new one.')),
    capacityMib: optional(integer({ description: 'Room for boxes, as it says itself.', minimum: 0 })),
    probes: integer({ description: 'Loops that went through it or should have come from it.', minimum: 0 }),
    losses: integer({ description: 'How many of them were lost.', minimum: 0 }),
    excluded: boolean('True while it is left out because it loses too much.'),
    courier: boolean('True while it is one of your couriers.'),
  }),
)
export const mailboxStatus = named(
  'MailboxStatus',
  object({
    guarantee: string({ description: 'What the hosts that are known can promise, in words for people.' }),
    hosts: integer({ description: 'Hosts that are known.', minimum: 0 }),
    replicas: integer({ description: 'Hosts that keep a new box.', minimum: 0 }),
    quorum: integer({ description: 'Receipts without which nothing is called stored.', minimum: 0 }),
    separation: enumeration(
      ['none', 'single', 'partial', 'full'],
      'How well roles are kept apart. none: no hosts. single: one host does everything. partial: some roles fall together. full: courier, intermediate and store differ.',
    ),
    couriers: array(object({ hostKey, stage: enumeration(['working', 'connecting', 'opening', 'ready', 'failed']) }), {
      description: 'working: proof of work. connecting: circuit to its onion service. opening: first records.',
    }),
    tableRoot,
    tablesAgree: boolean('False while two couriers show tables that do not agree.'),
    nextWriteAtMs: optional(timeMs('When the next write slot is.')),
    nextReadAtMs: optional(timeMs('When the next read slot is.')),
    loopReturnPercent: optional(
      integer({ description: 'Loops that came back, of the last ones.', minimum: 0, maximum: 100 }),
    ),
    lastError: optional(string({ description: 'Code of the last failure.' })),
  }),
)
const count = (description: string): Schema<number> => integer({ description, minimum: 0 })
export const hostStats = named(
  'HostStats',
  object({
    host: hostUri,
    hostKey,
    published: boolean('True once both onion services have reached their directories.'),
    startedAtMs: timeMs('When the host was started.'),
    boxes: count('Boxes that it keeps.'),
    boxBytes: count('What they take on disk.'),
    quotaBytes: count('What they may take.'),
    tombstones: count('Ids of boxes that were taken back by their owners and did not expire yet.'),
    hosts: count('Hosts that it knows.'),
    tableRoot,
    courierSessions: count('Clients whose courier it is.'),
    stored: count('Boxes taken since the start.'),
    conflicts: count('Writes refused because the id was taken.'),
    refusedFull: count('Writes refused for want of room.'),
    fetched: count('Boxes given out.'),
    missed: count('Asked for and not there.'),
    relayed: count('Requests of clients passed on.'),
    expired: count('Boxes whose time was over.'),
    repaired: count('Copies made where other hosts had gone.'),
  }),
  'Counts since the start where nothing else is said. Nothing of it names a client.',
)
export const openRpcDocument = named('OpenRpcDocument', anyObject('A document in the form of OpenRPC 1.3.'))
