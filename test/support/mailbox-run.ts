/**
 * Pairs of people who are never online together write to each other through hosts of which some die and some mean ill.
 * Never asks a daemon whether all is well: it compares what `send` acknowledged with what the other side shows.
 * @module
 */
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type DaemonProcess, NETWORK_LIMIT_MS, startDaemon, waitFor } from './daemon-process.ts'
import { createSeededRandom } from './seeded-random.ts'
import type { Tornet, TornetClient } from './tornet/index.ts'

const FAULTY = fileURLToPath(new URL('./faulty-host-daemon.ts', import.meta.url))
const STEP_LIMIT_MS = 900_000
/** Daemons that attach to one tor process; each has its own control connection and isolation tokens. */
const DAEMONS_PER_TOR = 4
const UNDELIVERED: readonly string[] = ['queued', 'sent']

export interface MailboxRunOptions {
  readonly tornet: Tornet
  readonly directory: string
  readonly hosts: number
  /** Of these, the faults of the last ones. */
  readonly faults: readonly ('liar' | 'garbage')[]
  /** Hosts that are killed with SIGKILL at random moments and stay dead; never a faulty one, never the first. */
  readonly kills: number
  readonly pairs: number
  /** Over all pairs and both directions. */
  readonly messages: number
  /** Messages that one side writes before it goes offline. */
  readonly batch: number
  readonly speed: number
  readonly seed: number
  readonly report?: (line: string) => void
}

export interface MailboxRunResult {
  readonly hosts: number
  readonly killed: number
  readonly faulty: number
  readonly clients: number
  readonly acknowledged: number
  readonly delivered: number
  readonly lost: number
  readonly duplicated: number
  /** Moments at which both sides of a pair were running; 0 or the run shows nothing. */
  readonly together: number
  readonly elapsedMs: number
}

interface Person {
  readonly name: string
  readonly directory: string
  readonly tor: Readonly<Record<string, unknown>>
  contact: string
  daemon: DaemonProcess | undefined
  readonly acknowledged: string[]
  readonly seen: Map<number, string>
}

