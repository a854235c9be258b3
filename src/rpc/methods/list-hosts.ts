/**
 * Lists the hosts that are known.
 * Never asks one of them: the table comes through couriers in slots of its own.
 * @module
 */
import { withoutUndefined } from '../defined.ts'
import * as example from '../examples.ts'
import { defineMethod } from '../method.ts'
import { host } from '../models.ts'
import { array, object } from '../schema/index.ts'

export const listHosts = defineMethod({
  name: 'listHosts',
  summary: 'All hosts that are known, with what loops have shown of them.',
  network: 'none',
  params: object({}),
  result: array(host),
  errors: [],
  example: { params: {}, result: [example.HOST] },
  async handler({ messenger }) {
    const hosts = await messenger.listHosts()
    return hosts.map((info) => withoutUndefined(info))
  },
})
