/**
 * Ends a stream of events.
 * Never changes what a named client has acknowledged.
 * @module
 */

import { rpcError } from '../errors.ts'
import { defineMethod } from '../method.ts'
import { empty, subscription } from '../models.ts'
import { object } from '../schema/index.ts'

export const unsubscribeReceive = defineMethod({
  name: 'unsubscribeReceive',
  summary: 'No further events of this subscription follow.',
  network: 'none',
  params: object({ subscription }),
  result: empty,
  errors: ['RPC_SUBSCRIPTION_UNKNOWN'],
  example: { params: { subscription: 1 }, result: {} },
  handler({ subscriptions }, params) {
    if (!subscriptions.close(params.subscription)) throw rpcError('RPC_SUBSCRIPTION_UNKNOWN')
    return {}
  },
})
