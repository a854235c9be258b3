/**
 * What the clock costs a processor: the daemon at real speed, idle and in conversation, and the bulk windows of a day.
 * Never a daemon made for the measurement. Work is what test networks ask for, next to none: on a real network it comes on top.
 * @module
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ProfileName, profileOf } from '../../src/padding/index.ts'
import { budgetBytesPerDay } from '../../src/padding/traffic.ts'
import { RECORD_LINK_BYTES } from '../../src/wire/index.ts'
import { type DaemonProcess, startDaemon, waitFor } from '../../test/support/daemon-process.ts'
import type { Tornet, TornetClient } from '../../test/support/tornet/index.ts'
import type { Figure } from './figures.ts'
import { cpuMsOf } from './usage.ts'

const LIMIT_MS = 300_000
const HOSTS = 3
/** Pairing takes minutes at real speed; and slots are counted that follow fast enough, and do not wait for each other. */
const PAIRING_SPEED = 20
/** A change of profile takes effect within an epoch, which takes 22 s at this speed. */
const CHANGING_SPEED = 1_000
const SAMPLE_MS = 120_000
const COUNTING_MS = 60_000
/** Before the first sample: what was loaded is compiled, and links are open. */
const SETTLE_MS = 30_000
const MESSAGES = 6
const DAY_S = 86_400

/** METADATA §3.5 says nothing of processors; issue 4 does. */
const MOST_PERCENT = { balanced: 1, fast: 2 } as const
const PROFILES = ['balanced', 'fast'] as const
type Measured = (typeof PROFILES)[number]

interface Person {
  readonly profile: Measured
  readonly directory: string
  readonly tor: TornetClient
  daemon: DaemonProcess
  contact: string
}

interface Usage {
  readonly daemonPercent: number
  readonly torPercent: number
  readonly slots: number
}

async function slotsOf({ daemon }: Person): Promise<number> {
  const { lanes } = await daemon.rpc.call('getTraffic', {})
  return lanes.filter(({ lane }) => lane !== 'live').reduce((sum, { recordsUp }) => sum + recordsUp, 0)
}

async function usageOver(person: Person, durationMs: number): Promise<Usage> {
  const pid = person.daemon.child.pid ?? 0
  const read = async () => ({
    daemonMs: cpuMsOf(pid),
    torMs: cpuMsOf(person.tor.pid),
    slots: await slotsOf(person),
    atMs: performance.now(),
  })
  const before = await read()
  await new Promise((resolve) => setTimeout(resolve, durationMs))
  const after = await read()
  const percent = (ms: number): number => (100 * ms) / (after.atMs - before.atMs)
  return {
    daemonPercent: percent(after.daemonMs - before.daemonMs),
    torPercent: percent(after.torMs - before.torMs),
    slots: after.slots - before.slots,
  }
}

async function whenReady({ daemon }: Person): Promise<void> {
  await waitFor('couriers', LIMIT_MS, async () => {
    const { mailbox } = await daemon.rpc.call('status', {})
    const ready = mailbox.couriers.filter(({ stage }) => stage === 'ready')
    return (ready.length >= 2 && mailbox.hosts === HOSTS) || undefined
  })
}

/** Both online; the rest goes through the mailboxes. */
async function pair(inviter: Person, acceptor: Person): Promise<void> {
  const { uri, inviteId } = await inviter.daemon.rpc.call('createInvite', {})
  await waitFor('the bundle', LIMIT_MS, async () => {
    const invites = await inviter.daemon.rpc.call('listInvites', {})
    return invites.find((invite) => invite.inviteId === inviteId)?.published === true || undefined
  })
  acceptor.contact = (await acceptor.daemon.rpc.call('acceptInvite', { uri })).contactId
  const request = await waitFor(
    'the request',
    LIMIT_MS,
    async () => (await inviter.daemon.rpc.call('listRequests', {}))[0],
  )
  inviter.contact = (await inviter.daemon.rpc.call('acceptRequest', { requestId: request.requestId })).contactId
  await waitFor('the session', LIMIT_MS, async () =>
    (await acceptor.daemon.rpc.call('listContacts', {}))[0]?.state === 'active' ? true : undefined,
  )
}

/** Slots of bulk windows in a second, on average. */
function bulkSlotsPerSecond(profile: ProfileName): number {
  const budget = budgetBytesPerDay(profileOf(profile))
  return (budget?.bulk ?? 0) / RECORD_LINK_BYTES / DAY_S
}

