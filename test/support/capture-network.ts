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

const CROWD = fileURLToPath(new URL('./capture-crowd.ts', import.meta.url))
const STEP_LIMIT_MS = 240_000
/** Daemons that share one tor process; each has a control connection and isolation tokens of its own. */
const DAEMONS_PER_TOR = 4

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
  /** Program of the clients; the shipped daemon unless given. */
  readonly clientMain?: string
  readonly report: (line: string) => void
}

export interface CrowdMember {
  readonly rpc: RpcClient
}

/** An observed client with the contact that it talks to. */
export interface CaptureClient {
  readonly index: number
  readonly traceFile: string
  /** Its own, for whatever is needed beside the daemon's. */
  readonly directory: string
  /** The daemon that runs now; restarts replace it. */
  daemon(): DaemonProcess
  isRunning(): boolean
  stop(): Promise<void>
  start(): Promise<void>
  readonly contact: CrowdMember
}

export interface CaptureNetwork {
  readonly clients: readonly CaptureClient[]
  stop(): Promise<void>
}

interface Crowd {
  readonly process: ChildProcess
  readonly members: readonly CrowdMember[]
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

  const startCrowd = async (
    name: string,
    count: number,
    config: (index: number) => Readonly<Record<string, unknown>>,
    haste = 1,
  ): Promise<readonly CrowdMember[]> => {
    const paths: { readonly configPath: string; readonly socketPath: string }[] = []
    for (let index = 0; index < count; index += 1) {
      paths.push(
        writeDaemonConfig({
          directory: join(directory, `${name}${index}`),
          tor: await nextTor(),
          config: config(index),
          unsafe: { mailboxSpeed: speed },
          logLevel: 'error',
        }),
      )
    }
    const child = spawn(process.execPath, [CROWD, ...paths.map(({ configPath }) => `${configPath}=${haste}`)], {
      stdio: ['ignore', 'inherit', 'inherit'],
    })
    const members: CrowdMember[] = []
    crowds.push({ process: child, members })
    for (const { socketPath } of paths) {
      const rpc = await waitFor(`${name} to answer`, STEP_LIMIT_MS, async () => {
        if (child.exitCode !== null) throw new Error(`the process of ${name} ended`)
        return connectRpc(socketPath).catch(() => undefined)
      })
      members.push({ rpc })
    }
    return members
  }

  const stop = async (): Promise<void> => {
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
    const [first] = await startCrowd('first', 1, () => ({ host }))
    if (first === undefined) throw new Error('no host')
    const entry = await uriOf(first)
    const others = await startCrowd('host', options.hosts - 1, () => ({ host, hosts: [entry] }))
    await Promise.all(others.map(uriOf))
    await waitFor('the hosts to know each other', STEP_LIMIT_MS, async () => {
      const stats = await Promise.all([first, ...others].map(({ rpc }) => rpc.call('hostStats', {})))
      return stats.every((each) => each.hosts === options.hosts) || undefined
    })
    options.report(`${options.hosts} hosts know each other`)
    const contacts = await startCrowd('contact', options.contacts, () => ({ hosts: [entry] }), options.contactHaste)
    const files = Array.from({ length: options.clients }, (_, index) => join(directory, `client${index}.trace`))
    taps = await startTaps(files)
    const ports = taps.ports
    const clients = files.map((traceFile, index): CaptureClient => {
      const contact = contacts[index % contacts.length]
      if (contact === undefined) throw new Error('no contact')
      let running: DaemonProcess | undefined
      return {
        index,
        traceFile,
        directory: join(directory, `client${index}`),
        contact,
        daemon() {
          if (running === undefined) throw new Error('the client is not running')
          return running
        },
        isRunning: () => running !== undefined,
        async start() {
          running = await startDaemon({
            directory: join(directory, `client${index}`),
            ...(options.clientMain === undefined ? {} : { main: options.clientMain }),
            torrcLines: [...tornet.clientTorrcLines(), `Socks5Proxy 127.0.0.1:${ports[index] ?? 0}`],
            config: { hosts: [entry] },
            unsafe: { mailboxSpeed: speed },
          })
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
    // Two at a time: more would only wait for the same two cores.
    for (let index = 0; index < clients.length; index += 2) {
      await Promise.all(clients.slice(index, index + 2).map((client) => client.start()))
    }
    await Promise.all(clients.map((client) => whenReady(client.daemon().rpc)))
    await Promise.all(contacts.map(({ rpc }) => whenReady(rpc)))
    options.report(`${options.clients} clients and ${options.contacts} contacts have couriers`)
    return { clients, stop }
  } catch (error: unknown) {
    await stop()
    throw error
  }
}

/** All couriers of the client are ready and it knows hosts. */
export async function whenReady(rpc: RpcClient): Promise<void> {
  await waitFor('couriers', STEP_LIMIT_MS, async () => {
    const { mailbox } = await rpc.call('status', {})
    return (
      (mailbox.couriers.filter(({ stage }) => stage === 'ready').length >= 2 && mailbox.nextReadAtMs !== undefined) ||
      undefined
    )
  })
}
