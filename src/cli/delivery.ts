/**
 * How far a sent message has come, in words.
 * Never says "stored" without the hosts that signed for it.
 * @module
 */
import type { RpcResult } from '../rpc/index.ts'
import { neutralise } from './text.ts'
import { formatDuration, formatRelative } from './time.ts'

type Sent = RpcResult<'send'>
export type Delivery = Pick<Sent, 'delivery' | 'stored' | 'failure' | 'retryAfterMs'>

/** In order, so that what was reached can be compared; `failed` is none of them. */
const STATES = ['queued', 'sent', 'stored', 'delivered', 'read'] as const

/** Whether the message has come as far as `state`, or farther. */
export function hasReached(delivery: Delivery['delivery'], state: (typeof STATES)[number]): boolean {
  return delivery !== 'failed' && STATES.indexOf(delivery) >= STATES.indexOf(state)
}

/** One line without a full stop, fit for a terminal. */
export function describeDelivery(sent: Delivery, nowMs: number): string {
  const { stored } = sent
  switch (sent.delivery) {
    case 'queued':
      return `waiting${obstacle(sent)}`
    case 'sent':
      return `sent, no host has confirmed it yet${obstacle(sent)}`
    case 'stored':
      return stored === undefined
        ? 'stored'
        : `stored ${stored.replicas} of ${stored.wanted}, ends ${formatRelative(stored.untilMs, nowMs)}`
    case 'delivered':
      return 'delivered'
    case 'read':
      return 'read'
    case 'failed':
      return `failed: ${neutralise(sent.failure ?? 'unknown reason')}`
  }
}

function obstacle({ failure, retryAfterMs }: Delivery): string {
  const why = failure === undefined ? '' : `: ${neutralise(failure)}`
  return retryAfterMs === undefined ? why : `${why}, again in ${formatDuration(retryAfterMs)}`
}
