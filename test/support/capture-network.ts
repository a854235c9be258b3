/**
 * The cast of a capture on a private Tor network: hosts and contacts, several in a process, and observed clients, each a
 * shipped daemon with a tor of its own whose guard link is tapped.
 * Never lets a client use any way but its tap: its tor knows no other (`Socks5Proxy`).
 * @module
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { connectRpc, type RpcClient } from '../../src/rpc/index.ts'
import { type DaemonProcess, startDaemon, waitFor, writeDaemonConfig } from './daemon-process.ts'
import { startTaps, type Taps } from './guard-taps.ts'
import type { Tornet, TornetClient } from './tornet/index.ts'

/** The daemon whose records leave only when there is something to say. */
const UNPADDED_MAIN = fileURLToPath(new URL('./unpadded-daemon.ts', import.meta.url))
const CROWD = fileURLToPath(new URL('./capture-crowd.ts', import.meta.url))
/** Fewer, larger collections of what lives for one request. */
const YOUNG_SPACE = '--max-semi-space-size=64'
const STEP_LIMIT_MS = 240_000
/** Daemons that share one tor process; each has a control connection and isolation tokens of its own. */
const DAEMONS_PER_TOR = 4
/** A message from host to host takes so long through two onions' circuits, in the mean, before the clock is sped up. Guessed. */
const MESH_MS = 300
/** Between two questions to a daemon. */
const ASK_EVERY_MS = 250
/** Clients that start at once: each waits for its tor most of the time. */
const STARTING_COUNT = 6

export interface CaptureNetworkOptions {
  readonly tornet: Tornet
  readonly directory: string
  readonly hosts: number
  readonly clients: number
  /** Contacts whom nobody observes; clients are shared out among them. */
  readonly contacts: number
  /** How much faster than a client's the clock of a contact runs. */
  readonly contactHaste: number
  /** `unsafe.mailboxSpeed` of everybody. */
  readonly speed: number
  /** So many of the clients, the last ones, are without padding. */
  readonly unpadded: number
  readonly report: (line: string) => void
}

export interface CrowdMember {
  readonly rpc: RpcClient
}

/** An observed client with the contact that it talks to. */
export interface CaptureClient {
  readonly index: number
  readonly isPadded: boolean
  readonly traceFile: string
  /** Its own, for whatever is needed beside the daemon's. */
  readonly directory: string
  /** It is started, has couriers and knows hosts. @throws {Error} when that takes too long */
  readonly ready: Promise<void>
  /** The daemon that runs now; restarts replace it. */
  daemon(): DaemonProcess
  isRunning(): boolean
  stop(): Promise<void>
  start(): Promise<void>
  readonly contact: CrowdMember
}

export interface CaptureNetwork {
  /** Started a few at a time, each `ready` as soon as it can be. */
  readonly clients: readonly CaptureClient[]
  stop(): Promise<void>
}

interface Crowd {
  readonly process: ChildProcess
  /** One daemon more. */
  join(config: Readonly<Record<string, unknown>>): Promise<CrowdMember>
}

