/**
 * What users do in a capture, by class: calls of the RPC and nothing else, from outside of the daemon.
 * Never touches a daemon in another way, so that what leaves because of it is what a user can make leave.
 * @module
 */

import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { CaptureClass } from '../../simulations/capture/trace.ts'
import type { RpcClient } from '../../src/rpc/index.ts'
import type { CaptureClient } from './capture-network.ts'
import { waitFor } from './daemon-process.ts'

const STEP_LIMIT_MS = 240_000
/** Between two questions to a daemon: asking more often takes more of the machine than all that is observed (measured). */
const ASK_EVERY_MS = 250
const BURST_COUNT = 20
/** Virtual minutes between two bursts: twice what the write slots need for one. */
const BURST_EVERY_MINUTES = 10
/** So many messages of a flood wait for slots of their own at any time: more would reach nobody sooner. */
const FLOOD_WAITING_COUNT = 16
/** The flood is topped up so often. */
const FLOOD_EVERY_MINUTES = 1 / 6
/** Queues are first in, first out: while one of so many newest messages waits, there is no need to read the others. */
const NEWEST_COUNT = 4
const STORED_COUNT = 200
/** About what it takes to send so many, in minutes of the profile's clock; until one client has been away for them. */
const FIRST_ABSENCE_MINUTES = 20
/** Fits the smallest bucket. */
const FILE_BYTES = 12_000
const FILE_EVERY_MINUTES = 6

/** A client and its contact, who know each other by these ids. */
export interface Acquaintance {
  readonly client: CaptureClient
  /** The contact, as the client calls it, and the client, as the contact calls it. */
  readonly contactId: string
  readonly clientId: string
}

export interface Stage extends Acquaintance {
  /** One virtual minute. */
  readonly minuteMs: number
  /** Ends with the segment; what is under way may end by itself. */
  readonly signal: AbortSignal
  readonly uniform: () => number
}

/** Resolves early when the signal aborts. */
async function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return
  await new Promise<void>((resolve) => {
    const end = (): void => {
      clearTimeout(timer)
      signal.removeEventListener('abort', end)
      resolve()
    }
    const timer = setTimeout(end, ms)
    signal.addEventListener('abort', end)
  })
}

async function sendEvery(rpc: RpcClient, recipient: string, meanMs: number, stage: Stage): Promise<void> {
  for (;;) {
    // A person does not write on a grid.
    await pause(meanMs * (0.5 + stage.uniform()), stage.signal)
    if (stage.signal.aborted) return
    await say(rpc, recipient)
  }
}

let said = 0

/** No two texts are alike, so that one can be looked for. */
async function say(rpc: RpcClient, recipient: string): Promise<void> {
  said += 1
  await rpc.call('send', { recipient, message: `message ${said}` })
}

async function sendMany(rpc: RpcClient, recipient: string, count: number): Promise<void> {
  for (let index = 0; index < count; index += 1) await say(rpc, recipient)
}

async function sendBursts(rpc: RpcClient, recipient: string, stage: Stage): Promise<void> {
  while (!stage.signal.aborted) {
    await sendMany(rpc, recipient, BURST_COUNT)
    await pause(BURST_EVERY_MINUTES * stage.minuteMs, stage.signal)
  }
}

async function flood(rpc: RpcClient, recipient: string, stage: Stage): Promise<void> {
  while (!stage.signal.aborted) {
    const missing = FLOOD_WAITING_COUNT - (await waitingCount(rpc, recipient))
    await sendMany(rpc, recipient, missing)
    await pause(FLOOD_EVERY_MINUTES * stage.minuteMs, stage.signal)
  }
}

/** Makes a contact through mailboxes; gives the ids that both sides have for each other. */
export async function makeContact(
  inviter: RpcClient,
  acceptor: RpcClient,
  signal?: AbortSignal,
): Promise<{ readonly ofAcceptor: string; readonly ofInviter: string } | undefined> {
  const until = <T>(what: string, probe: () => Promise<T | undefined>): Promise<T | undefined> =>
    waitFor<T | 'over'>(
      what,
      STEP_LIMIT_MS,
      async () => (signal?.aborted === true ? 'over' : probe()),
      ASK_EVERY_MS,
    ).then((found) => (found === 'over' ? undefined : found))
  const { uri, inviteId } = await inviter.call('createInvite', { rendezvous: false })
  const published = await until('an invite', async () => {
    const invites = await inviter.call('listInvites', {})
    return invites.find((invite) => invite.inviteId === inviteId)?.published === true || undefined
  })
  if (published === undefined) {
    await inviter.call('revokeInvite', { inviteId })
    return undefined
  }
  const { contactId: ofInviter } = await acceptor.call('acceptInvite', { uri })
  const request = await until('a request', async () =>
    (await inviter.call('listRequests', {})).find((each) => each.inviteId === inviteId),
  )
  if (request === undefined) {
    await acceptor.call('removeContact', { recipient: ofInviter })
    await inviter.call('revokeInvite', { inviteId }).catch(() => undefined)
    return undefined
  }
  const { contactId: ofAcceptor } = await inviter.call('acceptRequest', { requestId: request.requestId })
  await until('a contact', async () =>
    (await acceptor.call('listContacts', {})).find(
      ({ contactId, state }) => contactId === ofInviter && state === 'active',
    ),
  )
  return { ofAcceptor, ofInviter }
}

