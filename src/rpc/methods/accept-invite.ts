/**
 * Asks the maker of an invite for contact.
 * Never waits for the maker: events tell how it went.
 * @module
 */
import { contactResult } from '../contact-result.ts'
import * as example from '../examples.ts'
import { defineMethod } from '../method.ts'
import { alias, contact, inviteUri } from '../models.ts'
import { object, optional, string } from '../schema/index.ts'

export const acceptInvite = defineMethod({
  name: 'acceptInvite',
  summary:
    'A contact in state `requesting`; the request goes out as soon as tor is ready, through hosts also while the inviter is offline.',
  network: 'live',
  params: object({
    uri: inviteUri,
    alias: optional(alias),
    message: optional(string({ description: 'A few words for the inviter, who sees them with the request.' })),
  }),
  result: contact,
  errors: [
    'INVITE_MALFORMED',
    'INVITE_FOREIGN',
    'INVITE_VERSION_UNSUPPORTED',
    'INVITE_EXPIRED',
    'INVITE_OWN',
    'INVITE_ALREADY_ACCEPTED',
    'ALIAS_INVALID',
    'MESSAGE_TOO_LONG',
  ],
  example: {
    params: { uri: example.INVITE_URI, alias: 'Alice' },
    result: {
      contactId: example.CONTACT_ID,
      state: 'requesting',
      alias: 'Alice',
      createdAtMs: example.TIME_MS,
      laneOpen: false,
      live: { state: 'off' },
      queuedMessages: 0,
      readUpTo: 0,
      receipts: { delivery: true, read: false },
    },
  },
  handler: async ({ messenger }, params) => contactResult(await messenger.acceptInvite(params)),
})
