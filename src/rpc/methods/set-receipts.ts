/**
 * Chooses what a contact is told of its messages.
 * Never takes back what was told.
 * @module
 */
import { contactResult } from '../contact-result.ts'
import { withoutUndefined } from '../defined.ts'
import * as example from '../examples.ts'
import { defineMethod } from '../method.ts'
import { contact, recipient } from '../models.ts'
import { boolean, object, optional } from '../schema/index.ts'

export const setReceipts = defineMethod({
  name: 'setReceipts',
  summary: 'From now on the contact is told, or not, that its messages arrived or were read; what is absent stays.',
  network: 'slot',
  params: object({
    recipient,
    delivery: optional(boolean('Tell that they arrived; on when nothing was chosen.')),
    read: optional(boolean('Tell that they were read; off when nothing was chosen.')),
  }),
  result: contact,
  errors: ['CONTACT_UNKNOWN'],
  example: {
    params: { recipient: example.CONTACT_ID, read: true },
    result: { ...example.CONTACT, receipts: { delivery: true, read: true } },
  },
  handler: async ({ messenger }, { recipient: contactId, delivery, read }) =>
    contactResult(await messenger.setReceipts(withoutUndefined({ contactId, delivery, read }))),
})
