/**
 * Writes a file that has come to a place of the user’s choice.
 * Never replaces anything, nor looks at the name that the sender gave it.
 * @module
 */
import { attachmentResult } from '../attachment-result.ts'
import * as example from '../examples.ts'
import { defineMethod } from '../method.ts'
import { attachment, filePath, messageId, recipient } from '../models.ts'
import { object } from '../schema/index.ts'

export const saveAttachment = defineMethod({
  name: 'saveAttachment',
  summary: 'The file is on disk under this path, readable for nobody else; nothing was replaced.',
  network: 'none',
  params: object({ recipient, messageId, path: filePath }),
  result: attachment,
  errors: [
    'CONTACT_UNKNOWN',
    'ATTACHMENT_UNKNOWN',
    'ATTACHMENT_INCOMPLETE',
    'ATTACHMENT_ENDED',
    'ATTACHMENT_PATH_RELATIVE',
    'ATTACHMENT_FILE_MISSING',
    'ATTACHMENT_FILE_IRREGULAR',
    'ATTACHMENT_FILE_FORBIDDEN',
    'ATTACHMENT_FILE_EXISTS',
    'ATTACHMENT_FILE_FAILED',
  ],
  example: {
    params: { recipient: example.CONTACT_ID, messageId: example.MESSAGE_ID, path: '/home/alice/photo.jpeg' },
    result: { ...example.ATTACHMENT, transfer: { state: 'complete', chunksDone: 2_526, chunks: 2_526 } },
  },
  async handler({ messenger }, { recipient: contactId, messageId, path }) {
    return attachmentResult(await messenger.saveAttachment({ contactId, messageId, path }))
  },
})
