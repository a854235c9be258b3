/**
 * Commands about the daemon itself.
 * Never prints more of the identity than its beginning where the whole is not needed.
 * @module
 */
import type { RpcResult } from '../../rpc/index.ts'
import type { AnyCommand } from '../command.ts'
import { defineCommand } from '../command.ts'
import { shortId } from '../names.ts'
import { neutralise, plural, safeJson, table, wrap } from '../text.ts'
import { formatDuration, formatRelative } from '../time.ts'

type Status = RpcResult<'status'>

const TOR_STAGES = {
  stopped: 'stopped',
  searching: 'looking for a running tor',
  launching: 'starting our own tor',
  authenticating: 'signing in to tor',
  bootstrapping: 'connecting to the Tor network',
  ready: 'connected to the Tor network',
  lost: 'connection to tor lost, trying again',
  missing: 'no tor found; install it, it is looked for again at intervals',
} as const

export const DAEMON_COMMANDS: readonly AnyCommand[] = [
  defineCommand('version', {
    show: ({ version }) => ({ out: `noctule ${neutralise(version)}\n` }),
  }),
  defineCommand('status', {
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

const COURIER_STAGES = {
  working: 'working out the proof that it asks for',
  connecting: 'connecting',
  opening: 'connected, opening',
  ready: 'ready',
  failed: 'failed, trying another',
} as const

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
