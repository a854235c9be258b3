/**
 * Fetches a file that is too large to come by itself.
 * Never hastens anything: it comes in slots that are there anyway.
 * @module
 */
import { attachmentResult } from '../attachment-result.ts'
import * as example from '../examples.ts'
import { defineMethod } from '../method.ts'
import { attachment, messageId, recipient } from '../models.ts'
import { object } from '../schema/index.ts'

export const downloadAttachment = defineMethod({
  name: 'downloadAttachment',
  summary: 'The file is fetched in slots that leave anyway; the event `attachment` tells when it is here.',
  network: 'slot',
  params: object({ recipient, messageId }),
  result: attachment,
  errors: ['CONTACT_UNKNOWN', 'ATTACHMENT_UNKNOWN', 'ATTACHMENT_ENDED'],
  example: {
    params: { recipient: example.CONTACT_ID, messageId: example.MESSAGE_ID },
    result: { ...example.ATTACHMENT, transfer: { state: 'downloading', chunksDone: 0, chunks: 2_526 } },
  },
  async handler({ messenger }, { recipient: contactId, messageId }) {
    return attachmentResult(await messenger.downloadAttachment({ contactId, messageId }))
  },
})