export async function runMailboxes(options: MailboxRunOptions): Promise<MailboxRunResult> {
  const { tornet, speed } = options
  const random = createSeededRandom(options.seed)
  const startedMs = performance.now()
  const report = (line: string): void =>
    options.report?.(`[${((performance.now() - startedMs) / 1000).toFixed(0).padStart(5)} s] ${line}`)
  const clients: TornetClient[] = []
  let attached = 0
  const nextTor = async (): Promise<Readonly<Record<string, unknown>>> => {
    if (attached % DAEMONS_PER_TOR === 0) clients.push(await tornet.addClient())
    attached += 1
    const client = clients.at(-1)
    return { mode: 'attach', control: client?.controlPath, socks: client?.socksPath }
  }
  const running = new Set<DaemonProcess>()
  const boot = async (start: Parameters<typeof startDaemon>[0]): Promise<DaemonProcess> => {
    const daemon = await startDaemon({ ...start, unsafe: { mailboxSpeed: speed } })
    running.add(daemon)
    return daemon
  }

  const hosts: DaemonProcess[] = []
  const entries: string[] = []
  const startHost = async (index: number): Promise<void> => {
    const fault = options.faults[index - (options.hosts - options.faults.length)]
    const daemon = await boot({
      directory: join(options.directory, `host${index}`),
      tor: await nextTor(),
      config: { hosts: entries.slice(0, 1), host: { enabled: true, alone: true, quotaMib: 64 } },
      ...(fault === undefined ? {} : { main: FAULTY, environment: { FAULT: fault } }),
    })
    hosts.push(daemon)
    const stats = await waitFor(`host ${index}`, NETWORK_LIMIT_MS, async () => {
      const found = await daemon.rpc.call('hostStats', {})
      return found.published ? found : undefined
    })
    entries.push(stats.host)
  }

  const people: Person[] = []
  let together = 0
  const online = async (person: Person, other: Person): Promise<DaemonProcess> => {
    if (other.daemon !== undefined) together += 1
    person.daemon ??= await boot({
      directory: person.directory,
      tor: person.tor,
      // Hosts that may be dead by then: one that answers is enough, and the table is remembered.
      config: { hosts: entries.slice(0, 3) },
    })
    return person.daemon
  }
  const offline = async (person: Person): Promise<void> => {
    const { daemon } = person
    if (daemon === undefined) return
    person.daemon = undefined
    // Half of them lose power instead.
    await (random.uniform() < 0.5 ? daemon.stop() : daemon.kill())
    running.delete(daemon)
  }

  /** Everything that was sent to them so far, by position, so that a message that came twice counts twice. */
  const look = async (person: Person): Promise<void> => {
    if (person.daemon === undefined || person.contact === '') return
    for (let before: number | undefined; ; ) {
      const { messages } = await person.daemon.rpc.call('listMessages', {
        recipient: person.contact,
        limit: 100,
        ...(before === undefined ? {} : { before }),
      })
      for (const { direction, position, text } of messages) {
        if (direction === 'received') person.seen.set(position, text ?? '')
      }
      before = messages[0]?.position
      if (before === undefined || before <= 1) return
    }
  }
  const hasAllOf = async (person: Person, other: Person): Promise<true | undefined> => {
    await look(person)
    const texts = new Set(person.seen.values())
    return other.acknowledged.every((text) => texts.has(text)) || undefined
  }

  const pair = async (inviter: Person, acceptor: Person): Promise<void> => {
    const first = await online(inviter, acceptor)
    await waitFor('hosts', NETWORK_LIMIT_MS, async () =>
      (await first.rpc.call('listHosts', {})).length > 0 ? true : undefined,
    )
    const { uri, inviteId } = await first.rpc.call('createInvite', {})
    await waitFor(`the bundle of ${inviter.name}`, STEP_LIMIT_MS, async () => {
      const invites = await first.rpc.call('listInvites', {})
      return invites.find((invite) => invite.inviteId === inviteId)?.published === true || undefined
    })
    await offline(inviter)
    const second = await online(acceptor, inviter)
    acceptor.contact = (await second.rpc.call('acceptInvite', { uri })).contactId
    await waitFor(`the request of ${acceptor.name}`, STEP_LIMIT_MS, async () =>
      (await second.rpc.call('listContacts', {})).find(({ state }) => state === 'requested'),
    )
    await offline(acceptor)
    const third = await online(inviter, acceptor)
    const request = await waitFor(
      `the request at ${inviter.name}`,
      STEP_LIMIT_MS,
      async () => (await third.rpc.call('listRequests', {}))[0],
    )
    inviter.contact = (await third.rpc.call('acceptRequest', { requestId: request.requestId })).contactId
    report(`${inviter.name} and ${acceptor.name} are contacts, and were never online together`)
  }

  /** One side writes until it has nothing on its way any more, then goes; the other comes, reads and does the same. */
  const converse = async (sides: readonly [Person, Person], messages: number): Promise<void> => {
    let left = messages
    for (let turn = 0; left > 0; turn += 1) {
      const [here, away] = turn % 2 === 0 ? sides : [sides[1], sides[0]]
      const daemon = await online(here, away)
      await waitFor(`${here.name} to read`, STEP_LIMIT_MS, () => hasAllOf(here, away))
      const count = Math.min(options.batch, left)
      for (let index = 0; index < count; index += 1) {
        const text = `${here.name} ${here.acknowledged.length}`
        await daemon.rpc.call('send', { recipient: here.contact, message: text })
        here.acknowledged.push(text)
      }
      left -= count
      await waitFor(`${here.name}'s messages to be stored`, STEP_LIMIT_MS, async () => {
        const { messages: recent } = await daemon.rpc.call('listMessages', { recipient: here.contact, limit: 500 })
        const isLeft = recent.some(
          ({ direction, delivery }) => direction === 'sent' && UNDELIVERED.includes(delivery ?? ''),
        )
        return isLeft ? undefined : true
      })
      await offline(here)
      report(`${here.name} wrote ${count} and left; ${left} to go`)
    }
    const [first, second] = sides
    for (const [here, away] of [
      [first, second],
      [second, first],
    ] as const) {
      await online(here, away)
      await waitFor(`${here.name} to read the rest`, STEP_LIMIT_MS, () => hasAllOf(here, away))
      await offline(here)
    }
  }

  try {
    await startHost(0)
    // Two at a time: more would only wait for the same two cores.
    for (let index = 1; index < options.hosts; index += 2) {
      await Promise.all([index, index + 1].filter((each) => each < options.hosts).map(startHost))
    }
    await waitFor('the hosts to know each other', NETWORK_LIMIT_MS, async () => {
      const stats = await Promise.all(hosts.map((host) => host.rpc.call('hostStats', {})))
      return stats.every((each) => each.hosts === options.hosts) || undefined
    })
    report(`${options.hosts} hosts know each other, ${options.faults.length} of them mean ill`)

    const pairs: (readonly [Person, Person])[] = []
    for (let index = 0; index < options.pairs; index += 1) {
      const tor = await nextTor()
      const create = async (name: string): Promise<Person> => ({
        name: `${name}${index}`,
        directory: join(options.directory, `${name}${index}`),
        tor,
        contact: '',
        daemon: undefined,
        acknowledged: [],
        seen: new Map(),
      })
      pairs.push([await create('alice'), await create('bob')])
    }
    people.push(...pairs.flat())
    const victims = hosts.slice(1, options.hosts - options.faults.length)
    let killed = 0
    const perPair = Math.ceil(options.messages / options.pairs)
    const killAfter = Math.floor(options.messages / (options.kills + 1))
    const sent = (): number => people.reduce((sum, person) => sum + person.acknowledged.length, 0)
    const over = new AbortController()
    const killing = (async () => {
      while (killed < options.kills) {
        await new Promise((resolve) => setTimeout(resolve, 500))
        if (over.signal.aborted) return
        if (sent() < (killed + 1) * killAfter) continue
        const victim = victims.splice(Math.floor(random.uniform() * victims.length), 1)[0]
        if (victim === undefined) return
        await victim.kill()
        running.delete(victim)
        killed += 1
        report(`a host was killed, ${killed} of ${options.kills}`)
      }
    })()
    try {
      await Promise.all(
        pairs.map(async (sides, index) => {
          await pair(...sides)
          const done = Math.min(perPair * index, options.messages)
          await converse(sides, Math.min(perPair, options.messages - done))
        }),
      )
    } finally {
      over.abort()
      await killing
    }

    let lost = 0
    let duplicated = 0
    let delivered = 0
    for (const [first, second] of pairs) {
      for (const [from, to] of [
        [first, second],
        [second, first],
      ] as const) {
        const counts = new Map<string, number>()
        for (const text of to.seen.values()) counts.set(text, (counts.get(text) ?? 0) + 1)
        for (const text of from.acknowledged) if (!counts.has(text)) lost += 1
        for (const count of counts.values()) duplicated += count - 1
        delivered += counts.size
      }
    }
    return {
      hosts: options.hosts,
      killed,
      faulty: options.faults.length,
      clients: people.length,
      acknowledged: sent(),
      delivered,
      lost,
      duplicated,
      together,
      elapsedMs: Math.round(performance.now() - startedMs),
    }
  } finally {
    await Promise.all([...running].map((daemon) => daemon.kill()))
  }
}
