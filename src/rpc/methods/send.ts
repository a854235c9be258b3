/**
 * Sends a message to a contact.
 * Never waits for the network: the message is durable when the reply comes.
 * @module
 */
import { withoutUndefined } from '../defined.ts'
import * as example from '../examples.ts'
import { defineMethod } from '../method.ts'
import { idempotencyKey, messageText, recipient, sentMessage } from '../models.ts'
import { object, optional } from '../schema/index.ts'

export const send = defineMethod({
  name: 'send',
  summary: 'The message is on disk, sealed for its receiver, and will arrive exactly once.',
  network: 'slot',
  params: object({ recipient, message: messageText, idempotencyKey: optional(idempotencyKey) }),
  result: sentMessage,
  errors: [
    'CONTACT_UNKNOWN',
    'CONTACT_NOT_READY',
    'CONTACT_BLOCKED',
    'CONTACT_FAILED',
    'MESSAGE_EMPTY',
    'MESSAGE_TOO_LONG',
    'OUTBOX_FULL',
    'IDEMPOTENCY_CONFLICT',
    'IDEMPOTENCY_KEY_INVALID',
  ],
  example: {
    params: { recipient: example.CONTACT_ID, message: 'hello', idempotencyKey: 'my-bot-42' },
    result: {
      timestamp: example.TIME_MS,
      messageId: example.MESSAGE_ID,
      contactId: example.CONTACT_ID,
      delivery: 'queued',
      repeated: false,
    },
  },
  async handler({ messenger }, params) {
    const { recipient: contact, message: text, idempotencyKey: key } = params
    const sent = await messenger.send(withoutUndefined({ contactId: contact, text, idempotencyKey: key }))
    const { timestampMs, ...rest } = sent
    return withoutUndefined({ timestamp: timestampMs, ...rest })
  },
})
