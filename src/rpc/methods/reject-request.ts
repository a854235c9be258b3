/**
 * Declines a contact request.
 * Never tells the requester anything.
 * @module
 */
import * as example from '../examples.ts'
import { defineMethod } from '../method.ts'
import { empty, requestId } from '../models.ts'
import { object } from '../schema/index.ts'

export const rejectRequest = defineMethod({
  name: 'rejectRequest',
  summary: 'The request is forgotten; the requester is told nothing.',
  network: 'none',
  params: object({ requestId }),
  result: empty,
  errors: ['REQUEST_UNKNOWN'],
  example: { params: { requestId: example.REQUEST_ID }, result: {} },
  async handler({ messenger }, params) {
    await messenger.rejectRequest(params.requestId)
    return {}
  },
})
