/**
 * Lifts the block of a contact.
 * Never tells the contact anything.
 * @module
 */
import { contactResult } from '../contact-result.ts'
import * as example from '../examples.ts'
import { defineMethod } from '../method.ts'
import { contact, recipient } from '../models.ts'
import { object } from '../schema/index.ts'

export const unblock = defineMethod({
  name: 'unblock',
  summary: 'Messages flow again.',
  network: 'live',
  params: object({ recipient }),
  result: contact,
  errors: ['CONTACT_UNKNOWN'],
  example: {
    params: { recipient: example.CONTACT_ID },
    result: { ...example.CONTACT, laneOpen: false, live: { state: 'off' } },
  },
  handler: async ({ messenger }, params) => contactResult(await messenger.unblock(params.recipient)),
})
