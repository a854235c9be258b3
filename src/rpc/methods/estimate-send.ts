/**
 * Tells how long a text or a file would take if it were sent now.
 * Never queues anything, and never promises what only the other side can know.
 * @module
 */
import { delay, delayResult } from '../clock-models.ts'
import { withoutUndefined } from '../defined.ts'
import * as example from '../examples.ts'
import { defineMethod } from '../method.ts'
import { messageText, recipient } from '../models.ts'
import { describeEstimate } from '../profile-words.ts'
import { enumeration, integer, object, optional, string } from '../schema/index.ts'

const EXAMPLE = {
  via: 'slots',
  envelopes: 1,
  boxes: 1,
  queuedEnvelopes: 0,
  queuedBoxes: 0,
  writeSlots: 1,
  stored: { earlyMs: 7_000, expectedMs: 22_000, lateMs: 42_000 },
  delivered: { earlyMs: 17_000, expectedMs: 38_000, lateMs: 69_000 },
} as const

export const estimateSend = defineMethod({
  name: 'estimateSend',
  summary: 'How long a text, or a file of so many bytes, would take to this contact; nothing is sent or queued.',
  network: 'none',
  params: object({
    recipient,
    message: optional(messageText),
    bytes: optional(integer({ description: 'Length of a file, in the place of a text.', minimum: 0 })),
  }),
  result: object({
    via: enumeration(
      ['slots', 'live', 'manual'],
      'slots: through hosts. live: over the lane that is open, or has to be. manual: through hosts, when you sync.',
    ),
    envelopes: integer({ description: 'Of a text, or of the announcement of a file.', minimum: 0 }),
    boxes: integer({ description: 'Boxes that it takes at hosts; 0 over a lane.', minimum: 0 }),
    queuedEnvelopes: integer({ description: 'Envelopes for this contact that wait before it.', minimum: 0 }),
    queuedBoxes: integer({ description: 'Boxes that take a write slot before it.', minimum: 0 }),
    writeSlots: optional(
      integer({ description: 'Write slots until the last of it has left; absent over a lane.', minimum: 0 }),
    ),
    syncs: optional(
      object(
        {
          ours: integer({ description: 'Syncs that it needs here.', minimum: 1 }),
          theirs: integer({ description: 'Syncs that the contact needs, if it has profile manual too.', minimum: 1 }),
        },
        'With profile manual only.',
      ),
    ),
    stored: optional(delay),
    delivered: optional(delay),
    note: string({ description: 'What the figures rest on, for people.' }),
  }),
  errors: [
    'ESTIMATE_INPUT_INVALID',
    'CONTACT_UNKNOWN',
    'CONTACT_NOT_READY',
    'CONTACT_BLOCKED',
    'CONTACT_FAILED',
    'MESSAGE_EMPTY',
    'MESSAGE_TOO_LONG',
    'ATTACHMENT_TOO_LARGE',
  ],
  example: {
    params: { recipient: example.CONTACT_ID, message: 'hello' },
    result: { ...EXAMPLE, note: describeEstimate({ ...EXAMPLE, syncs: undefined }, 'text') },
  },
  async handler({ messenger }, { recipient: contactId, message: text, bytes }) {
    const estimate = await messenger.estimateSend(withoutUndefined({ contactId, text, bytes }))
    const { delivered, stored } = estimate
    return withoutUndefined({
      ...estimate,
      stored: stored && delayResult(stored),
      delivered: delivered && delayResult(delivered),
      note: describeEstimate(estimate, bytes === undefined ? 'text' : 'file'),
    })
  },
})