/** Contacts come and go, invited by either side in turn. */
async function addContacts(stage: Stage): Promise<void> {
  const { client, contact } = { client: stage.client.daemon().rpc, contact: stage.client.contact.rpc }
  for (let isInviter = stage.uniform() < 0.5; !stage.signal.aborted; isInviter = !isInviter) {
    const [inviter, acceptor] = isInviter ? [client, contact] : [contact, client]
    const made = await makeContact(inviter, acceptor, stage.signal)
    if (made === undefined) return
    await inviter.call('removeContact', { recipient: made.ofAcceptor })
    await acceptor.call('removeContact', { recipient: made.ofInviter })
  }
}

/** What runs beside the observed windows of a segment. */
export const ACTIVITIES: Readonly<Record<CaptureClass, (stage: Stage) => Promise<void>>> = {
  idle: () => Promise.resolve(),
  sending: (stage) => sendEvery(stage.client.daemon().rpc, stage.contactId, stage.minuteMs, stage),
  burst: (stage) => sendBursts(stage.client.daemon().rpc, stage.contactId, stage),
  receiving: (stage) => sendEvery(stage.client.contact.rpc, stage.clientId, stage.minuteMs, stage),
  flood: (stage) => flood(stage.client.contact.rpc, stage.clientId, stage),
  adding: addContacts,
  attachment: sendFiles,
  // What waits for them was sent before.
  returning: () => Promise.resolve(),
  returned: () => Promise.resolve(),
}

async function sendFiles(stage: Stage): Promise<void> {
  const { client, contactId } = stage
  const path = join(client.directory, 'file.bin')
  while (!stage.signal.aborted) {
    writeFileSync(path, randomBytes(FILE_BYTES))
    await client.daemon().rpc.call('sendAttachment', { recipient: contactId, path })
    await pause(FILE_EVERY_MINUTES * stage.minuteMs, stage.signal)
  }
}

/**
 * While the client is away: what it will find. One that will find nothing is away for as long as another was that did, of those
 * in `absencesMs`, so that how long it was away says nothing.
 */
export async function prepareReturn(stage: Stage, isExpected: boolean, absencesMs: number[]): Promise<void> {
  const { client } = stage
  const absenceMs =
    absencesMs[Math.floor(stage.uniform() * absencesMs.length)] ?? FIRST_ABSENCE_MINUTES * stage.minuteMs
  await client.stop()
  const startedMs = performance.now()
  if (isExpected) {
    await sendMany(client.contact.rpc, stage.clientId, STORED_COUNT)
    await drained(client.contact.rpc, stage.clientId, 3 * STEP_LIMIT_MS)
    absencesMs.push(performance.now() - startedMs)
  } else await new Promise((resolve) => setTimeout(resolve, absenceMs))
  await client.start()
}

async function waitingCount(rpc: RpcClient, recipient: string): Promise<number> {
  const { messages } = await rpc.call('listMessages', { recipient, limit: 2 * FLOOD_WAITING_COUNT })
  return messages.filter(isWaiting).length
}

interface Waiting {
  readonly delivery?: string | undefined
  readonly attachment?: { readonly transfer: { readonly state: string } } | undefined
}

/** A file waits for as long as a part of it has no host: it is announced apart from its parts. */
function isWaiting({ attachment, delivery }: Waiting): boolean {
  const transfer = attachment?.transfer.state
  return delivery === 'queued' || delivery === 'sent' || transfer === 'queued' || transfer === 'sending'
}

/**
 * Nothing that was sent to this recipient waits for a slot any more. All of a long history is read only when nothing waits as
 * deep as something did before, so that asking stays cheap late in a run.
 */
async function drained(rpc: RpcClient, recipient: string, limitMs = STEP_LIMIT_MS): Promise<void> {
  let depth = NEWEST_COUNT
  const oldestWaiting = async (limit: number): Promise<number | undefined> => {
    const { messages } = await rpc.call('listMessages', { recipient, limit })
    const index = messages.findIndex(isWaiting)
    return index < 0 ? undefined : messages.length - index
  }
  await waitFor(
    'a queue to empty',
    limitMs,
    async () => {
      if ((await oldestWaiting(depth)) !== undefined) return undefined
      const oldest = await oldestWaiting(2 * STORED_COUNT)
      // What comes meanwhile moves it further back.
      if (oldest !== undefined) depth = oldest + NEWEST_COUNT
      return oldest === undefined || undefined
    },
    ASK_EVERY_MS,
  )
}

/** Nothing waits at either side, and the client has what its contact sent. */
export async function settle({ client, clientId, contactId }: Acquaintance): Promise<void> {
  const own = client.daemon().rpc
  const other = client.contact.rpc
  await drained(own, contactId)
  await drained(other, clientId)
  const { messages } = await other.call('listMessages', { recipient: clientId, limit: 2 * STORED_COUNT })
  const last = messages.findLast(({ direction }) => direction === 'sent')
  if (last === undefined) return
  await waitFor(
    'what was sent to arrive',
    STEP_LIMIT_MS,
    async () => {
      const { messages: had } = await own.call('listMessages', { recipient: contactId, limit: 20 })
      return had.some(({ text }) => text === last.text) || undefined
    },
    ASK_EVERY_MS,
  )
}
