/**
 * Starts the stream of events on this connection.
 * Never leaves a gap or repeats an event between what was stored and what is new.
 * @module
 */

import { messengerError } from '../../messenger/index.ts'
import { defineMethod } from '../method.ts'
import { clientName, since, subscription } from '../models.ts'
import { object, optional } from '../schema/index.ts'

export const subscribeReceive = defineMethod({
  name: 'subscribeReceive',
  summary:
    'All events after `since` follow in order, then new ones as they happen, under the number that is the result.',
  network: 'none',
  params: object({ client: optional(clientName), since: optional(since) }),
  result: subscription,
  errors: ['RPC_TOO_MANY_SUBSCRIPTIONS', 'EVENT_CLIENT_INVALID', 'EVENT_SEQ_INVALID'],
  example: { params: { client: 'my-bot' }, result: 1 },
  async handler({ messenger, subscriptions }, { client, since: place }) {
    const { lastEventSeq } = messenger.status()
    // An explicit place goes before the remembered one; without either only new events follow.
    const acknowledged = client === undefined ? lastEventSeq : await messenger.acknowledgedSeq(client)
    const after = place ?? acknowledged
    if (after > messenger.status().lastEventSeq) throw messengerError('EVENT_SEQ_INVALID')
    return subscriptions.open(after)
  },
})
