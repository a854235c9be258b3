/**
 * Where two people stand with a lane, in words.
 * Never says that the other side is there unless its end is.
 * @module
 */
import type { RpcResult } from '../rpc/index.ts'
import { formatRelative } from './time.ts'

type Live = RpcResult<'listContacts'>[number]['live']

export function describeLive({ state, untilMs }: Live, nowMs: number): string {
  const until = untilMs === undefined ? '' : `, ends ${formatRelative(untilMs, nowMs)}`
  switch (state) {
    case 'off':
      return 'off'
    case 'offered':
      return `offered by you, waiting for the other side${until}`
    case 'invited':
      return `offered by the other side, waiting for you${until}`
    case 'agreed':
      return untilMs === undefined ? 'not connected' : `agreed, not connected${until}`
    case 'open':
      return `connected${until}`
  }
}
