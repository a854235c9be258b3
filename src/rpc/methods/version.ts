/**
 * Tells which noctule this is.
 * Never touches the messenger.
 * @module
 */
import { defineMethod } from '../method.ts'
import { object, string } from '../schema/index.ts'

export const version = defineMethod({
  name: 'version',
  summary: 'The version of the daemon.',
  network: 'none',
  params: object({}),
  result: object({ version: string({ description: 'Version of noctule.' }) }),
  errors: [],
  example: { params: {}, result: { version: '0.1.0' } },
  handler: ({ server }) => ({ version: server.version }),
})
