/**
 * Sends a message and, if asked, stays until it has come as far as the user wants to know.
 * Never sends twice, and never takes the message back: it goes its way when the command has ended.
 * @module
 */
import type { RpcNotification, RpcParams } from '../rpc/index.ts'
import type { RunContext } from './command.ts'
import { type Delivery, describeDelivery, hasReached } from './delivery.ts'
import { EXIT_CODES } from './exit-codes.ts'
import { openStream } from './receive.ts'
import { safeJson } from './text.ts'
import { formatRelative } from './time.ts'

export const WAIT_STATES = ['stored', 'delivered', 'read'] as const

/** Exit code 0 when the state was reached, 1 when the message failed or the user did not want to wait any more. */
export async function runSend(context: RunContext, params: RpcParams<'send'>): Promise<number> {
  const { client, flags, io, json, view } = context
  const wanted = WAIT_STATES.find((state) => state === flags.get('wait'))
  if (wanted === undefined) return context.once()
  // Listens before it sends, so that nothing can happen in between.
  const { lastEventSeq } = await client.call('status', {})
  const stream = openStream(await context.connect(), io.signal)
  await stream.subscribe(lastEventSeq)
  const sent = await client.call('send', params)
  let delivery: Delivery['delivery'] = sent.delivery
  await io.out(json ? `${safeJson(sent)}\n` : `${describeDelivery(sent, view.nowMs)}\n`)
  const isOver = (): boolean => delivery === 'failed' || hasReached(delivery, wanted)
  if (!isOver()) {
    for await (const notification of stream.notifications) {
      const line = lineFor(notification, sent.messageId, io.nowMs())
      if (line === undefined) continue
      delivery = line.delivery ?? delivery
      await io.out(json ? `${safeJson(notification)}\n` : `${line.text}\n`)
      if (isOver()) break
    }
  }
  if (hasReached(delivery, wanted)) return EXIT_CODES.ok
  if (delivery === 'failed') return EXIT_CODES.failed
  if (io.signal.aborted) {
    if (!json) await io.err(`Not ${wanted} yet; the message goes its way without this command.\n`)
    return EXIT_CODES.failed
  }
  if (!json) await io.err('noctule: the daemon went away; it goes on with the message when it is started again.\n')
  return EXIT_CODES.unreachable
}

/** What a notification says of this message; undefined for everything else. */
function lineFor(
  notification: RpcNotification,
  messageId: string,
  nowMs: number,
): { readonly text: string; readonly delivery: Delivery['delivery'] | undefined } | undefined {
  if (notification.method !== 'event') return undefined
  const event = notification.params.result
  if (event.type === 'delivery' && event.messageId === messageId) {
    return { text: describeDelivery(event, nowMs), delivery: event.delivery }
  }
  if (event.type === 'expiring' && event.messageId === messageId) {
    return { text: `its copies end ${formatRelative(event.untilMs, nowMs)}`, delivery: undefined }
  }
  return undefined
}
