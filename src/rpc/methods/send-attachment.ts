/**
 * Sends a file to a contact.
 * Never waits for the network: the file is on disk, cut up and sealed, when the reply comes.
 * @module
 */
import { withoutUndefined } from '../defined.ts'
import * as example from '../examples.ts'
import { defineMethod } from '../method.ts'
import { filePath, idempotencyKey, recipient, SHORT_TEXT_MAX_LENGTH, sentMessage } from '../models.ts'
import { object, optional, string } from '../schema/index.ts'

export const sendAttachment = defineMethod({
  name: 'sendAttachment',
  summary: 'The file is on disk, cut up and sealed; it leaves piece by piece in slots that have nothing more urgent.',
  network: 'slot',
  params: object({
    recipient,
    path: filePath,
    name: optional(
      string({
        description: 'What the contact sees; the last part of the path when absent. Characters of paths are replaced.',
        minLength: 1,
        maxLength: SHORT_TEXT_MAX_LENGTH,
      }),
    ),
    mimeType: optional(
      string({
        description: 'What it is, for instance `image/png`; goes to the contact as it is.',
        minLength: 1,
        maxLength: SHORT_TEXT_MAX_LENGTH,
      }),
    ),
    idempotencyKey: optional(idempotencyKey),
  }),
  result: sentMessage,
  errors: [
    'CONTACT_UNKNOWN',
    'CONTACT_NOT_READY',
    'CONTACT_BLOCKED',
    'CONTACT_FAILED',
    'ATTACHMENT_PATH_RELATIVE',
    'ATTACHMENT_FILE_MISSING',
    'ATTACHMENT_FILE_IRREGULAR',
    'ATTACHMENT_FILE_FORBIDDEN',
    'ATTACHMENT_FILE_FAILED',
    'ATTACHMENT_FILE_CHANGED',
    'ATTACHMENT_TOO_LARGE',
    'ATTACHMENT_TYPE_INVALID',
    'ATTACHMENT_QUEUE_FULL',
    'OUTBOX_FULL',
    'IDEMPOTENCY_CONFLICT',
    'IDEMPOTENCY_KEY_INVALID',
  ],
  example: {
    params: { recipient: example.CONTACT_ID, path: '/home/bob/photo.jpeg', mimeType: 'image/jpeg' },
    result: {
      timestamp: example.TIME_MS,
      messageId: example.MESSAGE_ID,
      contactId: example.CONTACT_ID,
      delivery: 'queued',
      repeated: false,
    },
  },
  async handler({ messenger }, { recipient: contact, ...options }) {
    const sent = await messenger.sendAttachment(withoutUndefined({ contactId: contact, ...options }))
    const { timestampMs, ...rest } = sent
    return withoutUndefined({ timestamp: timestampMs, ...rest })
  },
})
