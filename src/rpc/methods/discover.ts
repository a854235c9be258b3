/**
 * Describes the RPC to programs.
 * Never differs from what the server checks: both come from the registry.
 * @module
 */
import { defineMethod } from '../method.ts'
import { openRpcDocument } from '../models.ts'
import { object } from '../schema/index.ts'

export const discover = defineMethod({
  name: 'rpc.discover',
  summary: 'The OpenRPC document of this daemon: every method with its schemas.',
  network: 'none',
  params: object({}),
  result: openRpcDocument,
  errors: [],
  example: { params: {}, result: { openrpc: '1.3.2' } },
  handler: ({ server }) => server.discover(),
})
