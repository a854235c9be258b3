/**
 * Lists the invites of this profile.
 * Never gives the URI of an invite: that is shown once, when it is made.
 * @module
 */
import { withoutUndefined } from '../defined.ts'
import * as example from '../examples.ts'
import { defineMethod } from '../method.ts'
import { invite } from '../models.ts'
import { array, object } from '../schema/index.ts'

export const listInvites = defineMethod({
  name: 'listInvites',
  summary: 'All invites of this profile with their states.',
  network: 'none',
  params: object({}),
  result: array(invite),
  errors: [],
  example: { params: {}, result: [example.INVITE] },
  async handler({ messenger }) {
    const invites = await messenger.listInvites()
    return invites.map((info) => withoutUndefined(info))
  },
})
