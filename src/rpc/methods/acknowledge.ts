/**
 * Remembers how far a front end has come.
 * Never goes back.
 * @module
 */
import { defineMethod } from '../method.ts'
import { clientName, seq } from '../models.ts'
import { object } from '../schema/index.ts'

export const acknowledge = defineMethod({
  name: 'acknowledge',
  summary: 'Everything up to `seq` is durably noted as dealt with by the named client.',
  network: 'none',
  params: object({ client: clientName, seq }),
  result: object({ acknowledged: seq }),
  errors: ['EVENT_CLIENT_INVALID', 'EVENT_SEQ_INVALID'],
  example: { params: { client: 'my-bot', seq: 8 }, result: { acknowledged: 8 } },
  async handler({ messenger }, params) {
    await messenger.acknowledge(params.client, params.seq)
    return { acknowledged: await messenger.acknowledgedSeq(params.client) }
  },
})
