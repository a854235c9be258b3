/**
 * Tells how the daemon, its tor and its queues are doing.
 * Never waits for tor: it gives the stage that was reached.
 * @module
 */
import { withoutUndefined } from '../defined.ts'
import * as example from '../examples.ts'
import { defineMethod } from '../method.ts'
import { identity, seq, timeMs, torStatus } from '../models.ts'
import { integer, object, string } from '../schema/index.ts'

export const status = defineMethod({
  name: 'status',
  summary: 'The state of the daemon, with the stage that tor has reached.',
  network: 'none',
  params: object({}),
  result: object({
    version: string({ description: 'Version of noctule.' }),
    uptimeMs: integer({ description: 'Milliseconds since the RPC was started.', minimum: 0 }),
    profile: object({ identity, createdAtMs: timeMs('When the profile was made.') }),
    tor: torStatus,
    contacts: integer({ minimum: 0 }),
    openLanes: integer({ description: 'Contacts to whom a connection is open.', minimum: 0 }),
    queuedMessages: integer({ description: 'Messages that were not delivered yet.', minimum: 0 }),
    pendingRequests: integer({ description: 'Contact requests that wait for your answer.', minimum: 0 }),
    activeInvites: integer({ minimum: 0 }),
    lastEventSeq: seq,
  }),
  errors: [],
  example: {
    params: {},
    result: {
      version: '0.1.0',
      uptimeMs: 61_000,
      profile: { identity: example.IDENTITY, createdAtMs: example.TIME_MS },
      tor: {
        stage: 'ready',
        bootstrapPercent: 100,
        bootstrapTag: 'done',
        mode: 'child',
        version: '0.4.9.11',
        warnings: [],
      },
      contacts: 1,
      openLanes: 1,
      queuedMessages: 0,
      pendingRequests: 0,
      activeInvites: 0,
      lastEventSeq: 8,
    },
  },
  handler({ messenger, server }) {
    const { tor, profile, contacts, openLanes, queuedMessages, pendingRequests, activeInvites, lastEventSeq } =
      messenger.status()
    return {
      version: server.version,
      uptimeMs: Math.floor(server.uptimeMs()),
      profile: { identity: profile.identity, createdAtMs: profile.createdAtMs },
      tor: withoutUndefined(tor),
      contacts,
      openLanes,
      queuedMessages,
      pendingRequests,
      activeInvites,
      lastEventSeq,
    }
  },
})