export async function benchClock(tornet: Tornet): Promise<Figure[]> {
  const directory = mkdtempSync(join(tmpdir(), 'noctule-bench-'))
  const running = new Set<DaemonProcess>()
  const boot = async (
    name: string,
    tor: TornetClient | undefined,
    mailboxSpeed: number,
    config: Readonly<Record<string, unknown>>,
  ): Promise<DaemonProcess> => {
    const daemon = await startDaemon({
      directory: join(directory, name),
      tor:
        tor === undefined
          ? { mode: 'child', binary: '/nonexistent/tor' }
          : { mode: 'attach', control: tor.controlPath, socks: tor.socksPath, onionTarget: 'unix' },
      config,
      unsafe: { mailboxSpeed },
    })
    running.add(daemon)
    return daemon
  }
  const stop = async (daemon: DaemonProcess): Promise<void> => {
    await daemon.stop()
    running.delete(daemon)
  }

  const hostTor = await tornet.addClient()
  let hosts: DaemonProcess[] = []
  const entries: string[] = []
  const startHosts = async (speed: number): Promise<void> => {
    await Promise.all(hosts.map(stop))
    hosts = []
    for (let index = 0; index < HOSTS; index += 1) {
      const host = await boot(`h${index}`, hostTor, speed, {
        hosts: entries.slice(0, 1),
        host: { enabled: true, alone: true, quotaMib: 64 },
      })
      hosts.push(host)
      const stats = await waitFor('a host', LIMIT_MS, async () => {
        const found = await host.rpc.call('hostStats', {})
        return found.published ? found : undefined
      })
      if (entries.length < HOSTS) entries.push(stats.host)
    }
    await waitFor('hosts', LIMIT_MS, async () => {
      const stats = await Promise.all(hosts.map((host) => host.rpc.call('hostStats', {})))
      return stats.every((each) => each.hosts === HOSTS) || undefined
    })
  }

  try {
    await startHosts(PAIRING_SPEED)
    const people: Person[] = []
    for (const profile of PROFILES) {
      const tor = await tornet.addClient()
      const daemon = await boot(profile, tor, PAIRING_SPEED, { hosts: entries })
      people.push({ profile, directory, tor, daemon, contact: '' })
    }
    const [inviter, acceptor] = people
    if (inviter === undefined || acceptor === undefined) throw new Error('two people are needed')
    await Promise.all(people.map(whenReady))
    await pair(inviter, acceptor)
    // Of all slots alike, at the profile that everybody begins with: what one costs does not depend on it.
    const counted = await usageOver(inviter, COUNTING_MS)
    const cpuMsPerSlot = (counted.daemonPercent * COUNTING_MS) / 100 / counted.slots

    for (const person of people) {
      await stop(person.daemon)
      const { profile } = person
      const changing = await boot(profile, undefined, CHANGING_SPEED, {})
      await changing.rpc.call('setProfile', { profile })
      await waitFor('the profile', LIMIT_MS, async () =>
        (await changing.rpc.call('getProfile', {})).profile === profile ? true : undefined,
      )
      await stop(changing)
    }
    await startHosts(1)
    for (const person of people) person.daemon = await boot(person.profile, person.tor, 1, { hosts: entries })
    await Promise.all(people.map(whenReady))
    await new Promise((resolve) => setTimeout(resolve, SETTLE_MS))
    const idle = await Promise.all(people.map((person) => usageOver(person, SAMPLE_MS)))
    for (let index = 0; index < MESSAGES; index += 1) {
      for (const { contact, daemon } of people) {
        await daemon.rpc.call('send', { recipient: contact, message: `message ${index}` })
      }
    }
    const busy = await Promise.all(people.map((person) => usageOver(person, SAMPLE_MS)))

    const figures: Figure[] = [
      {
        name: 'clock: processor time of one slot',
        value: cpuMsPerSlot,
        unit: 'ms',
        how: `${counted.slots} slots of all lanes in ${COUNTING_MS / 1000} s, slots ${PAIRING_SPEED} times as often; all that the daemon does`,
      },
    ]
    for (const [index, { profile }] of people.entries()) {
      const bulkPercent = (bulkSlotsPerSecond(profile) * cpuMsPerSlot * 100) / 1000
      for (const [what, usage] of [
        ['idle', idle[index]],
        ['in conversation', busy[index]],
      ] as const) {
        if (usage === undefined) throw new Error('a sample is missing')
        figures.push(
          {
            name: `clock: processor, ${profile}, ${what}, with windows`,
            value: usage.daemonPercent + bulkPercent,
            unit: '% core',
            target: { most: MOST_PERCENT[profile] },
            how: `${usage.daemonPercent.toFixed(2)} in ${SAMPLE_MS / 1000} s at real speed, and ${bulkPercent.toFixed(2)} for the average of all bulk windows by the time of one slot`,
          },
          {
            name: `clock: processor of tor beside it, ${profile}, ${what}`,
            value: usage.torPercent,
            unit: '% core',
            how: `the same ${SAMPLE_MS / 1000} s`,
          },
        )
      }
    }
    return figures
  } finally {
    await Promise.all([...running].map((daemon) => daemon.kill()))
    rmSync(directory, { recursive: true, force: true })
  }
}
