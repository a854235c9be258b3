/**
 * Lists the contacts of this profile.
 * Never asks the network whether anybody is online.
 * @module
 */
import { contactResult } from '../contact-result.ts'
import * as example from '../examples.ts'
import { defineMethod } from '../method.ts'
import { contact } from '../models.ts'
import { array, object } from '../schema/index.ts'

export const listContacts = defineMethod({
  name: 'listContacts',
  summary: 'All contacts with their states and safety numbers.',
  network: 'none',
  params: object({}),
  result: array(contact),
  errors: [],
  example: { params: {}, result: [example.CONTACT] },
  async handler({ messenger }) {
    const contacts = await messenger.listContacts()
    return contacts.map((info) => contactResult(info))
  },
})
