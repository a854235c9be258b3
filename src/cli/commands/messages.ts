/**
 * Commands about messages and events.
 * Never prints foreign text that could act on the terminal.
 * @module
 */
import type { RpcResult } from '../../rpc/index.ts'
import type { AnyCommand } from '../command.ts'
import { defineCommand } from '../command.ts'
import { runReceive } from '../receive.ts'
import { neutraliseLines } from '../text.ts'
import { formatRelative } from '../time.ts'

type Message = RpcResult<'listMessages'>['messages'][number]

const DELIVERY = { queued: 'waiting', delivered: 'delivered', failed: 'failed' } as const

function messageLines(message: Message, name: string, nowMs: number): string {
  const who = message.direction === 'sent' ? 'you' : name
  const state = message.delivery === undefined ? '' : `, ${DELIVERY[message.delivery]}`
  const text =
    message.type === 'text'
      ? neutraliseLines(message.text, '    ')
      : '(a kind of message that this version cannot show)'
  return `#${message.position} ${who}, ${formatRelative(message.timestampMs, nowMs)}${state}\n    ${text}\n`
}

export const MESSAGE_COMMANDS: readonly AnyCommand[] = [
  defineCommand('send', {
    positionals: ['recipient', 'message'],
    note: 'Other users of this machine can see the words of a command line: give `-` and type or pipe the text instead.',
    show(sent, { subject }) {
      if (sent.repeated) return { out: `This was sent to ${subject} before; nothing new was queued.\n` }
      return { out: `Kept for ${subject}; it is delivered as soon as both of you are online.\n` }
    },
  }),
  defineCommand('listMessages', {
    positionals: ['recipient'],
    show({ messages, hasMore }, { subject, view }) {
      if (messages.length === 0) return { out: '', hint: `No messages with ${subject} here.\n` }
      const out = messages.map((message) => messageLines(message, subject, view.nowMs)).join('')
      const first = messages[0]?.position ?? 1
      return hasMore ? { out, hint: `\nOlder ones: add --before ${first}\n` } : { out }
    },
  }),
  defineCommand('subscribeReceive', {
    name: 'receive',
    flags: [
      { name: 'follow', value: undefined, description: 'Stay and show events as they happen, until interrupted.' },
      { name: 'keep', value: undefined, description: 'Do not acknowledge: the same events come again next time.' },
    ],
    note: 'Shows what was not acknowledged under the name given by --client (default `cli`), then acknowledges it.\nWith --since nothing is acknowledged.',
    show: () => ({ out: '' }),
    run: runReceive,
  }),
  defineCommand('acknowledge', {
    positionals: ['client', 'seq'],
    show: ({ acknowledged }) => ({ out: `Acknowledged up to event ${acknowledged}.\n` }),
  }),
]
