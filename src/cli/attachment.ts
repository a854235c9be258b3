/**
 * Files of messages, in words.
 * Never shows a foreign name that could act on the terminal.
 * @module
 */
import type { RpcResult } from '../rpc/index.ts'
import { neutralise } from './text.ts'
import { formatRelative } from './time.ts'

type Attachment = NonNullable<RpcResult<'listMessages'>['messages'][number]['attachment']>
type Transfer = Attachment['transfer']

const KIB = 1_024

/** Binary units with one digit behind the point. */
export function formatBytes(bytes: number): string {
  if (bytes < KIB) return `${bytes} B`
  const isMib = bytes >= KIB * KIB
  return `${(bytes / (isMib ? KIB * KIB : KIB)).toFixed(1)} ${isMib ? 'MiB' : 'KiB'}`
}

/** How far it has come; one line without a full stop, fit for a terminal. */
export function describeTransfer(transfer: Transfer, nowMs: number): string {
  const { chunksDone, chunks, untilMs, failure } = transfer
  const percent = `${Math.floor((100 * chunksDone) / chunks)} %`
  switch (transfer.state) {
    case 'queued':
      return 'waiting for slots'
    case 'sending':
      return `sending, ${percent}`
    case 'stored':
      return untilMs === undefined ? 'stored' : `stored, ends ${formatRelative(untilMs, nowMs)}`
    case 'offered':
      return 'not fetched'
    case 'waiting':
      return 'waiting for room'
    case 'downloading':
      return `fetching, ${percent}`
    case 'complete':
      return 'here'
    case 'failed':
      return `failed: ${neutralise(failure ?? 'unknown reason')}`
    case 'cancelled':
      return 'cancelled'
  }
}

/** One line without a full stop, fit for a terminal. */
export function describeFile({ name, bytes, transfer }: Attachment, nowMs: number): string {
  return `file ${neutralise(name)} (${formatBytes(bytes)}, ${describeTransfer(transfer, nowMs)})`
}
