/**
 * Tells how the daemon, its tor and its queues are doing.
 * Never waits for tor: it gives the stage that was reached.
 * @module
 */
import type { MailboxStatus } from '../../messenger/index.ts'
import { withoutUndefined } from '../defined.ts'
import * as example from '../examples.ts'
import { describeGuarantee } from '../guarantee.ts'
import { defineMethod } from '../method.ts'
import { identity, mailboxStatus, seq, timeMs, torStatus } from '../models.ts'
import { type Infer, integer, object, string } from '../schema/index.ts'

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
    mailbox: mailboxStatus,
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
      mailbox: {
        guarantee:
          '12 hosts: courier, intermediate and store are different hosts. A message waits at 8 of them, and is called stored once 2 have signed for it.',
        hosts: 12,
        replicas: 8,
        quorum: 2,
        separation: 'full',
        couriers: [{ hostKey: example.HOST_KEY, stage: 'ready' }],
        tableRoot: example.TABLE_ROOT,
        tablesAgree: true,
        nextWriteAtMs: example.TIME_MS + 21_000,
        nextReadAtMs: example.TIME_MS + 9_000,
        loopReturnPercent: 100,
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
    const { tor, mailbox, profile, contacts, openLanes, queuedMessages, pendingRequests, activeInvites, lastEventSeq } =
      messenger.status()
    return {
      version: server.version,
      uptimeMs: Math.floor(server.uptimeMs()),
      profile: { identity: profile.identity, createdAtMs: profile.createdAtMs },
      tor: withoutUndefined(tor),
      mailbox: describeMailbox(mailbox),
      contacts,
      openLanes,
      queuedMessages,
      pendingRequests,
      activeInvites,
      lastEventSeq,
    }
  },
})

function describeMailbox(mailbox: MailboxStatus): Infer<typeof mailboxStatus> {
  const { loopReturn, ...rest } = mailbox
  return withoutUndefined({
    guarantee: describeGuarantee(mailbox),
    ...rest,
    // Rounded down: only when every loop came back it says 100.
    loopReturnPercent: loopReturn === undefined ? undefined : Math.floor(loopReturn * 100),
  })
}
