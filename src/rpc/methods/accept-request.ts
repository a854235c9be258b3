/**
 * Accepts a contact request.
 * Never waits for the other side.
 * @module
 */
import { contactResult } from '../contact-result.ts'
import * as example from '../examples.ts'
import { defineMethod } from '../method.ts'
import { alias, contact, requestId } from '../models.ts'
import { object, optional } from '../schema/index.ts'

export const acceptRequest = defineMethod({
  name: 'acceptRequest',
  summary: 'The requester is a contact; messages flow, through hosts also while one side is offline.',
  network: 'live',
  params: object({ requestId, alias: optional(alias) }),
  result: contact,
  errors: ['REQUEST_UNKNOWN', 'ALIAS_INVALID'],
  example: {
    params: { requestId: example.REQUEST_ID, alias: 'Bob' },
    result: { ...example.CONTACT, laneOpen: false, live: { state: 'off' } },
  },
  handler: async ({ messenger }, params) => contactResult(await messenger.acceptRequest(params)),
})
