/**
 * Makes a host known by the text that its operator gives.
 * Never waits for the host, and never tells it who asks.
 * @module
 */
import { withoutUndefined } from '../defined.ts'
import * as example from '../examples.ts'
import { defineMethod } from '../method.ts'
import { host, hostUri } from '../models.ts'
import { object } from '../schema/index.ts'

export const addHost = defineMethod({
  name: 'addHost',
  summary: 'The host is remembered; a courier tells of all others, so one that answers is enough to begin with.',
  network: 'live',
  params: object({ host: hostUri }),
  result: host,
  errors: ['HOST_ENTRY_MALFORMED', 'HOST_ENTRY_FOREIGN', 'HOST_ENTRY_VERSION_UNSUPPORTED'],
  example: {
    params: { host: example.HOST_URI },
    result: {
      hostKey: example.HOST_KEY,
      kind: 'entry',
      firstSeenAtMs: example.TIME_MS,
      probes: 0,
      losses: 0,
      excluded: false,
      courier: false,
    },
  },
  async handler({ messenger, host: role }, params) {
    const info = await messenger.addHost(params.host)
    // The two roles of one daemon share no keys and no circuits; a host that is known to one may be known to the other.
    await role?.addHost(params.host)
    return withoutUndefined(info)
  },
})
