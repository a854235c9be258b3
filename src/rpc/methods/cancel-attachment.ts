/**
 * Ends the transfer of a file, or gives up the room of one that has come.
 * Never takes back what hosts have: it stays there until it expires.
 * @module
 */
import { attachmentResult } from '../attachment-result.ts'
import * as example from '../examples.ts'
import { defineMethod } from '../method.ts'
import { attachment, messageId, recipient } from '../models.ts'
import { object } from '../schema/index.ts'

export const cancelAttachment = defineMethod({
  name: 'cancelAttachment',
  summary: 'The transfer has ended, and what the file took on disk here is free; what hosts have of it expires there.',
  network: 'none',
  params: object({ recipient, messageId }),
  result: attachment,
  errors: ['CONTACT_UNKNOWN', 'ATTACHMENT_UNKNOWN'],
  example: {
    params: { recipient: example.CONTACT_ID, messageId: example.MESSAGE_ID },
    result: { ...example.ATTACHMENT, transfer: { state: 'cancelled', chunksDone: 12, chunks: 2_526 } },
  },
  async handler({ messenger }, { recipient: contactId, messageId }) {
    return attachmentResult(await messenger.cancelAttachment({ contactId, messageId }))
  },
})
