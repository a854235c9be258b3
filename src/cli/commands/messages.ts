/**
 * Commands about messages and events.
 * Never prints foreign text that could act on the terminal.
 * @module
 */
import type { RpcResult } from '../../rpc/index.ts'
import { describeFile, formatBytes } from '../attachment.ts'
import type { AnyCommand } from '../command.ts'
import { defineCommand } from '../command.ts'
import { describeDelivery } from '../delivery.ts'
import { runReceive } from '../receive.ts'
import { runSend, WAIT_STATES } from '../send.ts'
import { neutraliseLines } from '../text.ts'
import { formatRelative } from '../time.ts'

type Message = RpcResult<'listMessages'>['messages'][number]

function messageLines(message: Message, name: string, nowMs: number): string {
  const who = message.direction === 'sent' ? 'you' : name
  const { delivery } = message
  const state = delivery === undefined ? '' : `, ${describeDelivery({ ...message, delivery }, nowMs)}`
  return `#${message.position} ${who}, ${formatRelative(message.timestampMs, nowMs)}${state}\n    ${contentOf(message, nowMs)}\n`
}

function contentOf({ type, text, attachment }: Message, nowMs: number): string {
  if (attachment !== undefined) return describeFile(attachment, nowMs)
  return type === 'text' ? neutraliseLines(text, '    ') : '(a kind of message that this version cannot show)'
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`
}

export const MESSAGE_COMMANDS: readonly AnyCommand[] = [
  defineCommand('send', {
    positionals: ['recipient', 'message'],
    flags: [
      {
        name: 'wait',
        value: 'STATE',
        choices: WAIT_STATES,
        description: 'Stay and tell how far it has come: stored, delivered or read.',
      },
    ],
    note: 'Other users of this machine can see the words of a command line: give `-` and type or pipe the text instead.',
    show(sent, { subject }) {
      if (sent.repeated) return { out: `This was sent to ${subject} before; nothing new was queued.\n` }
      return { out: `Queued for ${subject}; it leaves in one of the next slots.\n` }
    },
    run: runSend,
  }),
  defineCommand('sendAttachment', {
    name: 'send-file',
    positionals: ['recipient', 'path'],
    note: 'The daemon reads the file itself, at once; afterwards the file is not needed any more.',
    show(sent, { subject }) {
      if (sent.repeated) return { out: `This was sent to ${subject} before; nothing new was queued.\n` }
      return { out: `Queued for ${subject}; it leaves piece by piece in slots that nothing else wants.\n` }
    },
  }),
  defineCommand('downloadAttachment', {
    name: 'fetch-file',
    positionals: ['recipient', 'messageId'],
    note: 'Only larger files wait to be asked for.',
    show: (file, { view }) => ({ out: `${sentence(describeFile(file, view.nowMs))}\n` }),
  }),
  defineCommand('saveAttachment', {
    name: 'save-file',
    positionals: ['recipient', 'messageId', 'path'],
    note: 'The daemon writes the file itself and replaces nothing.',
    show: (file) => ({ out: `Saved ${formatBytes(file.bytes)}.\n` }),
  }),
  defineCommand('cancelAttachment', {
    name: 'cancel-file',
    positionals: ['recipient', 'messageId'],
    note: 'Also frees the room of a file that has come.',
    show: (file, { view }) => ({ out: `${sentence(describeFile(file, view.nowMs))}\n` }),
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
  defineCommand('markRead', {
    positionals: ['recipient', 'upTo'],
    show: (contact, { subject }) => ({ out: `Messages from ${subject} up to #${contact.readUpTo} are read.\n` }),
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
