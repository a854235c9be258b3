/**
 * Looks at an invite.
 * Never acts on the invite or contacts its maker.
 * @module
 */
import * as example from '../examples.ts'
import { defineMethod } from '../method.ts'
import { invitePreview, inviteUri } from '../models.ts'
import { object } from '../schema/index.ts'

export const previewInvite = defineMethod({
  name: 'previewInvite',
  summary: 'What an invite says, without acting on it.',
  network: 'none',
  params: object({ uri: inviteUri }),
  result: invitePreview,
  errors: ['INVITE_MALFORMED', 'INVITE_FOREIGN', 'INVITE_VERSION_UNSUPPORTED'],
  example: {
    params: { uri: example.INVITE_URI },
    result: {
      version: 1,
      expiresAtMs: example.TIME_MS + 14 * example.DAY_MS,
      expired: false,
      own: false,
      accepted: false,
    },
  },
  handler: ({ messenger }, { uri }) => messenger.previewInvite(uri),
})
