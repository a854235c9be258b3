/**
 * Forgets a contact.
 * Never tells the contact anything.
 * @module
 */
import * as example from '../examples.ts'
import { defineMethod } from '../method.ts'
import { empty, recipient } from '../models.ts'
import { object } from '../schema/index.ts'

export const removeContact = defineMethod({
  name: 'removeContact',
  summary: 'The contact, its messages and its keys are gone from this machine.',
  network: 'live',
  params: object({ recipient }),
  result: empty,
  errors: ['CONTACT_UNKNOWN'],
  example: { params: { recipient: example.CONTACT_ID }, result: {} },
  async handler({ messenger }, params) {
    await messenger.removeContact(params.recipient)
    return {}
  },
})
