/**
 * Blocks a contact.
 * Never tells the contact anything.
 * @module
 */
import { contactResult } from '../contact-result.ts'
import * as example from '../examples.ts'
import { defineMethod } from '../method.ts'
import { contact, recipient } from '../models.ts'
import { object } from '../schema/index.ts'

export const block = defineMethod({
  name: 'block',
  summary: 'Nothing is sent to, received from or answered to the contact any more.',
  network: 'live',
  params: object({ recipient }),
  result: contact,
  errors: ['CONTACT_UNKNOWN'],
  example: {
    params: { recipient: example.CONTACT_ID },
    result: { ...example.CONTACT, state: 'blocked', laneOpen: false, live: { state: 'off' } },
  },
  handler: async ({ messenger }, params) => contactResult(await messenger.block(params.recipient)),
})
