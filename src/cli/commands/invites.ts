/**
 * Commands about invites and the contact requests that they bring.
 * Never shows an invite's URI but where it is made.
 * @module
 */
import type { RpcResult } from '../../rpc/index.ts'
import type { AnyCommand } from '../command.ts'
import { defineCommand } from '../command.ts'
import { shortId } from '../names.ts'
import { QR_FORMS, svgQr, terminalQr } from '../qr.ts'
import { neutralise, neutraliseLines, safetyNumberLines, table } from '../text.ts'
import { formatRelative } from '../time.ts'

const URI_NOTE =
  'Other users of this machine can see the words of a command line: give `-` and type or pipe the URI instead.'

function inviteRow(invite: RpcResult<'listInvites'>[number], nowMs: number): readonly string[] {
  const active = invite.state === 'active'
  return [
    shortId(invite.inviteId),
    active && !invite.published ? 'active, not reachable yet' : invite.state,
    active ? formatRelative(invite.expiresAtMs, nowMs) : '',
    neutralise(invite.label ?? ''),
  ]
}

export const INVITE_COMMANDS: readonly AnyCommand[] = [
  defineCommand('createInvite', {
    flags: [
      {
        name: 'qr',
        value: 'FORM',
        choices: QR_FORMS,
        description: 'terminal: draw a QR code. svg: print one as SVG instead. none (default).',
      },
    ],
    async show(invite, { flags, view }) {
      const form = flags.get('qr')
      const uri = neutralise(invite.uri)
      const hint = [
        `\nInvite ${shortId(invite.inviteId)} works once, and expires ${formatRelative(invite.expiresAtMs, view.nowMs)}.`,
        'Give it to one person over a channel that you trust: whoever uses it first can ask for contact.',
        'It is not shown again. See who asks with `noctule list-requests`.\n',
      ].join('\n')
      if (form === 'svg') return { out: await svgQr(invite.uri), hint }
      return { out: form === 'terminal' ? `${terminalQr(invite.uri, view.colours)}${uri}\n` : `${uri}\n`, hint }
    },
  }),
  defineCommand('previewInvite', {
    positionals: ['uri'],
    note: URI_NOTE,
    show(preview, { view }) {
      const verdict = preview.own
        ? 'This invite is your own.'
        : preview.accepted
          ? 'You have accepted this invite before.'
          : preview.expired
            ? 'This invite has expired.'
            : 'This invite can be tried; only its maker knows whether it was used or withdrawn.'
      const expiry = `It ${preview.expired ? 'expired' : 'expires'} ${formatRelative(preview.expiresAtMs, view.nowMs)}.`
      return { out: `${verdict}\n${expiry}\n` }
    },
  }),
  defineCommand('acceptInvite', {
    positionals: ['uri'],
    note: URI_NOTE,
    show: (contact) => ({
      out: `Contact ${shortId(contact.contactId)} made; the request goes out as soon as Tor is ready.\n`,
      hint: 'See how it goes with `noctule list-contacts`.\n',
    }),
  }),
  defineCommand('listInvites', {
    show(invites, { view }) {
      if (invites.length === 0) return { out: '', hint: 'No invites. Make one with `noctule create-invite`.\n' }
      const rows = invites.map((invite) => inviteRow(invite, view.nowMs))
      return { out: table(['INVITE', 'STATE', 'EXPIRES', 'LABEL'], rows) }
    },
  }),
  defineCommand('revokeInvite', {
    positionals: ['inviteId'],
    show: (_, { subject }) => ({ out: `Invite ${subject} no longer works.\n` }),
  }),
  defineCommand('listRequests', {
    show(requests, { view }) {
      if (requests.length === 0) return { out: '', hint: 'No contact requests.\n' }
      const parts = requests.map((request) => {
        const label = request.inviteLabel === undefined ? '' : ` (${neutralise(request.inviteLabel)})`
        return [
          `${view.bold(`Request ${shortId(request.requestId)}`)}  ${formatRelative(request.receivedAtMs, view.nowMs)}`,
          `  used invite ${shortId(request.inviteId)}${label}`,
          ...(request.message === undefined ? [] : [`  says: ${neutraliseLines(request.message, '        ')}`]),
          '  safety number:',
          safetyNumberLines(request.safetyNumber, '    '),
        ].join('\n')
      })
      const hint =
        '\nCompare the safety number over another channel, then `noctule accept-request REQUEST --alias NAME`\nor `noctule reject-request REQUEST`.\n'
      return { out: `${parts.join('\n\n')}\n`, hint }
    },
  }),
  defineCommand('acceptRequest', {
    positionals: ['requestId'],
    show: (contact) => ({
      out: `Contact ${neutralise(contact.alias ?? shortId(contact.contactId))} made.\n`,
      hint: 'Write with `noctule send CONTACT TEXT`.\n',
    }),
  }),
  defineCommand('rejectRequest', {
    positionals: ['requestId'],
    show: (_, { subject }) => ({ out: `Request ${subject} forgotten; the requester is not told.\n` }),
  }),
]