export async function startCaptureNetwork(options: CaptureNetworkOptions): Promise<CaptureNetwork> {
  const { directory, tornet, speed } = options
  const crowds: Crowd[] = []
  const daemons = new Set<DaemonProcess>()
  const tors: TornetClient[] = []
  let taps: Taps | undefined
  let attached = 0
  const nextTor = async (): Promise<Readonly<Record<string, unknown>>> => {
    if (attached % DAEMONS_PER_TOR === 0) tors.push(await tornet.addClient())
    attached += 1
    const tor = tors.at(-1)
    return { mode: 'attach', control: tor?.controlPath, socks: tor?.socksPath }
  }

  const startCrowd = (name: string, haste = 1): Crowd => {
    const child = spawn(process.execPath, [YOUNG_SPACE, CROWD, String(MESH_MS / speed)], {
      stdio: ['pipe', 'inherit', 'inherit'],
    })
    let count = 0
    const crowd: Crowd = {
      process: child,
      async join(config) {
        const { configPath, socketPath } = writeDaemonConfig({
          directory: join(directory, `${name}${count}`),
          tor: await nextTor(),
          config,
          unsafe: { mailboxSpeed: speed },
          logLevel: 'error',
        })
        count += 1
        child.stdin.write(`${configPath}=${haste}\n`)
        const rpc = await waitFor(`${name} to answer`, STEP_LIMIT_MS, async () => {
          if (child.exitCode !== null) throw new Error(`the process of ${name} ended`)
          return connectRpc(socketPath).catch(() => undefined)
        })
        return { rpc }
      },
    }
    crowds.push(crowd)
    return crowd
  }
  const joinAll = async (
    crowd: Crowd,
    count: number,
    config: Readonly<Record<string, unknown>>,
  ): Promise<readonly CrowdMember[]> => {
    const members: CrowdMember[] = []
    while (members.length < count) members.push(await crowd.join(config))
    return members
  }

  let isStopped = false
  const starting = new Set<Promise<unknown>>()
  const stop = async (): Promise<void> => {
    isStopped = true
    await Promise.allSettled(starting)
    await Promise.all([...daemons].map((daemon) => daemon.kill()))
    for (const crowd of crowds) {
      if (crowd.process.exitCode !== null || crowd.process.signalCode !== null) continue
      const gone = new Promise((resolve) => crowd.process.once('close', resolve))
      crowd.process.kill('SIGKILL')
      await gone
    }
    await taps?.stop()
    for (const tor of tors) await tor.stop()
  }

  try {
    const host = { enabled: true, alone: true, quotaMib: 64 }
    const uriOf = (member: CrowdMember): Promise<string> =>
      waitFor('a host', STEP_LIMIT_MS, async () => {
        const stats = await member.rpc.call('hostStats', {})
        return stats.published ? stats.host : undefined
      })
    // In one process: they meet in memory, where their talk takes little of the machine that those who are observed run on.
    const crowd = startCrowd('host')
    const first = await crowd.join({ host })
    const entry = await uriOf(first)
    const others = await joinAll(crowd, options.hosts - 1, { host, hosts: [entry] })
    await Promise.all(others.map(uriOf))
    await waitFor('the hosts to know each other', STEP_LIMIT_MS, async () => {
      const stats = await Promise.all([first, ...others].map(({ rpc }) => rpc.call('hostStats', {})))
      return stats.every((each) => each.hosts === options.hosts) || undefined
    })
    options.report(`${options.hosts} hosts know each other`)
    const contacts = await joinAll(startCrowd('contact', options.contactHaste), options.contacts, { hosts: [entry] })
    const files = Array.from({ length: options.clients }, (_, index) => join(directory, `client${index}.trace`))
    taps = await startTaps(files)
    const ports = taps.ports
    const isPadded = (index: number): boolean => index < options.clients - options.unpadded
    const readiness = files.map(() => Promise.withResolvers<void>())
    const clients = files.map((traceFile, index): CaptureClient => {
      const contact = contacts[index % contacts.length]
      if (contact === undefined) throw new Error('no contact')
      let running: DaemonProcess | undefined
      return {
        index,
        isPadded: isPadded(index),
        traceFile,
        directory: join(directory, `client${index}`),
        contact,
        ready: readiness[index]?.promise ?? Promise.reject(new Error('no client')),
        daemon() {
          if (running === undefined) throw new Error('the client is not running')
          return running
        },
        isRunning: () => running !== undefined,
        async start() {
          if (isStopped) throw new Error('the network is stopped')
          const started = startDaemon({
            directory: join(directory, `client${index}`),
            ...(isPadded(index) ? {} : { main: UNPADDED_MAIN }),
            torrcLines: [...tornet.clientTorrcLines(), `Socks5Proxy 127.0.0.1:${ports[index] ?? 0}`],
            config: { hosts: [entry] },
            unsafe: { mailboxSpeed: speed },
          })
          starting.add(started)
          running = await started.finally(() => starting.delete(started))
          daemons.add(running)
        },
        async stop() {
          if (running === undefined) return
          const daemon = running
          running = undefined
          await daemon.stop()
          daemons.delete(daemon)
        },
      }
    })
    await Promise.all(contacts.map(({ rpc }) => whenReady(rpc)))
    options.report(`${options.contacts} contacts have couriers`)
    const waiting = [...clients]
    const startNext = async (): Promise<void> => {
      for (let client = waiting.shift(); client !== undefined; client = waiting.shift()) {
        const { promise, reject, resolve } = readiness[client.index] as PromiseWithResolvers<void>
        // Who waits for it learns of a failure; nobody has to.
        promise.catch(() => undefined)
        try {
          await client.start()
          whenReady(client.daemon().rpc).then(resolve, reject)
        } catch (error: unknown) {
          reject(error)
        }
      }
    }
    for (let count = 0; count < STARTING_COUNT; count += 1) void startNext()
    return { clients, stop }
  } catch (error: unknown) {
    await stop()
    throw error
  }
}

/** All couriers of the client are ready and it knows hosts. */
export async function whenReady(rpc: RpcClient): Promise<void> {
  await waitFor(
    'couriers',
    STEP_LIMIT_MS,
    async () => {
      const { mailbox } = await rpc.call('status', {})
      const ready = mailbox.couriers.filter(({ stage }) => stage === 'ready').length
      return (ready >= 2 && mailbox.nextReadAtMs !== undefined) || undefined
    },
    ASK_EVERY_MS,
  )
}
