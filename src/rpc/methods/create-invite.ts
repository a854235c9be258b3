/**
 * Makes an invite for one person.
 * Never waits until the invite can be reached: `published` and the list tell.
 * @module
 */
import { withoutUndefined } from '../defined.ts'
import * as example from '../examples.ts'
import { defineMethod } from '../method.ts'
import { createdInvite, label } from '../models.ts'
import { boolean, integer, object, optional } from '../schema/index.ts'

export const createInvite = defineMethod({
  name: 'createInvite',
  summary: 'A new invite that works once; its URI is shown here and never again.',
  network: 'live',
  params: object({
    expiresInMs: optional(
      integer({ description: 'How long the invite works, in milliseconds; 14 days when absent.', minimum: 1 }),
    ),
    label: optional(label),
    rendezvous: optional(
      boolean('Whether it has a rendezvous beside the mailboxes; when absent, only while no hosts are known.'),
    ),
  }),
  result: createdInvite,
  errors: ['INVITE_LIMIT', 'INVITE_EXPIRY_INVALID', 'ALIAS_INVALID'],
  example: { params: { label: 'for Bob' }, result: { ...example.INVITE, uri: example.INVITE_URI } },
  handler: async ({ messenger }, params) => withoutUndefined(await messenger.createInvite(params)),
})
