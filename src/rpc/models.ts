/**
 * The things that methods take and give, each described once under its own name.
 * Never holds a rule of the messenger: what a text may say is decided there. Spec 08-rpc §3.
 * @module
 */
import type { Schema } from './schema/index.ts'
import { anyObject, array, boolean, enumeration, integer, named, object, optional, string } from './schema/index.ts'

/** Texts that a person types; the messenger has narrower rules and codes of its own for them. */
const SHORT_TEXT_MAX_LENGTH = 1_024
const URI_MAX_LENGTH = 4_096
export const LIST_LIMIT_MAX_COUNT = 500

const hexId = (description: string): Schema<string> =>
  string({ description, pattern: '^[0-9a-f]{32}$', form: '32 lower-case hexadecimal characters' })

export const recipient = hexId('Id of a contact, as `listContacts` gives it.')
export const contactId = hexId('Id of the contact; made on this machine and of no meaning elsewhere.')
export const inviteId = hexId('Id of the invite.')
export const requestId = hexId('Id of the contact request.')
export const messageId = hexId('Id of the message.')
export const identity = string({
  description: 'Hash of the public identity keys of a profile.',
  pattern: '^[0-9a-f]{64}$',
  form: '64 lower-case hexadecimal characters',
})
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
export const timeMs = (description: string): Schema<number> =>
  integer({ description: `${description} Milliseconds since 1970 UTC.`, minimum: 0 })

export const inviteState = enumeration(['active', 'used', 'revoked', 'expired'], 'Where the invite stands.')
export const contactState = enumeration(
  ['requesting', 'requested', 'active', 'failed', 'blocked'],
  'requesting: our request is on its way. requested: the other daemon has it. active: both agreed. failed: see `failure`. blocked: by us.',
)
export const deliveryState = enumeration(
  ['queued', 'delivered', 'failed'],
  'queued: on disk here and sealed. delivered: on disk there.',
)
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
  published: boolean('True once the rendezvous can be reached by whoever holds the invite.'),
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
    queuedMessages: integer({ description: 'Messages that wait for this contact.', minimum: 0 }),
    failure: optional(failure),
  }),
)
export const message = named(
  'Message',
  object({
    messageId,
    contactId,
    direction: enumeration(['sent', 'received']),
    text: string({ description: 'The text. Foreign when received; empty when unsupported.' }),
    type: enumeration(['text', 'unsupported'], 'unsupported: made by a newer version.'),
    timestampMs: timeMs("When it was sent, by its sender's clock."),
    storedAtMs: timeMs('When this daemon stored it.'),
    delivery: optional(deliveryState),
    position: integer({ description: 'Place in the conversation, from 1.', minimum: 1 }),
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
export const openRpcDocument = named('OpenRpcDocument', anyObject('A document in the form of OpenRPC 1.3.'))
