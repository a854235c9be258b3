/**
 * Reads the conversation with a contact.
 * Never gives more text than one reply should hold: the rest is on the page before.
 * @module
 */

import type { MessageInfo } from '../../messenger/index.ts'
import { messageResult } from '../attachment-result.ts'
import { withoutUndefined } from '../defined.ts'
import * as example from '../examples.ts'
import { defineMethod } from '../method.ts'
import { LIST_LIMIT_MAX_COUNT, message, recipient } from '../models.ts'
import { LIST_REPLY_TEXT_BYTES } from '../options.ts'
import { array, boolean, integer, object, optional } from '../schema/index.ts'

export const listMessages = defineMethod({
  name: 'listMessages',
  summary: 'The newest messages of a conversation, or those before a position, newest last.',
  network: 'none',
  params: object({
    recipient,
    before: optional(integer({ description: 'Only messages before this position.', minimum: 1 })),
    limit: optional(
      integer({
        description: 'At most this many messages; 50 when absent.',
        minimum: 1,
        maximum: LIST_LIMIT_MAX_COUNT,
      }),
    ),
  }),
  result: object({
    messages: array(message),
    hasMore: boolean('True when there are older messages: ask again with `before` set to the first position.'),
  }),
  errors: ['CONTACT_UNKNOWN'],
  example: {
    params: { recipient: example.CONTACT_ID, limit: 1 },
    result: {
      messages: [
        {
          messageId: example.MESSAGE_ID,
          contactId: example.CONTACT_ID,
          direction: 'sent',
          text: 'hello',
          type: 'text',
          timestampMs: example.TIME_MS,
          storedAtMs: example.TIME_MS,
          delivery: 'stored',
          stored: { replicas: 8, wanted: 8, untilMs: example.TIME_MS + 14 * example.DAY_MS },
          position: 1,
        },
      ],
      hasMore: false,
    },
  },
  async handler({ messenger }, { recipient: contact, before, limit }) {
    const found = await messenger.listMessages(withoutUndefined({ contactId: contact, before, limit }))
    const messages = newestThatFit(found).map(messageResult)
    return { messages, hasMore: (messages[0]?.position ?? 1) > 1 }
  },
})

/** The longest tail whose text stays within the bound; always at least the newest message. */
function newestThatFit(messages: readonly MessageInfo[]): readonly MessageInfo[] {
  let bytes = 0
  let first = messages.length
  while (first > 0) {
    bytes += Buffer.byteLength(messages[first - 1]?.text ?? '')
    if (bytes > LIST_REPLY_TEXT_BYTES && first < messages.length) break
    first -= 1
  }
  return messages.slice(first)
}
