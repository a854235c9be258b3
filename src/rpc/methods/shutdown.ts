/**
 * Stops the daemon.
 * Never cuts off its own reply.
 * @module
 */
import { defineMethod } from '../method.ts'
import { empty } from '../models.ts'
import { object } from '../schema/index.ts'

export const shutdown = defineMethod({
  name: 'shutdown',
  summary: 'The daemon stops gracefully as soon as this reply is out.',
  network: 'live',
  params: object({}),
  result: empty,
  errors: [],
  example: { params: {}, result: {} },
  handler({ server }) {
    server.requestShutdown()
    return {}
  },
})
