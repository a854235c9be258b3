/**
 * Lists contact requests that wait for an answer.
 * Never answers one.
 * @module
 */
import { withoutUndefined } from '../defined.ts'
import * as example from '../examples.ts'
import { defineMethod } from '../method.ts'
import { request } from '../models.ts'
import { array, object } from '../schema/index.ts'

export const listRequests = defineMethod({
  name: 'listRequests',
  summary: 'All contact requests that wait for your answer.',
  network: 'none',
  params: object({}),
  result: array(request),
  errors: [],
  example: {
    params: {},
    result: [
      {
        requestId: example.REQUEST_ID,
        inviteId: example.INVITE_ID,
        inviteLabel: 'for Bob',
        receivedAtMs: example.TIME_MS,
        identity: example.IDENTITY,
        safetyNumber: example.SAFETY_NUMBER,
        message: 'It is me, Bob.',
      },
    ],
  },
  async handler({ messenger }) {
    const requests = await messenger.listRequests()
    return requests.map((info) => withoutUndefined(info))
  },
})
