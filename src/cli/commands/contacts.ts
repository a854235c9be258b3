/**
 * Commands about contacts.
 * Never says of a contact what only the other side can know.
 * @module
 */
import type { AnyCommand } from '../command.ts'
import { defineCommand } from '../command.ts'
import { describeLive } from '../live.ts'
import type { Contact } from '../names.ts'
import { shortId } from '../names.ts'
import { neutralise, safetyNumberLines, table, wrap } from '../text.ts'

const NOTICE_COLUMNS = 100

function stateWords(contact: Contact, nowMs: number): string {
  switch (contact.state) {
    case 'requesting':
      return 'asking: the request is on its way'
    case 'requested':
      return 'asked: waiting for an answer'
    case 'active':
      return contact.live.state === 'off' ? 'active' : describeLive(contact.live, nowMs)
    case 'failed':
      return `failed: ${neutralise(contact.failure ?? 'unknown reason')}`
    case 'blocked':
      return 'blocked'
  }
}

function contactRow(contact: Contact, nowMs: number): readonly string[] {
  const queued = contact.queuedMessages === 0 ? '' : String(contact.queuedMessages)
  return [shortId(contact.contactId), neutralise(contact.alias ?? ''), stateWords(contact, nowMs), queued]
}

export const CONTACT_COMMANDS: readonly AnyCommand[] = [
  defineCommand('listContacts', {
    flags: [{ name: 'safety-numbers', value: undefined, description: 'Show the safety number of each contact.' }],
    show(contacts, { flags, view }) {
      if (contacts.length === 0) {
        return { out: '', hint: 'No contacts. Make an invite with `noctule create-invite`, or accept one.\n' }
      }
      if (!flags.has('safety-numbers')) {
        return {
          out: table(
            ['CONTACT', 'ALIAS', 'STATE', 'WAITING'],
            contacts.map((contact) => contactRow(contact, view.nowMs)),
          ),
        }
      }
      const parts = contacts.map((contact) => {
        const [id = '', alias = '', state = ''] = contactRow(contact, view.nowMs)
        const number =
          contact.safetyNumber === undefined ? '    not known yet' : safetyNumberLines(contact.safetyNumber, '    ')
        return `${[id, alias, state].filter((cell) => cell.length > 0).join('  ')}\n${number}\n`
      })
      return { out: parts.join('\n'), hint: '\nCompare over another channel: both sides see the same digits.\n' }
    },
  }),
  defineCommand('removeContact', {
    positionals: ['recipient'],
    show: (_, { subject }) => ({ out: `Contact ${subject} and all its messages are gone from this machine.\n` }),
  }),
  defineCommand('block', {
    positionals: ['recipient'],
    show: (_, { subject }) => ({ out: `Contact ${subject} is blocked.\n` }),
  }),
  defineCommand('unblock', {
    positionals: ['recipient'],
    show: (_, { subject }) => ({ out: `Contact ${subject} is no longer blocked.\n` }),
  }),
  defineCommand('setLive', {
    name: 'live',
    positionals: ['recipient', 'on'],
    show: ({ contact, notice }, { subject, view }) => ({
      out: `Lane with ${subject}: ${describeLive(contact.live, view.nowMs)}.\n`,
      ...(contact.live.state === 'off' ? {} : { hint: `${wrap(notice, NOTICE_COLUMNS).join('\n')}\n` }),
    }),
  }),
  defineCommand('setReceipts', {
    positionals: ['recipient'],
    show({ receipts }, { subject }) {
      const told = (isOn: boolean): string => (isOn ? 'is told' : 'is not told')
      return {
        out: `${subject} ${told(receipts.delivery)} when a message has arrived, and ${told(receipts.read)} when you have read it.\n`,
      }
    },
  }),
]
