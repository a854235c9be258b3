/**
 * Tells the operator of a host how it is doing.
 * Never tells anything of a client, nor that this daemon has a profile beside it.
 * @module
 */
import { messengerError } from '../../messenger/index.ts'
import * as example from '../examples.ts'
import { defineMethod } from '../method.ts'
import { hostStats as stats } from '../models.ts'
import { object } from '../schema/index.ts'

export const hostStats = defineMethod({
  name: 'hostStats',
  summary: 'What the host role of this daemon keeps and has done, with the text that others add it by.',
  network: 'none',
  params: object({}),
  result: stats,
  errors: ['HOST_ROLE_OFF'],
  example: {
    params: {},
    result: {
      host: example.HOST_URI,
      hostKey: example.HOST_KEY,
      published: true,
      startedAtMs: example.TIME_MS,
      boxes: 1_204,
      boxBytes: 2_310_476,
      quotaBytes: 4_294_967_296,
      tombstones: 311,
      hosts: 12,
      tableRoot: example.TABLE_ROOT,
      courierSessions: 6,
      stored: 1_515,
      conflicts: 0,
      refusedFull: 0,
      fetched: 640,
      missed: 18_002,
      relayed: 4_410,
      expired: 0,
      repaired: 27,
    },
  },
  handler({ host }) {
    if (host === undefined) throw messengerError('HOST_ROLE_OFF')
    return host.stats()
  },
})
