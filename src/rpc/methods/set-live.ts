/**
 * Agrees to a lane with a contact, or no longer.
 * Never silent about what an open lane shows, and to whom.
 * @module
 */
import { contactResult } from '../contact-result.ts'
import { withoutUndefined } from '../defined.ts'
import * as example from '../examples.ts'
import { defineMethod } from '../method.ts'
import { contact, recipient } from '../models.ts'
import { boolean, integer, named, object, optional, string } from '../schema/index.ts'

const MINUTES_MAX_COUNT = 1_440

/** What an open lane shows, in words for people. */
const LIVE_NOTICE =
  'While the lane is open, this contact sees that you are online, and so does whoever watches your line: an onion service appears, or is dialled, and a record goes each way every second. It opens and closes on the quarters of an hour, and only while both of you agree.'

export const setLive = defineMethod({
  name: 'setLive',
  summary: 'A lane to the contact runs for as long as both of you agree; what you say reaches it in a later slot.',
  network: 'live',
  params: object({
    recipient,
    on: boolean('Whether you agree to a lane. Off takes it back with the next quarter of an hour.'),
    minutes: optional(
      integer({
        description: 'For how long from the next quarter of an hour on; 60 when absent, rounded up to quarters.',
        minimum: 1,
        maximum: MINUTES_MAX_COUNT,
      }),
    ),
  }),
  result: named(
    'LiveResult',
    object({ contact, notice: string({ description: 'What an open lane shows, and to whom; for people.' }) }),
  ),
  errors: [
    'CONTACT_UNKNOWN',
    'CONTACT_NOT_READY',
    'CONTACT_BLOCKED',
    'CONTACT_FAILED',
    'LIVE_DURATION_INVALID',
    'LIVE_ALWAYS',
    'OUTBOX_FULL',
  ],
  example: {
    params: { recipient: example.CONTACT_ID, on: true, minutes: 60 },
    result: {
      contact: {
        ...example.CONTACT,
        laneOpen: false,
        live: { state: 'offered', untilMs: example.TIME_MS + 3_600_000 },
      },
      notice: LIVE_NOTICE,
    },
  },
  async handler({ messenger }, { recipient: contactId, on, minutes }) {
    const changed = await messenger.setLive(withoutUndefined({ contactId, on, minutes }))
    return { contact: contactResult(changed), notice: LIVE_NOTICE }
  },
})
