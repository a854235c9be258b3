/**
 * Shows events as they come out of the log and acknowledges them once they were written.
 * Never acknowledges what the output did not take: after a crash an event may show twice, but none is lost.
 * @module
 */
import type { RpcClient, RpcNotification, RpcParams } from '../rpc/index.ts'
import { describeTransfer, formatBytes } from './attachment.ts'
import type { RunContext } from './command.ts'
import { describeDelivery } from './delivery.ts'
import { EXIT_CODES } from './exit-codes.ts'
import { describeLive } from './live.ts'
import { displayName, namedContact, shortId } from './names.ts'
import { neutralise, neutraliseLines, safeJson } from './text.ts'
import { formatRelative } from './time.ts'

const DEFAULT_CLIENT = 'cli'
/** Notifications held in memory when the output is slow; beyond it the daemon is left to keep them. */
const QUEUE_MAX_COUNT = 256

/** Exit code 0 when everything was shown, or when the user ended it. */
export async function runReceive(context: RunContext, params: RpcParams<'subscribeReceive'>): Promise<number> {
  const { client, flags, io, json } = context
  const name = params.client ?? DEFAULT_CLIENT
  const acknowledges = params.since === undefined && !flags.has('keep')
  const { lastEventSeq } = await client.call('status', {})
  // Acknowledging nothing tells how far this client has come.
  const since = params.since ?? (await client.call('acknowledge', { client: name, seq: 0 })).acknowledged
  const until = flags.has('follow') ? Number.POSITIVE_INFINITY : lastEventSeq
  if (since >= until) {
    if (!json) await io.err('Nothing new.\n')
    return EXIT_CODES.ok
  }
  const describe = createDescriber(client, context)
  // A connection of its own: it is paused when the output is slow, and calls must not wait for that.
  const stream = openStream(await context.connect(), io.signal)
  await stream.subscribe(since)
  for await (const notification of stream.notifications) {
    const { seq } = notification.params
    const taken = await io.out(json ? `${safeJson(notification)}\n` : await describe(notification))
    if (!taken) return EXIT_CODES.ok
    if (acknowledges && (stream.waiting() === 0 || seq >= until))
      await client.call('acknowledge', { client: name, seq })
    if (seq >= until) return EXIT_CODES.ok
  }
  if (io.signal.aborted) return EXIT_CODES.ok
  if (!json) await io.err('noctule: the daemon went away.\n')
  return EXIT_CODES.unreachable
}

export interface NotificationStream {
  subscribe(since: number): Promise<void>
  /** Ends with the connection or the signal. Single consumer. */
  readonly notifications: AsyncIterable<RpcNotification>
  waiting(): number
}

/** All events of a subscription, in order. */
export function openStream(client: RpcClient, signal: AbortSignal): NotificationStream {
  const queue: RpcNotification[] = []
  let ended = signal.aborted
  let wake: (() => void) | undefined
  const end = (): void => {
    ended = true
    wake?.()
  }
  client.onNotification((notification) => {
    queue.push(notification)
    if (queue.length >= QUEUE_MAX_COUNT) client.pause()
    wake?.()
  })
  signal.addEventListener('abort', end, { once: true })
  void client.closed.then(end)

  async function* notifications(): AsyncGenerator<RpcNotification> {
    for (;;) {
      const next = queue.shift()
      if (next !== undefined) {
        yield next
        if (signal.aborted) return
        continue
      }
      if (ended) return
      client.resume()
      await new Promise<void>((resolve) => {
        wake = resolve
      })
    }
  }
  return {
    async subscribe(since) {
      await client.call('subscribeReceive', { since })
    },
    notifications: notifications(),
    waiting: () => queue.length,
  }
}

function fileLine({ filename, size }: { readonly filename: string; readonly size: number }): string {
  return `(file ${filename}, ${formatBytes(size)})`
}

/** Lines for people, with contacts called by their aliases. */
function createDescriber(
  client: RpcClient,
  { io, view }: RunContext,
): (notification: RpcNotification) => Promise<string> {
  const names = new Map<string, string>()
  const nameOf = async (contactId: string): Promise<string> => {
    if (!names.has(contactId)) {
      for (const contact of await client.call('listContacts', {})) {
        names.set(contact.contactId, displayName(namedContact(contact)))
      }
    }
    // Kept as well when the contact is gone, so that a long replay asks once.
    const name = names.get(contactId) ?? shortId(contactId)
    names.set(contactId, name)
    return name
  }
  return async (notification) => {
    const { seq, atMs } = notification.params
    // An overflow is noticed on reading and has no time of its own.
    const when = atMs === 0 ? '' : `  ${formatRelative(atMs, io.nowMs())}`
    return `${view.dim(`#${seq}${when}`)}  ${await describeNotification(notification, nameOf, io.nowMs())}\n`
  }
}

async function describeNotification(
  notification: RpcNotification,
  nameOf: (contactId: string) => Promise<string>,
  nowMs: number,
): Promise<string> {
  if (notification.method === 'receive') {
    const { envelope } = notification.params.result
    const body = envelope.dataMessage ?? envelope.syncMessage?.sentMessage
    const [file] = body?.attachments ?? []
    const other = file === undefined ? '(a kind of message that this version cannot show)' : fileLine(file)
    const text = body?.message ?? other
    const name = await nameOf(envelope.source)
    return `${envelope.dataMessage === undefined ? `you to ${name}` : name}: ${neutraliseLines(text, '    ')}`
  }
  const event = notification.params.result
  switch (event.type) {
    case 'delivery':
      return `message ${shortId(event.messageId)} to ${await nameOf(event.contactId)}: ${describeDelivery(event, nowMs)}`
    case 'expiring':
      return `message ${shortId(event.messageId)} to ${await nameOf(event.contactId)} was not fetched yet; its copies end ${formatRelative(event.untilMs, nowMs)}`
    case 'request':
      return `contact request ${shortId(event.request.requestId)}: see \`noctule list-requests\``
    case 'contact':
      return `contact ${await nameOf(event.contactId)}: ${event.state}${event.failure === undefined ? '' : ` (${neutralise(event.failure)})`}`
    case 'invite':
      return `invite ${shortId(event.inviteId)}: ${event.state}`
    case 'live':
      return `lane with ${await nameOf(event.contactId)}: ${describeLive(event, nowMs)}`
    case 'attachment': {
      const way = event.direction === 'sent' ? 'to' : 'from'
      return `file ${shortId(event.messageId)} ${way} ${await nameOf(event.contactId)}: ${describeTransfer(event, nowMs)}`
    }
    case 'gone':
      return '(removed since)'
    case 'overflow':
      return `events before #${event.firstSeq} were dropped; conversations still have their messages`
  }
}
