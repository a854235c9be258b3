/**
 * Withdraws an invite.
 * Never touches contacts that the invite has brought.
 * @module
 */
import { withoutUndefined } from '../defined.ts'
import * as example from '../examples.ts'
import { defineMethod } from '../method.ts'
import { invite, inviteId } from '../models.ts'
import { object } from '../schema/index.ts'

export const revokeInvite = defineMethod({
  name: 'revokeInvite',
  summary: 'The invite no longer works for anybody.',
  network: 'live',
  params: object({ inviteId }),
  result: invite,
  errors: ['INVITE_UNKNOWN', 'INVITE_USED', 'INVITE_EXPIRED'],
  example: { params: { inviteId: example.INVITE_ID }, result: { ...example.INVITE, state: 'revoked' } },
  handler: async ({ messenger }, params) => withoutUndefined(await messenger.revokeInvite(params.inviteId)),
})
