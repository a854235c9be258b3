/**
 * Commands about the daemon itself.
 * Never prints more of the identity than its beginning where the whole is not needed.
 * @module
 */
import type { RpcResult } from '../../rpc/index.ts'
import { sendingRows } from '../clock.ts'
import type { AnyCommand } from '../command.ts'
import { defineCommand } from '../command.ts'
import { shortId } from '../names.ts'
import { neutralise, plural, safeJson, table, wrap } from '../text.ts'
import { formatDuration, formatRelative } from '../time.ts'
import { runWaitReady } from '../wait-ready.ts'
import { COURIER_STAGES, TOR_STAGES } from './stages.ts'

type Status = RpcResult<'status'>

export const DAEMON_COMMANDS: readonly AnyCommand[] = [
  defineCommand('version', {
    show: ({ version }) => ({ out: `noctule ${neutralise(version)}\n` }),
  }),
  defineCommand('status', {
    flags: [
      {
        name: 'wait',
        value: undefined,
        description: 'Stay until tor and a courier are ready, and tell each stage on the way.',
      },
    ],
    run: (context) => (context.flags.has('wait') ? runWaitReady(context) : context.once()),
    show(status, { view }) {
      const { tor, profile } = status
      const percent =
        tor.stage === 'bootstrapping' ? ` (${tor.bootstrapPercent} %, ${neutralise(tor.bootstrapTag)})` : ''
      const rows = [
        ['Daemon', `noctule ${neutralise(status.version)}, up for ${formatDuration(status.uptimeMs)}`],
        ['Profile', profile.identity],
        ['Tor', `${TOR_STAGES[tor.stage]}${percent}`],
        ...(tor.version === undefined ? [] : [['', `tor ${neutralise(tor.version)}, ${tor.mode}`]]),
        ...(tor.lastError === undefined ? [] : [['', `last failure: ${neutralise(tor.lastError)}`]]),
        ...tor.warnings.map((code) => ['', `refused by this tor: ${neutralise(code)}`]),
        ...mailboxRows(status.mailbox, view.nowMs),
        ...sendingRows(status, view.nowMs),
        ['Contacts', `${status.contacts}, ${status.openLanes} connected`],
        ['Messages', `${plural(status.queuedMessages, 'message')} waiting to be delivered`],
        ['Requests', plural(status.pendingRequests, 'contact request')],
        ['Invites', `${status.activeInvites} active`],
      ]
      const hint =
        status.pendingRequests > 0 ? '\nSomebody asks for contact: see `noctule list-requests`.\n' : undefined
      const text = table(['', ''], rows).slice(1)
      return { out: view.colours ? boldFirstColumn(text, view.bold) : text, ...(hint === undefined ? {} : { hint }) }
    },
  }),
  defineCommand('shutdown', {
    show: () => ({ out: '', hint: 'The daemon is stopping.\n' }),
  }),
  defineCommand('rpc.discover', {
    name: 'discover',
    show: (document) => ({ out: `${safeJson(document)}\n` }),
  }),
]

const GUARANTEE_WIDTH = 80

function mailboxRows(mailbox: Status['mailbox'], nowMs: number): readonly (readonly string[])[] {
  const { nextWriteAtMs, nextReadAtMs, loopReturnPercent } = mailbox
  const slots = [
    ...(nextWriteAtMs === undefined ? [] : [`next write ${formatRelative(nextWriteAtMs, nowMs)}`]),
    ...(nextReadAtMs === undefined ? [] : [`next read ${formatRelative(nextReadAtMs, nowMs)}`]),
  ]
  const guarantee = wrap(neutralise(mailbox.guarantee), GUARANTEE_WIDTH)
  return [
    ...guarantee.map((line, index) => [index === 0 ? 'Hosts' : '', line]),
    ...(mailbox.tablesAgree ? [] : [['', 'two couriers show tables of hosts that do not agree']]),
    ...mailbox.couriers.map(({ hostKey, stage }, index) => [
      index === 0 ? 'Couriers' : '',
      `${shortId(hostKey)}: ${COURIER_STAGES[stage]}`,
    ]),
    ...(slots.length === 0 ? [] : [['Slots', slots.join(', ')]]),
    ...(loopReturnPercent === undefined ? [] : [['Loops', `${loopReturnPercent} % came back`]]),
    ...(mailbox.lastError === undefined ? [] : [['', `last failure: ${neutralise(mailbox.lastError)}`]]),
  ]
}

function boldFirstColumn(text: string, bold: (text: string) => string): string {
  return text.replaceAll(/^[A-Z][a-z]+/gm, bold)
}
