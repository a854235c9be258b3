/**
 * Notes how far the user has read.
 * Never tells the contact unless its read receipts are on, and then in a slot that leaves anyway.
 * @module
 */
import { contactResult } from '../contact-result.ts'
import * as example from '../examples.ts'
import { defineMethod } from '../method.ts'
import { contact, position, recipient } from '../models.ts'
import { object } from '../schema/index.ts'

export const markRead = defineMethod({
  name: 'markRead',
  summary:
    'Received messages up to a position are read; the contact is told in a later slot if its read receipts are on.',
  network: 'slot',
  params: object({ recipient, upTo: position }),
  result: contact,
  errors: ['CONTACT_UNKNOWN', 'MESSAGE_POSITION_INVALID'],
  example: { params: { recipient: example.CONTACT_ID, upTo: 4 }, result: { ...example.CONTACT, readUpTo: 4 } },
  handler: async ({ messenger }, params) =>
    contactResult(await messenger.markRead({ contactId: params.recipient, upTo: params.upTo })),
})
