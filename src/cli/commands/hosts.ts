/**
 * Commands about hosts: those that are known, and the one that this daemon may be.
 * Never calls a host good or bad beyond what loops have shown.
 * @module
 */
import type { RpcResult } from '../../rpc/index.ts'
import type { AnyCommand } from '../command.ts'
import { defineCommand } from '../command.ts'
import { shortId } from '../names.ts'
import { neutralise, table } from '../text.ts'
import { formatRelative } from '../time.ts'

type Host = RpcResult<'listHosts'>[number]

const MIB_BYTES = 2 ** 20
const GIB_BYTES = 2 ** 30

/** `512 MiB`, `1.5 GiB`. */
function formatBytes(bytes: number): string {
  return bytes < GIB_BYTES ? `${Math.round(bytes / MIB_BYTES)} MiB` : `${(bytes / GIB_BYTES).toFixed(1)} GiB`
}

function stateWords(host: Host, nowMs: number): string {
  if (host.excluded) return 'left out: it loses too much'
  if (host.courier) return 'courier'
  if (host.expiresAtMs === undefined) return 'not heard of yet'
  return host.expiresAtMs > nowMs ? 'listed' : 'silent'
}

function hostRow(host: Host, nowMs: number): readonly string[] {
  const room = host.capacityMib === undefined ? '' : formatBytes(host.capacityMib * MIB_BYTES)
  const lost = host.probes === 0 ? '' : `${host.losses} of ${host.probes}`
  return [shortId(host.hostKey), stateWords(host, nowMs), room, lost, formatRelative(host.firstSeenAtMs, nowMs)]
}

export const HOST_COMMANDS: readonly AnyCommand[] = [
  defineCommand('listHosts', {
    show(hosts, { view }) {
      if (hosts.length === 0) {
        return { out: '', hint: 'No hosts. Add one with `noctule add-host`, or accept an invite that names some.\n' }
      }
      const rows = hosts.map((host) => hostRow(host, view.nowMs))
      return { out: table(['HOST', 'STATE', 'ROOM', 'LOST', 'KNOWN SINCE'], rows) }
    },
  }),
  defineCommand('addHost', {
    positionals: ['host'],
    show: (host) => ({
      out: `Host ${shortId(host.hostKey)} is remembered.\n`,
      hint: 'See with `noctule status` when a courier is ready.\n',
    }),
  }),
  defineCommand('hostStats', {
    show(stats, { view }) {
      const rows = [
        ['Host', neutralise(stats.host)],
        ['Onions', stats.published ? 'published' : 'not published yet'],
        ['Since', formatRelative(stats.startedAtMs, view.nowMs)],
        ['Boxes', `${stats.boxes}, ${formatBytes(stats.boxBytes)} of ${formatBytes(stats.quotaBytes)}`],
        ['', `${stats.stored} taken, ${stats.fetched} given out, ${stats.expired} expired, ${stats.repaired} repaired`],
        [
          '',
          `${stats.missed} asked for and not there, ${stats.conflicts} refused as taken, ${stats.refusedFull} as full`,
        ],
        ['Clients', `${stats.courierSessions} sessions, ${stats.relayed} requests passed on`],
        ['Network', `${stats.hosts} hosts known`],
      ]
      const text = table(['', ''], rows).slice(1)
      return { out: text, hint: '\nGive the first line to people who want to use this host: `noctule add-host`.\n' }
    },
  }),
]
