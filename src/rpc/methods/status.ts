/**
 * Tells how the daemon, its tor and its queues are doing.
 * Never waits for tor: it gives the stage that was reached.
 * @module
 */
import type { MailboxStatus, SendingInfo } from '../../messenger/index.ts'
import {
  bulkResult,
  bulkState,
  changeResult,
  profileChange,
  profileName,
  syncState,
  trafficTotals,
} from '../clock-models.ts'
import { withoutUndefined } from '../defined.ts'
import * as example from '../examples.ts'
import { describeGuarantee } from '../guarantee.ts'
import { defineMethod } from '../method.ts'
import { identity, mailboxStatus, seq, timeMs, torStatus } from '../models.ts'
import { type Infer, integer, named, object, optional, string } from '../schema/index.ts'

const sending = named(
  'Sending',
  object({
    profile: profileName,
    nextProfile: optional(profileChange),
    queuedEnvelopes: integer({ description: 'Parts of messages that no courier has had yet.', minimum: 0 }),
    queuedParts: integer({ description: 'Boxes of files that no host keeps yet.', minimum: 0 }),
    expectedDelayMs: optional(
      integer({
        description:
          'Milliseconds until hosts keep a short message that is sent now, on average; absent for manual, and without hosts.',
        minimum: 0,
      }),
    ),
    syncState,
    bulk: bulkState,
  }),
  'What waits to leave, and when a message would.',
)

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
    sending,
    traffic: object(
      {
        sinceMs: timeMs('Counted from here, at most a day ago.'),
        bytes: integer({ description: 'Of all lanes, both ways.', minimum: 0 }),
        budgetPercent: optional(
          integer({ description: 'Share of what the profile spends in that time, without live lanes.', minimum: 0 }),
        ),
      },
      'In short; `getTraffic` has the lanes.',
    ),
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
      sending: {
        profile: 'balanced',
        queuedEnvelopes: 0,
        queuedParts: 0,
        expectedDelayMs: 22_000,
        syncState: 'idle',
        bulk: { nextWindowAtMs: example.TIME_MS + 9_000_000, slotsLeft: 0 },
      },
      traffic: { sinceMs: example.TIME_MS, bytes: 2_418_677, budgetPercent: 100 },
      contacts: 1,
      openLanes: 1,
      queuedMessages: 0,
      pendingRequests: 0,
      activeInvites: 0,
      lastEventSeq: 8,
    },
  },
  handler({ messenger, server }) {
    const {
      tor,
      mailbox,
      profile,
      sending: waiting,
      contacts,
      openLanes,
      queuedMessages,
      pendingRequests,
      activeInvites,
      lastEventSeq,
    } = messenger.status()
    const traffic = messenger.traffic()
    const { budgetPercent, bytes } = trafficTotals(traffic)
    return {
      version: server.version,
      uptimeMs: Math.floor(server.uptimeMs()),
      profile: { identity: profile.identity, createdAtMs: profile.createdAtMs },
      tor: withoutUndefined(tor),
      mailbox: describeMailbox(mailbox),
      sending: describeSending(waiting),
      traffic: withoutUndefined({ sinceMs: Math.round(traffic.sinceMs), bytes, budgetPercent }),
      contacts,
      openLanes,
      queuedMessages,
      pendingRequests,
      activeInvites,
      lastEventSeq,
    }
  },
})

function describeSending(waiting: SendingInfo): Infer<typeof sending> {
  const { bulk, expectedDelayMs, profile, queuedEnvelopes, queuedParts, sync } = waiting
  return withoutUndefined({
    profile: profile.name,
    nextProfile: changeResult(profile.next),
    queuedEnvelopes,
    queuedParts,
    expectedDelayMs: expectedDelayMs && Math.round(expectedDelayMs),
    syncState: sync,
    bulk: bulkResult(bulk),
  })
}

function describeMailbox(mailbox: MailboxStatus): Infer<typeof mailboxStatus> {
  const { loopReturn, ...rest } = mailbox
  return withoutUndefined({
    guarantee: describeGuarantee(mailbox),
    ...rest,
    // Rounded down: only when every loop came back it says 100.
    loopReturnPercent: loopReturn === undefined ? undefined : Math.floor(loopReturn * 100),
  })
}
